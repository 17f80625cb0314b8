"""Which customer is behind a source system's id: the identity map of the last run, as arrays mapped into memory.

Three columns ordered by the first: both halves of the MD5 of `system NUL id`, and the customer. Nothing in them is
personal, 10 million records are 240 MB that all processes of a machine share, and a look-up is a binary search.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np

from cultiva.insight.sources.sql import literals

COLUMNS = ("upper", "lower", "customer")
ABOUT = "about.json"
"""Written last: a folder without it is not finished."""
UNFINISHED = ".new"
"""How the name of a folder ends that is being written."""
UNKNOWN = 0
"""No customer has this number."""


class Identities(Protocol):
    """Finds customers by the ids that source systems call them."""

    @property
    def systems(self) -> Sequence[str]:
        """Source systems that there are."""

    def find(self, names: Sequence[tuple[str, str]]) -> list[int]:
        """Customers of (source system, source id), in their order; `UNKNOWN` where there is none."""


@dataclass(frozen=True)
class MappedIdentities:
    """The published map of one run."""

    systems: Sequence[str]
    upper: np.ndarray[Any, np.dtype[np.uint64]]
    lower: np.ndarray[Any, np.dtype[np.uint64]]
    customer: np.ndarray[Any, np.dtype[np.int64]]

    def find(self, names: Sequence[tuple[str, str]]) -> list[int]:
        """As the protocol says."""
        if not names:
            return []
        halves = np.frombuffer(b"".join(_digest(*one) for one in names), dtype="<u8").reshape(-1, 2).astype(np.uint64)
        upper, lower = halves[:, 0], halves[:, 1]
        if not len(self.upper):
            return [UNKNOWN] * len(names)
        places = np.minimum(np.searchsorted(self.upper, upper), len(self.upper) - 1)
        alike = self.upper[places] == upper
        same = alike & (self.lower[places] == lower)
        found: list[int] = np.where(same, self.customer[places], UNKNOWN).tolist()
        for one in np.flatnonzero(alike & ~same).tolist():  # records whose hashes begin alike
            found[one] = self._after(int(places[one]), *halves[one])
        return found

    def _after(self, place: int, upper: np.uint64, lower: np.uint64) -> int:
        while place < len(self.upper) and self.upper[place] == upper:
            if self.lower[place] == lower:
                return int(self.customer[place])
            place += 1
        return UNKNOWN


def _digest(system: str, source_id: str) -> bytes:
    return hashlib.md5(f"{system}\0{source_id}".encode(), usedforsecurity=False).digest()


def open_identities(folder: Path) -> MappedIdentities:
    """The map that lies in a folder."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    columns = {name: np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in COLUMNS}
    return MappedIdentities(tuple(about["systems"]), **columns)


def is_published(folder: Path) -> bool:
    """Whether a folder has a finished map."""
    return (folder / ABOUT).exists()


def publish_identities(files: Iterable[Path], folder: Path) -> int:
    """Writes the identity map of a run as arrays, whole or not at all; how many records it has.

    Two may do it at once: one map is left.

    Args:
        files: Parquet with source_system, source_id, customer_id.
        folder: Where; it is there only when it is finished.
    """
    import duckdb

    beside = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}{UNFINISHED}")
    beside.mkdir(parents=True)
    source = f"read_parquet([{literals(map(str, files))}])"
    key = "md5_number_{half}(source_system || chr(0) || source_id)"
    asked = f"SELECT {key.format(half='upper')} AS upper, {key.format(half='lower')} AS lower, customer_id AS customer"
    with duckdb.connect() as connection:
        found = connection.execute(f"{asked} FROM {source} ORDER BY 1, 2").fetchnumpy()
        named = connection.execute(f"SELECT DISTINCT source_system FROM {source} ORDER BY 1").fetchall()  # noqa: S608
    for name, kind in zip(COLUMNS, (np.uint64, np.uint64, np.int64), strict=True):
        np.save(beside / f"{name}.npy", np.asarray(found[name], dtype=kind))
    about = {"systems": [system for (system,) in named], "records": len(found["customer"])}
    (beside / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    try:
        beside.rename(folder)
    except OSError:  # somebody else was faster with the same map
        if not is_published(folder):
            raise
        shutil.rmtree(beside)
    return len(found["customer"])
