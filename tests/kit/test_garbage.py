"""Rare searches for cyclic garbage."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cultiva.kit import garbage
from cultiva.kit.garbage import YOUNG_MAX, rare_collections

USUAL = (700, 10, 10)
RARE = (YOUNG_MAX, 10, 10)


class Node:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The collector as Python has it, whatever a workspace that is open beside the test asks of it."""
    before = gc.get_threshold()
    monkeypatch.setattr(garbage, "_ASKED", garbage._Asked())
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


def test_garbage_is_still_found_and_what_is_there_is_not_walked() -> None:
    with rare_collections():
        assert gc.get_freeze_count() > 0
        seen = weakref.ref(Node())
        kept: list[list[int]] = [[] for _ in range(2 * YOUNG_MAX)]
        assert seen() is None
    assert (gc.get_threshold(), gc.get_freeze_count()) == (USUAL, 0)
    assert len(kept) == 2 * YOUNG_MAX


def test_the_usual_search_comes_back_after_an_error_and_within_another() -> None:
    with pytest.raises(ValueError, match="ours"), rare_collections():
        with rare_collections():
            assert gc.get_threshold() == RARE
        assert gc.get_threshold() == RARE
        raise ValueError("ours")
    assert gc.get_threshold() == USUAL


def test_workspaces_that_overlap_leave_the_usual_search_behind() -> None:
    first, second = ExitStack(), ExitStack()
    first.enter_context(rare_collections())
    second.enter_context(rare_collections())
    first.close()
    assert gc.get_threshold() == RARE
    second.close()
    assert gc.get_threshold() == USUAL
