"""A small bank after one run, over which every test of the API asks; and copies of it on either store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient

from cultiva import bootstrap
from cultiva.api.app import create_app
from cultiva.api.wiring import Wiring
from cultiva.client import Client
from cultiva.engine.lake import Lake
from cultiva.execution.access.service import Access, KeyRequest, Scope
from cultiva.loop.parts import Parts
from cultiva.store import open_store
from cultiva.store.tables import METADATA

DATE = "1994-03-30"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EVERYTHING = tuple(scope.value for scope in Scope)
MASKED = tuple(scope.value for scope in Scope if scope is not Scope.PERSONAL)


@contextmanager
def opened(root: Path, store_url: str = "") -> Iterator[Parts]:
    """The bank's parts; with another store if one is named, filled with the rows of its own."""
    with bootstrap.opened(root) as found:
        parts = replace(found, clock=lambda: NOW)
        if not store_url:
            yield parts
            return
        other = open_store(store_url, root)
        try:
            _copy(parts, other.database)
            yield replace(parts, store=other, lake=Lake(parts.lake.root, other.snapshots))
        finally:
            other.close()


def _copy(parts: Parts, target: object) -> None:
    with parts.store.database.reading() as here, target.writing() as there:  # type: ignore[attr-defined]
        for table in METADATA.sorted_tables:
            rows = [dict(row._mapping) for row in here.execute(table.select())]
            if rows:
                there.execute(table.delete())
                there.execute(table.insert(), rows)


def copy_of(bank: Path, target: Path) -> Path:
    """A bank that a test may change."""
    shutil.copytree(bank, target)
    return target


@dataclass(frozen=True)
class Api:
    """An application under test."""

    app: FastAPI
    parts: Parts

    def key(self, scopes: Sequence[str] = EVERYTHING, *, per_minute_max: int = 1_000_000, name: str = "test") -> str:
        """The text of a new key."""
        wanted = KeyRequest(name, scopes, None, per_minute_max)
        return Access(self.parts.store.database).create(wanted, by="test", at=NOW).text

    def http(self) -> httpx.Client:
        """Straight into the application, without a socket; faults of ours become answers as on a socket."""
        return TestClient(self.app, raise_server_exceptions=False)

    def client(self, scopes: Sequence[str] = EVERYTHING, *, name: str = "test") -> Client:
        """The typed client with a key of these scopes; nothing is repeated."""
        return Client("", self.key(scopes, name=name), http=self.http(), repeats=0)


@contextmanager
def api_of(root: Path, store_url: str = "", wiring: Wiring | None = None) -> Iterator[Api]:
    """An application over a bank."""
    with opened(root, store_url) as parts:
        yield Api(create_app(parts, wiring=wiring), parts)
