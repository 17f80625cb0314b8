"""Households: which customers live together, from the relationships that the bank has recorded between its parties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.identity.keys import PARTY_KEY

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from numpy.typing import NDArray

PEOPLE_MAX = 20
"""More than so many under one roof are a dummy record or a company's address: they are no household."""


@dataclass(frozen=True)
class Households:
    """Households on disk."""

    written: Written
    """The lake table `household`: customer_id, household_id; those who live with other customers."""
    households: int
    """How many households."""
    refused: int
    """Groups of more than `PEOPLE_MAX`."""


def write_households(
    engine: Engine, relationship: Files, mapping: Files, folder: Path, *, kinds: Sequence[str]
) -> Households:
    """Writes `household`, sorted by customer_id: whom links of certain kinds join, over as many steps as it takes.

    Args:
        engine: Where sets are computed.
        relationship: Relationships between party records; none: nobody lives with anybody.
        mapping: The identity map; links of records that it does not know are left out.
        folder: New lake folder.
        kinds: Kinds of relationship between people of one household.
    """
    pairs = engine.fetch(_pairs(engine.scan(relationship), engine.scan(mapping), kinds)) if relationship else None
    people, homes, refused = _joined(pairs)
    return Households(_write(people, homes, folder), len(np.unique(homes)), refused)


def _pairs(relationship: ibis.Table, mapping: ibis.Table, kinds: Sequence[str]) -> ibis.Table:
    """Customer ids at both ends of every link; links of a customer with itself are none."""
    links = relationship.filter(relationship.kind.isin(list(kinds)))
    for end in ("from", "to"):
        system, number = PARTY_KEY
        names = {f"{end}_system": mapping[system], f"{end}_id": mapping[number], f"{end}_customer": mapping.customer_id}
        links = links.inner_join(mapping.select(**names), [f"{end}_system", f"{end}_id"])
    both = links.select("from_customer", "to_customer")
    return both.filter(both.from_customer != both.to_customer).distinct()


def _joined(pairs: pa.Table | None) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Those who live with others, ascending; the smallest customer id of each one's household; groups too large."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if pairs is None or not len(pairs):
        nobody = np.empty(0, dtype=np.int64)
        return nobody, nobody, 0
    ends = np.stack([pairs[name].to_numpy().astype(np.int64) for name in ("from_customer", "to_customer")])
    people, place = np.unique(ends, return_inverse=True)
    left, right = place.reshape(ends.shape)
    links = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(people), len(people)))
    _, group = connected_components(links, directed=False)
    size = np.bincount(group)
    first = np.full(len(size), np.iinfo(np.int64).max)
    np.minimum.at(first, group, people)
    kept = size[group] <= PEOPLE_MAX
    return people[kept], first[group[kept]], int((size > PEOPLE_MAX).sum())


def _write(people: NDArray[np.int64], homes: NDArray[np.int64], folder: Path) -> Written:
    import pyarrow as pa

    return write_arrow(pa.table({"customer_id": people, "household_id": homes}), folder)
