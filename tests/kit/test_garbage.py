"""Rare searches for cyclic garbage."""

from __future__ import annotations

import gc
import weakref

import pytest

from cultiva.kit.garbage import YOUNG_MAX, rare_collections


class Node:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


def test_garbage_is_still_found_and_what_is_there_is_not_walked() -> None:
    before = gc.get_threshold()
    with rare_collections():
        assert gc.get_freeze_count() > 0
        seen = weakref.ref(Node())
        kept: list[list[int]] = [[] for _ in range(2 * YOUNG_MAX)]
        assert seen() is None
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
    assert len(kept) == 2 * YOUNG_MAX


def test_the_usual_search_comes_back_after_an_error_and_within_another() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="ours"), rare_collections():
        with rare_collections():
            assert gc.get_threshold() != before
        assert gc.get_threshold() != before
        raise ValueError("ours")
    assert gc.get_threshold() == before
