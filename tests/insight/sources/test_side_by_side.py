"""Which tables may be read side by side, and that it makes no difference."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.commands import done

from cultiva.contracts.tables import CANONICAL
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.sources import Mapping
from cultiva.engine.lake import Lake
from cultiva.insight.sources import service, side_by_side
from cultiva.insight.sources.side_by_side import TableSource, independent, is_small
from cultiva.kit.clock import parse_business_date
from cultiva.store import open_store

DAY = parse_business_date("1994-03-30")


def table(name: str, *inputs: str, select: str | None = None) -> TableSource:
    columns = {"source_id": "id"}
    mappings = [Mapping.model_validate({"table": name, "name": one, "from": one, "columns": columns}) for one in inputs]
    if select is not None:
        mappings.append(Mapping(table=name, name="made", select=select))
    return TableSource(CANONICAL[name], tuple(mappings))


def grouped(*sources: TableSource) -> list[list[str]]:
    known = ["core", "app", "cards", "core_old"]
    return [[one.schema.name for one in group] for group in independent(sources, known)]


def test_tables_that_share_an_input_stay_together() -> None:
    assert grouped(table("party", "core", "app"), table("account", "cards"), table("holder", "cards")) == [
        ["party"],
        ["account", "holder"],
    ]


def test_a_table_of_two_inputs_joins_the_tables_of_both() -> None:
    assert grouped(table("party", "core"), table("account", "cards"), table("holder", "core", "cards")) == [
        ["party", "account", "holder"]
    ]


def test_a_select_reads_the_inputs_that_it_names() -> None:
    made = table("holder", select="SELECT * FROM Core JOIN cards USING (id)")
    assert grouped(table("party", "core_old"), table("account", "cards"), made) == [["party"], ["account", "holder"]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("side") / "bank"
    done("init", root, "--customers", 600)
    return root


def ingested(root: Path, run_id: str) -> dict[str, tuple[object, ...]]:
    workspace = load_workspace(root)
    store = open_store(workspace.settings.store.url, root)
    try:
        lake = Lake(root / "lake", store.snapshots)
        found = service.ingest(workspace, DAY, lake, run_id=run_id)
    finally:
        store.close()
    tables = {name: (one.snapshot.fingerprint, one.by_mapping, one.broken) for name, one in found.tables.items()}
    return {**tables, "quarantine": (found.quarantine.fingerprint, found.quarantine.rows)}


def test_side_by_side_gives_what_one_after_the_other_gives(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_small(load_workspace(root), DAY)
    beside = ingested(root, "beside")
    monkeypatch.setattr(side_by_side, "SMALL_BYTES", 1000)
    assert not is_small(load_workspace(root), DAY)
    alone = ingested(root, "alone")
    assert beside == alone
    assert list(beside) == list(alone)
    assert len(beside) > 10


def test_what_cannot_be_found_is_not_small(root: Path) -> None:
    assert not is_small(load_workspace(root, overrides={"data": "nowhere"}), DAY)
