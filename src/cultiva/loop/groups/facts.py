"""What the page of one group says: rule, size over time, what sets it apart, overlap, members, who uses it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from cultiva.contracts.sight import SMALL, Sight
from cultiva.definitions.workspace import Workspace
from cultiva.insight.groups.vocabulary import vocabulary
from cultiva.kit.masking import mask_name
from cultiva.kit.words import say
from cultiva.loop.customers import day_members
from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import rows_of, scanned
from cultiva.loop.questions import segment_sizes
from cultiva.loop.seeing import those_in_sight
from cultiva.loop.shows import read

RUNS_MAX = 60
SAMPLES = 8


@dataclass(frozen=True)
class GroupLine:
    """A group in the list."""

    name: str
    label: str
    purpose: str
    owner: str
    size: int | None
    """Members in sight; None: too few to be told, or not in that day's run yet."""
    share: float | None
    entered: int | None
    """Since the run before; None: not told, or the first."""
    left: int | None
    words: str
    """What sets it apart, in one sentence; empty: not computed yet."""

    @property
    def traits(self) -> str:
        """The sentence without the name and size that stand beside it.

        Examples:
            >>> GroupLine("a", "A", "", "", 1, 1.0, None, None, "A: 1 customer; set apart by x.").traits
            'x.'
        """
        for lead in ("特征：", "set apart by "):
            _, found, rest = self.words.partition(lead)
            if found:
                return rest
        return self.words.partition("；")[2] or self.words.partition("; ")[2] or self.words


@dataclass(frozen=True)
class Apart:
    """One difference between a group and the bank."""

    label: str
    what: str
    """mean, share, unknown."""
    value: str
    here: float
    everywhere: float
    strength: float

    @property
    def lift(self) -> float | None:
        """How many times as much as in the bank; None: there it is nothing, or one of both is below nothing."""
        return self.here / self.everywhere if self.everywhere > 0 and self.here >= 0 else None


@dataclass(frozen=True)
class Shared:
    """How much of two groups is the same people."""

    name: str
    label: str
    both: int
    share_of_mine: float
    jaccard: float


@dataclass(frozen=True)
class Sample:
    """A member in sight."""

    customer_id: int
    name: str
    """Masked."""


def group_lines(parts: Parts, on: date, *, sight: Sight) -> list[GroupLine]:
    """All groups of the workspace, large ones first; sizes are those in sight.

    Args:
        parts: Of the workspace; labels are in its language.
        on: Business date of a run.
        sight: Of whoever asks.
    """
    language = parts.workspace.settings.language
    rows = {row["segment"]: row for row in read(parts, "segments", on).to_dicts()}
    sizes = segment_sizes(parts, on, sight=sight)
    found = []
    for one in parts.workspace.segments.values():
        row, size = rows.get(one.name), sizes.get(one.name)
        whole = row is not None and size is not None and (sight.whole_bank or row["size"] >= SMALL)
        moved = row is not None and whole and _may_know(row, sight)
        found.append(
            GroupLine(
                name=one.name,
                label=say(one.label, language),
                purpose=one.purpose.value,
                owner=one.owner,
                size=None if size is None else size.customers,
                share=None if size is None else size.share,
                entered=row["entered"] if row is not None and moved else None,
                left=row["left"] if row is not None and moved else None,
                words=row[f"words_{language}"] if row is not None and whole else "",
            )
        )
    return sorted(found, key=lambda one: (-(one.size or 0), one.name))


def _may_know(row: dict[str, Any], sight: Sight) -> bool:
    """Whether somebody may know who came into a group and who went: the whole bank's, and no single people's."""
    if sight.whole_bank:
        return True
    return sight.totals and all(row[name] is None or row[name] >= SMALL for name in ("entered", "left"))


