"""What the newest profile says of customers in plays: rules, dates and the facts that messages speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.definitions.scopes import profile_scope
from cultiva.loop.parts import Parts
from cultiva.rules import compile_rule

if TYPE_CHECKING:
    import ibis
    import polars as pl
    from numpy.typing import NDArray

LOOKED_UP = {"adviser": ("staff", "staff_id", "adviser_id"), "branch": ("branch", "branch_id", "branch_id")}
"""First word of a fact -> the delivered table that has it, its key, and the customer's column that refers to it."""


@dataclass(frozen=True)
class Knowledge:
    """The newest profile, as workers ask it."""

    parts: Parts
    on: date
    """Its business date."""

    def holds(self, rule: str, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For whom a rule holds, shape (n,); null and unknown customers count as no."""
        table = self._profile()
        answer = compile_rule(rule, profile_scope(self.parts.workspace)).form(self.on).ibis(table)
        found = self._of(table.select("customer_id", value=answer), ids)
        yes: NDArray[np.bool_] = np.array([bool(one) for one in found], dtype=bool)
        return yes

    def dates(self, tag: str, ids: NDArray[np.int64]) -> NDArray[Any]:
        """Values of a date tag as datetime64[D], shape (n,); NaT: none."""
        table = self._profile()
        return np.array(self._of(table.select("customer_id", value=table[tag]), ids), dtype="datetime64[D]")

    def facts(self, ids: Sequence[int], names: Sequence[str]) -> pl.DataFrame:
        """What messages speak of: a row per customer in the order asked, and a column per name.

        Args:
            ids: Customers, each once.
            names: As content calls them: `customer.<tag>`, `adviser.<column of staff>`, `branch.<column of branch>`.
        """
        import polars as pl
        import pyarrow as pa

        engine, lake = self.parts.engine, self.parts.lake
        asked = engine.load(pa.table({"customer_id": pa.array(ids, pa.int64()), "__row": pa.array(range(len(ids)))}))
        profile, customer = self._profile(), engine.scan(lake.files_current("customer", self.on))
        table = asked.left_join(_named(profile, customer, names), "customer_id").drop("customer_id_right")
        for root, (source, key, reference) in LOOKED_UP.items():
            wanted = [name for name in names if name.startswith(f"{root}.")]
            files = lake.files_latest(source, self.on) if wanted else []
            if files:
                table = _with_lookup(table, engine.scan(files), customer, (key, reference), wanted)
        found = pl.from_arrow(engine.fetch(table.order_by("__row")))
        assert isinstance(found, pl.DataFrame)
        missing = [name for name in names if name not in found.columns]
        return found.with_columns(pl.lit(None).alias(name) for name in missing).select("customer_id", *names)

    def _profile(self) -> ibis.Table:
        return self.parts.engine.scan(self.parts.lake.files_current("profile", self.on))

    def _of(self, table: ibis.Table, ids: NDArray[np.int64]) -> list[Any]:
        """The column `value` for customers, in their order; None where there is no row."""
        import pyarrow as pa

        engine = self.parts.engine
        asked = engine.load(pa.table({"customer_id": pa.array(np.unique(ids), pa.int64())}))
        rows = engine.fetch(table.semi_join(asked, "customer_id").select("customer_id", "value"))
        known = dict(zip(rows["customer_id"].to_pylist(), rows["value"].to_pylist(), strict=True))
        return [known.get(int(one)) for one in ids]


def _named(profile: ibis.Table, customer: ibis.Table, names: Sequence[str]) -> ibis.Table:
    """Tags by their names in messages; the resolved party record has what the profile has not, such as the name."""
    tags = [name.partition(".")[2] for name in names if name.startswith("customer.")]
    own = {f"customer.{tag}": profile[tag] for tag in tags if tag in profile.columns}
    other = {f"customer.{tag}": customer[tag] for tag in tags if tag not in profile.columns and tag in customer.columns}
    left = profile.select("customer_id", **own)
    if not other:
        return left
    return left.left_join(customer.select("customer_id", **other), "customer_id").drop("customer_id_right")


def _with_lookup(
    table: ibis.Table, source: ibis.Table, customer: ibis.Table, keys: tuple[str, str], wanted: Sequence[str]
) -> ibis.Table:
    """The table with facts of the customer's adviser or branch."""
    key, reference = keys
    there = [name for name in wanted if name.partition(".")[2] in source.columns]
    facts = source.select(__key=source[key], **{name: source[name.partition(".")[2]] for name in there})
    whose = customer.select("customer_id", __key=customer[reference])
    both = whose.inner_join(facts, "__key").drop("__key")
    return table.left_join(both, "customer_id").drop("customer_id_right")
