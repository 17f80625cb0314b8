"""Which names a rule may use, and their types, depending on where the rule stands.

A profile is made in this order, and a rule may use what comes before it: tags from rows, expression tags,
value, tiers, stage, segments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import DataType
from cultiva.contracts.views import VIEWS
from cultiva.definitions.portfolios import GAP_COLUMNS, MODEL_COLUMN
from cultiva.definitions.products import Product
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.rules import Scope

CUSTOMER_ID = "customer_id"
"""The profile's key."""
STAGE_COLUMNS = ("stage", "previous_stage")
"""Profile columns that the lifecycle makes."""
VALUE_COLUMNS = ("current_value", "potential_value", "relationship_value", "activity_value", "comprehensive_value")
"""Profile columns that the value model makes, beside one `value_<component>` per component; all are money."""
HIDDEN_PREFIXES = ("ev_", "in_list_")
"""Beginnings of the names of columns that rules make for themselves."""

VIEW_TABLES: Mapping[str, tuple[str, ...]] = {"holding": ("account",)}
"""For views that are not named after their table: the tables whose extra columns they carry."""


def platform_columns(workspace: Workspace) -> dict[str, DataType]:
    """The profile's columns that are not tags, in the order in which they are made."""
    return {
        CUSTOMER_ID: DataType.INTEGER,
        **value_columns(workspace),
        **dict.fromkeys(tier_names(workspace), DataType.TEXT),
        **asset_columns(workspace),
        **dict.fromkeys(STAGE_COLUMNS, DataType.TEXT),
    }


def value_columns(workspace: Workspace) -> dict[str, DataType]:
    """The columns that the value model makes: one per component, then the five values."""
    components = (f"value_{component.name}" for component in workspace.value.components)
    return dict.fromkeys((*components, *VALUE_COLUMNS), DataType.MONEY)


def asset_columns(workspace: Workspace) -> dict[str, DataType]:
    """The columns that the model portfolios make: whose model a customer has, then the gap of every bucket in money."""
    if workspace.portfolios is None:
        return {}
    return {MODEL_COLUMN: DataType.TEXT, **dict.fromkeys(GAP_COLUMNS.values(), DataType.MONEY)}


def tier_names(workspace: Workspace) -> tuple[str, ...]:
    """The names of the tierings, each a text column of the profile."""
    return tuple(tiering.name for tiering in workspace.value.tierings)


def tag_scope(workspace: Workspace) -> Scope:
    """For expression tags: the customer's id and all tags."""
    return Scope(names=_tags(workspace), events=event_types(workspace))


def value_scope(workspace: Workspace) -> Scope:
    """For the value model's rules over the profile: tags, components and the current value."""
    made = value_columns(workspace)
    known = {name: type_ for name, type_ in made.items() if name not in VALUE_COLUMNS[1:]}
    return Scope(
        names={**_tags(workspace), **known},
        events=event_types(workspace),
        constants=workspace.value.parameters,
    )


def portfolio_scope(workspace: Workspace) -> Scope:
    """For the needs of model portfolios: tags, value and tiers."""
    made = {**value_columns(workspace), **dict.fromkeys(tier_names(workspace), DataType.TEXT)}
    return Scope(names={**_tags(workspace), **made}, events=event_types(workspace))


def stage_scope(workspace: Workspace) -> Scope:
    """For the lifecycle: tags, value, tiers, and the stage at the run before."""
    names = {**_tags(workspace), **platform_columns(workspace)}
    del names["stage"]
    return Scope(names=names, events=event_types(workspace))


def profile_scope(workspace: Workspace) -> Scope:
    """For segments, offers, strategies and suppressions: every column of the profile, and segments by name."""
    return Scope(
        names={**_tags(workspace), **platform_columns(workspace)},
        segments={name: found.rule for name, found in workspace.segments.items() if found.rule is not None},
        list_segments=frozenset(name for name, found in workspace.segments.items() if found.list is not None),
        events=event_types(workspace),
    )


def trigger_scope(workspace: Workspace, trigger: Trigger) -> Scope:
    """For what a trigger begins with: the event, its context, and the profile."""
    profile = profile_scope(workspace)
    return replace(profile, names={**profile.names, **event_names(workspace, trigger.on)})


def event_scope(workspace: Workspace, events: Sequence[str]) -> Scope:
    """For what a trigger waits for: the event and its context."""
    return Scope(names=event_names(workspace, events))


def event_names(workspace: Workspace, events: Sequence[str]) -> dict[str, DataType]:
    """What may be said of an event that is one of several: members that only some of them have are null for others.

    Members of the context are texts: `app.version` is `context.app_version`.
    """
    declared = [workspace.events[name] for name in events if name in workspace.events]
    return {
        **{f"event.{name}": kind for one in declared for name, kind in one.properties.items()},
        **{context_name(member): DataType.TEXT for one in declared for member in one.context},
        "event.name": DataType.TEXT,
        "event.channel": DataType.TEXT,
        "event.at": DataType.TIMESTAMP,
    }


def context_name(member: str) -> str:
    """How rules call a member of the context.

    Examples:
        >>> context_name("app.version")
        'context.app_version'
    """
    return f"context.{re.sub(r'[^0-9A-Za-z_]', '_', member)}"


def view_scope(workspace: Workspace, view: str) -> Scope:
    """For aggregates and value components: a view's columns, and the value model's parameters as constants.

    Raises:
        KeyError: if there is no such view.
    """
    names = {CUSTOMER_ID: DataType.INTEGER}
    for table in VIEW_TABLES.get(view, (view,)):
        names |= extra_columns(workspace, table)
    names |= {column.name: column.type for column in VIEWS[view].columns}
    parameters = {name: value for name, value in workspace.value.parameters.items() if name not in names}
    return Scope(names=names, constants=parameters)


def margin_scope(workspace: Workspace, product: Product) -> Scope:
    """For the margin of a template: its parameters, what a take-up moves, the horizon; and the value's parameters."""
    own = (*(one.name for one in product.parameters), "amount", "horizon_days")
    constants = {name: value for name, value in workspace.value.parameters.items() if name not in own}
    return Scope(names=dict.fromkeys(own, DataType.NUMBER), constants=constants)


def row_scope(mapping: TableMapping) -> Scope:
    """For the row contracts of a mapping: the table's canonical columns and the bank's own."""
    canonical = CANONICAL[mapping.table].columns if mapping.table in CANONICAL else ()
    return Scope(names={**mapping.extra_columns, **{column.name: column.type for column in canonical}})


def extra_columns(workspace: Workspace, table: str) -> dict[str, DataType]:
    """The bank's own columns of a table, from all mappings that feed it."""
    found: dict[str, DataType] = {}
    for mapping in workspace.sources.tables:
        if mapping.table == table:
            found |= mapping.extra_columns
    return found


def party_columns(workspace: Workspace) -> dict[str, DataType]:
    """The columns of a customer's resolved party record that a tag may take."""
    canonical = {column.name: column.type for column in CANONICAL["party"].columns}
    own = ("source_system", "source_id")
    return {**extra_columns(workspace, "party"), **{name: kind for name, kind in canonical.items() if name not in own}}


def event_types(workspace: Workspace) -> dict[str, Mapping[str, DataType]]:
    """The declared events with their typed properties."""
    return {name: event.properties for name, event in workspace.events.items()}


def _tags(workspace: Workspace) -> dict[str, DataType]:
    return {CUSTOMER_ID: DataType.INTEGER, **{name: tag.type for name, tag in workspace.tags.items()}}
