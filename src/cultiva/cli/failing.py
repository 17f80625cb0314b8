"""What a command says when something fails that nobody foresaw: four parts as ever, and no traceback."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import cultiva
from cultiva.kit.errors import CultivaError, ErrorKind

TRACEBACK = "CULTIVA_TRACEBACK"
"""Environment variable with which the whole story is raised; it may name values of customers."""
UNEXPECTED = "cli.unexpected"
"""Code of what is a fault of Cultiva itself."""
PACKAGE = Path(cultiva.__file__).parent


def told(error: Exception) -> CultivaError:
    """What people are told of it. The error's own text is left out where it may repeat a customer's data.

    Args:
        error: What no other place has dealt with.
    """
    if isinstance(error, OSError) and error.strerror:
        return _refused(error)
    return CultivaError(
        "Cultiva has failed in a way that it does not know",
        code=UNEXPECTED,
        seen=f"{type(error).__name__} at {_place(error)}",
        allowed="a result, or an error that says what to do; this is a fault of Cultiva",
        hint=f"report it; with {TRACEBACK}=1 the same command tells the whole story, with values of customers",
    )


def _refused(error: OSError) -> CultivaError:
    """A file, a folder or an address that the machine does not give."""
    named = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return CultivaError(
        "the machine refuses a file, a folder or a connection",
        code="cli.refused",
        kind=ErrorKind.UNAVAILABLE,
        seen=": ".join([*named, error.strerror or type(error).__name__]),
        allowed="what is there, may be read and written by this user, and has room left",
        hint="mend the path, its rights (ls -ld) or the room on the disk (df -h), and run the same command again",
    )


def _place(error: Exception) -> str:
    """The innermost line of Cultiva that took part."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if PACKAGE in Path(frame.filename).parents]
    last = (own or frames)[-1]
    path = Path(last.filename)
    return f"{path.relative_to(PACKAGE) if PACKAGE in path.parents else path.name}:{last.lineno}"


def interrupted(error: Exception) -> bool:
    """Whether this is Ctrl-C as DuckDB tells it: as an error of its own, in the middle of a query."""
    return "InterruptException" in type(error).__name__ or (
        isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    )


def wants_traceback() -> bool:
    """Whether whoever runs this has asked for the whole story."""
    return bool(os.environ.get(TRACEBACK))
