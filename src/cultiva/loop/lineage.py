"""Which customer a person means who gives an id: ids are merged away and split, and old letters still name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cultiva.insight.track import find_customer
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts
from cultiva.store import IdentityChange, IdentityChangeKind


@dataclass(frozen=True)
class Meant:
    """The customer who is meant."""

    customer_id: int
    """The id that the customer has on the date asked about."""
    notes: tuple[str, ...] = ()
    """What has become of the id that was given, one line each, the oldest first; empty if nothing has."""


def customer_meant(parts: Parts, name: str, on: date) -> Meant:
    """The customer behind an id, followed through merges, or behind `SYSTEM:ID` as a source system says.

    Args:
        parts: Of the workspace.
        name: As a person gives it.
        on: Business date of a run.

    Raises:
        CultivaError: if there is no such customer.
    """
    mapping = parts.lake.files_current("identity_map", on)
    notes: list[str] = []
    asked, followed = name, set[str]()
    while True:
        followed.add(asked)
        changes = _changes(parts, int(asked), on) if asked.isdecimal() and len(asked) < len(str(2**63)) else ()
        notes += [split_note(int(asked), one) for one in changes if one.kind is IdentityChangeKind.SPLIT]
        try:
            return Meant(find_customer(mapping, asked), tuple(notes))
        except CultivaError as error:
            merge = _merge_of(changes, asked) if error.kind is ErrorKind.NOT_FOUND else None
            if merge is None or str(merge.to_ids[0]) in followed:
                raise
        notes.append(f"customer {asked} was merged into {merge.to_ids[0]} on {merge.business_date}")
        asked = str(merge.to_ids[0])


def split_note(customer_id: int, split: IdentityChange) -> str:
    """What a split has made of a customer, in one line."""
    others = [str(one) for one in split.to_ids if one != customer_id]
    stayed = [str(customer_id)] if customer_id in split.to_ids else []
    return f"customer {customer_id} was split into {' and '.join(stayed + others)} on {split.business_date}"


def _changes(parts: Parts, customer_id: int, on: date) -> Sequence[IdentityChange]:
    """Merges and splits of one customer, of the runs that count: a date that was run again has changed its mind."""
    counted = {one.business_date: one.run_id for one in parts.lake.catalogue.history("identity_map", on)}
    found = parts.store.identity.changes(customer_id=customer_id, upto=on)
    return [
        one for one in found if customer_id in one.from_ids and counted.get(one.business_date, one.run_id) == one.run_id
    ]


def _merge_of(changes: Sequence[IdentityChange], asked: str) -> IdentityChange | None:
    """The merge by which an id was given up; ids that are given up never come back, so the newest one counts."""
    merges = [one for one in changes if one.kind is IdentityChangeKind.MERGE and int(asked) not in one.to_ids]
    return merges[-1] if merges else None
