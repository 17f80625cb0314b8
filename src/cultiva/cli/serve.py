"""The commands `serve` and `key`: the API, and who may call it."""

from __future__ import annotations

from datetime import timedelta
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import ByOption, Commands, JsonOption, SetOption, WorkspaceArgument, overrides
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.sheet import Sheet

if TYPE_CHECKING:
    from cultiva.execution.access.keys import ApiKey

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Id of a key: the middle part of its text.")]
keys = typer.Typer(
    cls=Commands, name="key", help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("serve")(serve)
    app.add_typer(keys)


def serve(
    workspace: WorkspaceArgument,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=1)] = 1,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="MOMENT",
            help="Let the clock begin at this moment; for a bank whose newest day is not today.",
        ),
    ] = "",
    set_: SetOption = None,
) -> None:
    """Serve the console and the HTTP API of a workspace until told to end; what has begun is answered first."""
    from cultiva.cli.serving import Serving, require_address
    from cultiva.cli.serving import serve as serving
    from cultiva.kit.clock import utc_now
    from cultiva.loop.desk import moment

    given = overrides(set_)
    with opened(workspace, set_) as parts:  # faults of the workspace or the store are said here, not by every worker
        ahead = (moment(parts, at) - utc_now()).total_seconds() if at else 0.0
    require_address(host, port)
    serving(Serving(workspace, host, port, workers, tuple(given.items()), ahead))


@keys.command("create")
def create(  # noqa: PLR0913, PLR0917  (what a key can say; all but the workspace, the name and the scopes have a default)
    workspace: WorkspaceArgument,
    name: Annotated[str, typer.Option(help="Whose it is; stands in logs and in the audit.")],
    scopes: Annotated[str, typer.Option(help="What it is for, separated by commas.")],
    days: Annotated[int | None, typer.Option(help="Days until it ends; left out: never.", min=1)] = None,
    per_minute: Annotated[int, typer.Option(help="Requests a minute.", min=1)] = 600,
    branch: Annotated[
        list[str] | None, typer.Option(help="Sees customers of this branch; again for more. Left out: all.")
    ] = None,
    adviser: Annotated[list[str] | None, typer.Option(help="Sees customers of this adviser; again for more.")] = None,
    by: ByOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Make a key. It is printed once and kept nowhere."""
    from cultiva.execution.access.service import Access, KeyRequest

    lasts = None if days is None else timedelta(days=days)
    with opened(workspace, set_) as parts:
        wanted = KeyRequest(name, scopes.split(","), lasts, per_minute, branch or (), adviser or ())
        made = Access(parts.store.database).create(wanted, by=by or getuser(), at=parts.clock())
    if json_:
        show_json({"key": made.text, **_data(made.key)})
    else:
        show_line(made.text)


@keys.command("list")
def list_(workspace: WorkspaceArgument, set_: SetOption = None, json_: JsonOption = False) -> None:
    """List the keys, without their texts."""
    from cultiva.execution.access.service import Access

    with opened(workspace, set_) as parts:
        rows = [_data(one) for one in Access(parts.store.database).listed()]
    columns = ("key_id", "name", "scopes", "sees", "per_minute_max", "created", "expires", "revoked")
    show_sheet(Sheet("keys", columns, tuple(tuple(row[name] for name in columns) for row in rows)), as_json=json_)


@keys.command("revoke")
def revoke(workspace: WorkspaceArgument, key: KeyArgument, by: ByOption = "", set_: SetOption = None) -> None:
    """End a key at once, for every copy of the API."""
    from cultiva.execution.access.service import Access

    with opened(workspace, set_) as parts:
        Access(parts.store.database).revoke(key, by=by or getuser(), at=parts.clock())
    show_line(f"key {key} is revoked")


def _data(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes)),
        "sees": " ".join([*sorted(key.sight.branches), *sorted(key.sight.advisers)]) or "*",
        "per_minute_max": key.per_minute_max,
        "created": key.created.isoformat(timespec="seconds"),
        "expires": key.expires and key.expires.isoformat(timespec="seconds"),
        "revoked": key.revoked and key.revoked.isoformat(timespec="seconds"),
    }
