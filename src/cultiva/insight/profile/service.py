"""The use cases around the profile: build it, check it, and say what it holds and how customers moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cultiva.contracts.views import VIEWS
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.profile.build import build_profile, plan_of
from cultiva.insight.profile.catalogue import TagFacts, fresh_on, write_catalogue
from cultiva.insight.profile.columns import Origin, ProfileColumn
from cultiva.insight.profile.freshness import newest_day
from cultiva.insight.profile.inputs import ProfileInputs
from cultiva.insight.profile.stages import TIER, Frame, check_stages, write_grid, write_transitions


@dataclass(frozen=True)
class ProfileFolders:
    """New folders for what describes a profile."""

    transitions: Path
    """The transition matrix."""
    grid: Path
    """The grid stage x value tier."""
    catalogue: Path
    """The tag catalogue."""


@dataclass(frozen=True)
class ProfileFacts:
    """What was written about a profile."""

    transitions: Written
    grid: Written
    catalogue: Written


def make_profile(engine: Engine, inputs: ProfileInputs, workspace: Workspace, on: date, folder: Path) -> Written:
    """Writes the profile of a day and makes sure that everybody is in exactly one stage.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: A checked workspace.
        on: Business date.
        folder: New folder for the lake table `profile`.

    Raises:
        CultivaError: if a customer has no stage, or the plan cannot be carried out.
    """
    written, _ = build_profile(engine, inputs, workspace, on, folder)
    check_stages(engine, [folder])
    return written


def describe_profile(
    engine: Engine,
    profile: Files,
    inputs: ProfileInputs,
    workspace: Workspace,
    on: date,
    folders: ProfileFolders,
) -> ProfileFacts:
    """Writes the transition matrix, the grid and the catalogue of a profile.

    Args:
        engine: Where sets are computed.
        profile: The day's profile.
        inputs: What it was made of.
        workspace: Its definitions.
        on: Business date.
        folders: New folders for the lake tables `transitions`, `grid`, `catalogue`.
    """
    facts = tag_facts(plan_of(inputs, workspace, on).columns, inputs, workspace, on)
    return ProfileFacts(
        transitions=write_transitions(engine, profile, inputs.previous, folders.transitions),
        grid=write_grid(engine, profile, frame_of(workspace), folders.grid),
        catalogue=write_catalogue(profile, facts, inputs.previous_catalogue, folders.catalogue),
    )


def frame_of(workspace: Workspace) -> Frame:
    """Stages and tiers in the order in which people read them."""
    stages = tuple(stage.name for stage in workspace.lifecycle.stages)
    tiers = [tiering.bands for tiering in workspace.value.tierings if tiering.name == TIER]
    return Frame(
        stages=tuple(dict.fromkeys((*workspace.lifecycle.order, *stages))),
        tiers=tuple(band.name for bands in tiers for band in bands),
    )


def tag_facts(
    columns: Sequence[ProfileColumn], inputs: ProfileInputs, workspace: Workspace, on: date
) -> list[TagFacts]:
    """Owner and freshness of every column."""
    newest: dict[str, date | None] = {"party": on}
    for name, rows in inputs.views.items():
        if rows.files and (time := VIEWS[name].time) is not None:
            newest[name] = newest_day(rows.files, time)
    newest |= dict.fromkeys((name for name, files in inputs.externals.items() if files), on)
    return [TagFacts(column, owner_of(column, workspace), fresh_on(column, newest)) for column in columns]


def owner_of(column: ProfileColumn, workspace: Workspace) -> str:
    """Who answers for a column; empty for what nobody defined."""
    if column.name in workspace.tags:
        return workspace.tags[column.name].owner
    made = [*workspace.value.tierings] if column.origin is Origin.TIER else []
    owners = {one.name: one.owner for one in made}
    owners |= {f"value_{component.name}": component.owner for component in workspace.value.components}
    return owners.get(column.name, "")
