"""Banks to measure on: a generated delivery of any size, and a workspace of 60 tags and 100 segments over it."""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from benchmarks.harness import DATA, Measured, measure_python, size_name

BUSINESS_DATE = "1994-03-30"
TRANSACTIONS_PER_CUSTOMER = 20
SEGMENTS = 100
SEED = 1
SMALLEST = 100
"""Customers of the bank that shows what the generator writes."""
_GENERATE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from cultiva.simbank.sample import write_sample
counts = write_sample(Path(sys.argv[1]), customers=int(sys.argv[2]), seed=int(sys.argv[3]),
                      transactions_per_customer=float(sys.argv[4]), parquet=True)
print(json.dumps(asdict(counts)))
"""
_WHOLE = ("product", "branch", "staff", "partner", "merchant")


def generate(customers: int, folder: Path) -> tuple[dict[str, Any], Measured]:
    """Generates a bank in a child process, replacing what is there; its counts and how long it took."""
    shutil.rmtree(folder, ignore_errors=True)
    measured = measure_python(_GENERATE, str(folder), str(customers), str(SEED), str(TRANSACTIONS_PER_CUSTOMER))
    counts: dict[str, Any] = json.loads(measured.output.splitlines()[-1])
    (folder / "counts.json").write_text(json.dumps({"counts": counts, "measured": asdict(measured)}))
    return counts, measured


def bank(customers: int) -> tuple[Path, dict[str, Any]]:
    """The delivery of a size, generated once: its folder and counts."""
    folder = DATA / size_name(customers) / "data"
    note = folder / "counts.json"
    if note.exists() and _as_today(folder):
        return folder, json.loads(note.read_text())["counts"]
    print(f"generating {customers:,} customers in {folder}", file=sys.stderr)
    return folder, generate(customers, folder)[0]


def _as_today(folder: Path) -> bool:
    """Whether a delivery has the files and columns that today's generator writes; else it is of an older one."""
    with TemporaryDirectory() as scratch:
        generate(SMALLEST, Path(scratch) / "data")
        return _columns(folder) == _columns(Path(scratch) / "data")


def _columns(folder: Path) -> dict[str, str]:
    """Name of every file and its columns."""
    texts = {path.name: path.open(encoding="utf-8").readline().strip() for path in folder.glob("*.csv")}
    return texts | {path.name: ", ".join(pq.read_schema(path).names) for path in folder.glob("*.parquet")}


def delivered(folder: Path) -> list[Path]:
    """The Parquet files of a delivery."""
    return sorted(folder.glob("*.parquet"))


def workspace(customers: int, data: Path) -> Path:
    """A fresh workspace of the starter pack over a delivery, with segments up to a hundred."""
    from cultiva.definitions.packs import init_workspace

    root = DATA / size_name(customers) / "workspace"
    shutil.rmtree(root, ignore_errors=True)
    init_workspace(root, "retail-bank")
    for path in (root / "sources").glob("*.yaml"):
        path.write_text(_over_parquet(path.read_text()))
    settings = root / "cultiva.toml"
    settings.write_text(re.sub(r'(?m)^data = "[^"]*"', f'data = "{data}"', settings.read_text()))
    have = sum(len(re.findall(r"(?m)^- name:", path.read_text())) for path in (root / "segments").glob("*.yaml"))
    (root / "segments" / "generated.yaml").write_text(generated_segments(SEGMENTS - have))
    return root


def _over_parquet(text: str) -> str:
    def parquet(found: re.Match[str]) -> str:
        name = found.group(1)
        return found.group(0) if name in _WHOLE else f"file: ${{data}}/{name}.parquet\n    format: {{ kind: parquet }}"

    return re.sub(r"file: \$\{data\}/(\w+)\.csv", parquet, text)


def generated_segments(count: int) -> str:
    """Conditions of three to six clauses over the starter pack's tags, as a bank's analysts write them."""
    draw = random.Random(SEED)
    pieces = []
    for number in range(count):
        clauses = draw.sample(_clauses(draw), draw.randint(3, 6))
        joined = " and ".join(f"({one})" for one in clauses[:-1])
        rule = f"{joined} {draw.choice(['and', 'or', 'and not'])} ({clauses[-1]})"
        pieces.append(
            f"- name: generated_{number:03d}\n"
            f"  label: {{ zh: 生成客群{number}, en: Generated {number} }}\n"
            f"  description: Made for the benchmark.\n  owner: benchmark\n"
            f'  rule: "{rule}"\n'
        )
    return "".join(pieces)


def _clauses(draw: random.Random) -> list[str]:
    low, high = sorted(draw.sample(range(18, 80), 2))
    return [
        f"age between {low} and {high}",
        f"aum >= {draw.choice([1000, 5000, 20000, 50000, 300000])}",
        f"aum < {draw.choice([3000, 30000, 100000, 1000000])}",
        f"open_products >= {draw.randint(1, 4)}",
        f"tenure_days > {draw.choice([30, 90, 365, 1000])}",
        f"days_since_last_transaction <= {draw.choice([7, 30, 90])}",
        f"transactions_90d >= {draw.randint(1, 15)}",
        f"balance_change_share > {draw.choice([-0.5, -0.2, 0.0, 0.3])}",
        f"coalesce(liquid_share, 0) < {draw.choice([0.2, 0.5, 0.8])}",
        f"occupation in ('{draw.choice(['worker', 'clerk'])}', '{draw.choice(['farmer', 'retired', 'merchant'])}')",
        f"stage in ('growing', '{draw.choice(['mature', 'honeymoon', 'at_risk'])}')",
        f"value_tier <> '{draw.choice(['basic', 'standard'])}'",
        f"days_between(last_login, today) > {draw.choice([7, 30, 60])}",
        f"loan_balance > 0 or card_count >= {draw.randint(1, 2)}",
        "risk_rating is null or risk_rating in ('C1', 'C2', 'C3')",
    ]
