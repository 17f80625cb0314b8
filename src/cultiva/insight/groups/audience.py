"""Questions about groups between runs: who is in a segment, how many a fresh rule finds, why one customer is in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cultiva.contracts.audience import Audience
from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import profile_scope
from cultiva.engine.parquet import part_files
from cultiva.engine.port import Files, Form
from cultiva.insight.groups.day import GroupDay
from cultiva.insight.groups.describe import is_personal
from cultiva.insight.groups.memberships import read_segment
from cultiva.insight.profile.build import write_windows
from cultiva.insight.profile.forms import NullForm
from cultiva.insight.profile.inputs import ViewRows
from cultiva.insight.profile.windows import event_passes
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.rules import Explanation, Rule, compile_rule

if TYPE_CHECKING:
    from pyroaring import BitMap


def audience(memberships: Files, segment: str, on: date) -> Audience:
    """The members of a segment on one business date.

    Args:
        memberships: That date's memberships.
        segment: The segment's name.
        on: The date.

    Raises:
        CultivaError: if that date's run knew no such segment.
    """
    members = read_segment(memberships, segment)
    if members is None:
        raise CultivaError(
            "that day's run knows no such segment",
            code="groups.no_segment",
            kind=ErrorKind.NOT_FOUND,
            seen=f"{segment} on {on}",
            allowed="a segment that was defined when the run was done",
            hint="run the date again if the segment is new",
        )
    return Audience(segment=segment, business_date=on, members=members)


def count(day: GroupDay, text: str, work: Path, *, events: ViewRows | None = None) -> int:
    """How many customers a fresh rule is true for.

    A rule over columns that the profile has is counted by reading those columns alone. Event functions that no rule
    of the workspace has used yet are computed from the events first.

    Args:
        day: The newest profile.
        text: The rule.
        work: A folder that does not exist yet, for what is computed on the way; it is removed again.
        events: The event view of that day; None: there are no events.

    Raises:
        RuleErrors: if the rule has faults.
        CultivaError: if it reads a column that was defined after the profile was made.
    """
    rule = compile_rule(text, profile_scope(day.workspace), expected=DataType.BOOLEAN)
    if rule.columns <= _columns(day.profile):
        return day.engine.count(day.profile, rule.form(day.on))
    try:
        return day.engine.count([_completed(day, rule, work, events)], rule.form(day.on))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def members(day: GroupDay, text: str, work: Path, *, events: ViewRows | None = None) -> BitMap:
    """The customers for whom a fresh rule is true; arguments and errors as for `count`."""
    rule = compile_rule(text, profile_scope(day.workspace), expected=DataType.BOOLEAN)
    if rule.columns <= _columns(day.profile):
        return day.engine.members(day.profile, {"": rule.form(day.on)})[""]
    try:
        return day.engine.members([_completed(day, rule, work, events)], {"": rule.form(day.on)})[""]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _completed(day: GroupDay, rule: Rule, work: Path, events: ViewRows | None) -> Path:
    """Writes the columns that the rule reads: those of the profile, and the windows that it lacks."""
    present = _columns(day.profile)
    missing = [window for window in rule.events if window.column not in present]
    _check_known(rule.columns - present - {window.column for window in missing}, present)
    folders: list[Path] = []
    added: dict[str, Form] = {window.column: NullForm(window.type) for window in missing}
    work.mkdir(parents=True)
    if events is not None and events.files:
        for number, one in enumerate(event_passes(day.workspace, missing, day.on)):
            folders.append(write_windows(day.engine, events, one, work / f"windows-{number}").folder)
            added |= one.forms()
    keep = ("customer_id", *sorted(rule.columns - {"customer_id"}))
    day.engine.assemble(day.profile, [[folder] for folder in folders], [added], work / "profile", keep=keep)
    return work / "profile"


def _check_known(unknown: frozenset[str], present: frozenset[str]) -> None:
    """A column that the workspace defines but the newest profile lacks: it was defined after that run."""
    if unknown:
        name = min(unknown)
        raise CultivaError(
            "the newest profile does not have this column yet",
            code="groups.no_column",
            kind=ErrorKind.CONFLICT,
            seen=", ".join(sorted(unknown)),
            allowed="columns that were defined when the newest run was done",
            hint=did_you_mean(name, present) or "run the business date again",
        )


def _columns(profile: Files) -> frozenset[str]:
    import pyarrow.parquet as pq

    return frozenset(pq.read_schema(part_files(profile)[0]).names)


def why(day: GroupDay, customer_id: int, segment: str) -> Explanation:
    """Why a customer is in a segment or not, clause by clause; values of personal tags are not shown.

    Args:
        day: The profile of the date asked about.
        customer_id: Who.
        segment: The segment's name; it exists.

    Raises:
        CultivaError: if the profile has no such customer.
    """
    rule = compile_rule(f"segment('{segment}')", profile_scope(day.workspace))
    personal = frozenset(name for name in rule.columns if is_personal(day.workspace, name))
    return rule.explain(customer_row(day.profile, customer_id, rule.columns), day.on, personal=personal)


def no_customer(customer_id: int) -> CultivaError:
    """The error for a customer whom the profile does not have, for whoever asks."""
    return CultivaError(
        "the profile has no such customer",
        code="groups.no_customer",
        kind=ErrorKind.NOT_FOUND,
        seen=customer_id,
        allowed="a customer_id of that date",
        hint="look the customer up by the source system's own id",
    )


def customer_row(profile: Files, customer_id: int, columns: frozenset[str] | None = None) -> Mapping[str, Any]:
    """One customer's row of the profile; only the row group that holds it is read.

    Args:
        profile: The profile.
        customer_id: Who.
        columns: Columns wanted; those that the profile lacks are null. None: all.

    Returns:
        Column -> value, money as a float.

    Raises:
        CultivaError: if there is no such customer.
    """
    import polars as pl

    frame = pl.scan_parquet(part_files(profile)).filter(pl.col("customer_id") == customer_id)
    present = _columns(profile)
    wanted = present if columns is None else columns & present
    rows = frame.select(sorted(wanted | {"customer_id"})).collect().to_dicts()
    if not rows:
        raise no_customer(customer_id)
    found = {name: float(value) if isinstance(value, Decimal) else value for name, value in rows[0].items()}
    return dict.fromkeys(columns or (), None) | found
