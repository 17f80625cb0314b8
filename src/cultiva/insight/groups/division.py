"""Divides a group by clustering: which parts, who is in each, and a rule that finds them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import BitMap

from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.segments import MicroSegmentation
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files
from cultiva.insight.groups.clusters import Clustering, Floats, assign, cluster, numbers
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.describe import read_customers
from cultiva.insight.groups.offered_rule import offer, rule_text
from cultiva.insight.groups.sample import ids_of, spread
from cultiva.insight.groups.space import Axis, Space, fit_space
from cultiva.rules import compile_rule

if TYPE_CHECKING:
    import polars as pl

FIT_SAMPLE = 20_000
"""Customers on whom clusters and rules are fitted; all members are then assigned."""
BATCH_ROWS = 500_000
"""Members assigned at a time."""
MEMBERS_MIN = 20
"""Fewest members worth dividing."""


@dataclass(frozen=True)
class Earlier:
    """A cluster of the last run."""

    number: int
    """Its lasting number."""
    centre: Mapping[str, float]
    """Axis (tag, or tag=value) -> centre in the tag's own unit."""


@dataclass(frozen=True)
class Part:
    """One cluster of a group."""

    number: int
    """Lasting number, from 1."""
    members: BitMap
    """Who is in it."""
    centre: Mapping[str, float]
    """Axis -> centre in the tag's own unit."""
    rule: str
    """The rule that is offered for it."""
    by_rule: BitMap
    """Whom the rule finds within the group."""

    @property
    def precision(self) -> float:
        """Share of those found by the rule who are members."""
        return _share(self.members.intersection_cardinality(self.by_rule), len(self.by_rule))

    @property
    def recall(self) -> float:
        """Share of the members found by the rule."""
        return _share(self.members.intersection_cardinality(self.by_rule), len(self.members))


@dataclass(frozen=True)
class Division:
    """A group, divided."""

    group: BitMap
    """Everybody divided."""
    parts: tuple[Part, ...]
    """Its clusters, largest first."""
    clustering: Clustering
    """How the number of clusters was found."""

    @property
    def accuracy(self) -> float:
        """Share of the group that the offered rules place rightly."""
        return _share(sum(part.members.intersection_cardinality(part.by_rule) for part in self.parts), len(self.group))

    def share(self, part: Part) -> float:
        """Share of the group that is in a part."""
        return _share(len(part.members), len(self.group))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def divide(
    day: GroupDay, group: BitMap, wanted: MicroSegmentation, *, earlier: Sequence[Earlier] = ()
) -> Division | None:
    """Divides a group into clusters.

    Args:
        day: The day's profile.
        group: Everybody to divide.
        wanted: On which tags, into how many clusters.
        earlier: The clusters of the last run; theirs are the numbers where the clusters are the same.

    Returns:
        The clusters; None if the group is too small to divide, or all members are alike in these tags.

    Raises:
        CultivaError: if a tag has a type that cannot be clustered on.
    """
    if len(group) < MEMBERS_MIN:
        return None
    sample = read_customers(day.profile, spread(group, FIT_SAMPLE), wanted.tags)
    types = {tag: profile_scope(day.workspace).names[tag] for tag in wanted.tags}
    space = fit_space(sample, wanted.tags, types)
    if not space.axes:
        return None
    before = _scaled_centres(earlier, space)
    points = space.scaled(space.raw(sample))
    start = np.array([before[number] for number in sorted(before)]) if before else None
    clustering = cluster(points, wanted.clusters, seed_text=f"micro:{wanted.name}", previous=start)
    members, with_nulls = _assign_all(day.profile, group, space, clustering.centres)
    lasting = numbers(clustering.centres, [len(part) for part in members], before)
    labels = assign(points, clustering.centres)
    offered = offer(space.raw(sample), labels, accuracy_min=wanted.rule_accuracy_min)
    rules = [rule_text(offered.boxes.get(row, ()), space, with_nulls=with_nulls) for row in range(len(members))]
    found = _try_rules(day, dict(enumerate(rules)))
    parts = [
        Part(lasting[row], members[row], _centre(space, centre), rules[row], found[row] & group)
        for row, centre in enumerate(clustering.centres)
    ]
    return Division(group, tuple(sorted(parts, key=lambda part: (-len(part.members), part.number))), clustering)


def axis_name(axis: Axis) -> str:
    """How a centre names an axis: the tag, or tag=value for a category."""
    return f"{axis.tag}={axis.value}" if axis.value else axis.tag


def _centre(space: Space, scaled: Floats) -> dict[str, float]:
    raw = space.unscaled(scaled)
    return {axis_name(axis): round(float(at), 6) for axis, at in zip(space.axes, raw, strict=True)}


def _scaled_centres(earlier: Sequence[Earlier], space: Space) -> dict[int, Floats]:
    """The last run's centres on today's scale; an axis that is new lies in the middle."""
    middle = space.unscaled(np.zeros(len(space.axes)))
    return {
        one.number: space.scaled(
            np.array(
                [[one.centre.get(axis_name(axis), at) for axis, at in zip(space.axes, middle, strict=True)]]
            )
        )[0]
        for one in earlier
    }  # fmt: skip


def _assign_all(profile: Files, group: BitMap, space: Space, centres: Floats) -> tuple[list[BitMap], frozenset[str]]:
    """The members of every cluster, and the tags that are null for some member; batch by batch."""
    members = [BitMap() for _ in centres]
    with_nulls: set[str] = set()
    for batch in _batches(profile, group, space.tags):
        labels = assign(space.scaled(space.raw(batch)), centres)
        ids = batch["customer_id"].to_numpy().astype(np.uint32)
        for number in range(len(centres)):
            members[number] |= BitMap(ids[labels == number])
        with_nulls |= {tag for tag in space.tags if batch[tag].null_count()}
    return members, frozenset(with_nulls)


def _batches(profile: Files, group: BitMap, tags: Sequence[str]) -> Iterator[pl.DataFrame]:
    import polars as pl
    import pyarrow.parquet as pq

    wanted = ids_of(group)
    for part in part_files(profile):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=["customer_id", *tags]):
                frame = pl.DataFrame(pl.from_arrow(batch))
                ids = frame["customer_id"].to_numpy()
                at = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
                yield frame.filter(pl.Series(wanted[at] == ids))


def _try_rules(day: GroupDay, rules: Mapping[int, str]) -> dict[int, BitMap]:
    scope = profile_scope(day.workspace)
    forms = {str(n): compile_rule(text, scope, expected=DataType.BOOLEAN).form(day.on) for n, text in rules.items()}
    return {int(number): found for number, found in day.engine.members(day.profile, forms).items()}
