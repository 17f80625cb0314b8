"""Writes a new migration: `.venv/bin/python -m tools.revision NUMBER "what changes"`, after the tables have changed."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).parents[1]
STAGES = ("execution",)
"""Stages with tables of their own, beside those of the store."""


def write(number: str, title: str) -> None:
    """Compares the tables with what the migrations make, and writes the difference as the next migration."""
    for stage in STAGES:
        importlib.import_module(f"cultiva.{stage}.tables")
    with tempfile.TemporaryDirectory() as folder:
        config = Config(toml_file=str(ROOT / "pyproject.toml"))
        config.cmd_opts = type("Options", (), {"x": [f"url=sqlite:///{folder}/new.db"]})()
        command.upgrade(config, "head")
        command.revision(config, title, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    write(*sys.argv[1:3])
