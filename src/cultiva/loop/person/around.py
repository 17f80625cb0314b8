"""Who is around a customer: employer, family, who recommended whom; each as far as whoever asks may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from cultiva.contracts.sight import Sight
from cultiva.kit.masking import mask_name
from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import records_of, rows_of, scanned
from cultiva.loop.seeing import sees

SHOWN_MAX = 200
"""Most relationships shown; an employer may have thousands, the strongest first."""


@dataclass(frozen=True)
class Kin:
    """One relationship of a customer."""

    kind: str
    """employer, family, referral, legal_representative, household ..."""
    outward: bool
    """Whether it leads from the customer to the other."""
    weight: float | None
    """How strong, 0 to 1."""
    since: date | None
    source: str
    """Who says so."""
    customer_id: int | None
    """The other; None: no customer of the bank, or out of sight."""
    name: str
    """The other's, masked; empty: not known or out of sight."""


@dataclass(frozen=True)
class Circle:
    """All relationships of a customer."""

    shown: tuple[Kin, ...]
    """By kind, the strongest first; at most SHOWN_MAX."""
    total: int


def circle_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> Circle:
    """Who is around a customer; nothing of who is out of sight."""
    if not sees(parts, customer_id, sight):
        return Circle((), 0)
    edges = _edges(parts, customer_id, on) + _household(parts, customer_id, on)
    edges.sort(key=lambda row: (row["kind"], -(row["weight"] or 0), row["other"] or 0))
    shown = edges[:SHOWN_MAX]
    ids = [row["other"] for row in shown if row["other"] is not None and sees(parts, row["other"], sight)]
    names = {
        row["customer_id"]: row["name"] or "" for row in rows_of(parts, "customer", ids, on, ("customer_id", "name"))
    }
    return Circle(tuple(_kin(row, names) for row in shown), len(edges))


def _kin(row: dict[str, Any], names: dict[int, str]) -> Kin:
    other = row["other"] if row["other"] in names else None
    name = mask_name(names[other]) if other is not None else ""
    return Kin(row["kind"], row["outward"], row["weight"], row["since"], row["source"] or "", other, name)


def _edges(parts: Parts, customer_id: int, on: date) -> list[dict[str, Any]]:
    files = parts.lake.files_latest("relationship", on)
    if not files:
        return []
    mine = records_of(parts, [customer_id], on).lazy().drop("customer_id")
    everybody = scanned(parts.lake.files_current("identity_map", on))
    found: list[pl.LazyFrame] = []
    for own, other, outward in (("from", "to", True), ("to", "from", False)):
        ends = [f"{own}_system", f"{own}_id"]
        edges = scanned(files).join(mine, left_on=ends, right_on=["source_system", "source_id"], how="semi")
        others = {f"{other}_system": "source_system", f"{other}_id": "source_id"}
        keyed = edges.rename(others).join(everybody, on=["source_system", "source_id"], how="left")
        columns = ("kind", "weight", "since", "source", pl.col("customer_id").alias("other"))
        found.append(keyed.select(*columns, pl.lit(outward).alias("outward")))
    rows = pl.concat(found).unique(["kind", "outward", "other"], keep="first", maintain_order=True)
    return [row for row in rows.collect().to_dicts() if row["other"] != customer_id]


def _household(parts: Parts, customer_id: int, on: date) -> list[dict[str, Any]]:
    """Those who live with the customer."""
    empty = {"kind": "household", "weight": None, "since": None, "source": None, "outward": True}
    return [{**empty, "other": one} for one in home_of(parts, customer_id, on) if one != customer_id]


def home_of(parts: Parts, customer_id: int, on: date) -> list[int]:
    """The customers of a customer's household, the customer among them."""
    own = rows_of(parts, "household", [customer_id], on)
    if not own:
        return [customer_id]
    same = pl.col("household_id") == own[0]["household_id"]
    found = scanned(parts.lake.files_current("household", on)).filter(same).select("customer_id").collect()
    return sorted(found["customer_id"].to_list())
