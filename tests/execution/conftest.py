"""Every test of execution that keeps rows runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from tests.servers.stores import store, store_url

__all__ = ["store", "store_url"]
