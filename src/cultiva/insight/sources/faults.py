"""Whole-file faults: a delivery that cannot be read at all, said with its file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from cultiva.kit.errors import CultivaError, Fault, Faults

_QUOTED = re.compile(r"'[^']*'")


def broken(  # noqa: PLR0913 (the parts of a fault)
    file: str, code: str, message: str, *, seen: object = "", allowed: str = "", hint: str = "", line: int = 0
) -> Faults:
    """One fault of one delivery, to be raised; the run collects those of all tables.

    Args:
        file: The file as the user would type it.
        code: The last part of the code, e.g. `"empty_file"`.
        message: What failed.
        seen: The value seen; never a customer's data.
        allowed: What was allowed instead.
        hint: What to do.
        line: 1-based line, 0 if unknown.
    """
    fault = Fault(file, line, 0, f"sources.{code}", message, seen=str(seen), allowed=allowed, hint=hint)
    return Faults([fault], what=f"the delivery {file}")


def as_faults(error: CultivaError) -> list[Fault]:
    """The faults in an error, or the error as one."""
    if isinstance(error, Faults):
        return list(error.faults)
    seen = "" if error.seen is None else str(error.seen)
    return [Fault("", 0, 0, error.code, error.message, seen=seen, allowed=error.allowed, hint=error.hint)]


@contextmanager
def reading(what: str, *, code: str = "unreadable", hint: str = "") -> Iterator[None]:
    """Turns DuckDB's errors while reading a delivery into a fault of that delivery.

    Quoted values are taken out of the message of a failed conversion: they may be a customer's.
    """
    try:
        yield
    except duckdb.Error as error:
        raise broken(
            what,
            code,
            "the delivery cannot be read",
            seen=first_line(error),
            allowed="data that DuckDB reads without an error",
            hint=hint or "look at the place named; if the file is damaged, ask for it again",
        ) from error


def first_line(error: duckdb.Error) -> str:
    """The first line of a DuckDB error without customers' values."""
    line = str(error).strip().splitlines()[0]
    about_data = isinstance(
        error, duckdb.ConversionException | duckdb.OutOfRangeException | duckdb.InvalidInputException
    )
    return _QUOTED.sub("'…'", line) if about_data else line
