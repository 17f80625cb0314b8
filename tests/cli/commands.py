"""Commands as a shell would give them, run in this process."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from cultiva.cli.main import main


@dataclass(frozen=True)
class Printed:
    """What a command left."""

    code: int
    """Exit code."""
    out: str
    """Standard output."""
    err: str
    """Standard error."""

    @property
    def data(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def cultiva(*arguments: object) -> Printed:
    """Runs one command; both streams are pipes, as they are for a program that calls it."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Printed(code, out.getvalue(), err.getvalue())


def done(*arguments: object) -> Printed:
    """Runs a command that must succeed."""
    printed = cultiva(*arguments)
    assert printed.code == 0, f"cultiva {' '.join(map(str, arguments))} left {printed.code}:\n{printed.err}"
    return printed
