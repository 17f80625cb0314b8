"""What steps read, put together for a business date."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from cultiva.loop.inputs import mergers
from cultiva.store import IdentityChange, IdentityChangeKind

ON = date(2024, 3, 1)


def _change(kind: IdentityChangeKind, before: tuple[int, ...], after: tuple[int, ...]) -> IdentityChange:
    return IdentityChange(kind=kind, business_date=ON, from_ids=before, to_ids=after, reason="id number")


def test_who_was_merged_twice_goes_on_under_the_last_id() -> None:
    changes = [
        _change(IdentityChangeKind.MERGE, (2, 3), (2,)),
        _change(IdentityChangeKind.SPLIT, (8,), (8, 9)),
        _change(IdentityChangeKind.MERGE, (1, 2), (1,)),
    ]
    parts: Any = SimpleNamespace(store=SimpleNamespace(identity=SimpleNamespace(changes=lambda upto: changes)))
    assert mergers(parts, ON) == {3: 1, 2: 1}
