"""A log in memory, for tests that are not about logs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cultiva.contracts.moments import Moment, read_moment
from cultiva.stream.port import Logged, Record, partition_of


class MemoryLog:
    """Records by partition; as the port says."""

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.lines: list[list[Logged]] = [[] for _ in range(partitions)]
        self.names: set[str] = set()

    def append(self, records: Sequence[Record]) -> list[bool]:
        new = []
        for record in records:
            new.append(record.record_id not in self.names)
            if new[-1]:
                self.names.add(record.record_id)
                line = self.lines[partition_of(record.customer_id, self.partitions)]
                line.append(Logged(len(line) + 1, record))
        return new

    def read(self, partition: int, *, after: int, limit: int) -> list[Logged]:
        return self.lines[partition][after : after + limit]

    def end(self, partition: int) -> int:
        return len(self.lines[partition])

    def mark(self, name: str) -> list[int]:
        for partition, line in enumerate(self.lines):
            if name not in [found for _, found in self.marks(partition)]:
                line.append(Logged(len(line) + 1, Record("", 0, b""), mark=name))
        return [{found: at for at, found in self.marks(one)}[name] for one in range(self.partitions)]

    def marks(self, partition: int) -> list[tuple[int, str]]:
        return [(one.position, one.mark) for one in self.lines[partition] if one.mark]

    def erase(self, customer_ids: Collection[int]) -> int:
        before = sum(map(len, self.lines))
        self.lines = [
            [one for one in line if one.mark or one.record.customer_id not in customer_ids] for line in self.lines
        ]
        return before - sum(map(len, self.lines))

    def close(self) -> None:
        self.lines = []

    @property
    def moments(self) -> list[Moment]:
        """All that is in it, by message id."""
        bodies = [one.record.body for line in self.lines for one in line if not one.mark]
        return sorted(map(read_moment, bodies), key=lambda moment: moment.message_id)
