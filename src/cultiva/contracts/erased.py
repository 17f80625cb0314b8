"""Tombstones: what is kept of people who were erased, so that nothing that comes later brings them back.

A tombstone is a keyed hash of one thing by which a person is known: an id of a source system, the keys by which
identity links party records, an account, an anonymous id. Without the key it says nothing, not even to somebody who
guesses telephone numbers; with it a machine can say of a row that it is about an erased person, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

SOURCE, SOURCE_ID, ACCOUNT, CUSTOMER, VISITOR = "source", "source_id", "account", "customer", "visitor"
"""Kinds: (system, id) of a party record, its id alone, an account, our own number, an anonymous id."""
PHONE, EMAIL = "phone", "email"
"""Kinds: what a lead is known by, who has no party record yet."""
RULE = "rule:"
"""Begins the kind of what a rule of identity.yaml compares; the columns follow, with commas."""
AGAINST = "id_number_hash"
"""Two records that differ in it are two people, whatever else they share."""
UNIT, PART = "\x1f", "\x1e"
"""Between key, kind and value; between the parts of a value."""
DIGITS = 32
"""Hexadecimal digits of a hash that are kept: half of it, so that it cannot be continued without the key."""


@dataclass(frozen=True, order=True)
class Tombstone:
    """One thing by which an erased person was known."""

    kind: str
    digest: str
    against: str = ""
    """Digest of the person's `AGAINST`, for kinds that others may share; empty: the person had none."""


def digest_of(key: str, kind: str, parts: Sequence[str]) -> str:
    """The keyed hash of a value; `sql_digest` of insight.sources.erased gives the same.

    Args:
        key: The secret.
        kind: What the value is.
        parts: The value, in parts.

    Examples:
        >>> digest_of("k" * 32, "phone", ["13812345678"]) == digest_of("x" * 32, "phone", ["13812345678"])
        False
    """
    said = UNIT.join((key, kind, PART.join(parts)))
    return hashlib.sha256(said.encode()).hexdigest()[:DIGITS]


def key_name(key: str) -> str:
    """Names a key without telling it, so that tombstones made with another one are noticed."""
    return digest_of(key, "key", [])


def rule_kind(columns: Iterable[str]) -> str:
    """The kind of what a rule of identity compares.

    Examples:
        >>> rule_kind(["phone", "birth_date"])
        'rule:phone,birth_date'
    """
    return RULE + ",".join(columns)


@dataclass(frozen=True)
class Tombstones:
    """All tombstones of a workspace, with their key."""

    key: str = field(repr=False)
    rows: frozenset[Tombstone]

    @cached_property
    def _digests(self) -> dict[str, frozenset[str]]:
        kinds = {one.kind for one in self.rows}
        return {kind: frozenset(one.digest for one in self.rows if one.kind == kind) for kind in kinds}

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds that there are."""
        return frozenset(self._digests)

    def has(self, kind: str, *parts: str) -> bool:
        """Whether a value was an erased person's.

        Examples:
            >>> stone = Tombstone(SOURCE, digest_of("k", SOURCE, ["core", "7"]))
            >>> found = Tombstones("k", frozenset({stone}))
            >>> found.has(SOURCE, "core", "7"), found.has(SOURCE, "core", "8"), found.has(VISITOR, "7")
            (True, False, False)
        """
        known = self._digests.get(kind)
        return known is not None and digest_of(self.key, kind, parts) in known
