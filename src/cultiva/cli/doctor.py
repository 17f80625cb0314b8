"""The command `doctor`: is this set-up in order, and what is to be done?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument, overrides
from cultiva.kit.display import show_json, show_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cultiva.loop.doctor.findings import Finding


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor")(doctor)


def doctor(
    workspace: WorkspaceArgument,
    production: Annotated[
        bool, typer.Option("--production", help="As strict as a bank with real customers has to be.")
    ] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> int:
    """Check a set-up and say of everything whether it is in order and what to do; exit code 1 if there is a fault."""
    from cultiva.definitions.loading import load_workspace
    from cultiva.kit.clock import utc_now
    from cultiva.loop.doctor.findings import Standing
    from cultiva.loop.doctor.service import check_up

    loaded = load_workspace(workspace, overrides=overrides(set_))
    found = check_up(loaded, utc_now(), production=production)
    faults = sum(one.standing is Standing.FAULT for one in found)
    if json_:
        show_json({"findings": list(found), "faults": faults, "production": production})
    else:
        _show(found, loaded.settings.language)
    return 1 if faults else 0


def _show(found: Sequence[Finding], language: str) -> None:
    from cultiva.kit.words import say

    width = max(len(one.name) for one in found)
    for one in found:
        do = say(one.do, language)
        show_line(f"{one.standing:<6}{one.name:<{width}}  {one.seen}" + (f"  -> {do}" if do else ""))
    counted = {name: sum(one.standing == name for one in found) for name in ("ok", "warn", "fault")}
    show_line(", ".join(f"{rows} {name}" for name, rows in counted.items()))
