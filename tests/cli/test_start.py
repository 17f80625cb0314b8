"""What a command loads before it can answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "alembic",
    "duckdb",
    "ibis",
    "numba",
    "pandas",
    "polars",
    "pyarrow",
    "pyspark",
    "scipy",
    "sklearn",
    "sqlalchemy",
)
LOADED = """\
import sys
from cultiva.cli.main import main
code = main(sys.argv[2:])
print("loaded:", *(name for name in sys.argv[1].split(",") if name in sys.modules))
"""


def loaded(*arguments: str) -> list[str]:
    command = [sys.executable, "-c", LOADED, ",".join((*HEAVY, "rich", "structlog", "pydantic")), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1].removeprefix("loaded:").split()


def test_help_loads_next_to_nothing() -> None:
    assert loaded("--help") == []


@pytest.mark.parametrize("arguments", [("try", "aum > 5", "--with", '{"aum": 6}'), ("check", "pack")])
def test_what_reads_no_data_loads_no_engine(arguments: tuple[str, ...]) -> None:
    pack = Path(__file__).parents[2] / "src/cultiva/packs/retail_bank"
    given = [str(pack) if one == "pack" else one for one in arguments]
    solves = {"scipy"} if arguments[0] == "check" else set()  # sparse matrices of the model portfolios' risk budgets
    assert set(loaded(*given)).isdisjoint(set(HEAVY) - solves)


def test_questions_load_no_statistics_and_no_database_of_the_engine() -> None:
    code = "import sys, cultiva.loop.questions; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()).isdisjoint({"alembic", "duckdb", "ibis", "numba", "pandas", "scipy", "sklearn"})
