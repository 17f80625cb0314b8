"""Everything that people meet by a code has words."""

from __future__ import annotations

from cultiva.definitions.registry import MANY, SINGLE
from cultiva.loop.titles import KINDS


def test_every_kind_of_definition_has_a_title() -> None:
    assert set(KINDS) == {*MANY, *SINGLE, "input", "mapping"}
