"""A real bank's files, read and reconciled with an independent reading of the raw bytes."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.fakes.catalogue import MemoryCatalogue

from cultiva.definitions.loading import load_workspace
from cultiva.definitions.workspace import Workspace
from cultiva.engine.lake import Lake
from cultiva.insight.sources.service import ingest

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT / "../shared/data")).resolve() / "berka"
pytestmark = [pytest.mark.data, pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}")]
ON = date(1994, 3, 30)


def raw(name: str) -> Iterator[dict[str, str]]:
    """The records of a raw file, read by Python's own reader."""
    with gzip.open(DATA / name, "rt", encoding="ascii", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=";")


@pytest.fixture(scope="module")
def berka(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    spill = tmp_path_factory.mktemp("spill")
    overrides = {"data": str(DATA), "engine.spill": str(spill)}
    return load_workspace(ROOT / "examples/berka", overrides=overrides)


def test_two_dates_reconcile_with_the_raw_files(berka: Workspace, tmp_path: Path) -> None:
    catalogue = MemoryCatalogue()
    lake = Lake(tmp_path, catalogue)
    first = ingest(berka, ON, lake, run_id="first")
    catalogue.publish(first.snapshots)
    second = ingest(berka, date(1994, 3, 31), lake, run_id="second")

    moves = list(raw("trans_1993-01-01_to_1994-03-31.asc.gz"))
    upto = [move for move in moves if move["date"] <= "940330"]
    signed = sum(Decimal(move["amount"]) * (1 if move["type"] == "PRIJEM" else -1) for move in upto)
    transactions = first.tables["transaction"]
    table = pq.read_table(lake.folder(transactions.snapshot), partitioning=None)
    assert transactions.counts.read == len(moves) == 49_102
    assert transactions.counts.kept == table.num_rows == len(upto)
    assert pc.sum(table["amount"]).as_py() == signed
    assert transactions.counts.not_yet == len(moves) - len(upto)

    again = second.tables["transaction"].counts
    assert (again.redelivered, again.kept, again.not_yet) == (len(upto), len(moves) - len(upto), 0)

    clients, accounts = list(raw("client.asc.gz")), list(raw("account.asc.gz"))
    assert first.tables["party"].counts.kept == len(clients) == 5_369
    by_mapping = first.tables["account"].by_mapping
    assert by_mapping["account"].read == len(accounts)
    assert by_mapping["account"].kept == sum(account["date"] <= "940330" for account in accounts)
    assert first.quarantine.rows == 0
