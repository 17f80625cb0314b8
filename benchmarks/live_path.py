"""Events from HTTP to profiles and triggers: `cultiva serve` takes them, `cultiva live` folds them, 100 triggers hear.

One process of each, on both pairs of adapters. Beside them, in the same run, the least that anything durable does with
the same messages: parse, hash, append them in batches of the same size, and write the customer's record once per batch.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from benchmarks.events import BATCH, KEY_FILE, _cpu, _send, _until_it_answers
from benchmarks.harness import ROOT, parse_size, size_name

DESCRIPTION = (
    "events from HTTP to profiles and 100 triggers, both adapters, beside raw append and hash; --size 20k events, "
    "or 20k,5k: of so many customers"
)
CUSTOMERS, TRIGGERS, LISTENING = 1_000, 100, 10
WAIT_SECONDS = 120.0
ZONE = "Asia/Shanghai"
TRIGGER = """
- name: bench_{n}
  label: {{ zh: 测试{n}, en: Bench {n} }}
  on: {event}
  when: event.amount >= {amount} and (aum >= 0 or age > {n}) and event.product <> 'x'
  then_not: {{ event: loan_submitted, within: {{ minutes: 30 }} }}
  does:
    placement: {{ placement: app_home_banner, strategy: dormant_wake_up }}
