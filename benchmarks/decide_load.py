"""A load for the benchmark of live decisions: requests at given instants, whoever is slow, over connections kept open.

A request that should have been sent at an instant counts from that instant, also where it had to wait for a free
connection: a server that stops for a while is not measured as if nobody had wanted anything meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

WARM_SHARE = 0.15
"""First part of a run that is not counted."""


@dataclass(frozen=True)
class Load:
    """What is sent where."""

    port: int
    path: str
    key: str
    bodies: Sequence[bytes]
    rate: float
    """Requests a second; 0: each connection asks again as soon as it is answered."""
    seconds: float
    connections: int
    seed: int = 1

    def request(self, body: bytes) -> bytes:
        """A request as it goes over the wire."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True)
class Seen:
    """What came of it."""

    latencies: list[float]
    """Seconds, of those counted."""
    failed: int
    """Answers other than 200."""
    neutral: int
    """Answers that say nothing of the customer."""
    seconds: float
    """For which was counted."""


def send(load: Load, processes: int) -> Seen:
    """Sends a load from processes of its own.

    Args:
        load: The whole load; each process sends its part.
        processes: How many.
    """
    parts = [
        Load(load.port, load.path, load.key, load.bodies, load.rate / processes, load.seconds,
             max(1, load.connections // processes), load.seed + number)
        for number in range(processes)
    ]  # fmt: skip
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found = pool.map(_sent, parts)
    return Seen(
        [one for each in found for one in each.latencies], sum(one.failed for one in found),
        sum(one.neutral for one in found), max(one.seconds for one in found),
    )  # fmt: skip


def _sent(load: Load) -> Seen:
    return asyncio.run(_Sender(load).run())


class _Sender:
    """Sends one part."""

    def __init__(self, load: Load) -> None:
        self._load, self._random = load, random.Random(load.seed)
        self._latencies: list[float] = []
        self._failed = self._neutral = 0

    async def run(self) -> Seen:
        """Until the time is over."""
        load = self._load
        begin = time.perf_counter() + 0.1
        end, counted = begin + load.seconds, begin + load.seconds * WARM_SHARE
        wanted: asyncio.Queue[float] = asyncio.Queue()
        workers = [asyncio.create_task(self._ask(wanted, counted, end)) for _ in range(load.connections)]
        if load.rate:
            at = begin
            while at < end:
                at += self._random.expovariate(load.rate)
                if (wait := at - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                wanted.put_nowait(at)
        await asyncio.gather(*workers)
        return Seen(self._latencies, self._failed, self._neutral, end - counted)

    async def _ask(self, wanted: asyncio.Queue[float], counted: float, end: float) -> None:
        load = self._load
        reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
        try:
            while (now := time.perf_counter()) < end:
                due = now
                if load.rate:
                    try:
                        due = await asyncio.wait_for(wanted.get(), end - now)
                    except TimeoutError:
                        return
                writer.write(load.request(self._random.choice(load.bodies)))
                status, body = await _answer(reader)
                if due >= counted:
                    self._latencies.append(time.perf_counter() - due)
                    self._failed += status != 200
                    self._neutral += b'"neutral":true' in body
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = next(
        int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return status, await reader.readexactly(length)


def quantile(values: Sequence[float], share: float) -> float:
    """A quantile in milliseconds."""
    ordered = sorted(values)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000, 3) if ordered else float("nan")


def bodies(customers: Sequence[int], placement: str) -> list[bytes]:
    """Requests for a slot."""
    return [json.dumps({"customer": one, "placement": placement}).encode() for one in customers]
