"""A strategy's own story: whom it loses where in the newest plan, and the versions that runs have used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
import yaml

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.strategy.map.forecast import ORDER

WIDTH = 110
"""Characters of a line of YAML."""
HASH_SHOWN = 12


@dataclass(frozen=True)
class Step:
    """One filter of the plan."""

    fate: str
    """Name of the filter; `chosen` is last."""
    lost: int
    """Customers who came no further."""
    left: int
    """Customers behind it."""


@dataclass(frozen=True)
class Version:
    """A definition as some run has used it."""

    hash: str
    first_seen: datetime | None
    """When a run met it first."""
    text: str
    """As YAML."""
    live: bool
    """Whether the workspace has it now."""

    @property
    def short(self) -> str:
        """The beginning of the hash."""
        return self.hash[:HASH_SHOWN]


def funnels_of(parts: Parts, on: date) -> Mapping[str, tuple[Step, ...]]:
    """Strategy -> its audience, filter by filter, in the plan of a day. Each customer counts once per strategy, with
    the fate of the candidate that came furthest.
    """
    rank = {fate.value: number for number, fate in enumerate(ORDER)}
    rows = scan(parts.lake.files_current("decisions", on)).select("strategy", "customer_id", "fate")
    ranked = rows.with_columns(pl.col("fate").replace_strict(rank, return_dtype=pl.Int32).alias("rank"))
    best = ranked.group_by("strategy", "customer_id").agg(pl.col("rank").max())
    counted = best.group_by("strategy", "rank").agg(pl.len().alias("n")).collect()
    found: dict[str, dict[int, int]] = {}
    for strategy, number, count in counted.iter_rows():
        found.setdefault(strategy, {})[number] = count
    return {strategy: _steps(counts) for strategy, counts in found.items()}


def _steps(counts: Mapping[int, int]) -> tuple[Step, ...]:
    left = sum(counts.values())
    steps = [Step("audience", 0, left)]
    for number, fate in enumerate(ORDER[:-1]):
        left -= counts.get(number, 0)
        if counts.get(number, 0):
            steps.append(Step(fate.value, counts[number], left))
    return tuple(steps)


def versions_of(parts: Parts, name: str, *, kind: str = "strategy") -> Sequence[Version]:
    """Every version of a definition that a run has used, the newest first.

    Args:
        parts: Of the workspace.
        name: Of the definition.
        kind: Of the definition.
    """
    live = parts.workspace.hashes.get((kind, name), "")
    known = parts.store.registry.versions(kind, name)
    found = [Version(one.content_hash, one.first_seen, as_yaml(one.body), one.content_hash == live) for one in known]
    if live and live not in {one.hash for one in found}:
        found.append(Version(live, None, as_yaml(parts.workspace.bodies[kind, name]), live=True))
    return found[::-1]


def version_named(versions: Sequence[Version], beginning: str) -> Version:
    """The version whose hash begins so.

    Raises:
        CultivaError: if there is none.
    """
    for one in versions:
        if beginning and one.hash.startswith(beginning):
            return one
    raise CultivaError(
        "there is no such version",
        code="loop.no_version",
        kind=ErrorKind.NOT_FOUND,
        seen=beginning[:64] or "no version",
        allowed=", ".join(one.short for one in versions) or "none: no run has used it yet",
        hint="choose one of the list",
    )


def as_yaml(body: object) -> str:
    """A definition's data as text, without what is empty."""
    lean = (
        {name: value for name, value in body.items() if value not in (None, [], {}, "")}
        if isinstance(body, dict)
        else body
    )
    return str(yaml.safe_dump(lean, allow_unicode=True, sort_keys=False, width=WIDTH))
