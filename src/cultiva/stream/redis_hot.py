"""The hot store in Redis: a partition's states, position, timers and owner under keys that stay together.

Redis forces what it has written to disk once a second or at every change, as its operator says; one that was killed
comes back with everything up to some moment, and what is missing is read from the log again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream import redis_scripts as scripts
from cultiva.stream.agreeing import refuse_other
from cultiva.stream.files import instant, microseconds
from cultiva.stream.ownership import Held, share
from cultiva.stream.port import Change, Fenced, Overtaken, Owned, Timer, partition_of

TIMEOUT_SECONDS = 10.0
"""A server that does not answer for so long is taken for gone."""
PUT_MAX = 500
"""States replaced in one step, so that nobody else waits long."""
NOBODY = ""


class RedisHotStore:
    """A hot store in a Redis server, for any number of machines.

    Args:
        url: `redis://host:port/number`.
        space: What its keys begin with.
        partitions: How many; it stays so.

    Raises:
        CultivaError: if the server does not answer, or was begun with another number of partitions.
    """

    def __init__(self, url: str, *, space: str, partitions: int) -> None:
        self._space, self._partitions = space, partitions
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),  # what was sent may have been done: whoever asked decides what to do
        )
        self._shown = url.rpartition("@")[2].partition("?")[0]
        with self._answering() as server:
            server.set(f"{space}:partitions", partitions, nx=True)
            there = int(server.get(f"{space}:partitions"))
        refuse_other(there, partitions, where=self._shown)

    def get(self, customer_ids: Sequence[int]) -> list[bytes | None]:
        """States in the order asked for; None where there is none."""
        if len(customer_ids) == 1:
            with self._answering() as server:
                key = self._key(partition_of(customer_ids[0], self._partitions), "states")
                return [server.hget(key, customer_ids[0])]
        parts = self._by_partition(customer_ids)
        with self._answering() as server, server.pipeline(transaction=False) as line:
            for partition, members in parts.items():
                line.hmget(self._key(partition, "states"), members)
            answers = line.execute() if parts else []
        found = dict(
            one
            for members, states in zip(parts.values(), answers, strict=True)
            for one in zip(members, states, strict=True)
        )
        return [found[customer] for customer in customer_ids]

    def look(self, owned: Owned, customer_ids: Sequence[int], *, after: int) -> list[bytes | None]:
        """States as they are at a position, for its owner."""
        keys = [self._key(owned.partition, name) for name in ("place", "states")]
        with self._answering() as server:
            answer: list[Any] = server.eval(scripts.LOOK, len(keys), *keys, owned.fence, after, *customer_ids)
        if answer[0] == b"fenced":
            raise Fenced(f"partition {owned.partition}: {answer[1].decode()}")
        return answer[1:]

    def position(self, partition: int) -> int:
        """The last record that the states take account of; 0 at the beginning."""
        with self._answering() as server:
            return int(server.hget(self._key(partition, "place"), "position") or 0)

    def commit(self, change: Change) -> None:
        """Makes a change visible in one step, or refuses it."""
        keys = [self._key(change.partition, name) for name in ("place", "states", "timers", "bodies")]
        with self._answering() as server:
            answer = server.eval(scripts.COMMIT, len(keys), *keys, *_arguments(change))
        if answer[0] == b"fenced":
            raise Fenced(f"partition {change.partition}: {answer[1].decode()}")
        if answer[0] == b"overtaken":
            raise Overtaken(sorted(int(one) for one in answer[1:]))

    def due(self, partition: int, until: datetime, *, limit: int) -> list[Timer]:
        """Timers that are due, the earliest first."""
        keys = [self._key(partition, name) for name in ("timers", "bodies")]
        with self._answering() as server:
            answer = server.eval(scripts.DUE, len(keys), *keys, microseconds(until), limit)
        count = len(answer) // 3
        pairs = zip(answer[: 2 * count : 2], answer[1 : 2 * count : 2], answer[2 * count :], strict=True)
        return [_timer(member, due, body) for member, due, body in pairs]

    def attend(self, worker: str, at: datetime, lease: timedelta) -> list[str]:
        """Says that a worker is there for so long; the names of all that are, in order."""
        key = f"{self._space}:workers"
        with self._answering() as server:
            names = server.eval(scripts.ATTEND, 1, key, worker, microseconds(at), microseconds(at + lease))
        return sorted(name.decode() for name in names)

    def claim(self, worker: str, at: datetime, lease: timedelta, *, wanted: int) -> list[Owned]:
        """Renews what the worker owns and takes free or abandoned partitions until it has so many; gives up others."""
        held = self._held()
        kept, given_up = share(held, worker, at, lease=lease, wanted=wanted)
        got = self._own([(held[one.partition], worker, one.fence, microseconds(one.until)) for one in kept])
        self._own([(one, NOBODY, one.fence, 0) for one in given_up])
        return [one for one, ours in zip(kept, got, strict=True) if ours]

    def release(self, worker: str) -> None:
        """Gives up everything the worker owns, and its place among those that are there."""
        self._own([(one, NOBODY, one.fence, 0) for one in self._held() if one.owner == worker])
        with self._answering() as server:
            server.zrem(f"{self._space}:workers", worker)

    def put(self, states: Mapping[int, tuple[bytes | None, bytes]]) -> list[int]:
        """Replaces states that are still what they were: customer -> (seen, new). Returns those that had changed."""
        parts = self._by_partition(states)
        with self._answering() as server, server.pipeline(transaction=False) as line:
            for partition, members in parts.items():
                for first in range(0, len(members), PUT_MAX):
                    some = members[first : first + PUT_MAX]
                    rows = (part for one in some for part in (one, states[one][0] or b"", states[one][1]))
                    line.eval(scripts.PUT, 1, self._key(partition, "states"), *rows)
            answers = line.execute() if parts else []
        return [int(one) for answer in answers for one in answer]

    def erase(self, customer_ids: Collection[int]) -> int:
        """Removes states and timers of some customers for good; how many of both."""
        removed = 0
        for partition, members in self._by_partition(list(customer_ids)).items():
            states, timers, bodies = (self._key(partition, name) for name in ("states", "timers", "bodies"))
            asked = {str(one).encode() for one in members}
            with self._answering() as server:
                removed += server.hdel(states, *members)
                for member, _ in server.zscan_iter(timers, count=PUT_MAX):
                    if member.partition(b":")[0] in asked:
                        removed += server.zrem(timers, member)
                        server.hdel(bodies, member)
        return removed

    def close(self) -> None:
        """Closes the connections."""
        self._redis.close()

    def _key(self, partition: int, name: str) -> str:
        return f"{{{self._space}:{partition}}}:{name}"

    def _by_partition(self, customer_ids: Sequence[int] | Mapping[int, object]) -> dict[int, list[int]]:
        parts: dict[int, list[int]] = {}
        for customer in dict.fromkeys(customer_ids):
            parts.setdefault(partition_of(customer, self._partitions), []).append(customer)
        return parts

    def _held(self) -> list[Held]:
        with self._answering() as server, server.pipeline(transaction=False) as line:
            for partition in range(self._partitions):
                line.hmget(self._key(partition, "place"), "owner", "fence", "until")
            answers = line.execute()
        return [
            Held(partition, (owner or b"").decode(), int(fence or 0), instant(int(until or 0)))
            for partition, (owner, fence, until) in enumerate(answers)
        ]

    def _own(self, moves: Sequence[tuple[Held, str, int, int]]) -> list[bool]:
        """Changes (place, owner, fence, end) where nobody else has meanwhile; for each whether."""
        if not moves:
            return []
        with self._answering() as server, server.pipeline(transaction=False) as line:
            for seen, owner, fence, until in moves:
                before = (seen.owner, seen.fence, microseconds(seen.until))
                line.eval(scripts.OWN, 1, self._key(seen.partition, "place"), *before, owner, fence, until)
            return [bool(one) for one in line.execute()]

    @contextmanager
    def _answering(self) -> Iterator[Any]:
        try:
            yield self._redis
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise CultivaError(
                "the hot store does not answer",
                code="stream.unavailable",
                kind=ErrorKind.UNAVAILABLE,
                seen=f"{self._shown}: {error}",
                allowed="a Redis server that answers",
                hint="see [live] hot in cultiva.toml",
            ) from error


def _arguments(change: Change) -> Iterator[Any]:
    yield change.fence
    yield "" if change.after is None else change.after
    yield change.position
    yield from (len(change.seen), len(change.states), len(change.drop_timers), len(change.set_timers))
    for customer, seen in change.seen.items():
        yield customer
        yield seen or b""
    for customer, state in change.states.items():
        yield customer
        yield state
    for customer, name in change.drop_timers:
        yield f"{customer}:{name}"
    for timer in change.set_timers:
        yield f"{timer.customer_id}:{timer.name}"
        yield microseconds(timer.due)
        yield timer.body


def _timer(member: bytes, due: bytes, body: bytes) -> Timer:
    customer, _, name = member.decode().partition(":")
    return Timer(int(customer), name, instant(int(float(due))), body)
