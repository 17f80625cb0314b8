"""Advice on assets: the gaps of all customers with what would close them, and the page of one customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cultiva.contracts.sight import Sight
from cultiva.contracts.types import DataType
from cultiva.definitions.frontier import model_weights
from cultiva.definitions.portfolios import BUCKETS, GAP_COLUMNS, MODEL_COLUMN, Portfolios
from cultiva.definitions.scopes import portfolio_scope, profile_scope
from cultiva.insight.assets.advice import Advice, Reason, Situation, advice, standing_of
from cultiva.insight.assets.proposals import bucket_offers, proposals, totals
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_name
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import sees
from cultiva.rules import Scope, compile_rule
from cultiva.strategy.suitability import suitable

if TYPE_CHECKING:
    import ibis

PARTY_FACTS = ("risk_rating", "risk_rated_on", "birth_date", "name")
"""Columns of the resolved customer that advice needs beside the profile."""


@dataclass(frozen=True)
class _Desk:
    """The profile of a day with party facts, and what every offer of a bucket says to every customer."""

    parts: Parts
    portfolios: Portfolios
    on: date

    def laid_out(self, customer_id: int | None = None) -> ibis.Table:
        """The profile's columns, `party_<fact>`, and per offer `eligible_`, `suitable_` and `open_`."""
        import ibis

        lake, engine = self.parts.lake, self.parts.engine
        customer = engine.scan(lake.files_current("customer", self.on))
        facts = customer.select("customer_id", **{f"party_{name}": customer[name] for name in PARTY_FACTS})
        desk = engine.scan(lake.files_current("profile", self.on))
        desk = desk.left_join(facts, "customer_id").drop("customer_id_right")
        if customer_id is not None:
            desk = desk.filter(desk.customer_id == customer_id)
        workspace, scope = self.parts.workspace, profile_scope(self.parts.workspace)
        answers: dict[str, ibis.Value] = {}
        for name in bucket_offers(self.portfolios):
            offer = workspace.offers[name]
            eligible = self._ruled(offer.eligible, scope, desk, DataType.BOOLEAN).fill_null(ibis.literal(False))
            fits = suitable(desk, offer, workspace.policy, self.on)
            answers |= {f"eligible_{name}": eligible, f"suitable_{name}": fits, f"open_{name}": eligible & fits}
        return desk.mutate(**answers)

    def with_needs(self, desk: ibis.Table) -> ibis.Table:
        """The desk with `need_cash` and `need_protection`."""
        scope, used = portfolio_scope(self.parts.workspace), self.portfolios
        texts = {"need_cash": used.cash_need, "need_protection": used.protection_need or "0"}
        return desk.mutate(
            **{name: self._ruled(text, scope, desk, DataType.NUMBER).cast("float64") for name, text in texts.items()}
        )

    def _ruled(self, text: str, scope: Scope, desk: ibis.Table, expected: DataType) -> ibis.Value:
        return compile_rule(text, scope, expected=expected).form(self.on).ibis(desk)


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
    laid_out = desk.with_needs(desk.laid_out(customer_id))
    rows = parts.engine.backend.to_pyarrow(laid_out).to_pylist() if sees(parts, customer_id, sight) else []
    if not rows or rows[0][MODEL_COLUMN] is None:
        raise _nobody(desk.portfolios, customer_id, known=bool(rows))
    found = parts.engine.backend.to_pyarrow(proposals(laid_out, desk.portfolios)).to_pylist()
    situation = _situation(rows[0], found, desk.portfolios, on)
    policy = parts.workspace.policy
    standing = standing_of(
        situation, desk.portfolios, on=on, valid_days=policy.rating_valid_days, age_max=policy.suitability_age_max
    )
    return advice(situation, desk.portfolios, model_weights(desk.portfolios), standing=standing, on=on)


def _situation(row: dict[str, Any], found: list[dict[str, Any]], portfolios: Portfolios, on: date) -> Situation:
    born: date | None = row["party_birth_date"]
    reasons = {
        name: Reason.NOT_ELIGIBLE if row[f"suitable_{name}"] else Reason.UNSUITABLE
        for name in bucket_offers(portfolios)
        if not row[f"open_{name}"]
    }
    return Situation(
        customer_id=row["customer_id"],
        name=mask_name(row["party_name"] or ""),
        model=row[MODEL_COLUMN],
        rating=row["party_risk_rating"],
        rated_on=row["party_risk_rated_on"],
        age=None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day)),
        held={name: row[bucket.balance] for name, bucket in portfolios.buckets.items()},
        needs=(row["need_cash"], row["need_protection"]),
        passed_over=reasons,
        found=found,
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
    columns = set(parts.engine.scan(parts.lake.files_current("profile", on)).columns)
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
