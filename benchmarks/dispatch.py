"""Throughput of the outbox to a local SMTP relay and HTTP gateway, beside sending in a plain loop that forgets."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness import parse_size, size_name
from benchmarks.stores import STORES, empty_store
from cultiva.contracts.delivery import Message, Receipt, Report, Sent
from cultiva.kit.clock import utc_now

if TYPE_CHECKING:
    from tests.simulators.process import Simulator
    from tests.stories.dispatching import Ground

DESCRIPTION = "outbox throughput to local SMTP and HTTP sinks beside a plain loop; --size 10k messages each (default)"
SINKS = {"mail": "smtp", "sms": "sms_http"}
"""Channel -> its simulator, which behaves here."""
WORKERS = (1, 3)
BATCH = 100
TEXT = "a message of the usual length, which says what there is to say, and then ends. " * 2


@dataclass(frozen=True)
class Speed:
    """What senders managed together."""

    messages: int
    seconds: float
    """From the first message to the last, starting processes not counted."""
    cpu_seconds: float
    """Of the senders, neither of the sinks nor of the database's server."""

    def shown(self) -> dict[str, float]:
        """Figures for people."""
        per_core = round(self.messages / self.cpu_seconds) if self.cpu_seconds else 0
        return {"per_second": round(self.messages / self.seconds), "per_core_second": per_core}


def run(size: str | None) -> dict[str, Any]:
    """Sends as many messages over every sink, by a loop, by one worker and by three, on both stores."""
    from tests.simulators.process import running

    messages = parse_size(size or "10k")
    found: dict[str, Any] = {"outbox_alone": {store: _alone(store, messages).shown() for store in STORES}}
    for channel, module in SINKS.items():
        with tempfile.TemporaryDirectory() as folder, running(module, Path(folder) / "record.jsonl") as sink:
            found[channel] = {"plain_loop": _loop(channel, sink, messages).shown()}
            for store in STORES:
                for workers in WORKERS:
                    speed = _dispatched(channel, sink, messages, store=store, workers=workers)
                    found[channel][f"{store}_{workers}_workers"] = speed.shown()
            assert len({one["key"] for one in sink.accepted()}) == len(sink.accepted())
        print(channel, found[channel], file=sys.stderr)
    return {"title": "Outbox throughput", "size": size_name(messages), "messages": messages, "batch": BATCH, **found}


def _loop(channel: str, sink: Simulator, messages: int) -> Speed:
    """One connection, one message after the other, nothing written down."""
    send = _mailing(sink) if channel == "mail" else _posting(sink)
    began, used = time.perf_counter(), time.process_time()
    for number in range(messages):
        send(number)
    return Speed(messages, time.perf_counter() - began, time.process_time() - used)


def _mailing(sink: Simulator) -> Callable[[int], object]:
    import smtplib

    relay = smtplib.SMTP("127.0.0.1", sink.port)

    def send(number: int) -> object:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "bank@example.com", f"c{number}@example.com", "s"
        mail["Message-ID"] = f"<loop-{number}@example.com>"
        mail.set_content(TEXT)
        return relay.send_message(mail)

    return send


def _posting(sink: Simulator) -> Callable[[int], object]:
    import httpx

    client = httpx.Client()
    url = f"http://127.0.0.1:{sink.port}/messages"

    def send(number: int) -> object:
        body = {"to": f"+86138{number:08d}", "text": TEXT}
        return client.post(url, json=body, headers={"Idempotency-Key": f"loop-{number}"})

    return send


def _dispatched(channel: str, sink: Simulator, messages: int, *, store: str, workers: int) -> Speed:
    """The same through the outbox: claimed, marked, sent, recorded."""
    from tests.stories.dispatching import Ground

    from cultiva.store import open_store

    with empty_store(store) as (url, folder):
        opened = open_store(url, folder)
        _fill(opened.database, channel, messages, name=f"{store}-{workers}")
        opened.close()
        ground = Ground(url, folder, messages=messages, batch=BATCH, timeout_seconds=5.0)
        return _raced(ground, {channel: (sink.port, sink.http_port)}, workers)


class Nowhere:
    """A provider that takes everything at once: what is left is the outbox's own work."""

    repeats_safely = True
    traceable = False

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        """Accepts."""
        return [Receipt(one.key, Sent.ACCEPTED, reference=f"r-{one.key}") for one in messages]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        """Is not asked."""
        return []

    def poll(self) -> Sequence[Report]:
        """Nothing is told."""
        return []

    def close(self) -> None:
        """Nothing to give back."""


def _alone(store: str, messages: int) -> Speed:
    """Claiming, marking and recording by one worker, without a sink."""
    from tests.stories.dispatching import CHECKS

    from cultiva.execution.dispatch.records import Lane
    from cultiva.execution.dispatch.service import Dispatcher
    from cultiva.store import open_store

    with empty_store(store) as (url, folder):
        opened = open_store(url, folder)
        _fill(opened.database, "sms", messages, name="alone")
        mine = Dispatcher(opened.database, {"sms": Lane(Nowhere(), BATCH)}, CHECKS)
        began, used, sent = time.perf_counter(), time.process_time(), 0
        while not (done := mine.work_once("bench", utc_now())).idle:
            sent += done.sent
        assert sent == messages
        speed = Speed(messages, time.perf_counter() - began, time.process_time() - used)
        opened.close()
    return speed


def _fill(database: Any, channel: str, messages: int, *, name: str) -> None:
    from tests.stories.dispatching import fill

    fill(database, {channel: messages}, name=name)


def _raced(ground: Ground, ports: Mapping[str, tuple[int, int]], workers: int) -> Speed:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.dispatch", "tests.stories.dispatching", "httpx", "psycopg"])
    together, notes = context.Barrier(workers), context.Queue()
    crew = [context.Process(target=_work, args=(ground, ports, together, notes)) for _ in range(workers)]
    for one in crew:
        one.start()
    told: Sequence[tuple[float, float, float, int]] = [notes.get(timeout=600) for _ in crew]
    for one in crew:
        one.join()
    assert sum(one[3] for one in told) == ground.messages
    seconds = max(one[1] for one in told) - min(one[0] for one in told)
    return Speed(ground.messages, seconds, sum(one[2] for one in told))


def _work(ground: Ground, ports: Mapping[str, tuple[int, int]], together: Barrier, notes: Any) -> None:
    """A worker until nothing is left; tells when it began and ended, its processor time, and how many it sent."""
    from tests.stories.dispatching import dispatcher

    mine = dispatcher(ground, ports)
    together.wait()
    began, used, sent = time.time(), time.process_time(), 0
    while not (done := mine.work_once("bench", utc_now())).idle:
        sent += done.sent
    notes.put((began, time.time(), time.process_time() - used, sent))
