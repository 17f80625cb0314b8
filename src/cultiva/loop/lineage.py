"""Which customer a person means who gives an id: ids are merged away and split, and old letters still name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from cultiva.contracts.sight import Sight
from cultiva.insight.track import find_customer, unknown_customer
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import sees
from cultiva.store import IdentityChange, IdentityChangeKind


@dataclass(frozen=True)
class Meant:
    """The customer who is meant."""

    customer_id: int
    """The id that the customer has on the date asked about."""
    notes: tuple[str, ...] = ()
    """What has become of the id that was given, one line each, the oldest first; empty if nothing has."""


def customer_meant(parts: Parts, name: str, on: date, *, sight: Sight) -> Meant:
    """The customer behind an id, followed through merges, or behind `SYSTEM:ID` as a source system says.

    Args:
        parts: Of the workspace.
        name: As a person gives it.
        on: Business date of a run.
        sight: Of whoever asks.

    Raises:
        CultivaError: if there is no such customer in sight.
    """
    mapping = parts.lake.files_current("identity_map", on)
    notes: list[str] = []
    asked, followed = name, set[str]()
    while True:
        followed.add(asked)
        changes = _changes(parts, int(asked), on) if asked.isdecimal() and len(asked) < len(str(2**63)) else ()
        splits = [one for one in changes if one.kind is IdentityChangeKind.SPLIT]
        notes += [split_note(int(asked), _others_in_sight(parts, int(asked), one, sight)) for one in splits]
        try:
            found = find_customer(mapping, asked)
        except CultivaError as error:
            merge = _merge_of(changes, asked) if error.kind is ErrorKind.NOT_FOUND else None
            if merge is None or str(merge.to_ids[0]) in followed:
                raise unknown_customer(name) from None
        else:
            if not sees(parts, found, sight):
                raise unknown_customer(name)  # word for word as of somebody who does not exist
            return Meant(found, tuple(one for one in notes if one))
        notes.append(f"customer {asked} was merged into {merge.to_ids[0]} on {merge.business_date}")
        asked = str(merge.to_ids[0])


def split_note(customer_id: int, split: IdentityChange) -> str:
    """What a split has made of a customer, in one line; empty if it has made nothing but the customer."""
    others = [str(one) for one in split.to_ids if one != customer_id]
    if not others:
        return ""
    stayed = [str(customer_id)] if customer_id in split.to_ids else []
    return f"customer {customer_id} was split into {' and '.join(stayed + others)} on {split.business_date}"


def _others_in_sight(parts: Parts, customer_id: int, split: IdentityChange, sight: Sight) -> IdentityChange:
    """A split without the customers whom whoever asks does not see."""
    shown = tuple(one for one in split.to_ids if one == customer_id or sees(parts, one, sight))
    return replace(split, to_ids=shown)


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
