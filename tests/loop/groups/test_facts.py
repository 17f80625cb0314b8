"""What sets a group apart, as people read it."""

from __future__ import annotations

import pytest

from cultiva.loop.groups.facts import Apart


@pytest.mark.parametrize(
    ("here", "everywhere", "lift"),
    [(3.0, 1.5, 2.0), (0.0, 1.5, 0.0), (1.0, 0.0, None), (-9.0, 3.0, None), (2.0, -1.0, None)],
)
def test_times_as_much_is_said_of_what_can_be_multiplied(here: float, everywhere: float, lift: float | None) -> None:
    assert Apart("gap", "mean", "", here, everywhere, 0.5).lift == lift
