"""Which files a delivery consists of: variables, globs, and one file per business date."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from cultiva.insight.sources.faults import broken
from cultiva.kit.errors import did_you_mean, nearest

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DATE = re.compile(r"\{date(?::([^}]*))?\}")
_ISO = "%Y-%m-%d"
_DIGITS = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{2}", "%d": r"\d{2}"}


@dataclass(frozen=True)
class DeliveredFile:
    """One file of a delivery."""

    path: Path
    """Where it is."""
    shown: str
    """As a reader would type it: relative to the workspace where it lies within."""
    on: date | None = None
    """The business date in its name; None if it has none."""


@dataclass(frozen=True)
class Window:
    """The business dates whose files are read: after `after`, up to and including `on`."""

    on: date
    """The business date of the run."""
    after: date
    """The last date read before; `date.min` reads all."""


def find_files(pattern: str, root: Path, variables: Mapping[str, str], window: Window) -> list[DeliveredFile]:
    """The files of a delivery in a fixed order: by date, then by name.

    Args:
        pattern: Path or glob relative to `root`, with `${var}` and `{date}` (or `{date:%Y%m%d}`).
        root: The workspace's folder.
        variables: Values for `${var}`.
        window: Business dates read if the pattern has `{date}`; the file of `window.on` must be there.

    Raises:
        Faults: if a variable is unknown or a file is missing.
    """
    filled = fill(pattern, variables)
    if not _DATE.search(filled):
        return _found(filled, root, None) or _raise_missing(filled, root)
    today = _found(_on(filled, window.on), root, window.on) or _raise_missing(_on(filled, window.on), root)
    earlier = [file for file in _dated(filled, root) if file.on is not None and window.after < file.on < window.on]
    return [*earlier, *today]


def fill(text: str, variables: Mapping[str, str]) -> str:
    """The text with every `${var}` replaced.

    Raises:
        Faults: if a variable has no value.
    """
    for name in _VARIABLE.findall(text):
        if name not in variables:
            raise broken(
                text,
                "unknown_variable",
                "a path uses a variable that has no value",
                seen="${" + name + "}",
                allowed=", ".join(sorted(variables)) or "no variables are set",
                hint=did_you_mean(name, variables) or f"add it to [vars] of cultiva.toml or give --set {name}=...",
            )
    return _VARIABLE.sub(lambda match: variables[match[1]], text)


def _on(pattern: str, day: date) -> str:
    return _DATE.sub(lambda match: day.strftime(match[1] or _ISO), pattern)


def _found(pattern: str, root: Path, on: date | None) -> list[DeliveredFile]:
    full = str(root / pattern)
    if glob.has_magic(full) and not Path(full).is_file():
        paths = sorted(Path(name) for name in glob.glob(full, recursive=True))  # noqa: PTH207 (absolute patterns)
    else:
        paths = [Path(full)]
    return [DeliveredFile(path, _shown(path, root), on) for path in paths if path.is_file()]


def _dated(pattern: str, root: Path) -> list[DeliveredFile]:
    """Files of every date, oldest first."""
    finder = re.compile(_date_regex(str(root / pattern)))
    formats = [match[1] or _ISO for match in _DATE.finditer(pattern)]
    dated = []
    for file in _found(_DATE.sub("*", pattern), root, None):
        match = finder.fullmatch(str(file.path))
        days = {_day(text, form) for text, form in zip(match.groups(), formats, strict=True)} if match else set()
        if len(days) == 1 and None not in days:
            dated.append(DeliveredFile(file.path, file.shown, days.pop()))
    return sorted(dated, key=lambda file: (file.on or date.min, file.shown))


def _date_regex(pattern: str) -> str:
    """A regular expression of the whole path, with one group for each date in it."""
    pieces = _DATE.split(pattern)
    regex = [_glob_regex(pieces[0])]
    for form, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        digits = re.sub(r"%[Yymd]", lambda match: _DIGITS[match[0]], form or _ISO)
        regex.append(f"({digits}){_glob_regex(rest)}")
    return "".join(regex)


def _glob_regex(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in text)


def _day(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        return None


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _raise_missing(pattern: str, root: Path) -> list[DeliveredFile]:
    folder = (root / pattern).parent
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    near = nearest(Path(pattern).name, there)
    raise broken(
        pattern,
        "missing_file",
        "a file of the delivery is missing",
        seen=f"{len(there)} files in {folder}" if folder.is_dir() else f"no folder {folder}",
        allowed="a file that exists and can be read",
        hint=f"did you mean {near!r}?" if near else "check the path in sources/, or wait for the delivery",
    )
