"""What the newest profile says of customers in plays: rules and dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.definitions.scopes import profile_scope
from cultiva.loop.parts import Parts
from cultiva.rules import compile_rule

if TYPE_CHECKING:
    import ibis
    from numpy.typing import NDArray


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
