"""Live decisions over HTTP: latency at rising rates until saturation, beside an echo and what a user would build.

Thirty candidates each, models included: consent, caps and complaints of this very moment are looked up for each,
holdouts are kept, prices charged, every candidate's fate is written down. Servers have the same number of worker
processes; the load comes from processes of its own on the same machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.decide_bank import CANDIDATES, SLOT, lay_ground, make
from benchmarks.decide_load import WARM_SHARE, Load, Seen, bodies, quantile, send
from benchmarks.decide_peers import GROUND
from benchmarks.harness import ROOT, parse_size

DESCRIPTION = "live decisions: latency at rising rates, beside an echo and a hand-built peer; --size 1k customers"
WORKERS = 3
"""Worker processes of every server; the fourth core sends."""
RATES = (100, 250, 500, 750, 1000, 1500, 2000, 3000)
ASKED = 1000
"""Requests a second for which the goal is set."""
SECONDS = 6.0
SENDERS = 1
CONNECTIONS = 64
KEPT_UP = 0.97
"""Share of the rate below which a server has not kept up."""
STARTED_SECONDS = 120.0


def run(size: str | None) -> dict[str, Any]:
    """Measures; every server alone, one after another.

    Args:
        size: Customers of the bank.
    """
    customers = parse_size(size or "1k")
    folder = Path(tempfile.mkdtemp(prefix="cultiva-decide-"))
    try:
        on, key = make(folder / "bank", customers)
        numbers = lay_ground(folder / "bank", on, folder / "ground")
        asked = bodies(numbers, SLOT)
        ours = [str(Path(sys.executable).with_name("cultiva")), "serve", str(folder / "bank"), "--port", "{port}",
                "--workers", str(WORKERS)]  # fmt: skip
        found = {
            "cultiva": _measured(ours, asked, key, {}),
            "hand_built": _measured(_peer("hand_built"), asked, key, {GROUND: str(folder / "ground")}),
            "hand_built_bare": _measured(_peer("bare"), asked, key, {GROUND: str(folder / "ground")}),
            "starlette_echo": _measured(_peer("echo"), asked, key, {}),
        }
        return _told(found, customers, _recorded(folder / "bank"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _told(found: Mapping[str, dict[str, Any]], customers: int, recorded: int) -> dict[str, Any]:
    most = {name: max(one["most_per_second"], 1e-9) for name, one in found.items()}
    mine = found["cultiva"]
    asked = next((one for one in mine["rates"] if one["asked"] == ASKED), mine["rates"][-1])
    return {
        "customers": customers,
        "candidates": CANDIDATES,
        "workers": WORKERS,
        "p50_ms": asked["p50_ms"], "p99_ms": asked["p99_ms"], "p999_ms": asked["p999_ms"], "rate": asked["rate"],
        "most_per_second": most,
        "cpu_ms": {name: one["cpu_ms"] for name, one in found.items()},
        "ratio_vs_peer": round(most["cultiva"] / most["hand_built"], 2),
        "ratio_of_cpu_vs_peer": round(found["hand_built"]["cpu_ms"] / max(mine["cpu_ms"], 1e-9), 2),
        "ratio_vs_bare_peer": round(most["cultiva"] / most["hand_built_bare"], 2),
        "share_of_echo": round(most["cultiva"] / most["starlette_echo"], 3),
        "decisions_recorded": recorded,
        "load_average": round(os.getloadavg()[0], 1),
        "servers": dict(found),
    }  # fmt: skip


def _measured(command: Sequence[str], asked: Sequence[bytes], key: str, env: Mapping[str, str]) -> dict[str, Any]:
    with _serving(command, asked[0], key, env) as (port, server):
        warm = Load(port, "/v1/decide", key, asked, 0, 3.0, CONNECTIONS)
        send(warm, SENDERS)  # every worker has opened and compiled
        before = _cpu_seconds(server)
        closed = send(Load(port, "/v1/decide", key, asked, 0, SECONDS, CONNECTIONS), SENDERS)
        used = (_cpu_seconds(server) - before) * (1 - WARM_SHARE) / max(len(closed.latencies), 1)
        rates = []
        for rate in RATES:
            seen = send(Load(port, "/v1/decide", key, asked, rate, SECONDS, CONNECTIONS), SENDERS)
            rates.append({"asked": rate, **_figures(seen)})
            if rates[-1]["rate"] < KEPT_UP * rate:
                break
        return {"most_per_second": _figures(closed)["rate"], "cpu_ms": round(used * 1000, 3), "rates": rates}


def _cpu_seconds(server: int) -> float:
    """Processor time of a server and its workers so far."""
    root = psutil.Process(server)
    return sum(one.cpu_times().user + one.cpu_times().system for one in (root, *root.children(recursive=True)))


def _figures(seen: Seen) -> dict[str, Any]:
    return {
        "rate": round(len(seen.latencies) / seen.seconds, 1),
        "p50_ms": quantile(seen.latencies, 0.5), "p99_ms": quantile(seen.latencies, 0.99),
        "p999_ms": quantile(seen.latencies, 0.999), "failed": seen.failed, "neutral": seen.neutral,
    }  # fmt: skip


def _peer(name: str) -> list[str]:
    return [
        sys.executable, "-m", "benchmarks.decide_peers", name, "{port}", str(WORKERS),
    ]  # fmt: skip


@contextmanager
def _serving(command: Sequence[str], body: bytes, key: str, env: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """A server that answers, its port and process, and its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = [one.format(port=port) for one in command]
    surroundings = {**os.environ, **env, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(told, cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(server, port, body, key)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(60)


def _wait(server: subprocess.Popen[bytes], port: int, body: bytes, key: str) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/decide", body,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    until = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            with urllib.request.urlopen(asked, timeout=30) as answered:
                if answered.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def _recorded(root: Path) -> int:
    """Decisions that were written down."""
    from cultiva.loop.live.recording import days_recorded, read_records

    return sum(1 for day in days_recorded(root) for _ in read_records(root, day))
