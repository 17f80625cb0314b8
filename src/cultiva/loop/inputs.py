"""What steps and questions read from the lake: the folders that are published for a business date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from cultiva.engine.lake import Lake
from cultiva.engine.port import Lookup
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.insight.performance.plan import Period
from cultiva.insight.performance.service import PerformanceInputs
from cultiva.insight.profile.inputs import ProfileInputs, ViewRows
from cultiva.insight.sources.externals import external_mappings
from cultiva.insight.views.holding import Worth
from cultiva.insight.views.ownership import Accounts
from cultiva.loop.parts import Parts
from cultiva.store import IdentityChangeKind
from cultiva.strategy.service import PlanInputs

if TYPE_CHECKING:
    from cultiva.review.exposure import ExposureInputs
    from cultiva.review.service import ReviewInputs

BY_PARTY = ("event", "contact", "outcome", "survey_answer")
"""Views whose rows name the customer as a source system does."""


def accounts_of(lake: Lake, on: date) -> Accounts:
    """The deliveries that say who holds what."""
    return Accounts(
        account=lake.files_latest("account", on),
        holder=lake.files_latest("holder", on),
        product=lake.files_latest("product", on),
        mapping=lake.files_current("identity_map", on),
    )


def views_of(lake: Lake, on: date) -> dict[str, ViewRows]:
    """The rows of every view for which the bank has a table."""
    mapping = Lookup(lake.files_current("identity_map", on), PARTY_KEY)
    owners = Lookup(lake.files_current("account_owner", on), ("account_id",))
    views = {name: ViewRows(lake.files_history(name, on), mapping) for name in BY_PARTY}
    views["transaction"] = ViewRows(lake.files_history("transaction", on), owners)
    if lake.files_latest("account", on):
        views["holding"] = ViewRows(lake.files_current("holding", on))
    return {name: rows for name, rows in views.items() if rows.files}


def group_day(parts: Parts, on: date) -> GroupDay:
    """The published profile of a date, and what reads it."""
    return GroupDay(parts.engine, parts.lake.files_current("profile", on), parts.workspace, on)


def profile_inputs(parts: Parts, on: date) -> ProfileInputs:
    """Everything that the profile of a day reads."""
    lake, workspace = parts.lake, parts.workspace
    models = {tag.score.model for tag in workspace.tags.values() if tag.score is not None}
    external = {mapping.source or mapping.name: schema.name for mapping, schema in external_mappings(workspace)}
    return ProfileInputs(
        customer=lake.files_current("customer", on),
        views=views_of(lake, on),
        externals={name: lake.files_latest(table, on) for name, table in external.items()},
        scores={model: lake.files_latest(f"score_{model}", on) for model in models},
        identity_map=lake.files_current("identity_map", on),
        previous=lake.files_before("profile", on),
        previous_catalogue=lake.files_before("catalogue", on),
        mergers=mergers(parts, on),
    )


def performance_inputs(parts: Parts, on: date) -> PerformanceInputs:
    """Everything that the performance of a day reads."""
    lake = parts.lake
    return PerformanceInputs(
        seen=profile_inputs(parts, on),
        profile=lake.files_current("profile", on),
        account=lake.files_latest("account", on),
        worth=Worth(lake.files_history("balance", on), lake.files_history("transaction", on)),
    )


def period_of(lake: Lake, on: date) -> Period:
    """The days since the run before this one."""
    before = lake.catalogue.before("performance", on)
    return Period(on, None if before is None else before.business_date)


def plan_inputs(parts: Parts, on: date) -> PlanInputs:
    """Everything that the plan of a day reads."""
    lake = parts.lake
    longest = max((cap.days for cap in parts.workspace.policy.caps), default=0)
    earlier = [
        lake.folder(one)
        for one in lake.catalogue.history("decisions", on - timedelta(days=1))
        if one.business_date > on - timedelta(days=longest)
    ]
    return PlanInputs(
        profile=lake.files_current("profile", on),
        customer=lake.files_current("customer", on),
        identity_map=lake.files_current("identity_map", on),
        consent=lake.files_latest("consent", on),
        contact=lake.files_history("contact", on),
        staff=lake.files_latest("staff", on),
        past_decisions=earlier,
        learnt=lake.files_before("learnt", on),
        worth=lake.files_current("worth", on),
        models=lake.files_before("model", on),
        prices=lake.files_before("price", on),
        ladders=lake.files_before("price_ladder", on),
        household=lake.files_current("household", on),
        days=_days_since(lake, "price", on),
        mergers=mergers(parts, on),
    )


def _days_since(lake: Lake, table: str, on: date) -> int:
    """Days since the run before; 1 at the first."""
    before = lake.catalogue.before(table, on)
    return 1 if before is None else (on - before.business_date).days


def exposure_inputs(parts: Parts, on: date) -> ExposureInputs:
    """Everything that the exposures of a day read."""
    from cultiva.review.exposure import ExposureInputs

    lake = parts.lake
    return ExposureInputs(
        decisions=lake.files_current("decisions", on),
        profile=lake.files_current("profile", on),
        customer=lake.files_current("customer", on),
        performance=lake.files_current("performance", on),
        previous=lake.files_before("exposure", on),
        mergers=mergers(parts, on),
    )


def review_inputs(parts: Parts, on: date) -> ReviewInputs:
    """Everything that the review of a day reads."""
    from cultiva.review.service import ReviewInputs  # statistics: half a second that questions need not wait

    lake = parts.lake
    return ReviewInputs(
        exposure=lake.files_current("exposure", on),
        performance=lake.files_history("performance", on),
        contact=lake.files_history("contact", on),
        outcome=lake.files_history("outcome", on),
        identity_map=lake.files_current("identity_map", on),
        holding=lake.files_current("holding", on),
        learnt=lake.files_before("learnt", on),
        mergers=mergers(parts, on),
    )


def mergers(parts: Parts, on: date) -> dict[int, int]:
    """Retired customer id -> the id that lives on, whatever it went through on the way; all known by the date."""
    from cultiva.review.mergers import followed

    changes = parts.store.identity.changes(upto=on)
    merged = [one for one in changes if one.kind is IdentityChangeKind.MERGE]
    return followed({retired: one.to_ids[0] for one in merged for retired in one.from_ids if retired not in one.to_ids})
