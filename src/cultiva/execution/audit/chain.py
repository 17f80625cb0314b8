"""The chain: every line of the audit is sealed with its own content and the seal of the line before.

Whoever changes, removes, inserts or reorders a line breaks the chain there, unless all later lines are sealed anew.
Against that, and against lines cut off at the end, there is the *anchor*: number and hash of a line that was written
down elsewhere, e.g. on yesterday's report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

NOTHING_BEFORE = ""
"""What the first line is sealed with in place of a hash."""


@dataclass(frozen=True)
class Entry:
    """Something that somebody did."""

    at: datetime
    """When, with its zone."""
    actor: str
    """Who: a person, or the name of a key or a worker."""
    action: str
    """What, past tense and dotted: launch.approved, halt.set, ..."""
    subject: str
    """To what: `<kind>:<id>`, e.g. launch:5f2c..."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What else matters, as JSON-like data; no personal data of customers."""


@dataclass(frozen=True)
class Line:
    """An entry as it stands in the audit."""

    number: int
    """From 1, without gaps."""
    entry: Entry
    previous: str
    """Hash of the line before; empty: the first."""
    hash: str
    """SHA-256 of all the others."""


@dataclass(frozen=True)
class Sought:
    """Which lines are looked for; what is None does not matter."""

    subject: str | None = None
    """`<kind>:<id>`, or `<kind>:` for all of a kind."""
    actor: str | None = None
    """Who."""
    action: str | None = None
    """An action, or `<kind>.` for all of a kind."""
    since: datetime | None = None
    """The first instant."""
    until: datetime | None = None
    """The first instant that is too late."""


@dataclass(frozen=True)
class Anchor:
    """What a line was known to be at some time; kept where those who can write the store cannot."""

    number: int
    hash: str

    def __str__(self) -> str:
        """As people write it down: `NUMBER:HASH`."""
        return f"{self.number}:{self.hash}"


class Break(StrEnum):
    """What is wrong with the first line that is."""

    GAP = "gap"
    """The number is not the next one: lines are missing or too many."""
    CHAIN = "chain"
    """It is not sealed with the hash of the line before."""
    CONTENT = "content"
    """Its content is not what its hash says."""
    ANCHOR = "anchor"
    """It is not the line that the anchor knows: the chain was sealed anew."""
    CUT = "cut"
    """The anchor's line is not there: the end was cut off."""


@dataclass(frozen=True)
class Verified:
    """What a verification has found."""

    lines: int
    """Lines that hold, from the first."""
    last: Anchor | None
    """The last one that holds; write it down. None: none."""
    broken: int | None = None
    """Number at which the chain breaks; None: nowhere."""
    what: Break | None = None
    """How."""

    @property
    def whole(self) -> bool:
        """Whether every line holds."""
        return self.what is None


def sealed(number: int, entry: Entry, previous: str) -> Line:
    """The line that an entry makes.

    Examples:
        >>> entry = Entry(datetime(2026, 1, 5, tzinfo=UTC), "li", "launch.approved", "launch:1")
        >>> line = sealed(1, entry, NOTHING_BEFORE)
        >>> sealed(1, entry, NOTHING_BEFORE) == line, sealed(2, entry, line.hash).hash == line.hash
        (True, False)
    """
    plain = Entry(entry.at, entry.actor, entry.action, entry.subject, settled(entry.detail))
    return Line(number, plain, previous, _hash(number, plain, previous))


def settled(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Details as they come back from the store: texts, numbers, lists and mappings only."""
    plain: dict[str, Any] = json.loads(json.dumps(detail, ensure_ascii=False, allow_nan=False, default=str))
    return plain


def verified(lines: Iterable[Line], anchor: Anchor | None = None) -> Verified:
    """Follows the chain from its first line to the first that does not hold.

    Args:
        lines: All of them, by number.
        anchor: A line that is known; None: only what the chain itself says.
    """
    held, last = 0, None
    for line in lines:
        what = _problem(line, held + 1, NOTHING_BEFORE if last is None else last.hash, anchor)
        if what is not None:
            return Verified(held, last, held + 1 if what is Break.GAP else line.number, what)
        held, last = line.number, Anchor(line.number, line.hash)
    if anchor is not None and anchor.number > held:
        return Verified(held, last, held + 1, Break.CUT)
    return Verified(held, last)


def _problem(line: Line, expected: int, previous: str, anchor: Anchor | None) -> Break | None:
    if line.number != expected:
        return Break.GAP
    if line.previous != previous:
        return Break.CHAIN
    if line.hash != _hash(line.number, line.entry, line.previous):
        return Break.CONTENT
    if anchor is not None and anchor.number == line.number and anchor.hash != line.hash:
        return Break.ANCHOR
    return None


def _hash(number: int, entry: Entry, previous: str) -> str:
    said = [
        number,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.subject,
        entry.detail,
        previous,
    ]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
