"""Messages as CSV files that another system takes away: one file per batch, whole or not there, each key once.

A batch is kept in `.sent/` before it appears: that is the moment from which it is accepted. Whoever opens the folder
next finishes what was kept and had not appeared; the file has the same name and content as before, so a reader that
knows names takes it once. What is kept of a finished batch are its keys.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

from cultiva.contracts.delivery import Message, Provider, Receipt, Report, Sent
from cultiva.definitions.providers import FileSettings, ProviderSettings
from cultiva.execution.channels.filling import filled
from cultiva.execution.channels.secrets import revealed
from cultiva.kit.clock import Clock
from cultiva.kit.hashing import content_hash

KEPT = ".sent"
"""Folder of what has been accepted, within the provider's folder."""


def open_export(settings: ProviderSettings, *, root: Path, clock: Clock) -> Provider:
    """An export to a folder; see `service.open_provider`."""
    return Export(settings, root=root)


class Export:
    """See `contracts.delivery.Provider`."""

    repeats_safely = True
    traceable = True

    def __init__(self, settings: ProviderSettings, *, root: Path) -> None:
        self._own: FileSettings = settings.section()
        self._name = settings.name
        self._folder = root / revealed(settings.url, root=root)
        self._known: dict[str, str] = {}
        self._read: set[str] = set()

    def send(self, messages: Sequence[Message]) -> Sequence[Receipt]:
        try:
            known = self._catch_up()
            new = [message for message in messages if message.key not in known]
            if new:
                self._keep(new)
        except OSError as error:
            # What was kept before the disk failed is found by the next look-up.
            return [Receipt(message.key, Sent.UNKNOWN, problem=type(error).__name__) for message in messages]
        return [Receipt(message.key, Sent.ACCEPTED, reference=known[message.key]) for message in messages]

    def look_up(self, keys: Sequence[str]) -> Sequence[Receipt]:
        try:
            known = self._catch_up()
        except OSError as error:
            return [Receipt(key, Sent.UNKNOWN, problem=type(error).__name__) for key in keys]
        return [
            Receipt(key, Sent.ACCEPTED, reference=known[key]) if key in known else Receipt(key, Sent.ABSENT)
            for key in keys
        ]

    def poll(self) -> Sequence[Report]:
        return []

    def close(self) -> None:
        """Nothing is held open."""

    def _catch_up(self) -> dict[str, str]:
        """Every key that is accepted, by anybody; what had not appeared appears."""
        kept = self._folder / KEPT
        kept.mkdir(parents=True, exist_ok=True)
        for path in sorted(kept.glob("*.json")):
            if path.name in self._read:
                continue
            batch = json.loads(path.read_text(encoding="utf-8"))
            if "text" in batch:
                self._appear(path, batch)
            self._known |= dict.fromkeys(batch["keys"], batch["name"])
            self._read.add(path.name)
        return self._known

    def _keep(self, messages: Sequence[Message]) -> None:
        keys = [message.key for message in messages]
        name = f"{self._name}-{content_hash(keys)}.csv"
        batch: dict[str, object] = {"name": name, "keys": keys, "text": self._text(messages)}
        path = self._folder / KEPT / f"{name}.json"
        _written(path, json.dumps(batch, ensure_ascii=False))
        self._appear(path, batch)
        self._known |= dict.fromkeys(keys, name)
        self._read.add(path.name)

    def _appear(self, kept: Path, batch: dict[str, object]) -> None:
        target = self._folder / str(batch["name"])
        if not target.exists():
            _written(target, str(batch["text"]))
        _written(kept, json.dumps({"name": batch["name"], "keys": batch["keys"]}))

    def _text(self, messages: Sequence[Message]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(self._own.columns)
        writer.writerows([filled(cell, message) for cell in self._own.columns.values()] for message in messages)
        return ("\ufeff" if self._own.byte_order_mark else "") + text.getvalue()


def _written(path: Path, text: str) -> None:
    """Writes a file that is whole or not there, and stays after a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
