"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cultiva.kit.clock import parse_business_date
from cultiva.kit.errors import CultivaError

WorkspaceArgument = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="Folder of the workspace.")]
DateOption = Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="Business date.")]
MaybeDateOption = Annotated[
    str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Business date; the newest run if left out.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Value for ${NAME} in sources, over cultiva.toml; repeatable."),
]
ByOption = Annotated[str, typer.Option(help="Who does it, for the audit; the user of the machine if left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
LONGEST = 1_000
"""Characters that are said of a command in a list of commands."""


class Commands(TyperGroup):
    """Lists commands with all that is said of each, in lines of the screen, instead of its beginning and dots."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the list."""
        every = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(LONGEST)) for name, one in every if one is not None and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def overrides(pairs: Sequence[str] | None) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping.

    Raises:
        CultivaError: if a text has no `=`.

    Examples:
        >>> overrides(["data=../data"])
        {'data': '../data'}
    """
    found = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CultivaError(
                "not a setting", code="cli.bad_set", seen=pair, allowed="NAME=VALUE", hint="write --set data=../data"
            )
        found[name] = value
    return found


def maybe_date(text: str | None) -> date | None:
    """A business date, or None if none was given."""
    return None if text is None else parse_business_date(text)
