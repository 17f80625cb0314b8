"""Events from HTTP to durable in the log, one by one and in batches, beside a plain Starlette echo in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness import ROOT, parse_size, size_name

DESCRIPTION = "events over HTTP until durable in the log, beside a Starlette echo, and killed on the way; --size 0.1m"
CONNECTIONS = 32
"""Clients that each wait for their answer before they send again."""
BATCH = 500
SINGLE_SHARE = 10
"""One in so many events of the size is sent by itself."""
PEOPLE = 20_000
KEY_FILE = "key"
KILLS = 3
KILL_BATCH = 20
WAIT_SECONDS = 180.0


def run(size: str | None) -> dict[str, Any]:
    """One server process of each kind after the other, each measured over its own processor time."""
    events = parse_size(size or "0.1m")
    folder = Path(tempfile.mkdtemp(prefix="cultiva-events-", dir=ROOT / "build" if (ROOT / "build").exists() else None))
    result: dict[str, Any] = {"size": size_name(events), "events": events, "connections": CONNECTIONS, "batch": BATCH}
    try:
        subprocess.run([sys.executable, "-m", "benchmarks.events", "prepare", str(folder)], cwd=ROOT, check=True)
        for name, batch in (("single", 1), ("batch", BATCH)):
            count = events // SINGLE_SHARE if batch == 1 else events
            for who in ("echo", "cultiva"):
                result[f"{who}_{name}"] = _measured(folder, who, batch, count)
        result["ratio_single_to_echo"] = _ratio(result, "single")
        result["ratio_batch_to_echo"] = _ratio(result, "batch")
        result["in_the_log"] = _in_the_log(folder)
        result["sent"] = sum(result[f"cultiva_{name}"]["events"] for name in ("single", "batch"))
        result["lost_or_doubled"] = abs(result["sent"] - result["in_the_log"])
        result["killed"] = _killed(folder, events // SINGLE_SHARE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _killed(folder: Path, events: int) -> dict[str, Any]:
    """The server is killed (-9) while it takes events, several times; then everything is sent again."""
    before = set(_record_ids(folder))
    every = list(_requests(folder, KILL_BATCH, events, "killed"))
    answered: set[int] = set()
    left = list(range(len(every)))
    for _ in range(KILLS):
        with _server(folder, "cultiva") as (process, port):
            asyncio.run(_storm(port, every, left, answered, kill=process))
        left = [number for number in left if number not in answered]
    durable = {name for name in _record_ids(folder) if name not in before}
    told = {f"killed-{KILL_BATCH}-{number}-{one}" for number in answered for one in range(KILL_BATCH)}
    with _server(folder, "cultiva") as (_, port):
        asyncio.run(_storm(port, every, list(range(len(every))), set()))
    after = [name for name in _record_ids(folder) if name not in before]
    sent = len(every) * KILL_BATCH
    return {
        "kills": KILLS,
        "events": sent,
        "answered_before_the_last_kill": len(told),
        "answered_but_lost": len(told - durable),
        "missing_after_all_was_sent_again": sent - len(set(after)),
        "doubled": len(after) - len(set(after)),
    }


async def _storm(
    port: int, every: list[bytes], left: list[int], answered: set[int], *, kill: psutil.Process | None = None
) -> None:
    """Sends requests until they are all answered, or the server is killed on the way."""
    queue = left[::-1]
    enough = len(answered) + max(len(left) // 4, 1)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while queue:
                number = queue.pop()
                writer.write(every[number])
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(head.decode())
                answered.add(number)
                if kill is not None and len(answered) >= enough:
                    kill.kill()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)), return_exceptions=kill is not None)


def _record_ids(folder: Path) -> list[str]:
    from cultiva.definitions.live import LiveSettings
    from cultiva.stream import open_log

    log = open_log(LiveSettings(), folder)
    found: list[str] = []
    try:
        for partition in range(log.partitions):
            after = 0
            while records := log.read(partition, after=after, limit=10_000):
                found += [one.record.record_id for one in records if not one.mark]
                after = records[-1].position
    finally:
        log.close()
    return found


def _ratio(result: dict[str, Any], name: str) -> float:
    ours, limit = (float(result[f"{who}_{name}"]["events_per_second_per_core"]) for who in ("cultiva", "echo"))
    return round(ours / limit, 3)


def _measured(folder: Path, who: str, batch: int, events: int) -> dict[str, Any]:
    with _server(folder, who) as (process, port):
        asyncio.run(_send(port, _requests(folder, batch, max(events // 20, batch), "warm"), []))
        before, began = _cpu(process), time.perf_counter()
        took: list[float] = []
        asyncio.run(_send(port, _requests(folder, batch, events, f"{who}-{batch}"), took))
        seconds, cpu = time.perf_counter() - began, _cpu(process) - before
    took.sort()
    sent = events // batch * batch
    return {
        "events": sent + (max(events // 20, batch) // batch * batch if who == "cultiva" else 0),
        "events_per_second": round(sent / seconds),
        "events_per_second_per_core": round(sent / max(cpu, 1e-9)),
        "cpu_seconds": round(cpu, 2),
        "p50_ms": round(1000 * took[len(took) // 2], 2),
        "p99_ms": round(1000 * took[int(len(took) * 0.99)], 2),
    }


def _cpu(process: psutil.Process) -> float:
    user, system, *_ = process.cpu_times()
    return float(user) + float(system)


def _requests(folder: Path, batch: int, events: int, name: str) -> Iterator[bytes]:
    """Whole HTTP requests, made before they are sent."""
    key = (folder / KEY_FILE).read_text()
    path = "/v1/track" if batch == 1 else "/v1/batch"
    for number in range(events // batch):
        messages = [_message(f"{name}-{batch}-{number}-{one}", number * batch + one) for one in range(batch)]
        body = json.dumps(messages[0] if batch == 1 else {"batch": messages}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _message(name: str, number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "loan_started",
        "messageId": name,
        "userId": f"C{number * 7919 % PEOPLE:06}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "properties": {"product": "personal_loan", "amount": 1000 + number % 977},
        "context": {"library": {"name": "bench", "version": "1"}, "locale": "zh-CN"},
    }


async def _send(port: int, requests: Iterator[bytes], took: list[float]) -> None:
    ready = list(requests)
    ready.reverse()
    await asyncio.gather(*(_client(port, ready, took) for _ in range(CONNECTIONS)))


async def _client(port: int, ready: list[bytes], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while ready:
        request, began = ready.pop(), time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        took.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 200") or (b'"quarantined":0' not in body and b"echo" not in body):
            raise RuntimeError(f"{head.decode()}{body.decode()[:400]}")
    writer.close()


@contextmanager
def _server(folder: Path, who: str) -> Iterator[tuple[psutil.Process, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "benchmarks.events", who, str(folder), str(port)]
    child = psutil.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        _until_it_answers(port)
        yield psutil.Process(child.pid), port
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        child.wait(WAIT_SECONDS)


def _until_it_answers(port: int) -> None:
    over = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < over:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def _in_the_log(folder: Path) -> int:
    from cultiva.definitions.live import LiveSettings
    from cultiva.stream import open_log

    log = open_log(LiveSettings(), folder)
    try:
        return sum(log.end(one) for one in range(log.partitions))
    finally:
        log.close()


def _prepare(folder: Path) -> None:
    """A workspace whose store and identity map are there, without a whole run."""
    import polars as pl

    from cultiva.definitions.packs import init_workspace
    from cultiva.execution.access.service import Access, KeyRequest
    from cultiva.kit.clock import utc_now
    from cultiva.store import open_store

    init_workspace(folder / "bank")
    ids = [f"C{number:06}" for number in range(PEOPLE)]
    frame = pl.DataFrame({"source_system": ["core"] * PEOPLE, "source_id": ids, "customer_id": range(1, PEOPLE + 1)})
    frame.write_parquet(folder / "people.parquet")
    store = open_store("sqlite:///store.db", folder)
    wanted = KeyRequest("bench", ["events"], None, 1_000_000_000)
    (folder / KEY_FILE).write_text(Access(store.database).create(wanted, by="bench", at=utc_now()).text)
    store.close()


def _serve_cultiva(folder: Path, port: int) -> None:
    """The API's own application and routes; its parts are those that events need."""
    from types import SimpleNamespace

    from cultiva.api.app import create_app
    from cultiva.api.desk import Desk
    from cultiva.definitions.loading import load_workspace
    from cultiva.insight.events.identities import is_published, open_identities, publish_identities
    from cultiva.kit.clock import utc_now
    from cultiva.loop.live.intake import Door
    from cultiva.store import open_store
    from cultiva.stream import open_log

    workspace = load_workspace(folder / "bank", overrides={"live.enabled": "true"})
    store = open_store("sqlite:///store.db", folder)
    parts = SimpleNamespace(workspace=workspace, root=folder, store=store, clock=utc_now)
    if not is_published(folder / "identities"):
        publish_identities([folder / "people.parquet"], folder / "identities")
    log = open_log(workspace.settings.live, folder)
    app = create_app(parts, wiring=SimpleNamespace())  # type: ignore[arg-type]
    door = Door(parts, log)  # type: ignore[arg-type]
    door.intake.identities = open_identities(folder / "identities")
    desk: Desk = app.state.desk
    desk._live["log"], desk._live["door"] = log, door
    _run(app, port)


def _serve_echo(port: int) -> None:
    """As little as Starlette can do with the same bytes: read the body, answer."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def echo(request: Request) -> Response:
        return JSONResponse({"echo": len(await request.body())})

    routes = [Route(path, echo, methods=["POST"]) for path in ("/v1/track", "/v1/batch")]
    _run(Starlette(routes=routes), port)


def _run(app: Any, port: int) -> None:
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    if what == "prepare":
        _prepare(where)
    elif what == "cultiva":
        _serve_cultiva(where, int(sys.argv[3]))
    else:
        _serve_echo(int(sys.argv[3]))
