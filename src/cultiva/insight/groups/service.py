"""The use cases around groups: who is in which segment, who came and went, and what sets each apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.definitions.segments import Segment
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Files, Written
from cultiva.insight.groups.changes import Change, change, overlaps
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.describe import describe, telling_tags
from cultiva.insight.groups.memberships import Memberships, find_members, read_members, write_members
from cultiva.insight.groups.traits import Trait
from cultiva.insight.groups.vocabulary import Vocabulary, vocabulary
from cultiva.insight.groups.wording import sentence

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class GroupFolders:
    """New folders for what is written about segments."""

    memberships: Path
    """Who is in which segment."""
    segments: Path
    """Size, change and description of each segment."""
    overlaps: Path
    """How each pair of segments overlaps."""


@dataclass(frozen=True)
class GroupFacts:
    """What was written about segments."""

    memberships: Written
    segments: Written
    overlaps: Written


def make_segments(day: GroupDay, previous: Files, folders: GroupFolders) -> GroupFacts:
    """Finds the members of every segment, compares them with the last run, and describes each.

    Args:
        day: The day's profile.
        previous: The last memberships before; empty at the first run.
        folders: New folders for the lake tables `memberships`, `segments`, `overlaps`.

    Returns:
        What was written. `segments`: segment, purpose, size, share (of all customers), entered and left since the
        last run (null where there was none) with samples of ids (JSON), traits (JSON), words_zh, words_en.
        `overlaps`: first, second, both, jaccard.
    """
    workspace = day.workspace
    members = find_members(day)
    traits = describe(day.profile, members.segments, members.everybody, telling_tags(workspace))
    before = read_members(previous).segments if previous else {}
    words = vocabulary(workspace)
    rows = [
        _segment_row(segment, members, before, traits[segment.name], words) for segment in workspace.segments.values()
    ]
    return GroupFacts(
        memberships=write_members(members, folders.memberships),
        segments=write_arrow(_table(rows, _segment_schema()), folders.segments),
        overlaps=write_arrow(_table(_overlap_rows(members), _overlap_schema()), folders.overlaps),
    )


def _segment_row(
    segment: Segment,
    members: Memberships,
    before: Mapping[str, Any],
    traits: Sequence[Trait],
    words: Vocabulary,
) -> dict[str, Any]:
    size, total = len(members.segments[segment.name]), len(members.everybody)
    said = sentence(segment.label, size, total, traits, words=words)
    changed: Change | None = None
    if segment.name in before:
        changed = change(members.segments[segment.name], before[segment.name])
    return {
        "segment": segment.name,
        "purpose": segment.purpose.value,
        "size": size,
        "share": round(size / total, 6) if total else 0.0,
        "entered": changed.entered if changed else None,
        "left": changed.left if changed else None,
        "entered_sample": json.dumps(changed.entered_sample) if changed else "[]",
        "left_sample": json.dumps(changed.left_sample) if changed else "[]",
        "traits": json.dumps([asdict(trait) for trait in traits], ensure_ascii=False),
        "words_zh": said.zh,
        "words_en": said.en,
    }


def _segment_schema() -> pa.Schema:
    import pyarrow as pa

    texts = dict.fromkeys(("segment", "purpose"), pa.string())
    counts = {"size": pa.int64(), "share": pa.float64(), "entered": pa.int64(), "left": pa.int64()}
    said = dict.fromkeys(("entered_sample", "left_sample", "traits", "words_zh", "words_en"), pa.string())
    return pa.schema(list({**texts, **counts, **said}.items()))


def _overlap_rows(members: Memberships) -> list[dict[str, Any]]:
    return [asdict(pair) for pair in overlaps(members.segments)]


def _overlap_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("first", pa.string()), ("second", pa.string()), ("both", pa.int64()), ("jaccard", pa.float64())])


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
