"""The log in NATS JetStream: a stream per partition, so that positions have no gaps and a cluster can spread them.

What is acknowledged is in the server's file; it survives the death of the server's process, and that of its machine
if there are replicas. A record carries a hash of its name, by which the server knows it again for some hours: what is
sent once more because no answer came is not written twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nats.aio.msg import Msg

from cultiva.kit.errors import CultivaError
from cultiva.stream.agreeing import refuse_other
from cultiva.stream.nats_link import Link, NoAnswerError
from cultiva.stream.nats_reading import Reading
from cultiva.stream.nats_sending import CALL_BYTES, Letter, Sending
from cultiva.stream.port import Logged, Record, partition_of

SENDING_MAX = 2_000
"""Records on their way at once."""
NAME_TAKEN = 10058
"""The server's code for a stream that is there with other settings."""
NOT_FOUND = (10037, 10059)
"""The server's codes for a message, a stream that is not there."""
_HEAD = struct.Struct(">8sqH")
"""Before the body: a name of the call that wrote it, the customer, and how long the record's name is that follows."""


@dataclass(frozen=True)
class Keeping:
    """How the streams are kept."""

    days: float
    """A record is kept for so long."""
    repeated_hours: float
    """A second one of its name is known for one for so long."""
    replicas: int
    """Servers that each hold it."""


