"""Experience: exposures with what came of them, beside what was known of the customer on the day of enrolment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import draws, ibis_draw
from cultiva.engine.parquet import rows_in
from cultiva.engine.port import Engine, Files, Written
from cultiva.kit.errors import CultivaError
from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.features import Offers, feature_columns, usable, with_action
from cultiva.strategy.models.heterogeneity import FOLDS
from cultiva.strategy.models.learners import Trial

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

TREATED = "treated"
PROJECTION_MAX = 4.0
"""Results are projected to the horizon at most so many times (as review does)."""
HELD_BACK_SALT, FOLD_SALT, SAMPLE_SALT = "models:held_back", "models:fold", "models:sample"
PANEL = (
    Column("strategy", DataType.TEXT),
    Column("customer_id", DataType.INTEGER),
    Column("offer", DataType.TEXT),
    Column("channel", DataType.TEXT),
    Column("arm", DataType.TEXT),
    Column("control_share", DataType.NUMBER),
    Column("assigned_share", DataType.NUMBER),
    Column("enrolled_on", DataType.DATE),
    Column("days", DataType.NUMBER),
    Column("contribution", DataType.NUMBER),
    Column("cost", DataType.NUMBER),
    Column("taken", DataType.NUMBER),
    Column("touched", DataType.NUMBER),
)
"""One row per exposure with results, as review writes them. `arm` is treated, or anything else for those left alone;
`control_share` is the known probability of being left alone."""
KNOWN_ON = "known_on"
LOG_KEY = ("customer_id", "enrolled_on")
LOG = (Column("customer_id", DataType.INTEGER), Column("enrolled_on", DataType.DATE), Column("known_on", DataType.DATE))
"""The lake table `feature_log` begins with these: the day of enrolment, and the day of the profile that was copied."""


@dataclass(frozen=True)
class Experience:
    """Training rows."""

    table: pa.Table
    """`PANEL`, the features, and `of_strategy` and the like."""
    columns: Mapping[str, DataType]
    """The features that come from the profile."""
    horizon_days: int
    held_back: npt.NDArray[np.bool_]
    """Customers that no model trains on."""
    fold: npt.NDArray[np.int64]
    """From 0 to 2 * FOLDS - 1, by customer."""
    share: Numbers
    """Known probability of being treated, after sampling."""
    unknown: int
    """Exposures without a feature log, left out."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def numbers(self, name: str) -> Numbers:
        """A column of numbers."""
        import pyarrow as pa

        return np.asarray(self.table[name].cast(pa.float64()).fill_null(0.0).to_numpy(), dtype=np.float64)

    def texts(self, name: str) -> list[str]:
        """A column of texts; missing is empty."""
        return [value or "" for value in self.table[name].to_pylist()]

    @property
    def treated(self) -> npt.NDArray[np.bool_]:
        """Who could be touched."""
        return np.array([arm == TREATED for arm in self.table["arm"].to_pylist()])

    def trial(self, rows: Numbers, winsor_share: float) -> tuple[Trial, tuple[float, float]]:
        """The rows as an experiment on money over the horizon, and the two amounts to which its tails are cut."""
        days = np.maximum(self.numbers("days"), 1.0)
        scale = np.clip(self.horizon_days / days, 1.0, PROJECTION_MAX)
        money = self.numbers("contribution") * scale
        cuts = np.quantile(money, [winsor_share, 1 - winsor_share])
        weight = np.minimum(days / self.horizon_days, 1.0)
        low, high = float(cuts[0]), float(cuts[1])
        near = self.numbers("taken")
        trial = Trial(rows, self.treated, self.share, np.clip(money, low, high), weight, near if near.any() else None)
        return trial, (low, high)


@dataclass(frozen=True)
class LogInputs:
    """What is read to log features."""

    exposure: Files
    """The day's exposures."""
    profile: Files
    """The profile that the plan has read."""
    known_on: date
    """The business date of that profile."""


def log_features(engine: Engine, inputs: LogInputs, workspace: Workspace, on: date, folder: Path) -> Written:
    """Writes the lake table `feature_log` of a day: what was known of those who enrol on it.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Says which columns models may use.
        on: The day of enrolment.
        folder: New folder.
    """
    import ibis

    log = engine.scan(inputs.exposure)
    names = list(workspace.strategies)
    mine = log.filter((log.enrolled_on == ibis.literal(on)) & log.strategy.isin(names))
    entering = mine.select("customer_id").distinct()
    known = engine.scan(inputs.profile)
    kept = [name for name in usable(workspace) if name in known.columns]
    rows = known.semi_join(entering, "customer_id").select("customer_id", *kept)
    stamped = rows.mutate(enrolled_on=ibis.literal(on), known_on=ibis.literal(inputs.known_on))
    return engine.write(stamped.select(*(one.name for one in LOG), *kept), folder, sort_by=("customer_id",))


