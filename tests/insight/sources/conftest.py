"""A bank that delivers: a workspace of inputs and mappings, real files, a real lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.fakes.catalogue import MemoryCatalogue

from cultiva.contracts.snapshots import Snapshot
from cultiva.definitions.empty import NO_LIFECYCLE, NO_POLICY, NO_VALUE
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.tags import Tag
from cultiva.definitions.workspace import EngineSettings, Settings, Workspace
from cultiva.engine.lake import Lake
from cultiva.insight.sources.result import IngestResult
from cultiva.insight.sources.service import ingest
from cultiva.kit.errors import Fault, Faults

TODAY = date(2024, 3, 29)
Row = dict[str, Any]


def workspace_of(
    root: Path,
    *,
    inputs: Sequence[Row] = (),
    tables: Sequence[Row] = (),
    variables: Mapping[str, str] | None = None,
    tags: Mapping[str, Tag] | None = None,
) -> Workspace:
    """A workspace that has sources and little else."""
    return Workspace(
        root=root,
        settings=Settings(name="bank", engine=EngineSettings(threads=2, memory_gb=1), vars=dict(variables or {})),
        sources=SourceFile.model_validate({"inputs": list(inputs), "tables": list(tables)}),
        identity=Identity(),
        events={},
        tags=tags or {},
        segments={},
        micro_segmentations={},
        lifecycle=NO_LIFECYCLE,
        value=NO_VALUE,
        offers={},
        strategies={},
        policy=NO_POLICY,
    )


@dataclass
class Bank:
    """A workspace folder, and the lake that its runs publish to."""

    root: Path
    inputs: list[Row] = field(default_factory=list)
    tables: list[Row] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    catalogue: MemoryCatalogue = field(default_factory=MemoryCatalogue)

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake", self.catalogue)

    @property
    def workspace(self) -> Workspace:
        return workspace_of(self.root, inputs=self.inputs, tables=self.tables, variables=self.variables, tags=self.tags)

    def deliver(self, name: str, content: str | bytes) -> Path:
        """Writes a file as the bank would."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, on: date = TODAY, *, publish: bool = True) -> IngestResult:
        """Ingests a business date and publishes it."""
        result = ingest(self.workspace, on, self.lake, run_id=f"run-{on}")
        for table in result.tables.values():
            assert all(counts.balanced for counts in table.by_mapping.values())
            assert table.counts.kept == table.snapshot.rows
            assert sum(one.rows for one in table.broken) == table.counts.quarantined
        assert sum(table.counts.quarantined for table in result.tables.values()) == result.quarantine.rows
        if publish:
            self.catalogue.publish(result.snapshots)
        return result

    def faults(self, on: date = TODAY) -> list[Fault]:
        """The faults with which a run stops; nothing may be left in the lake by it."""
        with pytest.raises(Faults) as caught:
            self.run(on)
        assert set(self.lake.root.glob("*/date=*/*")) == {self.lake.folder(one) for one in self.catalogue.published()}
        assert list((self.root / ".cultiva/spill").iterdir()) == []
        return list(caught.value.faults)

    def fault(self, on: date = TODAY) -> Fault:
        """The one fault with which a run stops."""
        (found,) = self.faults(on)
        assert found.message and found.allowed and found.hint
        return found

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """The rows of a snapshot."""
        return rows_of(self.lake.folder(snapshot))


def rows_of(folder: Path) -> list[Row]:
    """All rows in a folder of Parquet files."""
    rows: list[Row] = pq.read_table(folder, partitioning=None).to_pylist()
    return rows


TRANSACTION_COLUMNS = {
    "transaction_id": "id",
    "account_id": "account",
    "at": "time",
    "amount": "amount",
    "kind": "kind",
}
HEADER = "id,account,time,amount,kind\n"


def transaction_lines(count: int, *, start: int = 1, day: date = date(2024, 3, 28)) -> str:
    """So many good transactions, without a header."""
    return "".join(
        f"T{number},A{number % 7},{day} 10:00:00,{number}.50,card\n" for number in range(start, start + count)
    )


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """A bank without deliveries."""
    return Bank(tmp_path)


@pytest.fixture
def transactions(tmp_path: Path) -> Bank:
    """A bank that delivers transactions in one CSV file, `transactions.csv`."""
    return Bank(
        tmp_path,
        inputs=[{"name": "moves", "file": "transactions.csv"}],
        tables=[{"table": "transaction", "name": "moves", "from": "moves", "columns": TRANSACTION_COLUMNS}],
    )


@pytest.fixture
def parties(tmp_path: Path) -> Bank:
    """A bank that delivers customers in one CSV file, `customers.csv`."""
    columns = {
        "source_system": {"value": "core"},
        "source_id": "id",
        "party_type": {"from": "type", "codes": {"P": "person", "C": "organisation"}},
        "name": "name",
        "phone": "phone",
        "birth_date": "born",
    }
    return Bank(
        tmp_path,
        inputs=[{"name": "customers", "file": "customers.csv"}],
        tables=[
            {"table": "party", "name": "core", "from": "customers", "columns": columns, "bad_rows_max": 0.5},
        ],
    )
