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
from cultiva.cli.options import Commands
from cultiva.kit.display import show_error
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
"""What the shell sees; 0 is success, 1 is a fault of Cultiva itself."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a known error is printed with its four parts, never as a traceback.

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
        return 130
    except Exception as error:
        show = getattr(error, "show", None)  # a wrong option or argument: typer's own errors show themselves
        if show is None:
            raise
        show()
        return EXIT_CODES[ErrorKind.INVALID]
    return int(done) if isinstance(done, int) else 0


def entry() -> None:
    """The console script."""
    sys.exit(main())
