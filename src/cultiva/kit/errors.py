"""The one tree of errors, and faults found in files, reported all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class ErrorKind(StrEnum):
    """What an error means to the caller, whatever the way in (command line, API)."""

    NOT_FOUND = "not_found"
    """The thing named does not exist."""
    CONFLICT = "conflict"
    """It exists, but its state does not allow this."""
    FORBIDDEN = "forbidden"
    """The caller may not do this."""
    INVALID = "invalid"
    """The input is wrong; the same call will fail again."""
    UNAVAILABLE = "unavailable"
    """Something outside is missing or down; the same call may work later."""


CHOOSE = "choose one of these"
"""What to do where a name is none of those allowed, and none is near it."""


class CultivaError(Exception):
    """An error with the four parts a reader needs: what failed, value seen, what was allowed, what to do.

    Args:
        message: What failed, in one sentence without a full stop.
        code: Stable dotted name, e.g. `"rules.unknown_name"`.
        kind: What it means to the caller.
        seen: The value seen; never a customer's personal data.
        allowed: What was allowed instead.
        hint: What to do; where nothing is said and names are allowed, to choose one of them.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        kind: ErrorKind = ErrorKind.INVALID,
        seen: object = None,
        allowed: str = "",
        hint: str = "",
    ) -> None:
        self.message = message
        self.code = code
        self.kind = kind
        self.seen = seen
        self.allowed = allowed
        self.hint = hint or (CHOOSE if kind is ErrorKind.NOT_FOUND and allowed else "")
        super().__init__(message)

    def parts(self) -> list[tuple[str, str]]:
        """The parts that are filled, in reading order, as (name, text)."""
        named = [
            ("seen", "" if self.seen is None else str(self.seen)),
            ("allowed", self.allowed),
            ("do", self.hint),
        ]
        return [(name, text) for name, text in named if text]

    def __str__(self) -> str:
        lines = [self.message, *(f"  {name:<8}{text}" for name, text in self.parts())]
        return "\n".join(lines)


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one file; faults are collected and shown together."""

    file: str
    """Path as the user would type it; empty if the fault has no file."""
    line: int
    """1-based line, 0 if unknown."""
    column: int
    """1-based column, 0 if unknown."""
    code: str
    """Stable dotted name, e.g. `definitions.unknown_field`."""
    message: str
    """What is wrong."""
    seen: str = ""
    """The value seen."""
    allowed: str = ""
    """What was allowed."""
    hint: str = ""
    """What to do."""
    warning: bool = False
    """True if the work can go on all the same."""

    def place(self) -> str:
        """`file:line:column`, as far as known."""
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Faults(CultivaError):
    """Several faults at once; never empty.

    Args:
        faults: The faults found, in any order; they are sorted by file and line.
        what: What was being read, e.g. `"workspace mybank"`.
    """

    def __init__(self, faults: Iterable[Fault], *, what: str) -> None:
        self.faults: Sequence[Fault] = tuple(sorted(faults))
        count = len(self.faults)
        super().__init__(
            f"{what} has {count} fault{'' if count == 1 else 's'}",
            code="faults",
            hint="mend the places named; all faults are listed",
        )

    def __str__(self) -> str:
        return "\n".join([self.message, *(_fault_text(fault) for fault in self.faults)])


def _fault_text(fault: Fault) -> str:
    parts = [("seen", fault.seen), ("allowed", fault.allowed), ("do", fault.hint)]
    head = f"{fault.place()}: {fault.message}" if fault.file else fault.message
    return "\n".join([head, *(f"    {name:<8}{text}" for name, text in parts if text)])


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, or an empty string if none is near.

    Examples:
        >>> nearest("aun", ["aum", "age", "stage"])
        'aum'
        >>> nearest("zzz", ["aum"])
        ''
    """
    found = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or an empty string.

    Examples:
        >>> did_you_mean("aun", ["aum"])
        "did you mean 'aum'?"
    """
    found = nearest(name, known)
    return f"did you mean '{found}'?" if found else ""
