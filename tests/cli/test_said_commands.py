"""A command that an error, a page or a guide tells people to type exists, and takes the options it is said to take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cultiva.cli.main import app

ROOT = Path(__file__).parents[2]
SAID = re.compile(r"\bcultiva ([a-z][a-z-]+)((?: [^`\"';,|<>]*)?)")
OPTION = re.compile(r"(?<!\S)--[a-z-]+")
NO_COMMANDS = {"import", "csrf", "second"}
"""What follows the name of the package in Python, and in names of keys."""


def _places() -> Iterator[Path]:
    for folder, pattern in (("src", "*.py"), ("src", "*.po"), ("src", "*.html"), ("docs", "*.md"), ("src", "*.yaml")):
        yield from (ROOT / folder).rglob(pattern)
    yield from ROOT.glob("*.md")


def _wrong(said: re.Match[str], commands: Any) -> str:
    """What is wrong with a command line that is said; nothing if it could be typed."""
    name, rest = said.groups()
    command = commands.get(name)
    if command is None:
        return "" if name in NO_COMMANDS else "there is no such command"
    words = rest.split()
    if hasattr(command, "commands") and words:
        if words[0] not in command.commands:
            return "the group has no such command"
        command = command.commands[words[0]]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    return ", ".join(f"no option {option}" for option in OPTION.findall(rest) if option not in known)


def test_every_command_that_is_said_can_be_typed() -> None:
    commands: Any = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    said = [
        (path.relative_to(ROOT), number, found)
        for path in _places()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for found in SAID.finditer(line)
    ]
    assert len(said) > 200, "the sentences are still found"
    wrong = [
        f"{path}:{number}: {found.group(0)}: {why}" for path, number, found in said if (why := _wrong(found, commands))
    ]
    assert not wrong, "\n".join(wrong)