class NatsLog:
    """A log in NATS JetStream, for any number of machines.

    Args:
        url: `nats://host:port`, several with commas.
        space: What the names of its streams begin with.
        partitions: How many; it stays so.
        keeping: How long, and how often.

    Raises:
        CultivaError: if no server answers, or the log was begun with another number of partitions.
    """

    def __init__(self, url: str, *, space: str, partitions: int, keeping: Keeping) -> None:
        self.partitions = partitions
        self._space, self._keeping = space, keeping
        self._link = Link(url)
        self._readings = [Reading(self._link, self._stream(one)) for one in range(partitions)]
        try:
            self._link.call(self._prepare)
        except CultivaError:
            self._link.close()
            raise

    def append(self, records: Sequence[Record]) -> list[bool]:
        """Writes records down, all on their way at once; for each whether it is new."""
        answers: list[bool] = []
        for first in range(0, len(records), SENDING_MAX):
            some = records[first : first + SENDING_MAX]
            call = secrets.token_bytes(CALL_BYTES)
            sending = Sending(self._link, [self._letter(record, call) for record in some], call)
            answers += [new for new, _ in self._link.call(sending.answers)]
        return answers

    def read(self, partition: int, *, after: int, limit: int) -> list[Logged]:
        """Records of a partition in order, from the first one after a position."""
        reading = self._readings[partition]
        found = self._link.call(lambda: reading.next(after, limit))
        return [_logged(position, message) for position, message in found]

    def end(self, partition: int) -> int:
        """The position of the last record; 0 if there is none."""
        found = self._link.call(lambda: self._link.ask(f"STREAM.INFO.{self._stream(partition)}", {}))
        return int(found["state"]["last_seq"])

    def mark(self, name: str) -> list[int]:
        """Writes a mark of that name into every partition, once; its position in each."""
        return self._link.call(lambda: self._mark(name))

    def marks(self, partition: int) -> list[tuple[int, str]]:
        """(position, name) of the marks of a partition, in order."""
        return self._link.call(lambda: self._marks(partition))

    def erase(self, customer_ids: Collection[int]) -> int:
        """Removes every record of some customers for good; how many. The server overwrites them in its files."""
        asked, removed = set(customer_ids), 0
        for partition in sorted({partition_of(one, self.partitions) for one in asked}):
            after = 0
            while found := self.read(partition, after=after, limit=SENDING_MAX):
                after = found[-1].position
                theirs = [one.position for one in found if not one.mark and one.record.customer_id in asked]
                removed += self._link.call(partial(self._erase, partition, theirs))
        return removed

    def close(self) -> None:
        """Closes the connection."""
        self._link.close()

    def _stream(self, partition: int) -> str:
        return f"{self._space}-{partition}"

    def _letter(self, record: Record, call: bytes) -> Letter:
        name = record.record_id.encode()
        body = b"".join((_HEAD.pack(call, record.customer_id, len(name)), name, record.body))
        partition = partition_of(record.customer_id, self.partitions)
        return Letter(f"{self._space}.{partition}.record", hashlib.blake2b(name, digest_size=12).hexdigest(), body)

    async def _prepare(self) -> None:
        """Makes the streams that are not there, and brings those that are to what is asked."""
        first = await self._link.ask(f"STREAM.INFO.{self._stream(0)}", {})
        if "error" not in first:
            refuse_other(int(first["config"]["description"].split()[-1]), self.partitions, where=self._link.shown)
        await asyncio.gather(*(self._make(one) for one in range(self.partitions)))

    async def _make(self, partition: int) -> None:
        config = {
            "name": self._stream(partition),
            "description": f"Cultiva: partition {partition} of {self.partitions}",
            "subjects": [f"{self._space}.{partition}.record", f"{self._space}.{partition}.mark.*"],
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "max_age": int(self._keeping.days * 86_400e9),
            "duplicate_window": int(min(self._keeping.repeated_hours, self._keeping.days * 24) * 3_600e9),
            "num_replicas": self._keeping.replicas,
        }
        made = await self._link.ask(f"STREAM.CREATE.{config['name']}", config)
        if made.get("error", {}).get("err_code") == NAME_TAKEN:
            made = await self._link.ask(f"STREAM.UPDATE.{config['name']}", config)
        _refuse_error(made)

    async def _mark(self, name: str) -> list[int]:
        subjects = [f"{self._space}.{one}.mark.{_token(name)}" for one in range(self.partitions)]
        there = await asyncio.gather(*(self._last(one, subject) for one, subject in enumerate(subjects)))
        body = name.encode()
        known_by = hashlib.blake2b(b"mark " + body, digest_size=12).hexdigest()
        missing = [one for one, found in zip(subjects, there, strict=True) if found is None]
        letters = [Letter(one, known_by, body) for one in missing]
        made = iter(await Sending(self._link, letters, body).answers() if letters else ())
        return [next(made)[1] if found is None else found for found in there]

    async def _marks(self, partition: int) -> list[tuple[int, str]]:
        kind = f"{self._space}.{partition}.mark."
        info = await self._link.ask(f"STREAM.INFO.{self._stream(partition)}", {"subjects_filter": f"{kind}*"})
        _refuse_error(info)
        subjects = sorted(info["state"].get("subjects") or {})
        places = await asyncio.gather(*(self._last(partition, subject) for subject in subjects))
        names = [bytes.fromhex(subject.removeprefix(kind)).decode() for subject in subjects]
        return sorted((place, name) for place, name in zip(places, names, strict=True) if place is not None)

    async def _erase(self, partition: int, positions: Sequence[int]) -> int:
        subject = f"STREAM.MSG.DELETE.{self._stream(partition)}"
        removed = 0
        for answer in await asyncio.gather(*(self._link.ask(subject, {"seq": one}) for one in positions)):
            if answer.get("error", {}).get("err_code") not in NOT_FOUND:
                _refuse_error(answer)
                removed += 1
        return removed

    async def _last(self, partition: int, subject: str) -> int | None:
        found = await self._link.ask(f"STREAM.MSG.GET.{self._stream(partition)}", {"last_by_subj": subject})
        if found.get("error", {}).get("err_code") in NOT_FOUND:
            return None
        _refuse_error(found)
        return int(found["message"]["seq"])


def _logged(position: int, message: Msg) -> Logged:
    data = message.data
    if not message.subject.endswith(".record"):
        return Logged(position, Record("", 0, b""), mark=data.decode())
    _, customer, length = _HEAD.unpack_from(data)
    start = _HEAD.size + length
    return Logged(position, Record(data[_HEAD.size : start].decode(), customer, data[start:]))


def _token(name: str) -> str:
    """A mark's name as part of a subject, which may hold no dots or spaces."""
    return name.encode().hex()


def _refuse_error(answer: dict[str, Any]) -> None:
    if "error" in answer:
        raise NoAnswerError(str(answer["error"].get("description", answer["error"])))
