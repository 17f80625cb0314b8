"""One customer as the API and the console show them: who it is, and every tag of the profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cultiva.contracts.sight import Sight
from cultiva.contracts.tables import PARTY
from cultiva.execution.access.unmasking import Unmasking, UnmaskingRules
from cultiva.insight.groups.memberships import Memberships, read_members
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.insight.profile.stages import TIER
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.words import say
from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import rows_of
from cultiva.loop.seeing import sees
from cultiva.loop.shows import labels, read


@dataclass(frozen=True)
class TagValue:
    """One tag of one customer."""

    name: str
    type: str
    """As in `DataType`."""
    label: str
    """In the workspace's language."""
    value: Any
    """None: not known."""
    personal: bool
    """Whether it is masked for those who may not see it."""


@dataclass(frozen=True)
class Card:
    """Who a customer is."""

    customer_id: int
    on: date
    facts: Mapping[str, Any]
    """The columns of the resolved party record."""
    stage: str | None
    value_tier: str | None
    segments: tuple[str, ...]
    """Those that the customer is in, by name."""


PERSONAL_FACTS = frozenset(column.name for column in PARTY.columns if column.personal)
"""Facts of a card that are personal."""


def card(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> Card:
    """Who a customer is on a business date.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks; personal facts are there, whoever shows them masks them.

    Raises:
        CultivaError: if that day's run does not know the customer, or the customer is out of sight.
    """
    facts = _row(parts, "customer", customer_id, on, sight)
    known = {column.name: facts.get(column.name) for column in PARTY.columns if column.name not in PARTY_KEY}
    profile = _row(parts, "profile", customer_id, on, sight)
    members = day_members(tuple(parts.lake.files_current("memberships", on))).segments
    mine = tuple(sorted(name for name, ids in members.items() if customer_id in ids))
    return Card(customer_id, on, known, profile.get("stage"), profile.get(TIER), mine)


def profile_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> Sequence[TagValue]:
    """Every visible tag of a customer, in the order of the profile.

    Args:
        parts: Of the workspace.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks; personal values are there, whoever shows them masks them.

    Raises:
        CultivaError: if that day's run does not know the customer, or the customer is out of sight.
    """
    row = _row(parts, "profile", customer_id, on, sight)
    words = labels(parts)
    return [
        TagValue(one["tag"], one["type"], words.get(one["tag"], ""), row[one["tag"]], one["personal"])
        for one in read(parts, "catalogue", on).to_dicts()
        if one["tag"] != "customer_id"
    ]


def unmasking_of(parts: Parts) -> Unmasking:
    """Who may see personal data of a customer now, by the workspace's settings."""
    settings = parts.workspace.settings
    rules = UnmaskingRules(settings.console.unmask_minutes, settings.console.unmask_per_day_max, settings.timezone)
    return Unmasking(parts.store.database, rules)


def unmask(  # noqa: PLR0913  (who, whom, why, when)
    parts: Parts, user_id: str, name: str, customer_id: int, reason: str, at: datetime, *, sight: Sight
) -> datetime:
    """Shows a person the personal data of a customer in sight for a while; the audit keeps why.

    Args:
        parts: Of the workspace.
        user_id: Who.
        name: Their name, for the audit.
        customer_id: Whose data.
        reason: Why.
        at: Now.
        sight: Of the person.

    Returns:
        Until when.

    Raises:
        CultivaError: if there is no such customer in sight, the reason is none, or the day is used up.
    """
    _row(parts, "customer", customer_id, parts.newest_date(), sight)
    return unmasking_of(parts).open(user_id, name, customer_id, reason, at)


def label_of(parts: Parts, kind: str, name: str) -> str:
    """The label of a segment, a strategy or an offer in the workspace's language; empty if it is not defined now."""
    found = {
        "segment": parts.workspace.segments,
        "strategy": parts.workspace.strategies,
        "offer": parts.workspace.offers,
    }
    one = found[kind].get(name)
    return "" if one is None else say(one.label, parts.workspace.settings.language)


@lru_cache(maxsize=2)
def day_members(files: tuple[Path, ...]) -> Memberships:
    """The bitmaps of a day, kept: a folder of the lake never changes, and all of them are read for one customer."""
    return read_members(files)


def _row(parts: Parts, table: str, customer_id: int, on: date, sight: Sight) -> dict[str, Any]:
    rows = rows_of(parts, table, [customer_id], on)
    if not rows or not sees(parts, customer_id, sight):
        raise CultivaError(
            "there is no such customer in that day's run",
            code="loop.no_customer",
            kind=ErrorKind.NOT_FOUND,
            seen=customer_id,
            allowed=f"a customer of {on}",
            hint="SYSTEM:ID finds a customer by a source system's own id",
        )
    return rows[0]
