from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.insight.profile.levels import levels, needed_for
from cultiva.kit.errors import CultivaError

NAMES = "abcdefgh"
acyclic = st.fixed_dictionaries({name: st.sets(st.sampled_from("xyz" + NAMES[:i])) for i, name in enumerate(NAMES)})


@given(acyclic)
def test_every_column_comes_after_what_it_reads(reads: dict[str, set[str]]) -> None:
    order = {name: number for number, group in enumerate(levels(reads)) for name in group}
    assert set(order) == set(reads)
    assert all(order[other] < order[name] for name in reads for other in reads[name] if other in reads)


@given(acyclic, st.sampled_from(NAMES))
def test_what_is_needed_is_closed_under_reading(reads: dict[str, set[str]], target: str) -> None:
    needed = needed_for([target], reads)
    assert target in needed
    assert all(reads.get(name, set()) <= needed for name in needed)


def test_a_circle_is_named() -> None:
    with pytest.raises(CultivaError, match="circle") as caught:
        levels({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["x"]})
    assert caught.value.seen == "b -> c -> b"
