"""Homes: how many touches the customers of one household have left together, as the slices of a plan use them up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.allocation.problem import NONE, Ints, Longs
from cultiva.strategy.permission import HOME, counters
from cultiva.strategy.proposals import Book


def touching(book: Book) -> pl.Expr:
    """Whether a candidate is a touch that counts."""
    service = [name for name in book.offers if book.is_service(name)]
    return pl.col("channel").is_in(sorted(book.touching)) & ~pl.col("offer").is_in(service)


@dataclass(frozen=True, eq=False)
class Shared:
    """What some customers share with those they live with; m customers, h households."""

    household: Ints
    """Household of each customer, -1 for one who shares it with none of them; m, or empty where no cap counts them."""
    room: Ints
    """Touches that each household has left; h."""
    alone: Ints
    """Touches that each customer has left, the household's room included for those who share it with nobody; m."""


@dataclass(frozen=True, eq=False)
class Homes:
    """Touches that households have left today."""

    left: pl.DataFrame | None
    """customer_id, `HOME`, left; sorted by customer_id; None: no cap counts households."""

    @classmethod
    def of(cls, desk: pl.LazyFrame, workspace: Workspace) -> Homes:
        """What the caps leave before anything is planned.

        Args:
            desk: One row per customer, with the counters of the caps and `HOME`.
            workspace: Has the caps.
        """
        room = [one.cap.contacts_max - pl.col(one.column) for one in counters(workspace) if one.of_household]
        if not room:
            return cls(None)
        found = desk.select("customer_id", HOME, left=pl.min_horizontal(room).cast(pl.Int64))
        return cls(found.sort("customer_id").collect(engine="streaming"))

    def shared(self, ids: Longs, room: Ints) -> Shared:
        """What some customers share.

        Args:
            ids: Customer ids, ascending; m.
            room: Touches that each has left by the caps that count the customer alone; m.
        """
        nothing = np.empty(0, dtype=np.int32)
        if self.left is None:
            return Shared(nothing, nothing, room)
        mine = self.left.filter(pl.col("customer_id").is_in(pl.Series(ids).implode()))
        left = mine["left"].to_numpy()
        _, first, place, count = np.unique(
            mine[HOME].to_numpy(), return_index=True, return_inverse=True, return_counts=True
        )
        several = count > 1
        number = np.where(several, np.cumsum(several) - 1, NONE)
        alone = np.where(several[place], room, np.minimum(room, left))
        return Shared(number[place].astype(np.int32), left[first[several]].astype(np.int32), alone.astype(np.int32))

    def after(self, rows: pl.DataFrame, book: Book) -> Homes:
        """What is left when a slice has chosen.

        Args:
            rows: The slice's candidates with their fates.
            book: The proposals; says which of them are touches.
        """
        if self.left is None:
            return self
        chosen = rows.filter(
            (pl.col("fate") == Fate.CHOSEN.value) & pl.col("held_by").is_null() & touching(book)
        ).select("customer_id")
        homes = chosen.join(self.left.select("customer_id", HOME), on="customer_id")
        used = homes.group_by(HOME).agg(taken=pl.len().cast(pl.Int64))
        now = self.left.join(used, on=HOME, how="left").with_columns(left=pl.col("left") - pl.col("taken").fill_null(0))
        return replace(self, left=now.drop("taken").sort("customer_id"))
