"""What a simulator has accepted, in an append-only file: one JSON object per line, written before it answers."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Record:
    """The file of one simulator, and what is in it by key.

    A line is handed to the operating system before the sender hears of it, so that killing anybody loses none;
    `fsync` is for those who pull the plug. A simulator that is started again goes on with what is there.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.accepted: dict[str, str] = {entry["key"]: entry["reference"] for entry in entries(path)}
        self._count = sum(1 for _ in entries(path))
        self._fsync = fsync
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def accept(self, key: str, address: str, **more: Any) -> str:
        """Notes that a message is accepted; returns the simulator's own id of it."""
        self._count += 1
        reference = f"r-{self._count}"
        line = json.dumps({"key": key, "address": address, "reference": reference, **more}, ensure_ascii=False)
        os.write(self._file, f"{line}\n".encode())
        if self._fsync:
            os.fsync(self._file)
        self.accepted[key] = reference
        return reference


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Every accepted message in order: `key`, `address`, `reference`, and what the protocol has beside them."""
    if path.exists():
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)


def counts(path: Path) -> Counter[str]:
    """How often each key was accepted: the one number that a kill test is about."""
    return Counter(entry["key"] for entry in entries(path))
