"""Runs the console sessions of a Markdown page: blocks fenced as `console`, `$ command`, then what it prints.

`...` stands for any text. All blocks of a page are one session in one folder.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Exchange:
    """One command and what the page says it prints."""

    command: str
    expected: str
    line: int


def exchanges(page: str) -> Iterator[Exchange]:
    """The commands of a page in order."""
    for block in BLOCK.finditer(page):
        line = page[: block.start(1)].count("\n") + 1
        for part in re.split(r"^(?=\$ )", block.group(1), flags=re.MULTILINE):
            if part.startswith("$ "):
                command, _, expected = part[2:].partition("\n")
                yield Exchange(command, expected, line)
            line += part.count("\n")


def run(exchange: Exchange, folder: Path, environment: Mapping[str, str]) -> str:
    """Runs one command in a shell and gives what it printed, both streams."""
    done = subprocess.run(
        ["bash", "-c", exchange.command],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout


def matches(expected: str, printed: str) -> bool:
    """Whether the text printed is as the page says; trailing blanks do not count.

    Examples:
        >>> matches("5,369 customers in ...\\n", "5,369 customers in 1.2 s\\n")
        True
    """
    pattern = ".*?".join(re.escape(piece) for piece in _trimmed(expected).split("..."))
    return re.fullmatch(pattern, _trimmed(printed), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
