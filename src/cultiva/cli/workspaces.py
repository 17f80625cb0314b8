"""Commands about a workspace's files: init, check, apply, schema, profile."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import ByOption, JsonOption, SetOption, WorkspaceArgument, overrides
from cultiva.kit.clock import parse_business_date, utc_now
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import Faults
from cultiva.kit.sheet import Sheet

SAMPLE_UNTIL = date(1994, 3, 31)
"""Last day of the sample bank: that of the public Berka data, so that guides can share their dates."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("apply")(apply)
    app.command("schema")(schema)
    app.command("profile")(profile)


def init(
    target: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="New folder.")],
    pack: Annotated[str, typer.Option(help="Starter pack.")] = "retail-bank",
    sample: Annotated[bool, typer.Option(help="Write a small made-up bank into data/.")] = True,
    customers: Annotated[int, typer.Option(help="Customers of the made-up bank.", min=100)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the made-up bank.")] = 1,
) -> None:
    """Start a workspace from a starter pack, with a small made-up bank to try it on."""
    from cultiva.definitions.packs import init_workspace

    written = init_workspace(target, pack)
    show_line(f"{target}: starter pack {pack}, {len(written)} files")
    if sample:
        from cultiva.simbank.service import write_sample

        counts = write_sample(target / "data", customers=customers, until=SAMPLE_UNTIL, seed=seed)
        show_line(f"{target / 'data'}: a made-up bank of {customers:,} customers until {SAMPLE_UNTIL}; {counts}")
    if sample:
        show_line(f"next: cultiva check {target}; cultiva run {target} --date {SAMPLE_UNTIL - timedelta(days=1)}")
    else:
        show_line(
            f"next: tables of your own in {target / 'sources'}, drafted by cultiva profile FILE; cultiva check {target}"
        )


def check(workspace: WorkspaceArgument, set_: SetOption = None, json_: JsonOption = False) -> int:
    """Check every file of a workspace and report all faults at once, with file, line and what to do."""
    from cultiva.definitions.loading import check_workspace

    loaded, faults = check_workspace(workspace, overrides=overrides(set_))
    errors = [fault for fault in faults if not fault.warning]
    if json_:
        show_json({"faults": list(faults), "ok": not errors})
    elif errors:
        raise Faults(errors, what=f"workspace {workspace}")
    else:
        for fault in faults:
            show_line(f"warning {fault.place()}: {fault.message}" + (f"; {fault.hint}" if fault.hint else ""))
        if loaded is not None:
            show_line(_summary(workspace, loaded))
    return 2 if errors else 0


def apply(
    workspace: WorkspaceArgument,
    by: ByOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be taken over.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Take over what was changed in the files: check them, keep new versions in the registry, note it in the audit.

    Shows what changed since the version before, and which drafts of the console began on something older; nobody's
    draft and no file is written over.
    """
    from cultiva.loop.applying import apply as apply_files

    with opened(workspace, set_) as parts:
        found = apply_files(parts, by=by or getuser(), at=parts.clock(), dry=dry_run)
    if json_:
        show_json(found)
        return
    for sheet in found.sheets() if found.before else found.sheets()[1:]:
        show_sheet(sheet)
    new = found.version != found.before
    said = ("would become the version" if dry_run else "is the version now") if new else "is what stands already"
    show_line(f"{workspace}: {found.version} {said}; {_changes(len(found.changes))} since {found.before or 'nothing'}")


def _changes(count: int) -> str:
    return f"{count} definition" + ("s" if count != 1 else "")


def _summary(root: Path, loaded: object) -> str:
    from cultiva.definitions.workspace import Workspace

    assert isinstance(loaded, Workspace)
    counts = {
        "tags": loaded.tags,
        "segments": loaded.segments,
        "stages": loaded.lifecycle.stages,
        "offers": loaded.offers,
        "strategies": loaded.strategies,
    }
    said = ", ".join(f"{len(things)} {name}" for name, things in counts.items())
    return f"{root}: no faults; {said}; definitions {loaded.version}"


def schema(workspace: WorkspaceArgument) -> None:
    """Write JSON Schemas for editors to WORKSPACE/.cultiva/schema/."""
    from cultiva.definitions.loading import require_workspace
    from cultiva.definitions.schema import write_schemas

    require_workspace(workspace)
    folder = workspace / ".cultiva" / "schema"
    for path in write_schemas(folder):
        show_line(str(path))


def profile(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, or a database URL with #table.")],
    on: Annotated[
        str, typer.Option("--date", metavar="YYYY-MM-DD", help="Business date, for `:date` in queries.")
    ] = "",
    json_: JsonOption = False,
) -> None:
    """Look at a new table and draft its mapping to the canonical tables."""
    from cultiva.insight.sources.draft import draft_mapping

    draft = draft_mapping(source, on=parse_business_date(on) if on else utc_now().date())
    if json_:
        show_json(draft)
        return
    columns = [field.name for field in fields(draft.columns[0])] if draft.columns else []
    rows = tuple(tuple(_cell(getattr(one, name)) for name in columns) for one in draft.columns)
    show_sheet(Sheet(f"{source}: looks like table {draft.table}", tuple(columns), rows))
    show_line("")
    show_line(draft.text)


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else value
