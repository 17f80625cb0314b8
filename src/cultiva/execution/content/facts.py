"""What a content needs to know of its customers: known beforehand, so that it is fetched once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cultiva.definitions.templates.values import clean
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    import polars as pl

PER_CUSTOMER = ("customer", "adviser", "branch")
"""First words of names whose values differ between customers of one batch."""


@dataclass(frozen=True)
class Needs:
    """The values that differ between customers."""

    names: tuple[str, ...]
    """With dots, sorted: `adviser.role`, `branch.name`, `customer.aum`."""

    @staticmethod
    def of(names: Iterable[str]) -> Needs:
        """The needs of templates that use these names."""
        found = {".".join(one.split(".")[:2]) for one in names}
        return Needs(tuple(sorted(one for one in found if one.split(".")[0] in PER_CUSTOMER and "." in one)))

    def __or__(self, other: Needs) -> Needs:
        return Needs(tuple(sorted({*self.names, *other.names})))

    def columns(self, root: str) -> tuple[str, ...]:
        """The columns wanted of one of `PER_CUSTOMER`: tags for customer, of the staff and branch tables otherwise."""
        return tuple(one.partition(".")[2] for one in self.names if one.startswith(f"{root}."))

    def rows(self, frame: pl.DataFrame) -> Sequence[tuple[Any, ...]]:
        """One tuple of values per row of a frame, in the order of `names`, fit to be a key.

        Args:
            frame: With a column per name, called as the name is; `customer.` may be left out of it.

        Raises:
            CultivaError: if a column is missing.
        """
        import polars as pl

        columns = []
        for name in self.names:
            short = name.removeprefix("customer.")
            column = name if name in frame.columns else short
            if column not in frame.columns:
                raise CultivaError(
                    "the customers' values are not all there",
                    code="content.no_column",
                    seen=f"no column {name}",
                    allowed=", ".join(self.names),
                    hint="fetch every column that Renderer.needs names",
                )
            values = frame[column].to_list()
            if isinstance(frame.schema[column], pl.List | pl.Array):
                values = [None if one is None else tuple(map(str, one)) for one in values]
            columns.append(values)
        return list(zip(*columns, strict=True)) if columns else [()] * frame.height

    def facts(self, row: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
        """The values of one customer as templates see them: cleaned, by first and second word."""
        found: dict[str, dict[str, Any]] = {root: {} for root in PER_CUSTOMER}
        for name, value in zip(self.names, row, strict=True):
            root, _, rest = name.partition(".")
            found[root][rest] = clean(value)
        return found


def cleaned(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts of one customer as templates may see them, whatever came in."""
    return {str(name): cleaned(value) if isinstance(value, Mapping) else clean(value) for name, value in facts.items()}
