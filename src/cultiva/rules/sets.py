"""A tree to an expression over a whole table: Ibis for DuckDB and Spark, Polars for bulk work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from cultiva.contracts.types import DataType
from cultiva.rules import chains, forms_ibis, forms_polars
from cultiva.rules.fold import fold, is_null
from cultiva.rules.nodes import Call, Case, Expansion, Literal, Name, Node, Today, columns
from cultiva.rules.table import Overload, SetForm

if TYPE_CHECKING:
    import ibis
    import polars as pl


class SetLibrary(Protocol):
    """What differs between the libraries beside the table's forms."""

    def form(self, overload: Overload) -> SetForm:
        """The library's form of an overload."""

    def literal(self, node: Literal) -> Any:
        """A written value."""

    def column(self, node: Name) -> Any:
        """A column, in the type of the language."""

    def choose(self, branches: list[tuple[Any, Any]], default: Any) -> Any:
        """The value of the first branch whose condition is true."""

    def tested(self, value: Any, kind: DataType) -> Any:
        """Null instead of a result outside of its type."""


@dataclass(frozen=True)
class SetCompiler:
    """Walks a tree once."""

    library: SetLibrary
    today: date

    def value(self, node: Node) -> Any:
        """The node's expression, tested."""
        raw = self.raw(node)
        if isinstance(node, Call) and chains.needs_test(node):
            return self.library.tested(raw, node.type)
        return raw

    def raw(self, node: Node) -> Any:
        """The node's expression, not yet tested."""
        if isinstance(node, Literal):
            return self.library.literal(node)
        if isinstance(node, Name):
            return self.library.column(node)
        if isinstance(node, Today):
            return self.library.literal(Literal(self.today, DataType.DATE))
        if isinstance(node, Expansion):
            return self.value(node.body)
        return self._case(node) if isinstance(node, Case) else self._call(node)

    def _case(self, node: Case) -> Any:
        branches = [(self.value(condition), self.value(value)) for condition, value in node.branches]
        return self.library.choose(branches, self.value(node.default))

    def _call(self, node: Call) -> Any:
        overload = chains.overload_of(node)
        args = [self._argument(node, overload, index) for index in range(len(node.args))]
        return self.library.form(overload)(*args)

    def _argument(self, node: Call, overload: Overload, index: int) -> Any:
        arg = node.args[index]
        if overload.signature.parameter(index).literal and isinstance(arg, Literal):
            return arg.value
        return self.raw(arg) if chains.may_wait(arg, node) else self.value(arg)


@dataclass(frozen=True)
class IbisLibrary:
    """Expressions over one Ibis table."""

    table: Any

    def form(self, overload: Overload) -> SetForm:
        return overload.forms.ibis

    def literal(self, node: Literal) -> Any:
        return forms_ibis.literal(node.value, node.type)

    def column(self, node: Name) -> Any:
        assert node.type is not None
        return self.table[node.name].cast(forms_ibis.IBIS_TYPES[node.type])

    def choose(self, branches: list[tuple[Any, Any]], default: Any) -> Any:
        import ibis

        return ibis.cases(*branches, else_=default)

    def tested(self, value: Any, kind: DataType) -> Any:
        return forms_ibis.small(value) if kind is DataType.INTEGER else forms_ibis.finite(value)


@dataclass(frozen=True)
class PolarsLibrary:
    """Expressions over the columns of a frame."""

    def form(self, overload: Overload) -> SetForm:
        return overload.forms.polars

    def literal(self, node: Literal) -> Any:
        return forms_polars.literal(node.value, node.type or DataType.TEXT)

    def column(self, node: Name) -> Any:
        import polars as pl

        column = pl.col(node.name)
        assert node.type is not None
        return column.cast(forms_polars.dtype(node.type)) if node.type.numeric else column

    def choose(self, branches: list[tuple[Any, Any]], default: Any) -> Any:
        import polars as pl

        (condition, value), *more = branches
        chain: Any = pl.when(condition).then(value)
        for condition, value in more:
            chain = chain.when(condition).then(value)
        return chain.otherwise(default)

    def tested(self, value: Any, kind: DataType) -> Any:
        return forms_polars.small(value) if kind is DataType.INTEGER else forms_polars.finite(value)


@dataclass(frozen=True)
class RuleForm:
    """A rule on one business date, in the form that each engine takes (fulfils `engine.port.Form`)."""

    node: Node
    today: date

    @property
    def type(self) -> DataType:
        """Type of the result."""
        assert self.node.type is not None
        return self.node.type

    @property
    def columns(self) -> frozenset[str]:
        """Columns it reads."""
        return columns(self.node)

    def ibis(self, table: ibis.Table) -> ibis.Value:
        """For DuckDB and Spark; an integer is 64 bits, a zero has no sign."""
        node = fold(self.node)
        value = SetCompiler(IbisLibrary(table), self.today).value(node)
        if is_null(node):
            return value
        if self.type is DataType.NUMBER:
            return forms_ibis.unsigned_zero(value)
        return value.cast(forms_ibis.IBIS_TYPES[self.type])

    def polars(self) -> pl.Expr:
        """For bulk work on one machine."""
        value: Any = SetCompiler(PolarsLibrary(), self.today).value(fold(self.node))
        if self.type is DataType.NUMBER:
            return forms_polars.unsigned_zero(value)
        return value.cast(forms_polars.dtype(self.type))
