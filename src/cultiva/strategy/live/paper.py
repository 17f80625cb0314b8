"""The paper: what live decisions have to know of a customer beside the profile, as the last run knew it."""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from cultiva.definitions.policy import Cap
from cultiva.strategy.permission import Counter

Made = tuple[date, str, str]
"""A touch that counts: its day, channel and offer."""


class Paper(msgspec.Struct, array_like=True, frozen=True):
    """Facts about one customer; dates are the bank's days."""

    on: date
    """Business date of the run that it comes from; later touches and words of consent stand in the store."""
    risk_rating: str | None = None
    """C1 to C5."""
    risk_rated_on: date | None = None
    birth_date: date | None = None
    branch_id: str | None = None
    adviser_id: str | None = None
    household_id: int | None = None
    """None: lives with no other customer."""
    consent: dict[str, bool] = {}
    """Channel -> the last word that is recorded."""
    touches: tuple[Made, ...] = ()
    """Touches within the longest window, from whatever source."""
    home: tuple[Made, ...] = ()
    """Those of the others of the household."""


ENCODER, DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Paper)
"""How a paper lies in `contracts.moments.HotRecord.decisions`."""


def both(known: Sequence[Made], since: Iterable[Made]) -> list[Made]:
    """Touches from two sources: what both know counts once.

    Examples:
        >>> day = date(2024, 3, 1)
        >>> both([(day, "sms", "card")], [(day, "sms", "card"), (day, "phone", "card")])
        [(datetime.date(2024, 3, 1), 'sms', 'card'), (datetime.date(2024, 3, 1), 'phone', 'card')]
    """
    more = list(since)
    return [*known, *(Multiset(more) - Multiset(known)).elements()] if more else list(known)


def used(counters: Sequence[Counter], mine: Sequence[Made], home: Sequence[Made], on: date) -> dict[str, int]:
    """How much of every cap is used up: column of the desk -> touches, those of the day itself included.

    Args:
        counters: Everything that the caps count.
        mine: The customer's touches.
        home: Those of the others of the household.
        on: The bank's day.
    """
    found = dict.fromkeys((one.column for one in counters), 0)
    if not mine and not home:
        return found
    for one in counters:
        rows = [*mine, *home] if one.of_household else mine
        found[one.column] = sum(1 for row in rows if _within(row, one.cap, on) and _counts(one, row))
    return found


def _within(row: Made, cap: Cap, on: date) -> bool:
    return 0 <= (on - row[0]).days < cap.days


def _counts(counter: Counter, row: Made) -> bool:
    if counter.value is None:
        return True
    return row[1 if counter.cap.scope == "channel" else 2] == counter.value
