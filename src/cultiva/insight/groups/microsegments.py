"""Micro-segmentations of a day: every cluster in words, as a rule, and as a segment ready to be taken over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.definitions.base import Label
from cultiva.definitions.segments import MicroSegmentation
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Files, Written
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.describe import describe, telling_tags
from cultiva.insight.groups.division import Division, Earlier, Part, divide
from cultiva.insight.groups.memberships import Memberships, bitmap_bytes
from cultiva.insight.groups.traits import Trait
from cultiva.insight.groups.vocabulary import Vocabulary, vocabulary
from cultiva.insight.groups.wording import GROUP, sentence

if TYPE_CHECKING:
    import pyarrow as pa


def make_microsegments(day: GroupDay, members: Memberships, previous: Files, folder: Path) -> Written:
    """Divides every group that the workspace names, and writes one row per cluster.

    Args:
        day: The day's profile.
        members: The day's memberships.
        previous: The last microsegments before; empty at the first run.
        folder: New folder for the lake table `microsegments`.

    Returns:
        What was written: the columns of `microsegment_schema`. A group that is too small to divide,
        or whose members are all alike, has no rows.
    """
    words = vocabulary(day.workspace)
    rows: list[dict[str, Any]] = []
    for wanted in day.workspace.micro_segmentations.values():
        group = members.everybody if wanted.segment is None else members.segments[wanted.segment]
        division = divide(day, group, wanted, earlier=read_earlier(previous, wanted.name))
        if division is not None:
            rows += _rows(day, wanted, division, words)
    return write_arrow(_table(rows), folder)


def _rows(day: GroupDay, wanted: MicroSegmentation, division: Division, words: Vocabulary) -> list[dict[str, Any]]:
    groups = {str(part.number): part.members for part in division.parts}
    traits = describe(day.profile, groups, division.group, telling_tags(day.workspace), first=wanted.tags)
    return [_row(wanted, division, part, traits[str(part.number)], words) for part in division.parts]


def _row(
    wanted: MicroSegmentation, division: Division, part: Part, traits: Sequence[Trait], words: Vocabulary
) -> dict[str, Any]:
    label = Label(zh=f"{wanted.label.zh}·{part.number}", en=f"{wanted.label.en} {part.number}")
    said = sentence(label, len(part.members), len(division.group), traits, words=words, against=GROUP)
    rule = part.rule if wanted.segment is None else f"segment('{wanted.segment}') and ({part.rule})"
    return {
        "micro_segmentation": wanted.name,
        "number": part.number,
        "size": len(part.members),
        "share": division.share(part),
        "clusters": len(division.parts),
        "silhouette": division.clustering.silhouette,
        "tried": json.dumps(division.clustering.tried),
        "rule": rule,
        "rule_precision": part.precision,
        "rule_recall": part.recall,
        "accuracy": division.accuracy,
        "accuracy_min": wanted.rule_accuracy_min,
        "accurate": division.accuracy >= wanted.rule_accuracy_min,
        "centre": json.dumps(part.centre, ensure_ascii=False),
        "traits": json.dumps([asdict(trait) for trait in traits], ensure_ascii=False),
        "words_zh": said.zh,
        "words_en": said.en,
        "yaml": segment_yaml(f"{wanted.name}_{part.number}", label, said, rule, division.accuracy, owner=wanted.owner),
        "bitmap": bitmap_bytes(part.members),
    }


def segment_yaml(name: str, label: Label, said: Label, rule: str, accuracy: float, *, owner: str) -> str:
    """The cluster as a segment's definition, ready for a file of `segments/`."""
    texts = (label.zh, label.en, said.zh, said.en, owner, rule)
    zh, en, said_zh, said_en, owned, text = (json.dumps(one, ensure_ascii=False) for one in texts)
    return (
        f"# Found by clustering; the rules of all its clusters together place {accuracy:.1%} rightly.\n"
        f"- name: {name}\n"
        f"  label: {{ zh: {zh}, en: {en} }}\n"
        f"  description:\n    zh: {said_zh}\n    en: {said_en}\n"
        f"  owner: {owned}\n"
        f"  purpose: needs\n"
        f"  rule: {text}\n"
    )


def microsegment_schema() -> pa.Schema:
    """Columns of the lake table `microsegments`: one row per cluster.

    `number` lasts from run to run; `tried` is JSON pairs of clusters and silhouette; `accuracy` is the share of the
    group that all rules together place rightly, measured on everybody, `accurate` whether that reaches
    `accuracy_min`; `yaml` is the cluster as a segment's definition; `bitmap` holds its members.
    """
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    return pa.schema(
        [
            ("micro_segmentation", text), ("number", whole), ("size", whole), ("share", number), ("clusters", whole),
            ("silhouette", number), ("tried", text), ("rule", text), ("rule_precision", number),
            ("rule_recall", number), ("accuracy", number), ("accuracy_min", number), ("accurate", pa.bool_()),
            ("centre", text), ("traits", text), ("words_zh", text), ("words_en", text), ("yaml", text),
            ("bitmap", pa.large_binary()),
        ]
    )  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=microsegment_schema())


def read_earlier(previous: Files, name: str) -> list[Earlier]:
    """The clusters of one micro-segmentation at the last run; none at the first."""
    import polars as pl

    if not previous:
        return []
    rows = pl.read_parquet(part_files(previous), columns=["micro_segmentation", "number", "centre"])
    found = rows.filter(pl.col("micro_segmentation") == name).sort("number")
    return [Earlier(row["number"], json.loads(row["centre"])) for row in found.to_dicts()]
