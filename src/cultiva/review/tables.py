"""Reviews as lake tables and back: `readout` (effects), `verdict` (a row per strategy), `flag` (what checks found)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

from cultiva.contracts.readout import Contrast, Flag, Readout, Recommendation, StrategyReview, Verdict
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.port import Files, Written
from cultiva.kit.numbers import settled
from cultiva.kit.words import Words

NUMBERS = {
    "mean_treated", "mean_control", "effect", "se", "low", "high", "always_low", "always_high", "p_value", "shrunk",
    "shrunk_se", "total", "cost", "gross", "incremental", "net", "days", "expected", "probability",
}  # fmt: skip
COUNTS = {"customers_treated", "customers_control"}
READOUT_COLUMNS = tuple(field.name for field in fields(Readout) if field.name != "reason")
VERDICT_COLUMNS = (
    "strategy", "label_zh", "label_en", "verdict", "until", "expected", "probability", "champion", "reason_zh",
    "reason_en", "cost", "gross", "incremental", "net", "days",
)  # fmt: skip
ALL = "all"
"""The dimension of the whole."""
FLAG_COLUMNS = ("strategy", "name", "subject", "standing", "sentence_zh", "sentence_en")


def write_readouts(reviews: Iterable[StrategyReview], on: date, folder: Path) -> Written:
    """Writes the lake table `readout`."""
    rows = [
        asdict(one) | {"reason_zh": one.reason.zh, "reason_en": one.reason.en}
        for review in reviews
        for one in review.readouts
    ]
    return _write(rows, (*READOUT_COLUMNS, "reason_zh", "reason_en"), on, folder)


def write_verdicts(reviews: Iterable[StrategyReview], on: date, folder: Path) -> Written:
    """Writes the lake table `verdict`."""
    return _write([_verdict_row(one) for one in reviews], VERDICT_COLUMNS, on, folder)


def write_flags(reviews: Iterable[StrategyReview], on: date, folder: Path) -> Written:
    """Writes the lake table `flag`."""
    rows = [
        asdict(flag) | {"sentence_zh": flag.sentence.zh, "sentence_en": flag.sentence.en}
        for one in reviews
        for flag in one.flags
    ]
    return _write(rows, FLAG_COLUMNS, on, folder)


def _verdict_row(one: StrategyReview) -> dict[str, Any]:
    said = one.recommendation
    return {
        "strategy": one.strategy, "label_zh": one.label.zh, "label_en": one.label.en, "verdict": said.verdict.value,
        "until": said.until, "expected": said.expected, "probability": said.probability, "champion": said.champion,
        "reason_zh": said.reason.zh, "reason_en": said.reason.en, "cost": one.cost, "gross": one.gross,
        "incremental": one.incremental, "net": one.net, "days": one.days,
    }  # fmt: skip


def _write(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], on: date, folder: Path) -> Written:
    import pyarrow as pa

    def kind(name: str) -> pa.DataType:
        if name == "until":
            return pa.date32()
        return pa.float64() if name in NUMBERS else pa.int64() if name in COUNTS else pa.string()

    def values(name: str) -> list[Any]:
        return [settled(row[name]) if name in NUMBERS else row[name] for row in rows]

    arrays = {name: pa.array(values(name), kind(name)) for name in columns}
    arrays["business_date"] = pa.array([on] * len(rows), pa.date32())
    return write_arrow(pa.table(arrays), folder)


def read_reviews(readout: Files, verdict: Files, flag: Files) -> tuple[StrategyReview, ...]:
    """The reviews of a business date, as they were published."""
    readouts = [_readout(row) for row in _rows(readout)]
    flags = [_flag(row) for row in _rows(flag)]
    return tuple(_review(row, readouts, flags) for row in _rows(verdict))


def _rows(files: Files, wanted: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Rows of some files, in their order; all, or those whose columns have the wanted values."""
    # Not by pyarrow's `read_table`: it loads pandas, for which whoever asks first would wait half a second.
    import polars as pl

    asked = [pl.col(name) == value for name, value in (wanted or {}).items()]
    frames = (pl.scan_parquet(part, hive_partitioning=False).filter(*asked) for part in part_files(files))
    return [row for frame in frames for row in frame.collect().to_dicts()]


def _readout(row: dict[str, Any]) -> Readout:
    reason = Words(row.get("reason_zh") or "", row.get("reason_en") or "")
    known = {name: row[name] for name in READOUT_COLUMNS}
    return Readout(**known | {"contrast": Contrast(row["contrast"]), "reason": reason})


def _flag(row: dict[str, Any]) -> Flag:
    sentence = Words(row["sentence_zh"], row["sentence_en"])
    return Flag(row["strategy"], row["name"], row["subject"], row["standing"], sentence)


def _review(row: dict[str, Any], readouts: Sequence[Readout], flags: Sequence[Flag]) -> StrategyReview:
    said = Recommendation(
        strategy=row["strategy"],
        verdict=Verdict(row["verdict"]),
        until=row["until"],
        expected=row["expected"],
        probability=row["probability"],
        champion=row["champion"],
        reason=Words(row["reason_zh"], row["reason_en"]),
    )
    return StrategyReview(
        strategy=row["strategy"],
        label=Words(row["label_zh"], row["label_en"]),
        readouts=tuple(one for one in readouts if one.strategy == row["strategy"]),
        flags=tuple(one for one in flags if one.strategy == row["strategy"]),
        recommendation=said,
        cost=row["cost"],
        gross=row["gross"],
        incremental=row["incremental"],
        net=row["net"],
        days=row["days"],
    )


Curve = list[tuple[date, Readout]]
"""A readout at every business date so far, oldest first."""


def curves(history: Mapping[date, Files], metric: str) -> dict[str, Curve]:
    """The whole's readout of a metric over time, by strategy; every file is read once.

    Args:
        history: The lake table `readout` by business date.
        metric: Which metric.
    """
    wanted = {"metric": metric, "dimension": ALL, "contrast": Contrast.ITT.value}
    found: dict[str, Curve] = {}
    for on, files in sorted(history.items()):
        for row in _rows(files, wanted):
            found.setdefault(row["strategy"], []).append((on, _readout(row)))
    return found