"""


def run(size: str | None) -> dict[str, Any]:
    """Both pairs of adapters, one after the other.

    Args:
        size: Events; after a comma customers.
    """
    wanted, _, people_wanted = (size or "20k").partition(",")
    events, customers = parse_size(wanted), parse_size(people_wanted) if people_wanted else CUSTOMERS
    folder = Path(tempfile.mkdtemp(prefix="cultiva-path-"))
    try:
        people = _bank(folder, customers)
        found = {kind: _measured(folder, kind, people, events) for kind in ("embedded", "distributed")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "title": "Events from HTTP to triggers",
        "size": size_name(events), "events": events,
        "customers": customers, "triggers": TRIGGERS, "listening": LISTENING, "batch": BATCH,
        "load_average": round(os.getloadavg()[0], 1), **found,
    }  # fmt: skip


def _bank(folder: Path, customers: int = CUSTOMERS) -> list[tuple[str, str]]:
    """A bank after a run, with so many triggers; (source system, id) of its people."""
    import polars as pl

    from cultiva import bootstrap
    from cultiva.engine.parquet import part_files

    root, on = folder / "bank", datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=1)
    _cultiva("init", root, "--customers", customers)
    with (root / "cultiva.toml").open("a") as config:
        config.write('\n[live]\nenabled = true\n\n[events]\nsource_system = "core"\n')
    listed = [TRIGGER.format(n=n, event="loan_started" if n < LISTENING else "app_opened", amount=995 + n)
              for n in range(TRIGGERS)]  # fmt: skip
    listed = [one.replace("event.amount >=", "1000 >=").replace(" and event.product <> 'x'", "")
              if n >= LISTENING else one for n, one in enumerate(listed)]  # fmt: skip
    (root / "triggers.yaml").write_text("".join(listed))
    _cultiva("run", root, "--date", on.isoformat())
    key = _cultiva("key", "create", root, "--name", "bench", "--scopes", "events", "--per-minute", 1_000_000_000)
    (folder / KEY_FILE).write_text(key.strip())
    (folder / "on").write_text(on.isoformat())
    with bootstrap.opened(root) as parts:
        rows = pl.read_parquet(part_files(parts.lake.files_current("identity_map", on)))
    core = rows.filter(pl.col("source_system") == "core")
    return sorted(core.select("source_system", "source_id").iter_rows())


def _cultiva(*arguments: object) -> str:
    command = [str(Path(sys.executable).with_name("cultiva")), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


@dataclass(frozen=True)
class _Place:
    """Where log and hot store are, and the servers that keep them."""

    settings: tuple[str, ...]
    servers: tuple[psutil.Process, ...] = ()
    nats: str = ""
    redis: str = ""


@contextmanager
def _placed(folder: Path, kind: str) -> Iterator[_Place]:
    if kind == "embedded":
        yield _Place(())
        return
    from tests.servers.nats import nats_program
    from tests.servers.redis import redis_program

    with ExitStack() as stack:
        programs = [nats_program(folder / "nats"), redis_program(folder / "redis")]
        for one in programs:
            one.start()
            stack.callback(one.kill)
        nats, redis = f"nats://127.0.0.1:{programs[0].port}", f"redis://127.0.0.1:{programs[1].port}/0"
        settings = ("--set", f"live.log={nats}", "--set", f"live.hot={redis}", "--set", "live.space=bench")
        yield _Place(settings, tuple(psutil.Process(one.pid) for one in programs), nats, redis)


def _measured(folder: Path, kind: str, people: Sequence[tuple[str, str]], events: int) -> dict[str, Any]:
    from cultiva import bootstrap

    root, on = folder / "bank", date.fromisoformat((folder / "on").read_text())
    with _placed(folder, kind) as place, ExitStack() as stack:
        overrides = dict(one.split("=", 1) for one in place.settings[1::2])
        with bootstrap.opened(root, overrides=overrides) as parts, bootstrap.live(parts.workspace) as (log, hot):
            if kind == "distributed":
                log.mark(on.isoformat())
                _cultiva("publish", root, *place.settings)
            server, port = stack.enter_context(_process("serve", root, place))
            worker, _ = stack.enter_context(_process("live", root, place))
            at = datetime.now(UTC)

            def sent(count: int, name: str) -> tuple[float, float]:
                """Seconds until all were accepted, and until all were dealt with."""
                began = time.perf_counter()
                asyncio.run(_send(port, _requests(folder, people, count, name, at), []))
                accepted = time.perf_counter() - began
                over = time.monotonic() + WAIT_SECONDS
                while any(hot.position(one) < log.end(one) for one in range(log.partitions)):
                    if time.monotonic() > over:
                        raise RuntimeError("the worker does not come to the end")
                    time.sleep(0.01)
                return accepted, time.perf_counter() - began

            sent(max(events // 10, BATCH), "warm")
            before = [_cpu(server), _cpu(worker), sum(map(_cpu, place.servers))]
            accepted, whole = sent(events, "timed")
            used = [_cpu(server) - before[0], _cpu(worker) - before[1], sum(map(_cpu, place.servers)) - before[2]]
    count = events // BATCH * BATCH
    limit = _limit(folder, kind, people, count, at)
    per_core = count / max(used[0] + used[1], 1e-9)
    return {
        "events_per_second": round(count / whole),
        "seconds_from_accepted_to_done": round(whole - accepted, 2),
        "events_per_second_per_core": round(per_core),
        "cpu_us": {"serve": round(used[0] / count * 1e6, 1), "live": round(used[1] / count * 1e6, 1),
                   "servers": round(used[2] / count * 1e6, 1)},
        "limit_cpu_us": round(limit / count * 1e6, 1),
        "share_of_limit": round(limit / max(used[0] + used[1], 1e-9), 3),
    }  # fmt: skip


@contextmanager
def _process(what: str, root: Path, place: _Place) -> Iterator[tuple[psutil.Process, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    more = ["--port", str(port)] if what == "serve" else []
    command = [str(Path(sys.executable).with_name("cultiva")), what, str(root), *place.settings, *more]
    child = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if what == "serve":
            _until_it_answers(port)
        yield psutil.Process(child.pid), port
    finally:
        child.terminate()
        child.wait(60)


def _messages(people: Sequence[tuple[str, str]], name: str, number: int, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "type": "track", "event": "loan_started", "messageId": f"{name}-{number}-{one}",
            "userId": people[(number * BATCH + one) * 7919 % len(people)][1], "timestamp": at.isoformat(),
            "properties": {"product": "personal_loan", "amount": 1000 + one % 977},
        }
        for one in range(BATCH)
    ]  # fmt: skip


def _requests(folder: Path, people: Sequence[tuple[str, str]], events: int, name: str, at: datetime) -> Iterator[bytes]:
    key = (folder / KEY_FILE).read_text()
    for number in range(events // BATCH):
        body = json.dumps({"batch": _messages(people, name, number, at)}).encode()
        head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        )
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _limit(folder: Path, kind: str, people: Sequence[tuple[str, str]], events: int, at: datetime) -> float:
    """Processor seconds of this process for the least that is durable: parse, hash, append, one record per batch."""
    batches = [json.dumps(_messages(people, "raw", number, at)).encode() for number in range(events // BATCH)]
    if kind == "embedded":
        with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as file:
            return _raw_file(file, batches)
    with _placed(folder / "raw", kind) as place:
        return asyncio.run(_raw_servers(place, batches))


def _parsed(body: bytes) -> list[tuple[str, str, bytes]]:
    import msgspec

    return [
        (
            hashlib.md5(one["messageId"].encode(), usedforsecurity=False).hexdigest(),
            one["userId"],
            msgspec.json.encode(one),
        )
        for one in msgspec.json.decode(body)
    ]


def _raw_file(file: sqlite3.Connection, batches: Sequence[bytes]) -> float:
    for what in ("pragma journal_mode = wal", "pragma synchronous = full",
                 "create table log (id integer primary key, name text unique, body blob)",
                 "create table state (who text primary key, body blob)"):  # fmt: skip
        file.execute(what)
    began = time.process_time()
    for body in batches:
        rows = _parsed(body)
        file.execute("begin immediate")
        file.executemany("insert into log (name, body) values (?, ?)", [(name, one) for name, _, one in rows])
        file.executemany("insert or replace into state values (?, ?)", {who: one for _, who, one in rows}.items())
        file.execute("commit")
    return time.process_time() - began


async def _raw_servers(place: _Place, batches: Sequence[bytes]) -> float:
    import nats
    import redis

    client, hot = await nats.connect(place.nats), redis.Redis.from_url(place.redis)
    stream = client.jetstream()
    await stream.add_stream(name="raw", subjects=["raw"])
    began = time.process_time()
    for body in batches:
        rows = _parsed(body)
        await asyncio.gather(*(stream.publish("raw", one, headers={"Nats-Msg-Id": name}) for name, _, one in rows))
        hot.hset("state", mapping={who: one for _, who, one in rows})
    used = time.process_time() - began
    await client.close()
    return used
