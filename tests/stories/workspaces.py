"""Whole workspaces: the Berka example and generated banks, and what a run leaves of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from cultiva.contracts.snapshots import Snapshot
from cultiva.store import Store, open_store

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data"))
"""Where the public data sets lie."""
BERKA = DATA / "berka"
STORE = "sqlite:///.cultiva/store.db"
DAY, NEXT_DAY = date(1994, 3, 30), date(1994, 3, 31)
MADE = shutil.ignore_patterns(".cultiva", "lists", "reports")
"""What runs make in the example's folder."""

Content = Mapping[tuple[str, date], str]
"""Fingerprint of everything published, by table and business date."""


def berka_workspace(root: Path) -> Path:
    """A copy of examples/berka that no run has touched."""
    shutil.copytree(ROOT / "examples" / "berka", root, ignore=MADE)
    return root


def on_spark(root: Path, master: str, options: Mapping[str, str]) -> list[str]:
    """Writes Spark's options into a workspace; what else a command needs, to run on that cluster."""
    lines = [f'"{name}" = "{value}"' for name, value in options.items()]
    with (root / "cultiva.toml").open("a") as settings:
        settings.write("\n[engine.options]\n" + "\n".join(lines) + "\n")
    return ["--set", "engine.name=spark", "--set", f"engine.master={master}"]


def store_of(root: Path, url: str = STORE) -> Store:
    """The store of a workspace."""
    return open_store(url, root)


def published(root: Path, url: str = STORE) -> dict[tuple[str, date], Snapshot]:
    """Everything that a workspace has published, by table and business date."""
    store = store_of(root, url)
    try:
        return {(one.table, one.business_date): one for one in store.snapshots.published()}
    finally:
        store.close()


def content(root: Path, url: str = STORE) -> Content:
    """What is published, by content: equal for equal rows."""
    return {key: one.fingerprint for key, one in published(root, url).items()}


def lake_folder(root: Path, snapshot: Snapshot) -> Path:
    """The folder of a snapshot."""
    return root / ".cultiva" / "lake" / snapshot.path


def table(root: Path, name: str, on: date = DAY) -> pl.DataFrame:
    """What is published of a table for one business date."""
    return pl.read_parquet(lake_folder(root, published(root)[name, on]) / "*.parquet")


def facts(root: Path, name: str, upto: date = DAY) -> pl.DataFrame:
    """All that is published of a table up to a business date: facts add up."""
    folders = [lake_folder(root, one) for (table, on), one in published(root).items() if table == name and on <= upto]
    return pl.concat([pl.read_parquet(folder / "*.parquet") for folder in folders])
