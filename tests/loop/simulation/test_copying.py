"""Which definitions can be flown on a simulated bank, and what is said of those that cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.kit.errors import CultivaError
from cultiva.loop.simulation.copying import copy_definitions, reads_simulated

BERKA = Path(__file__).parents[3] / "examples" / "berka"


def without(path: Path, begins: str, ends: str) -> None:
    """Takes a part out of a file."""
    text = path.read_text(encoding="utf-8")
    start = text.index(begins)
    path.write_text(text[:start] + text[text.index(ends, start) :], encoding="utf-8")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    root = tmp_path / "mybank"
    init_workspace(root)
    return root


def test_the_starter_packs_own_sources_are_flown(pack: Path, tmp_path: Path) -> None:
    source = pack / "sources" / "service.yaml"
    source.write_text(source.read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    (pack / "lists" / "2024-06-28").mkdir()
    (pack / "data").mkdir(exist_ok=True)
    assert reads_simulated(pack)
    copy_definitions(pack, tmp_path / "flown")
    assert (tmp_path / "flown" / "sources" / "service.yaml").read_text(encoding="utf-8").endswith("# ours\n")
    assert not (tmp_path / "flown" / "lists" / "2024-06-28").exists()
    assert not (tmp_path / "flown" / "data").exists()
    assert load_workspace(tmp_path / "flown").strategies == load_workspace(pack).strategies


def test_a_flight_never_writes_into_the_banks_own_store_or_lake(pack: Path, tmp_path: Path) -> None:
    settings = (pack / "cultiva.toml").read_text(encoding="utf-8")
    settings = settings.replace("sqlite:///.cultiva/store.db", "postgresql://bank/real").replace(
        'path = ".cultiva/lake"', 'path = "/srv/lake"'
    )
    (pack / "cultiva.toml").write_text(settings.replace('language = "zh"', 'language = "en"'), encoding="utf-8")
    assert load_workspace(pack).settings.lake.path == "/srv/lake"
    copy_definitions(pack, tmp_path / "flown")
    flown = load_workspace(tmp_path / "flown").settings
    assert (flown.store.url, flown.lake.path) == ("sqlite:///.cultiva/store.db", ".cultiva/lake")
    assert (flown.name, flown.language) == (load_workspace(pack).settings.name, "en")


@pytest.mark.parametrize(("old", "new"), [("${data}/consent.csv", "${data}/permissions.csv"), ("${data}/", "data/")])
def test_sources_of_other_files_are_replaced(pack: Path, tmp_path: Path, old: str, new: str) -> None:
    before = load_workspace(pack).sources
    for path in (pack / "sources").glob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    (pack / "sources" / "customers.yaml").rename(pack / "sources" / "people.yaml")
    assert not reads_simulated(pack)
    copy_definitions(pack, tmp_path / "flown")
    flown = load_workspace(tmp_path / "flown")
    assert {one.name for one in flown.sources.inputs} == {one.name for one in before.inputs}
    assert reads_simulated(tmp_path / "flown")
    assert not (tmp_path / "flown" / "sources" / "people.yaml").exists()


def test_definitions_on_columns_of_the_banks_own_are_named(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as raised:
        copy_definitions(BERKA, tmp_path / "flown")
    assert raised.value.code == "simulation.not_delivered"
    assert "tags/holdings.yaml:35" in str(raised.value.seen)
    assert "statements" in str(raised.value.seen)


def test_without_them_the_others_are_flown(tmp_path: Path) -> None:
    root = tmp_path / "berka"
    shutil.copytree(BERKA, root, ignore=shutil.ignore_patterns(".cultiva", "lists", "reports"))
    without(root / "tags" / "holdings.yaml", "- name: statements", "- name: aum\n")
    without(root / "value.yaml", " statements,", " region]")
    copy_definitions(root, tmp_path / "flown")
    flown = load_workspace(tmp_path / "flown")
    assert set(flown.strategies) == set(load_workspace(root).strategies)
    assert "party_core" in {one.name for one in flown.sources.inputs}
    assert flown.settings.currency == "CZK"
