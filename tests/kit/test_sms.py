"""How long a text message is."""

from __future__ import annotations

import pytest

from cultiva.kit.sms import sms_length


@pytest.mark.parametrize(
    ("text", "places", "parts", "seven_bit"),
    [
        ("", 0, 1, True),
        ("a" * 160, 160, 1, True),
        ("a" * 161, 161, 2, True),
        ("a" * 306, 306, 2, True),
        ("a" * 307, 307, 3, True),
        ("[" * 80, 160, 1, True),
        ("[" * 81, 162, 2, True),
        ("您" * 70, 70, 1, False),
        ("您" * 71, 71, 2, False),
        ("您" * 134, 134, 2, False),
        ("您" * 135, 135, 3, False),
        ("a" * 69 + "您", 70, 1, False),
        ("😀" * 35, 70, 1, False),
        ("😀" * 36, 72, 2, False),
        ("`", 1, 1, False),
        ("\ud800", 1, 1, False),
    ],
)
def test_places_and_parts(text: str, places: int, parts: int, seven_bit: bool) -> None:
    found = sms_length(text)
    assert (found.places, found.parts, found.seven_bit) == (places, parts, seven_bit)
