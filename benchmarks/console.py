"""Advisers before their lists: pages a second of the console, and how long one waits, on one machine.

Every adviser has a login, a session and twenty tasks. They look at their list, open a task, log its result, and so on,
with a moment of thought between. First as fast as answers come (what the servers can do at most), then at the pace of
five hundred people who work ten times as fast as people do. The same number of requests to a page that says nothing, by
the same server software with as many workers, is the limit beside it.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from benchmarks.decide_load import quantile
from benchmarks.harness import ROOT, parse_size

DESCRIPTION = "the console: 500 advisers work their lists at once: requests a second, p99, CPU per request"
DEFAULT = "500"
CULTIVA = str(Path(sys.executable).with_name("cultiva"))
DATE, PASSWORD = "1994-03-30", "green-hill-river-77"
WORKERS = min(4, os.cpu_count() or 1)
TASKS_EACH, CUSTOMERS, CHANNEL = 20, 2_000, "phone"
SECONDS, THINK_SECONDS = 20.0, 2.0
SETTINGS = {
    "console.cookie_secure": "false", "console.require_second_factor_for": "",
    "console.requests_per_minute": "1000000", "console.requests_per_minute_of_address": "100000000",
}  # fmt: skip
SEEN = re.compile(rb'name="seen" value="(\d+)"')
TASK = re.compile(rb'href="/work/tasks/([0-9a-zA-Z_-]+)"')
RESULT = re.compile(rb'name="result" value="([a-z_]+)" data-key')
WRITTEN = b'class="alert alert-success'
TOKEN = re.compile(rb'name="csrf" content="([0-9a-f]+)"')


def run(size: str | None) -> dict[str, Any]:
    """Measures with so many advisers."""
    advisers = parse_size(size or DEFAULT)
    folder = Path(tempfile.mkdtemp(prefix="cultiva-console-"))
    try:
        bank = folder / "bank"
        tokens = prepared(bank, advisers)
        options = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
        command = [
            CULTIVA, "serve", str(bank), "--workers", str(WORKERS),
            "--at", "1994-03-31T09:05", "--port", "{port}", *options,
        ]  # fmt: skip
        with serving(command, "/login") as (port, server):
            people = asyncio.run(work(port, tokens, 3.0, 0.0))  # every worker has opened and compiled
            before = _cpu_seconds(server)
            most = asyncio.run(work(port, tokens[:64], SECONDS, 0.0))
            used = (_cpu_seconds(server) - before) / max(len(most.waits), 1)
            people = asyncio.run(work(port, tokens, SECONDS, THINK_SECONDS))
        with serving(_echo(), "/") as (port, _):
            limit = asyncio.run(work(port, tokens[:64], 5.0, 0.0, only="/"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "customers": CUSTOMERS, "advisers": advisers, "workers": WORKERS, "tasks": advisers * TASKS_EACH,
        "most_per_second": most.rate, "cpu_ms": round(used * 1000, 2),
        "share_of_empty_page": round(most.rate / limit.rate, 4),
        "empty_page_per_second": limit.rate, "think_seconds": THINK_SECONDS, "rate": people.rate,
        "p50_ms": quantile(people.waits, 0.5), "p99_ms": quantile(people.waits, 0.99),
        "p50_ms_at_most": quantile(most.waits, 0.5), "p99_ms_at_most": quantile(most.waits, 0.99),
        "results_logged": people.logged + most.logged, "results_refused": people.refused + most.refused,
        "failed": people.failed + most.failed,
    }  # fmt: skip


def prepared(bank: Path, advisers: int) -> list[str]:
    """A bank after one run with so many advisers, each with tasks and a session; gives the sessions."""
    for arguments in (["init", str(bank), "--customers", str(CUSTOMERS)], ["run", str(bank), "--date", DATE]):
        subprocess.run([CULTIVA, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    from cultiva import bootstrap
    from cultiva.execution.access.doors import DoorRules, Doors, NewUser
    from cultiva.execution.access.entering.passwords import HashCost
    from cultiva.execution.access.roles import Role
    from cultiva.execution.recipients.service import Recipients
    from cultiva.execution.tasks.records import Draft, StaffRow
    from cultiva.loop.desk import desk, moment
    from cultiva.loop.recipients import refresh
    from cultiva.loop.shows import read

    with bootstrap.opened(bank) as found:
        at = moment(found, "1994-03-31T09:00")
        parts = replace(found, clock=lambda: at)
        on = parts.newest_date()
        branches = sorted(read(parts, "branch", on)["branch_id"])
        names = [f"BENCH{number:05d}" for number in range(advisers)]
        place = {name: branches[number % len(branches)] for number, name in enumerate(names)}
        tasks = desk(parts)
        tasks.staff([StaffRow(name, place[name], "adviser", 1_000) for name in names], on, at)
        customers = sorted(read(parts, "profile", on)["customer_id"])
        refresh(parts, customers, on)
        asked = [(one, CHANNEL) for one in customers]
        closed = Recipients(parts.store.database).closed(asked, oldest=on)
        customers = [one for one in customers if (one, CHANNEL) not in closed]
        lots = random.Random(7)
        tasks.create(
            [
                Draft(
                    "call", int(lots.choice(customers)), place[name], adviser_id=name, staff_id=name, channel=CHANNEL,
                    strategy="wealth_upgrade", offer="steady_fund", worth=lots.random() * 100, step=str(number),
                    reason="活期余额连续三个月高于五万", due=at + timedelta(days=1 + number % 3),
                )
                for name in names
                for number in range(TASKS_EACH)
            ],
            at,
        )  # fmt: skip
        doors = Doors(parts.store.database, DoorRules(cost=HashCost(passes=1, memory_kib=8), second_for=frozenset()))
        tokens: list[str] = []
        for name in names:
            user = NewUser(name.lower(), name, frozenset({Role.ADVISER}), staff_id=name)
            doors.create(user, PASSWORD, by="bench", at=at, once=False)
            tokens.append(
                doors.enter(
                    name.lower(), PASSWORD, at=at, address=f"10.1.{len(tokens) // 250}.{len(tokens) % 250}"
                ).token
            )
    return tokens


class Seen:
    """What came of a load."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        """Seconds from asking to the whole answer."""
        self.failed = 0
        self.logged = 0
        self.refused = 0
        """Results that were not taken, said on the page."""
        self.seconds = 1.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return round(len(self.waits) / self.seconds, 1)


async def work(port: int, tokens: Sequence[str], seconds: float, think: float, *, only: str = "") -> Seen:
    """Lets everybody work for some time.

    Args:
        port: Where the console is.
        tokens: A session for each adviser.
        seconds: How long.
        think: Mean time between an answer and what is done next; 0: at once.
        only: One address for everybody, where nothing but that is measured.
    """
    seen, begin = Seen(), time.perf_counter()
    end = begin + seconds
    await asyncio.gather(
        *(_adviser(port, token, random.Random(number), end, think, only, seen) for number, token in enumerate(tokens))
    )
    seen.seconds = time.perf_counter() - begin
    return seen


async def _adviser(  # noqa: PLR0913, PLR0917  (what one of them is)
    port: int, token: str, lots: random.Random, end: float, think: float, only: str, seen: Seen
) -> None:
    if think:
        await asyncio.sleep(lots.random() * think)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(method: str, path: str, form: Mapping[str, str] | None = None) -> bytes:
        nonlocal reader, writer
        begin = time.perf_counter()
        if reader.at_eof():  # servers let go of who has thought for long
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = urlencode(form or {}).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: cultiva={token}\r\n"
        if form is not None:
            head += "HX-Request: true\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            head += f"Content-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        status, answer = await _answer(reader)
        seen.waits.append(time.perf_counter() - begin)
        if status != 200:
            seen.failed += 1
        if think:
            await asyncio.sleep(lots.expovariate(1 / think))
        return answer

    try:
        while time.perf_counter() < end:
            listed = await ask("GET", only or "/work")
            task, csrf = TASK.findall(listed), TOKEN.search(listed)
            if only or not task or csrf is None:
                continue
            chosen = lots.choice(task).decode()
            opened = await ask("GET", f"/work/tasks/{chosen}")
            changes, result = SEEN.search(opened), RESULT.search(opened)
            if changes and result:
                form = {"csrf": csrf[1].decode(), "seen": changes[1].decode(), "result": result[1].decode()}
                told = await ask("POST", f"/work/tasks/{chosen}/result", form)
                done = WRITTEN in told  # a refusal is a page too, e.g. of somebody who may not be called any more
                seen.logged, seen.refused = seen.logged + done, seen.refused + (not done)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert length is not None, head
    return int(head[9:12]), await reader.readexactly(int(length[1]))


def _echo() -> list[str]:
    return [sys.executable, "-m", "benchmarks.console", "{port}"]


@contextmanager
def serving(command: Sequence[str], path: str) -> Iterator[tuple[int, int]]:
    """A server that answers, its port and process, and its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = [one.format(port=port) for one in command]
    server = subprocess.Popen(told, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(server, port, path)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(60)


def _wait(server: subprocess.Popen[bytes], port: int, path: str) -> None:
    import httpx

    until = time.monotonic() + 120
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise RuntimeError("the server does not answer")


def _cpu_seconds(server: int) -> float:
    root = psutil.Process(server)
    return sum(one.cpu_times().user + one.cpu_times().system for one in (root, *root.children(recursive=True)))


async def empty(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    """A page that says nothing."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    import uvicorn

    uvicorn.run("benchmarks.console:empty", port=int(sys.argv[1]), workers=WORKERS, log_level="error", lifespan="off")
