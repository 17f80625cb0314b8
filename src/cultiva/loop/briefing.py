"""What whoever is about to speak to a customer has to know of them: a few facts, read for a whole list at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cultiva.contracts.sight import Sight
from cultiva.execution.recipients.people import Closed, Reach
from cultiva.insight.profile.stages import TIER
from cultiva.kit.words import Words, say
from cultiva.loop.customers import label_of
from cultiva.loop.desk import OLDEST_DAYS
from cultiva.loop.parts import Parts
from cultiva.loop.person.lines import Lines
from cultiva.loop.seeing import sees
from cultiva.loop.shows import labels

WHO = ("name", "phone", "gender", "occupation", "opened_on", "branch_id", "adviser_id")
"""Columns of the resolved party record."""
STAGE = "stage"
MATTERS = (
    "age_band", "aum", "liquid_balance", "term_deposit_balance", "steady_balance", "aggressive_balance",
    "protection_balance", "loan_balance", "open_products", "monthly_income", "last_transaction_at", "contacts_30d",
    "refusals_90d", "risk_rating",
)  # fmt: skip
"""Tags that matter before a call, in the order in which they are shown; a bank has some of them."""
WARNINGS = ("open_complaint", "has_left", "in_arrears")
"""Tags that, where they are true, are said before anything else."""


_PARTY = Lines("customer", WHO)
_PROFILE = Lines("profile", (STAGE, TIER, *MATTERS, *WARNINGS))

CLOSED: Mapping[Closed, Words] = {
    Closed.UNKNOWN: Words("没有该客户的联系资料", "nothing is known of how to reach the customer"),
    Closed.STALE: Words("联系资料已过期", "what is known of the customer is too old"),
    Closed.NO_CONSENT: Words("客户未同意通过此渠道联系", "the customer has not consented to this channel"),
    Closed.SUPPRESSED: Words("客户在免打扰名单中", "the customer is suppressed"),
    Closed.STANDSTILL: Words("客户刚进入免打扰", "the customer has just been suppressed"),
    Closed.NO_ADDRESS: Words("没有可用的联系方式", "there is nowhere to reach the customer"),
}
"""Why somebody may not be contacted, in words."""


@dataclass(frozen=True)
class Fact:
    """One thing known of a customer."""

    name: str
    label: str
    """In the workspace's language."""
    value: Any
    """Decimal where it is money; None: not known."""

    @property
    def is_money(self) -> bool:
        """Whether it is an amount."""
        return isinstance(self.value, Decimal)


@dataclass(frozen=True)
class Briefing:
    """What is known of a customer before a call."""

    customer_id: int
    on: date
    """As of."""
    who: Mapping[str, Any]
    """The columns of `WHO`; name and phone are personal, whoever shows them masks them."""
    stage: str
    """Label; empty: not known."""
    tier: str
    """Label of the value tier; empty: not known."""
    facts: tuple[Fact, ...]
    """Those that are known."""
    warnings: tuple[Fact, ...]
    """Those that are so."""


def briefing(
    parts: Parts, customer_id: int, on: date, *, sight: Sight, beside: Collection[int] = ()
) -> Briefing | None:
    """What is known of a customer; None if that day's run does not know them, or they are out of sight.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks; whoever has a task about the customer asks with a sight that includes them.
        beside: Customers who may be asked about next, e.g. those of the same list: what the lake knows of them is read
            along with it and kept, and shown to nobody before they are asked about.
    """
    if not sees(parts, customer_id, sight):
        return None
    who = _PARTY.of(parts, customer_id, on, beside=beside)
    found = _PROFILE.of(parts, customer_id, on, beside=beside)
    if who is None or found is None:
        return None
    words = labels(parts)
    facts = tuple(
        Fact(name, words.get(name, name), _said(found[name], words)) for name in MATTERS if _known(found, name)
    )
    warnings = tuple(Fact(name, words.get(name, name), True) for name in WARNINGS if found.get(name) is True)
    stage, tier = (words.get(str(found.get(name) or ""), str(found.get(name) or "")) for name in (STAGE, TIER))
    return Briefing(customer_id, on, who, stage, tier, facts, warnings)


def closed(parts: Parts, reach: Reach | None, channel: str, on: date) -> str:
    """Why a customer may not be contacted over a channel now, in the workspace's language; empty: they may be.

    Args:
        parts: Of the workspace.
        reach: What execution knows of the customer.
        channel: Over which.
        on: Business date of the newest profile.
    """
    oldest = on - timedelta(days=OLDEST_DAYS)
    reason = Closed.UNKNOWN if reach is None else reach.closed(channel, oldest=oldest)
    return "" if reason is None else say(CLOSED[reason], parts.workspace.settings.language)


def proposal(parts: Parts, strategy: str, offer: str) -> tuple[str, str]:
    """Labels of a strategy and an offer in the workspace's language; their names where they are not defined now."""
    return label_of(parts, "strategy", strategy) or strategy, label_of(parts, "offer", offer) or offer


def _known(found: Mapping[str, Any], name: str) -> bool:
    return found.get(name) is not None


def _said(value: Any, words: Mapping[str, str]) -> Any:
    return words.get(value, value) if isinstance(value, str) else value
