"""Advice on assets: the gaps of all customers with what would close them, and the page of one customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cultiva.contracts.sight import Sight
from cultiva.contracts.types import DataType
from cultiva.definitions.frontier import model_weights
from cultiva.definitions.portfolios import BUCKETS, GAP_COLUMNS, MODEL_COLUMN, Portfolios
from cultiva.definitions.scopes import portfolio_scope, profile_scope
from cultiva.insight.assets.advice import Advice, Reason, Situation, advice, standing_of
from cultiva.insight.assets.proposals import bucket_offers, proposals, proposals_of, totals
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_name
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import rows_of, scanned
from cultiva.loop.seeing import sees
from cultiva.rules import Scope, compile_rule
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.live.rulings import suitability
from cultiva.strategy.suitability import suitable

if TYPE_CHECKING:
    import ibis

PARTY_FACTS = ("risk_rating", "risk_rated_on", "birth_date", "name")
"""Columns of the resolved customer that advice needs beside the profile."""


@dataclass(frozen=True)
class _Desk:
    """The profile of a day with party facts, and what every offer of a bucket says to every customer, or to one."""

    parts: Parts
    portfolios: Portfolios
    on: date

    def laid_out(self) -> ibis.Table:
        """The profile's columns, `party_<fact>`, and per offer `open_`: whether it may be proposed."""
        import ibis

        lake, engine = self.parts.lake, self.parts.engine
        customer = engine.scan(lake.files_current("customer", self.on))
        facts = customer.select("customer_id", **{f"party_{name}": customer[name] for name in PARTY_FACTS})
        desk = engine.scan(lake.files_current("profile", self.on))
        desk = desk.left_join(facts, "customer_id").drop("customer_id_right")
        workspace, scope = self.parts.workspace, profile_scope(self.parts.workspace)
        opened: dict[str, ibis.Value] = {}
        for name in bucket_offers(self.portfolios):
            offer = workspace.offers[name]
            rule = compile_rule(offer.eligible, scope, expected=DataType.BOOLEAN)
            eligible = rule.form(self.on).ibis(desk).fill_null(ibis.literal(False))
            opened[f"open_{name}"] = eligible & suitable(desk, offer, workspace.policy, self.on)
        return desk.mutate(**opened)

    def passed_over(self, row: Mapping[str, Any], rated: Paper) -> dict[str, Reason]:
        """Offers that are not open to one customer, and why; the same tests as those of `laid_out`."""
        workspace, scope = self.parts.workspace, profile_scope(self.parts.workspace)
        found = {}
        for name in bucket_offers(self.portfolios):
            offer = workspace.offers[name]
            if not suitability(offer, workspace.policy, self.on)(rated):
                found[name] = Reason.UNSUITABLE
            elif not self._answer(offer.eligible, scope, row, DataType.BOOLEAN):
                found[name] = Reason.NOT_ELIGIBLE
        return found

    def needs(self, row: Mapping[str, Any]) -> tuple[Any, Any]:
        """What one customer needs in cash, and for protection."""
        scope, used = portfolio_scope(self.parts.workspace), self.portfolios
        cash, protection = used.cash_need, used.protection_need or "0"
        return self._answer(cash, scope, row, DataType.NUMBER), self._answer(protection, scope, row, DataType.NUMBER)

    def _answer(self, text: str, scope: Scope, row: Mapping[str, Any], expected: DataType) -> Any:
        return compile_rule(text, scope, expected=expected).closure(self.on)(row)


def proposals_on(parts: Parts, on: date) -> ibis.Table:
    """What would close the gaps of all customers: `proposals.COLUMNS`, as a set that the plan can join.

    Args:
        parts: Of the workspace.
        on: Business date of a profile.

    Raises:
        CultivaError: if the workspace has no model portfolios, or its profile is older than they are.
    """
    desk = _desk(parts, on)
    return proposals(desk.laid_out(), desk.portfolios)


