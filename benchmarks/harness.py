"""What the benchmarks share: sizes, places, child processes measured from outside, the machine, results on disk."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CULTIVA_BENCH", ROOT / "build" / "bench"))
"""Where generated banks lie; CULTIVA_BENCH names another disk."""
RESULTS = Path(os.environ.get("CULTIVA_BENCH_RESULTS", Path(__file__).parent / "results"))
"""Where results are kept."""
GIB = 2**30
SAMPLE_SECONDS = 0.05
"""How often memory is looked at."""


@dataclass(frozen=True)
class Measured:
    """One child process seen from outside."""

    seconds: float
    """Wall clock."""
    cpu_seconds: float
    """User and system time of the child and its children."""
    peak_gib: float
    """Largest sum of resident memory of the child and its children."""
    output: str
    """What it printed on stdout."""


def parse_size(text: str) -> int:
    """Customers of a size: `0.1m`, `10m`, `50k`, `2000`.

    Examples:
        >>> parse_size("0.1m"), parse_size("50k"), parse_size("2000")
        (100000, 50000, 2000)
    """
    factor = {"m": 1_000_000, "k": 1_000}.get(text[-1:].lower(), 1)
    return round(float(text.rstrip("mMkK")) * factor)


def size_name(customers: int) -> str:
    """The size as it is written: `0.1m`, `10m`, `2k`."""
    return f"{customers / 1e6:g}m" if customers >= 100_000 else f"{customers / 1e3:g}k"


def measure(command: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Measured:
    """Runs a command in a child process and measures it.

    Raises:
        RuntimeError: If it fails; with the end of what it said.
    """
    before = os.times()
    began = time.perf_counter()
    child = psutil.Popen(
        list(command),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = _Peak(child.pid)
    peak.start()
    output, errors = child.communicate()
    seconds = time.perf_counter() - began
    peak.finish()
    after = os.times()
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed with {child.returncode}:\n{output[-2000:]}\n{errors[-4000:]}")
    used = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return Measured(round(seconds, 3), round(used, 2), round(peak.bytes / GIB, 3), output)


class _Peak(threading.Thread):
    """Watches the resident memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._over = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        """Looks until told to stop."""
        while not self._over.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, self._resident())

    def _resident(self) -> int:
        total = 0
        try:
            family = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in family:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def finish(self) -> None:
        """Stops looking."""
        self._over.set()
        self.join()


def measure_python(code: str, *arguments: str) -> Measured:
    """Measures Python code in a child process of this interpreter; `sys.argv[1:]` are the arguments."""
    return measure([sys.executable, "-c", code, *arguments])


def best_of(times: int, work: Callable[[], Any]) -> float:
    """Shortest wall time of several runs in this process."""
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was."""
    import duckdb
    import polars

    return {
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / GIB, 1),
        "load_1min": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "polars": polars.__version__,
        "commit": _commit(),
        "measured_on": time.strftime("%Y-%m-%d"),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor()


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def keep(result: Mapping[str, Any]) -> Path:
    """Keeps a result as results/NAME[-SIZE].json; a newer one replaces it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = "-".join(str(result[part]) for part in ("benchmark", "size") if result.get(part))
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False, default=str) + "\n")
    return path


def kept(benchmark: str) -> list[dict[str, Any]]:
    """Results kept of one benchmark, smallest size first."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    mine = [result for result in found if result["benchmark"] == benchmark]
    return sorted(mine, key=lambda result: int(result.get("customers", 0)))
