"""The form of a strategy changes what was changed in it, and leaves every other letter of the text alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import cultiva
from cultiva.definitions.entries import data_of, entry_of
from cultiva.kit.errors import CultivaError
from cultiva.loop.strategy_editing import BEGUN, LISTS, fields_of, merged, name_in

PACK = Path(cultiva.__file__).parent / "packs"
FILES = sorted(PACK.rglob("strategies/*.yaml"))
BODIES = [
    entry_of(text, one["name"])
    for file in FILES
    for text in [file.read_text(encoding="utf-8")]
    for one in yaml.safe_load(text)
]
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


def given_of(body: str) -> dict[str, str]:
    """The form as a browser would send it back untouched."""
    fields = fields_of(body)
    return {**fields.values, **{name: ", ".join(fields.chosen[name]) for name in LISTS}}


@pytest.mark.parametrize("body", [*BODIES, BEGUN], ids=name_in)
def test_a_form_that_nobody_has_touched_changes_nothing(body: str) -> None:
    assert merged(body, given_of(body)) == body


def test_only_the_lines_of_what_was_changed_differ() -> None:
    body = next(one for one in BODIES if name_in(one) == "deposit_maturity")
    changed = merged(body, {**given_of(body), "channels": "app phone", "budget": "5,000", "capacity_per": ""})
    before, after = data_of(body, "deposit_maturity"), data_of(changed, "deposit_maturity")
    assert after["channels"] == ["app", "phone"] and after["budget"] == 5000 and "capacity" not in after
    same = set(before) - {"channels", "capacity"}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    kept = [line for line in body.splitlines() if not line.startswith(("channels:", "capacity:"))]
    assert [line for line in changed.splitlines() if not line.startswith(("channels:", "budget:"))] == kept
    assert changed.index("budget:") < changed.index("play:")


@settings(max_examples=40, deadline=None)
@given(reason=TEXT, label=TEXT, owner=TEXT)
def test_whatever_is_typed_is_read_back_as_it_was_typed(reason: str, label: str, owner: str) -> None:
    typed = {**given_of(BEGUN), "reason": reason, "label_en": label, "owner": owner}
    found = fields_of(merged(BEGUN, typed)).values
    assert found["reason"] == " ".join(reason.split())
    assert found["label_en"] == label.strip()
    assert found["owner"] == " ".join(owner.split())


def test_what_is_no_number_stays_for_the_check_to_tell() -> None:
    assert data_of(merged(BEGUN, {**given_of(BEGUN), "budget": "a lot"}), "new_strategy")["budget"] == "a lot"


def test_switched_on_and_off() -> None:
    on = merged(BEGUN, {**given_of(BEGUN), "active": "true"})
    assert "active" not in data_of(on, "new_strategy")
    assert data_of(merged(on, {**given_of(on), "active": ""}), "new_strategy")["active"] is False


@pytest.mark.parametrize("body", ["", "owner: retail\n", "name: Über\n"])
def test_a_text_without_a_name_is_told(body: str) -> None:
    with pytest.raises(CultivaError, match="no name"):
        name_in(body)


def test_a_description_is_one_text_or_one_in_each_language() -> None:
    plain = "name: a\ndescription: same for all\noffers: []\n"
    assert fields_of(plain).values["description_en"] == ""
    both = merged(plain, {"description": "给某些人", "description_en": "for some: these"})
    assert "description: {zh: 给某些人, en: 'for some: these'}" in both.replace("{ ", "{").replace(" }", "}")
    assert fields_of(both).values["description_en"] == "for some: these"
    assert merged(both, {"description": "给某些人", "description_en": "for some: these"}) == both
    assert merged(both, {"description": "same for all", "description_en": ""}) == plain
