"""Writes RESULTS.md from the results kept in results/."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, kept

DESCRIPTION = "write RESULTS.md from the results kept in benchmarks/results/"
PAGE = Path(__file__).parent / "RESULTS.md"
Result = Mapping[str, Any]
_HEAD = """# Benchmarks

Written by `make bench NAME=results` from the files in `benchmarks/results/`; do not edit. Every row says what it was
measured on. `make bench` lists the benchmarks, `make bench NAME=run SIZE=1m` measures one again.
"""


def run(size: str | None) -> dict[str, Any]:
    """Writes the page; `size` is not used."""
    del size
    parts = [_HEAD, _main_job(kept("run")), _counts(kept("count")), _generator(kept("generator"))]
    known = {"run", "count", "generator"}
    others = sorted({_name(path) for path in RESULTS.glob("*.json")} - known)
    parts += [_any(name, kept(name)) for name in others]
    PAGE.write_text("\n".join(part for part in parts if part))
    return {"written": str(PAGE), "results": len(list(RESULTS.glob("*.json")))}


def _name(path: Path) -> str:
    import json

    return str(json.loads(path.read_text())["benchmark"])


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def _machine(result: Result) -> str:
    box = result["machine"]
    return (
        f"{box['cpu']}, {box['cores']} cores, {box['memory_gib']} GiB; load {box['load_1min']} at the end; "
        f"DuckDB {box['duckdb']}, Polars {box['polars']}, Python {box['python']}; {box['measured_on']}, "
        f"commit {box['commit']}"
    )


def _machines(results: Sequence[Result]) -> str:
    said = dict.fromkeys(f"- {result.get('size', '')}: {_machine(result)}".replace("- : ", "- ") for result in results)
    return "\nMeasured on:\n\n" + "\n".join(said) + "\n"


def _main_job(results: Sequence[Result]) -> str:
    if not results:
        return ""
    first = results[-1]
    head = ["customers", "input rows", "input", "raw scan", "scan and write", "run", "run / scan",
            "run / (scan and write)", "the same of processor time", "foundation / (scan and write)", "exponent",
            "peak memory", "lake"]  # fmt: skip
    rows = []
    for before, now in zip([None, *results], results, strict=False):
        rows.append([
            f"{now['customers']:,}", f"{now['input_rows']:,}", f"{now['input_gib']} GiB", f"{now['scan_seconds']} s",
            f"{now['scan_and_write_seconds']} s", f"{now['run_seconds']} s", now["ratio_to_scan"],
            now["ratio_to_scan_and_write"], now.get("cpu_ratio_to_scan_and_write", ""),
            now.get("foundation_ratio_to_scan_and_write", ""), exponent(before, now), f"{now['run_peak_gib']} GiB",
            f"{now['lake_gib']} GiB",
        ])  # fmt: skip
    steps = list(dict.fromkeys(step for result in results for step in result["steps"]))
    per_step = [
        [step, *(f"{result['steps'][step]} s" if step in result["steps"] else "" for result in results)]
        for step in steps
    ]
    return (
        f"\n## The main job\n\n`cultiva run` from deliveries to worklists, {first['transactions_per_customer']} "
        f"transactions per customer, {first['tags']} tags and {first['segments']} segments, in a child process from "
        "nothing (no snapshot before). The raw scan is DuckDB hashing every column of the delivered Parquet files; the "
        "write is DuckDB writing every table that the run has left in its lake, in the lake's own compression, without "
        "what reading them takes. The foundation is the run without the steps that came after the goal was set "
        "(lifetime, performance, exposure, review, features, models), held against the write without their tables. "
        f"{_goal(results)}The exponent is that of time over customers against the row above.\n\n"
        + _table(head, rows)
        + "\nSeconds per step:\n\n"
        + _table(["step", *(f"{result['customers']:,}" for result in results)], per_step)
        + _machines(results)
    )


def _goal(results: Sequence[Result]) -> str:
    """What was wanted; nothing for results of an older yardstick, which wrote the input again."""
    older = [result["size"] for result in results if "yardstick" not in result]
    goals = {result["goal_ratio"] for result in results if "goal_ratio" in result}
    told = "".join(f"The goal is a ratio of at most {goal:g}. " for goal in sorted(goals))
    return told + (f"(Of {', '.join(older)} the write is that of the input, an older yardstick.) " if older else "")


def exponent(before: Result | None, now: Result) -> str:
    """How time grows with customers: 1 is in proportion."""
    if before is None:
        return ""
    growth = math.log(now["run_seconds"] / before["run_seconds"])
    return f"{growth / math.log(now['customers'] / before['customers']):.2f}"


def _counts(results: Sequence[Result]) -> str:
    if not results:
        return ""
    rows = [
        [f"{r['customers']:,}", f"`{one['expression']}`", f"{one['count']:,}", f"{one['first_seconds']} s",
         f"{one['again_seconds']} s"]
        for r in results
        for one in r["expressions"]
    ]  # fmt: skip
    return (
        "\n## Counting a fresh expression\n\nCompiled and counted on the newest profile, in process; `cultiva count` "
        f"as a command, start of Python included, takes {results[-1]['command_seconds']} s.\n\n"
        + _table(["customers", "expression", "count", "first", "again"], rows)
        + _machines(results)
    )


def _generator(results: Sequence[Result]) -> str:
    if not results:
        return ""
    rows = [
        [f"{r['customers']:,}", f"{sum(r['rows'].values()):,}", f"{r['gib']} GiB", f"{r['seconds']} s",
         f"{r['cpu_seconds']} s", f"{r['peak_gib']} GiB", f"{r.get('cpu_ratio', '-')}"]
        for r in results
    ]  # fmt: skip
    return (
        "\n## Writing a generated bank\n\nThe last column is the CPU time as a multiple of that of writing the same "
        "rows to Parquet when they are in memory already.\n\n"
        + _table(["customers", "rows", "Parquet", "time", "CPU", "peak memory", "over writing"], rows)
        + _machines(results)
    )


def _any(name: str, results: Sequence[Result]) -> str:
    """A benchmark that brings its own table (`rows`: list of flat mappings), or its figures one by one."""
    out = [f"\n## {results[-1].get('title', name)}\n"]
    for result in results:
        if result.get("note"):
            out.append(f"{result['note']}\n")
        rows = result.get("rows")
        if isinstance(rows, list) and rows:
            head = list(rows[0])
            out.append(_table(head, [[row.get(column, "") for column in head] for row in rows]))
        skipped = ("benchmark", "machine", "rows", "title", "note")
        figures = [[key, value] for key, value in result.items() if key not in skipped]
        if figures:
            out.append(_table(["figure", "value"], figures))
    return "\n".join(out) + _machines(results)
