"""The benchmarks' command line keeps its promises: a list, one JSON line, memory of children, a page of results."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.banks import generated_segments
from benchmarks.harness import measure_python, parse_size, size_name

from benchmarks import harness, results

ROOT = Path(__file__).parents[2]


def _command(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, "CULTIVA_BENCH": str(data), "CULTIVA_BENCH_RESULTS": str(data / "results")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_name_it_lists_the_benchmarks(tmp_path: Path) -> None:
    done = _command(data=tmp_path)
    assert done.returncode == 0
    assert {"run", "count", "generator", "results"} <= {line.split()[0] for line in done.stdout.splitlines()}


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = _command("rum", data=tmp_path)
    assert done.returncode == 2
    assert "run" in done.stderr


def test_the_last_line_is_one_json_object_and_it_is_kept(tmp_path: Path) -> None:
    done = _command("generator", "--size", "2k", data=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["customers"] == 2000
    assert 36_000 < result["rows"]["transaction"] < 44_000
    assert result["peak_gib"] > 0.05
    assert json.loads((tmp_path / "results" / "generator-2k.json").read_text()) == result


def test_memory_of_grandchildren_is_counted() -> None:
    hold = "import time; held = bytearray(200 * 2**20); time.sleep(0.6)"
    alone = measure_python("import time; time.sleep(0.3)")
    family = measure_python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{hold}'], check=True)")
    assert family.peak_gib > alone.peak_gib + 0.18


def test_a_child_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match="no such bank"):
        measure_python("raise SystemExit('no such bank')")


@pytest.mark.parametrize(("text", "customers"), [("0.1m", 100_000), ("10m", 10_000_000), ("50k", 50_000)])
def test_sizes_are_read_and_written_alike(text: str, customers: int) -> None:
    assert parse_size(text) == customers
    assert size_name(customers) == text


def test_generated_segments_are_the_same_every_time_and_differ() -> None:
    text = generated_segments(70)
    assert text == generated_segments(70)
    assert text.count("- name: generated_") == 70


def test_the_exponent_of_growth_is_one_in_proportion() -> None:
    small, large = {"customers": 10, "run_seconds": 2.0}, {"customers": 100, "run_seconds": 20.0}
    assert results.exponent(small, large) == "1.00"
    assert results.exponent(None, large) == ""


def test_the_page_has_a_row_per_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "PAGE", tmp_path / "RESULTS.md")
    box = dict.fromkeys(("cpu", "cores", "memory_gib", "load_1min", "python", "duckdb", "polars", "commit"), "x")
    box["measured_on"] = "1994-03-30"
    for customers in (100_000, 1_000_000):
        harness.keep(
            {
                "benchmark": "generator", "size": size_name(customers), "customers": customers,
                "rows": {"transaction": customers * 20}, "gib": 1, "seconds": 2, "cpu_seconds": 3, "peak_gib": 4,
                "machine": box,
            }
        )  # fmt: skip
    results.run(None)
    page = (tmp_path / "RESULTS.md").read_text()
    assert page.index("| 100,000 | 2,000,000 |") < page.index("| 1,000,000 | 20,000,000 |")