def sizes_over_time(parts: Parts, name: str, on: date, *, sight: Sight) -> list[tuple[date, int]]:
    """The size of a group in the whole bank at each run, the oldest first; nothing for who sees a part of the bank.

    Who sees totals alone is not told sizes below `SMALL`.
    """
    if not (sight.whole_bank or sight.totals):
        return []
    least = 0 if sight.whole_bank else SMALL
    found = []
    for one in parts.lake.catalogue.history("segments", on)[-RUNS_MAX:]:
        rows = scanned([parts.lake.folder(one)]).filter(pl.col("segment") == name).select("size").collect()
        if not rows.is_empty() and rows.item() >= least:
            found.append((one.business_date, int(rows.item())))
    return found


def set_apart(parts: Parts, name: str, on: date, *, sight: Sight, most: int = 24) -> list[Apart]:
    """The differences between a group and the bank, the strongest first; of few people for the bank only."""
    least = 0 if sight.whole_bank else SMALL
    rows = [row for row in read(parts, "segments", on).to_dicts() if row["segment"] == name and row["size"] >= least]
    words, language = vocabulary(parts.workspace), parts.workspace.settings.language
    traits = json.loads(rows[0]["traits"] or "[]") if rows else []
    found = [_apart(one, words, language) for one in traits]
    return sorted(found, key=lambda one: -abs(one.strength))[:most]


def _apart(one: dict[str, Any], words: Any, language: str) -> Apart:
    value = say(words.value(one["tag"], one["value"]), language) if one["value"] else ""
    return Apart(
        say(words.tag(one["tag"]), language), one["kind"], value, one["here"], one["everywhere"], one["strength"]
    )


def overlaps_of(parts: Parts, name: str, on: date, *, sight: Sight, most: int = 12) -> list[Shared]:
    """The groups that share most people with a group, among those in sight."""
    known = day_members(tuple(parts.lake.files_current("memberships", on)))
    if name not in known.segments:
        return []
    bank = sight.nobody and sight.totals
    chosen = known.everybody if bank else those_in_sight(parts, known.everybody, sight)
    mine = known.segments[name] & chosen
    language, found = parts.workspace.settings.language, []
    for other, members in known.segments.items():
        theirs = members & chosen
        both = len(mine & theirs)
        few = bank and min(both, len(mine) - both, len(theirs) - both) < SMALL
        if other == name or not both or few:
            continue
        defined = parts.workspace.segments.get(other)
        label = say(defined.label, language) if defined else other
        found.append(Shared(other, label, both, both / len(mine), both / len(mine | theirs)))
    return sorted(found, key=lambda one: (-one.jaccard, one.name))[:most]


def samples_of(parts: Parts, name: str, on: date, *, sight: Sight) -> list[Sample]:
    """A few members in sight, spread over the group; nobody for who sees nobody."""
    known = day_members(tuple(parts.lake.files_current("memberships", on)))
    if name not in known.segments or sight.nobody:
        return []
    mine = those_in_sight(parts, known.segments[name], sight)
    step = max(1, len(mine) // SAMPLES)
    ids = [mine[place] for place in range(0, len(mine), step)][:SAMPLES]
    named = {
        row["customer_id"]: mask_name(row["name"] or "")
        for row in rows_of(parts, "customer", ids, on, ("customer_id", "name"))
    }
    return [Sample(one, named.get(one, "")) for one in ids]


@dataclass(frozen=True)
class Users:
    """What uses a group by its name."""

    strategies: tuple[str, ...]
    segments: tuple[str, ...]
    micro: tuple[str, ...]


def used_by(workspace: Workspace, name: str) -> Users:
    """The strategies and groups whose rules name a group."""
    mention = re.compile(rf"segment\(\s*'{re.escape(name)}'\s*\)")
    strategies = (
        one.name
        for one in workspace.strategies.values()
        if any(mention.search(text or "") for text in (one.audience, one.eligible))
    )
    groups = (one.name for one in workspace.segments.values() if one.rule and mention.search(one.rule))
    micro = (one.name for one in workspace.micro_segmentations.values() if one.segment == name)
    return Users(tuple(strategies), tuple(groups), tuple(micro))
