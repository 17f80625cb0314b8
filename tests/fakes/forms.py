"""Expressions in the form of every engine, made by hand: what rules will compile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis
import polars as pl

from cultiva.contracts.types import DataType


@dataclass(frozen=True)
class HandForm:
    """An expression written twice; `columns` is what it reads."""

    type: DataType
    columns: frozenset[str]
    in_polars: pl.Expr
    in_ibis: Callable[[Any], Any]

    def ibis(self, table: Any) -> Any:
        return self.in_ibis(table)

    def polars(self) -> pl.Expr:
        return self.in_polars


def column(name: str, type: DataType) -> HandForm:
    """A column as it is; money as a number, as in the rule language."""
    if type is DataType.MONEY:
        return HandForm(
            DataType.NUMBER,
            frozenset({name}),
            pl.col(name).cast(pl.Float64),
            lambda table: table[name].cast("float64"),
        )
    return HandForm(type, frozenset({name}), pl.col(name), lambda table: table[name])


def compare(name: str, operator: str, value: Any) -> HandForm:
    """A column compared with a constant, `operator` being a method name such as `__gt__`."""
    return HandForm(
        DataType.BOOLEAN,
        frozenset({name}),
        getattr(pl.col(name), operator)(pl.lit(value)),
        lambda table: getattr(table[name], operator)(ibis.literal(value)),
    )


def both(left: HandForm, right: HandForm) -> HandForm:
    """Whether both are true."""
    return HandForm(
        DataType.BOOLEAN,
        left.columns | right.columns,
        left.in_polars & right.in_polars,
        lambda table: left.in_ibis(table) & right.in_ibis(table),
    )


def arithmetic(name: str, factor: float, type: DataType = DataType.NUMBER) -> HandForm:
    """A money or number column times a constant."""
    return HandForm(
        type,
        frozenset({name}),
        pl.col(name).cast(pl.Float64) * factor,
        lambda table: table[name].cast("float64") * factor,
    )


def constant(value: Any, type: DataType) -> HandForm:
    """The same value for every row."""
    return HandForm(type, frozenset(), pl.lit(value), lambda _: ibis.literal(value))
