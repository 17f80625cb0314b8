"""Files of a workspace beside the lake that name customers: worklists, exports, archives, what was decided live.

A file is exchanged as a whole. What another process may have open for writing (decisions) keeps its length: a line is
overwritten with blanks where it stands, its first byte first, so that a reader sees the line or none.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from cultiva.execution.erasure.people import Act, Done, People
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.loop.erasing.lake import erase_files
from cultiva.loop.live import archive, ledger, papers, parity, publishing, recording
from cultiva.loop.parts import Parts
from cultiva.loop.returns import FOLDER as RETURNS

LISTS = "lists"
BYTE_ORDER_MARK = "\ufeff"
_CUSTOMER = re.compile(rb'"customer_id":(\d+)')
KEPT = ".sent"
"""Folder of an exporting provider with what it has accepted."""
CUSTOMER = "customer_id"


def erase_beside(parts: Parts, people: People, keys: frozenset[str]) -> Iterator[Done]:
    """Removes people from every file beside the lake; one `Done` per file that named them.

    Args:
        parts: Of the workspace.
        people: Who.
        keys: Ids of their deliveries, by which exports name them.
    """
    root = parts.root
    yield from erase_files(root, _archives(root), people)
    numbers, sources = {str(one) for one in people.customers}, set(people.sources)
    for path in sorted((root / LISTS).rglob("*.csv")):
        yield from _rows_out(
            root, path, lambda row: row.get(CUSTOMER) in numbers or tuple(map(row.get, PARTY_KEY)) in sources
        )
    yield from _exports(parts, people, keys)
    for path in sorted((root / recording.FOLDER).rglob("*.jsonl")):
        yield from _blanked(root, path, people)
    for one in (publishing, papers, parity, ledger):
        yield from _folder_out(root, root / one.FOLDER)


def _archives(root: Path) -> list[Path]:
    """What came back and came in live, as it was handed to runs."""
    return sorted(path for folder in (RETURNS, archive.FOLDER) for path in (root / folder).rglob("*.parquet"))


def _rows_out(root: Path, path: Path, theirs: Callable[[dict[str, str]], bool]) -> Iterator[Done]:
    """A CSV file without some of its rows."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    found = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""))
    rows = list(found)
    kept = [row for row in rows if not theirs(row)]
    if len(kept) == len(rows):
        return
    out = io.StringIO()
    ending = "\r\n" if "\r\n" in text else "\n"
    writer = csv.DictWriter(out, found.fieldnames or [], lineterminator=ending, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(kept)
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    _exchange(path, mark + out.getvalue())
    yield Done(_place(root, path), Act.REMOVED, len(rows) - len(kept))


def _exports(parts: Parts, people: People, keys: frozenset[str]) -> Iterator[Done]:
    """What providers of kind `file` have written: rows that bear a number, an address or a delivery of theirs."""
    marks = {*people.phones, *people.emails, *keys, *(str(one) for one in people.customers)}
    for folder in _export_folders(parts):
        for path in sorted(folder.glob("*.csv")):
            yield from _rows_out(parts.root, path, lambda row: not marks.isdisjoint(map(str, row.values())))
        for path in sorted((folder / KEPT).glob("*.json")):
            batch = json.loads(path.read_text(encoding="utf-8"))
            left = [one for one in batch["keys"] if one not in keys]
            if len(left) < len(batch["keys"]):
                _exchange(path, json.dumps({**batch, "keys": left}, ensure_ascii=False))
                yield Done(_place(parts.root, path), Act.REMOVED, len(batch["keys"]) - len(left))


def _export_folders(parts: Parts) -> list[Path]:
    from cultiva.execution.channels.secrets import revealed

    files = [one for one in parts.workspace.providers.values() if one.kind == "file"]
    return [parts.root / revealed(one.url, root=parts.root) for one in files]


def _blanked(root: Path, path: Path, people: People) -> Iterator[Done]:
    """Lines of decisions about them, overwritten where they stand."""
    asked, place, gone = set(people.customers), 0, 0
    with path.open("r+b") as file:
        for line in file:
            named = _CUSTOMER.search(line)
            if named is not None and int(named[1]) in asked and not line.startswith(recording.BLANK):
                length = len(line.rstrip(b"\n"))
                os.pwrite(file.fileno(), recording.BLANK, place)
                os.pwrite(file.fileno(), recording.BLANK * length, place)
                gone += 1
            place += len(line)
        os.fsync(file.fileno())
    if gone:
        yield Done(_place(root, path), Act.REMOVED, gone)


def _folder_out(root: Path, folder: Path) -> Iterator[Done]:
    """What is made anew: what a killed publication has left, and the fingerprints of what was published last."""
    files = sum(1 for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
    shutil.rmtree(folder, ignore_errors=True)
    if files:
        yield Done(_place(root, folder), Act.REMOVED, files)


def _exchange(path: Path, text: str) -> None:
    """Replaces a file as a whole, with its rights."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, beside)
    beside.replace(path)


def _place(root: Path, path: Path) -> str:
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return f"file/{shown}"