def read_experience(
    engine: Engine,
    panel: Files,
    features: Files,
    workspace: Workspace,
    *,
    mergers: Mapping[int, int] | None = None,
) -> Experience:
    """Exposures with results and what was known of the customer when they enrolled.

    Args:
        engine: Where sets are computed.
        panel: Rows of `PANEL`.
        features: The lake table `feature_log` of all days.
        workspace: Its models.
        mergers: Retired customer id -> the id under which its exposures go on.

    Raises:
        CultivaError: if features were taken from a profile of a later day than the enrolment.
    """
    models, columns = workspace.models, usable(workspace)
    rows = engine.scan(panel, columns=PANEL)
    old = rows.filter((rows.days >= models.days_min) & rows.control_share.between(0.001, 0.999))
    log = _logged(engine, features, columns, mergers or {})
    wanted, odds = _sampled(engine, old, models.rows_max) if rows_in(panel) > models.rows_max else (old, 1.0)
    joined = wanted.left_join(log, [wanted.customer_id == log.log_customer, wanted.enrolled_on == log.log_enrolled])
    made = feature_columns(joined, columns, joined.known_on, take={name: f"f_{name}" for name in columns})
    known = joined.select(*(one.name for one in PANEL), KNOWN_ON, **made)
    table = engine.fetch(known.order_by(["customer_id", "strategy", "enrolled_on"]))
    count = int(table.num_rows)
    table = table.filter(table[KNOWN_ON].is_valid())
    _refuse_later(table)
    table = table.drop_columns([KNOWN_ON])
    return _drawn(with_action(table, Offers.of(workspace)), workspace, columns, odds, count - table.num_rows)


def _drawn(
    table: pa.Table, workspace: Workspace, columns: Mapping[str, DataType], odds: float, unknown: int
) -> Experience:
    ids = np.asarray(table["customer_id"].to_numpy(), dtype=np.int64)
    control = np.asarray(table["control_share"].to_numpy(), dtype=np.float64)
    return Experience(
        table,
        columns,
        workspace.review.horizon_days,
        draws(HELD_BACK_SALT, ids) < workspace.models.promotion.held_back,
        (draws(FOLD_SALT, ids) * 2 * FOLDS).astype(np.int64),
        (1 - control) * odds / ((1 - control) * odds + control),
        unknown,
    )


def _logged(engine: Engine, files: Files, columns: Mapping[str, DataType], mergers: Mapping[int, int]) -> ibis.Table:
    """The feature log under the ids that live on; a customer's own row before one that came by a merger."""
    import ibis
    import pyarrow as pa

    log = engine.scan(files, columns=[*LOG, *(Column(name, kind) for name, kind in columns.items())])
    heirs = engine.load(
        pa.table({
            "retired": pa.array([int(one) for one in mergers], pa.int64()),
            "heir": pa.array([int(_last(mergers, one)) for one in mergers], pa.int64()),
        })
    )  # fmt: skip
    moved = log.left_join(heirs, log.customer_id == heirs.retired)
    named = moved.select(
        log_customer=moved.heir.fill_null(moved.customer_id),
        log_enrolled=moved.enrolled_on,
        known_on=moved.known_on,
        was_retired=moved.heir.notnull(),
        **{f"f_{name}": moved[name] for name in columns},
    )
    first = ibis.window(group_by=["log_customer", "log_enrolled"], order_by=["was_retired", "known_on"])
    return named.mutate(place=ibis.row_number().over(first)).filter(lambda one: one.place == 0)


def _last(mergers: Mapping[int, int], one: int) -> int:
    seen = {one}
    while mergers[one] in mergers and mergers[one] not in seen:
        one = mergers[one]
        seen.add(one)
    return mergers[one]


def _refuse_later(table: pa.Table) -> None:
    """A feature that was known only after the decision may know what came of it."""
    import pyarrow.compute as pc

    late = table.filter(pc.greater(table[KNOWN_ON], table["enrolled_on"]))
    count = late.num_rows
    if count:
        worst, first = pc.max(late[KNOWN_ON]).as_py(), pc.min(late["enrolled_on"]).as_py()
        raise CultivaError(
            "features of training rows are from after the decision",
            code="strategy.models.leak",
            seen=f"{count} rows; a profile of {worst} for an enrolment as early as {first}",
            allowed="what was known on the day of enrolment, or before",
            hint="log features from the profile that the plan has read (feature_log), and train anew",
        )


def _sampled(engine: Engine, rows: ibis.Table, most: int) -> tuple[ibis.Table, float]:
    """At most so many rows, those left alone first; and by what the odds of being treated are changed."""
    counts = engine.fetch(rows.aggregate(rows=rows.count(), treated=rows.count(where=rows.arm == TREATED))).to_pylist()
    whole, treated = counts[0]["rows"], counts[0]["treated"]
    if whole <= most:
        return rows, 1.0
    control = whole - treated
    kept_control = min(1.0, most / 2 / control) if control else 1.0
    kept_treated = min(1.0, (most - control * kept_control) / treated)
    import ibis

    bound = ibis.ifelse(rows.arm == TREATED, kept_treated, kept_control)
    return rows.filter(ibis_draw(SAMPLE_SALT, rows.customer_id) < bound), kept_treated / kept_control
