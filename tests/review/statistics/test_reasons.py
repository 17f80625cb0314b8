"""Every reason can be read in both languages."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from cultiva.kit.words import Words
from cultiva.review.statistics import reasons

GIVEN: dict[str, Any] = {"arm": "control", "share": 0.125, "effect": 1.0}
MADE = {
    name: make(*[GIVEN.get(one, 1234) for one in inspect.signature(make).parameters])
    for name, make in inspect.getmembers(reasons, inspect.isfunction)
    if not name.startswith("_")
}
FIXED = {name: one for name, one in vars(reasons).items() if isinstance(one, Words) and one}


@pytest.mark.parametrize("name", [*MADE, *FIXED])
def test_a_reason_is_chinese_in_chinese_and_english_in_english(name: str) -> None:
    said = {**MADE, **FIXED}[name]
    assert re.search("[\u4e00-\u9fff]", said.zh) and not re.search("[a-z]{3}", said.zh.replace("Newcombe", ""))
    assert said.en.isascii()


@pytest.mark.parametrize("name", MADE)
def test_its_numbers_are_in_both(name: str) -> None:
    def numbers(text: str) -> set[str]:
        return set(re.findall(r"\d[\d,.%]*\d|\d", text))

    assert numbers(MADE[name].zh) == numbers(MADE[name].en)


def test_nothing_to_say_is_nothing() -> None:
    assert not reasons.NONE
    assert len(MADE) > 8 and len(FIXED) > 12
