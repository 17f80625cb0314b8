from __future__ import annotations

import pytest
from tests.store.days import AT, later

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import DefinitionRecord, Store

RICH_1 = DefinitionRecord("segment", "rich", "h1", {"rule": "aum > 1", "label": {"zh": "富裕", "en": "rich"}})
RICH_2 = DefinitionRecord("segment", "rich", "h2", {"rule": "aum > 2"})
AGE = DefinitionRecord("tag", "age", "h1", {"column": "birth_date"})


def test_a_workspace_version_pins_the_version_of_every_definition(store: Store) -> None:
    store.registry.record("w1", [RICH_1, AGE], at=AT)
    store.registry.record("w2", [RICH_2, AGE], at=later(1))
    first, second = store.registry.workspace("w1"), store.registry.workspace("w2")
    assert first.definitions == {("segment", "rich"): "h1", ("tag", "age"): "h1"}
    assert second.definitions == {("segment", "rich"): "h2", ("tag", "age"): "h1"}
    assert (first.first_seen, second.first_seen) == (AT, later(1))
    assert store.registry.definition("segment", "rich", "h1").body == RICH_1.body


def test_recording_again_keeps_the_first_instant(store: Store) -> None:
    store.registry.record("w1", [AGE], at=AT)
    store.registry.record("w1", [AGE], at=later(60))
    assert store.registry.workspace("w1").first_seen == AT
    assert store.registry.definition("tag", "age", "h1").first_seen == AT


def test_versions_of_a_definition_are_listed_oldest_first(store: Store) -> None:
    store.registry.record("w2", [RICH_2], at=AT)
    store.registry.record("w1", [RICH_1, AGE], at=later(1))
    assert [one.content_hash for one in store.registry.versions("segment", "rich")] == ["h2", "h1"]
    assert store.registry.versions("segment", "poor") == ()


def test_what_was_never_recorded_is_not_found(store: Store) -> None:
    with pytest.raises(CultivaError) as caught:
        store.registry.workspace("w9")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(CultivaError, match="no such tag"):
        store.registry.definition("tag", "age", "h9")


def test_a_workspace_without_definitions_is_a_version_too(store: Store) -> None:
    store.registry.record("w0", [], at=AT)
    assert store.registry.workspace("w0").definitions == {}
