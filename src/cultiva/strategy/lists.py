"""Worklists: what was chosen, as one CSV file per branch for people and one per channel for machines."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.contracts.types import DataType
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Files
from cultiva.kit.words import say

FOLDER_MODE = 0o700
"""The lists name customers: only the account that runs Cultiva may read them."""
RANK_DIGITS = 4
"""Digits of the rank on a list; the lake keeps all of them."""
SHARE = "share"
"""The unit of a tag that people read in percent."""
WHOLE_FROM = 100
"""Numbers from here are told without decimals."""
NO_BRANCH = "no_branch"
"""File name for customers without a branch."""


@dataclass(frozen=True)
class ListFile:
    """One worklist."""

    name: str
    """File name without folder."""
    rows: int
    """People on it."""


def write_lists(
    decisions: Files, profile: Files, customer: Files, workspace: Workspace, folder: Path
) -> Sequence[ListFile]:
    """Writes the worklists of a day, replacing those of an earlier run of the same day as a whole.

    Args:
        decisions: Folders of the lake table `decisions` of that day.
        profile: Folders of the day's profile, for the reasons.
        customer: Folders of the day's resolved customers, for the names.
        workspace: Labels, reasons and channels.
        folder: `lists/<date>`; written beside it first, then exchanged.

    Returns:
        The files, by name.
    """
    rows = _rows(decisions, profile, customer, workspace)
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=FOLDER_MODE)
    files = [_write(part, new / f"{_file_name(name)}.csv") for name, part in _parts(rows, workspace)]
    _exchange(new, folder)
    return sorted(files, key=lambda one: one.name)


def _rows(decisions: Files, profile: Files, customer: Files, workspace: Workspace) -> pl.DataFrame:
    chosen = _scan(decisions).filter(pl.col("fate") == Fate.CHOSEN.value)
    joined = with_reasons(chosen, profile, customer, workspace)
    language = workspace.settings.language
    labelled = joined.with_columns(
        strategy_label=pl.col("strategy").replace(_labels(workspace.strategies, language)),
        offer_label=pl.col("offer").replace(_labels(workspace.offers, language)),
        rank_value=pl.col("rank_value").round(RANK_DIGITS),
    )
    return _queued(labelled.collect(engine="streaming"))


def with_reasons(rows: pl.LazyFrame, profile: Files, customer: Files, workspace: Workspace) -> pl.LazyFrame:
    """Decisions with the customer's `name`, `stage`, `value_tier`, and the strategy's `reason` with values filled in.

    Args:
        rows: With `customer_id` and `strategy`.
        profile: Folders of the day's profile.
        customer: Folders of the day's resolved customers.
        workspace: Reasons and labels.
    """
    tags = sorted({tag for one in workspace.strategies.values() for tag in _placeholders(one.reason)})
    known = [name for name in ("stage", "value_tier") if name not in tags]
    facts = _scan(profile).select("customer_id", *known, *tags)
    names = _scan(customer).select("customer_id", "name")
    joined = rows.join(facts, on="customer_id", how="left").join(names, on="customer_id", how="left")
    return joined.with_columns(reason=_reason(workspace))


def _queued(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds the place on the list: by adviser, then rank."""
    ordered = rows.sort(
        "branch_id", "adviser_id", "rank_value", "customer_id", "strategy",
        descending=[False, False, True, False, False], nulls_last=True,
    )  # fmt: skip
    return ordered.with_columns(place=pl.int_range(1, pl.len() + 1).over("branch_id", "adviser_id"))


COLUMNS = (
    "place", "adviser_id", "customer_id", "name", "stage", "value_tier", "strategy", "strategy_label",
    "offer", "offer_label", "channel", "rank_value", "reason",
)  # fmt: skip
"""Columns of a worklist."""


def _parts(rows: pl.DataFrame, workspace: Workspace) -> list[tuple[str, pl.DataFrame]]:
    human = [channel.name for channel in workspace.policy.channels if channel.kind == "human"]
    for_people = rows.filter(pl.col("channel").is_in(human)).with_columns(pl.col("branch_id").fill_null(NO_BRANCH))
    for_machines = rows.filter(~pl.col("channel").is_in(human))
    branches = for_people.partition_by("branch_id", as_dict=True, maintain_order=True)
    channels = for_machines.partition_by("channel", as_dict=True, maintain_order=True)
    return [(str(key[0]), part) for key, part in branches.items()] + [
        (f"channel_{key[0]}", part) for key, part in channels.items()
    ]


def _write(part: pl.DataFrame, path: Path) -> ListFile:
    part.select(COLUMNS).write_csv(path, include_bom=True)
    path.chmod(0o600)
    return ListFile(path.name, part.height)


def _exchange(new: Path, folder: Path) -> None:
    """Puts the new folder in the place of the old one; a crash in between leaves one of them whole."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    new.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _scan(files: Files) -> pl.LazyFrame:
    return pl.scan_parquet([path / "*.parquet" for path in files])


def _labels(definitions: Mapping[str, object], language: str) -> dict[str, str]:
    return {name: getattr(one.label, language) for name, one in definitions.items()}  # type: ignore[attr-defined]


def _placeholders(template: str) -> list[str]:
    return re.findall(r"\{([a-z_][a-z0-9_]*)\}", template)


def _reason(workspace: Workspace) -> pl.Expr:
    """The strategy's reason with the customer's values filled in; an unknown value reads as a dash."""
    expression: pl.Expr = pl.lit("")
    for strategy in workspace.strategies.values():
        filled = pl.concat_str(
            [_piece(piece, workspace) for piece in re.split(r"(\{[a-z_][a-z0-9_]*\})", strategy.reason)]
        )
        expression = pl.when(pl.col("strategy") == strategy.name).then(filled).otherwise(expression)
    return expression


def _piece(piece: str, workspace: Workspace) -> pl.Expr:
    names = _placeholders(piece)
    return _said(names[0], workspace).fill_null("-") if names else pl.lit(piece)


def _said(tag: str, workspace: Workspace) -> pl.Expr:
    """A tag's value for people: shares in percent, large numbers whole, others to two digits, texts by their labels."""
    defined, value = workspace.tags.get(tag), pl.col(tag)
    if defined is None or defined.type not in (DataType.NUMBER, DataType.MONEY):
        return value.cast(pl.String).replace(_values(workspace))
    number = value.cast(pl.Float64)
    if defined.unit == SHARE:
        return (100 * number).round(0).cast(pl.Int64).cast(pl.String) + "%"
    few = value if defined.type is DataType.MONEY else number.round(2)
    whole = number.round(0).cast(pl.Int64, strict=False)
    return pl.when(number.abs() >= WHOLE_FROM).then(whole.cast(pl.String)).otherwise(few.cast(pl.String))


def _values(workspace: Workspace) -> dict[str, str]:
    """Labels of stages and bands, the texts that the platform itself gives out."""
    language = workspace.settings.language
    bands = {band.name: band.label for tiering in workspace.value.tierings for band in tiering.bands}
    named = bands | {stage.name: stage.label for stage in workspace.lifecycle.stages}
    return {name: say(label, language) for name, label in named.items()}


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)