def bank_sheet(parts: Parts, on: date) -> Sheet:
    """All proposals of a day by bucket and offer."""
    workspace = parts.workspace
    rows = parts.engine.backend.to_pyarrow(totals(proposals_on(parts, on))).to_pylist()
    rows.sort(key=lambda row: (BUCKETS.index(row["bucket"]), row["offer"]))
    return Sheet(
        title=f"proposals for gaps · {on}",
        columns=("bucket", "offer", "label", "customers", "amount", "income", "given_up", "net"),
        rows=tuple(
            (
                row["bucket"], row["offer"], say(workspace.offers[row["offer"]].label, workspace.settings.language),
                row["customers"], row["amount"], row["income"], row["given_up"], row["income"] - row["given_up"],
            )
            for row in rows
        ),
        formats=dict.fromkeys(("amount", "income", "given_up", "net"), ",.0f"),
        note=f"{workspace.settings.currency}; income, given_up and net are what the bank earns a year.",
    )  # fmt: skip


def advice_for(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> Advice:
    """What an adviser should know of a customer's assets.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a profile.
        sight: Of whoever asks.

    Raises:
        CultivaError: if there is no such customer in sight, or no model portfolio for them.
    """
    desk = _desk(parts, on)
    rows = rows_of(parts, "profile", [customer_id], on) if sees(parts, customer_id, sight) else []
    if not rows or rows[0][MODEL_COLUMN] is None:
        raise _nobody(desk.portfolios, customer_id, known=bool(rows))
    situation = _situation(desk, rows[0], rows_of(parts, "customer", [customer_id], on, PARTY_FACTS))
    policy = parts.workspace.policy
    standing = standing_of(
        situation, desk.portfolios, on=on, valid_days=policy.rating_valid_days, age_max=policy.suitability_age_max
    )
    return advice(situation, desk.portfolios, model_weights(desk.portfolios), standing=standing, on=on)


def _situation(desk: _Desk, row: Mapping[str, Any], parties: Sequence[Mapping[str, Any]]) -> Situation:
    party = parties[0] if parties else dict.fromkeys(PARTY_FACTS)
    born: date | None = party["birth_date"]
    rated = Paper(desk.on, party["risk_rating"], party["risk_rated_on"], born)
    closed, on = desk.passed_over(row, rated), desk.on
    opened = [name for name in bucket_offers(desk.portfolios) if name not in closed]
    return Situation(
        customer_id=row["customer_id"],
        name=mask_name(party["name"] or ""),
        model=row[MODEL_COLUMN],
        rating=rated.risk_rating,
        rated_on=rated.risk_rated_on,
        age=None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day)),
        held={name: row[bucket.balance] for name, bucket in desk.portfolios.buckets.items()},
        needs=desk.needs(row),
        passed_over=closed,
        found=proposals_of(row, opened, desk.portfolios),
    )


def _desk(parts: Parts, on: date) -> _Desk:
    portfolios = parts.workspace.portfolios
    if portfolios is None:
        raise CultivaError(
            "this workspace has no model portfolios",
            code="assets.no_portfolios",
            kind=ErrorKind.NOT_FOUND,
            seen=parts.root,
            allowed="a workspace with a file portfolios.yaml",
            hint="copy it from the starter pack and put your own assumptions in",
        )
    columns = set(scanned(parts.lake.files_current("profile", on)).collect_schema().names())
    if not {MODEL_COLUMN, *GAP_COLUMNS.values()} <= columns:
        raise CultivaError(
            "the profile of that day was made without model portfolios",
            code="assets.old_profile",
            kind=ErrorKind.CONFLICT,
            seen=on,
            allowed="a day that was run with portfolios.yaml",
            hint=f"cultiva run {parts.root} --date {on}",
        )
    return _Desk(parts, portfolios, on)


def _nobody(portfolios: Portfolios, customer_id: int, *, known: bool) -> CultivaError:
    if known:
        return CultivaError(
            "there is no model portfolio for this customer",
            code="assets.does_not_apply",
            kind=ErrorKind.CONFLICT,
            seen=customer_id,
            allowed=" ".join(portfolios.applies.split()),
            hint="portfolios.yaml says under `applies` who has one",
        )
    return CultivaError(
        "there is no such customer in the profile",
        code="assets.no_customer",
        kind=ErrorKind.NOT_FOUND,
        seen=customer_id,
        allowed="a customer of that day",
        hint="SYSTEM:ID finds a customer by a source system's own id",
    )
