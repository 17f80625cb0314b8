"""Test messages: what customers of a launch would get, to the testers of approval.yaml, with nobody's personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from pyroaring import BitMap

from cultiva.contracts.decision import Fate
from cultiva.contracts.sight import Sight
from cultiva.execution.content.service import Rendered
from cultiva.execution.launching.launches import Launch
from cultiva.execution.outgoing.service import Outgoing, Trial
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.campaigns import launches_of, test_sends
from cultiva.loop.parts import Parts
from cultiva.loop.previews import preview
from cultiva.loop.seeing import those_in_sight
from cultiva.loop.shows import scan


def send_trials(parts: Parts, name: str, at: datetime, *, sight: Sight, customer_id: int | None = None) -> list[Trial]:
    """Puts the test messages of a launch into the outbox; workers send them like any other.

    Args:
        parts: Of the workspace.
        name: The launch, by its id or its beginning.
        at: Now.
        sight: Of whoever asks: whose values may be shown.
        customer_id: Whose values are shown, masked; None: one of those chosen.

    Raises:
        CultivaError: if there is nobody to send to, or no content.
    """
    launch = launches_of(parts).one(name)
    shown = _Shown(customer_id if customer_id is not None else _somebody(parts, launch, sight), sight)
    carriers = {one.name: one.provider for one in parts.workspace.policy.channels if one.provider is not None}
    asked = [one for one in test_sends(parts, name) if one["content"] and one["channel"] in carriers]
    if not asked:
        raise CultivaError(
            "there is nothing to be sent as a test",
            code="trials.none",
            kind=ErrorKind.NOT_FOUND,
            seen=f"{launch.strategy}, channels with a carrier: {', '.join(carriers) or 'none'}",
            allowed="a launch with messages, and testers with addresses on its channels",
            hint="see testers in approval.yaml and provider in contact_policy.yaml",
        )
    trials = [_trial(parts, launch, one, shown, carriers) for one in asked]
    Outgoing(parts.store.database).put_trials(trials, at)
    return trials


@dataclass(frozen=True)
class _Shown:
    """Whose values are shown, to whom."""

    customer_id: int
    sight: Sight


def _trial(parts: Parts, launch: Launch, one: Mapping[str, Any], shown: _Shown, carriers: Mapping[str, str]) -> Trial:
    found = preview(
        parts, one["content"], shown.customer_id, launch.business_date, offer=one["offer"], sight=shown.sight
    ).message
    if not isinstance(found, Rendered):
        raise CultivaError(
            "a test message cannot be made",
            code="trials.content",
            seen=f"{one['content']}: {found.reason} {found.about}",
            allowed="content whose values the customer has",
            hint="give another customer with --customer",
        )
    return Trial(one["delivery_id"], one["channel"], carriers[one["channel"]], one["address"], found.content)


def _somebody(parts: Parts, launch: Launch, sight: Sight) -> int:
    """The first customer in sight for whom the plan has chosen the strategy."""
    decisions = scan(parts.lake.files_current("decisions", launch.business_date))
    mine = decisions.filter((pl.col("strategy") == launch.strategy) & (pl.col("fate") == Fate.CHOSEN.value))
    chosen = BitMap(mine.select("customer_id").collect()["customer_id"].to_numpy())
    found = next(iter(those_in_sight(parts, chosen, sight)), None)
    if found is None:
        raise CultivaError(
            "nobody is chosen for the launch",
            code="trials.nobody",
            kind=ErrorKind.NOT_FOUND,
            seen=launch.strategy,
            allowed="a launch with customers",
            hint="give one with --customer",
        )
    return int(found)
