"""The command line: thin commands over the use cases of the loop."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cultiva import __version__
from cultiva.cli import (
    assets,
    campaigns,
    consent,
    content,
    daily,
    decide,
    doctor,
    erase,
    events,
    handing,
    letters,
    live,
    map,
    price,
    questions,
    reprice,
    review,
    serve,
    shows,
    simulate,
    tasks,
    triggers,
    users,
    work,
    workspaces,
)
from cultiva.cli.failing import UNEXPECTED, interrupted, told, wants_traceback
from cultiva.cli.options import Commands
from cultiva.kit.display import show_error, show_line
from cultiva.kit.errors import CultivaError, ErrorKind

app = typer.Typer(
    name="cultiva",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (
    workspaces,
    daily,
    handing,
    letters,
    review,
    assets,
    map,
    price,
    questions,
    shows,
    simulate,
    serve,
    users,
    content,
    tasks,
    triggers,
    work,
    live,
    decide,
    reprice,
    events,
    campaigns,
    erase,
    doctor,
    consent,
):
    group.register(app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cultiva {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Customer operations for banks: insight, strategy, execution, review. 深耕：银行客户经营平台。"""  # noqa: D415


EXIT_CODES = {
    ErrorKind.INVALID: 2,
    ErrorKind.NOT_FOUND: 3,
    ErrorKind.CONFLICT: 4,
    ErrorKind.FORBIDDEN: 5,
    ErrorKind.UNAVAILABLE: 6,
}
"""What the shell sees; 0 is success, 1 a check that failed, or a fault of Cultiva itself."""
INTERRUPTED = 130
"""Ctrl-C, as shells number it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; an error is printed with its four parts, never as a traceback.

    Returns:
        The exit code.
    """
    try:
        done = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except CultivaError as error:
        show_error(error)
        return EXIT_CODES[error.kind]
    except typer.Exit as leaving:
        return int(leaving.exit_code)
    except typer.Abort:
        return _interrupted()
    except Exception as error:
        return _interrupted() if interrupted(error) else _failed(error)
    if done == INTERRUPTED:  # what typer makes of Ctrl-C
        return _interrupted()
    return int(done) if isinstance(done, int) else 0


def _interrupted() -> int:
    """Whoever pressed Ctrl-C is told so; a run goes on after its last finished step when it is started again."""
    show_line("interrupted", error=True)
    return INTERRUPTED


def _failed(error: Exception) -> int:
    """Tells of an error that is not Cultiva's own; typer's, of a wrong option or argument, show themselves."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return EXIT_CODES[ErrorKind.INVALID]
    if wants_traceback():
        raise error
    known = told(error)
    show_error(known)
    return 1 if known.code == UNEXPECTED else EXIT_CODES[known.kind]


def entry() -> None:
    """The console script."""
    sys.exit(main())
