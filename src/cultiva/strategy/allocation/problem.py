"""What is to be allocated: candidates, customers, and the resources that they share; arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cultiva.kit.errors import CultivaError

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
NONE = -1
"""No group, no channel, no pool, no household, no holdout."""
TOLERANCE = 1e-9
"""By how much, relative to a capacity (at least 1), sums of use may exceed it: the error of floating-point sums."""


def _none() -> Any:
    """A field that was not given; `Problem` fills it with what its line says."""
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Problem:
    """Candidates in order of customers, and what limits them; n candidates, m customers, p pools, q global resources.

    A field that is not given is filled with the value named in its line. Pools are disjoint in the common case (every
    customer has one branch); a customer's candidates may also lie in several pools.
    """

    first: Longs
    """Where the candidates of each customer begin; m + 1."""
    worth: Floats
    """Effect less cost, in money; n."""
    groups: Ints = field(default_factory=_none)
    """Exclusive groups: of one group at most one candidate per customer, in every column; n x g; -1: none."""
    touch: Flags = field(default_factory=_none)
    """Whether it counts against `room` and `household_room`; n; otherwise all do."""
    channel: Ints = field(default_factory=_none)
    """Column of `channel_room`; n; otherwise -1."""
    pool: Ints = field(default_factory=_none)
    """Local pool (a branch's minutes, an adviser's calls); n; otherwise -1."""
    use: Floats = field(default_factory=_none)
    """Units of the local pool it takes; n; otherwise 1 where there is a pool."""
    recipe: Ints = field(default_factory=_none)
    """Row of the recipes below, which say what it takes of global resources; n; otherwise the candidate's own row."""
    recipe_first: Longs = field(default_factory=_none)
    """Where each recipe begins; one more than there are recipes; otherwise all are empty."""
    recipe_resource: Ints = field(default_factory=_none)
    """Global resource of each entry; a resource at most once per recipe."""
    recipe_amount: Floats = field(default_factory=_none)
    """Units of it, not negative."""
    ghost: Ints = field(default_factory=_none)
    """The holdout that leaves this customer alone (any number from 0), -1 for a real candidate; n; otherwise -1."""
    room: Ints = field(default_factory=_none)
    """Touches that a customer has left; m; otherwise 1."""
    channel_room: Ints = field(default_factory=_none)
    """Candidates per channel that a customer has left; m x channels; otherwise no limit."""
    household: Ints = field(default_factory=_none)
    """Household of a customer; m; otherwise -1."""
    household_room: Ints = field(default_factory=_none)
    """Touches that a household has left."""
    pool_capacity: Floats = field(default_factory=_none)
    """Units per pool; p; infinite: no limit."""
    capacity: Floats = field(default_factory=_none)
    """Units per global resource; q; infinite: no limit."""
    minimum: Floats = field(default_factory=_none)
    """Units of a global resource that have to be used; q; otherwise 0."""

    def __post_init__(self) -> None:
        rows, customers = len(self.worth), len(self.first) - 1
        recipe_given = len(self.recipe_first) > 0
        filled: dict[str, Any] = {
            "groups": np.full((rows, 1), NONE),
            "touch": np.ones(rows, dtype=np.bool_),
            "channel": np.full(rows, NONE),
            "pool": np.full(rows, NONE),
            "use": np.ones(rows) if len(self.pool) else np.zeros(rows),
            "recipe": np.arange(rows) if recipe_given else np.zeros(rows),
            "recipe_first": np.zeros(2),
            "ghost": np.full(rows, NONE),
            "room": np.ones(customers),
            "channel_room": np.zeros((customers, 0)),
            "household": np.full(customers, NONE),
            "minimum": np.zeros(len(self.capacity)),
        }
        for each in fields(self):
            given = np.asarray(getattr(self, each.name))
            value = filled[each.name] if each.name in filled and given.size == 0 else given
            value = np.maximum(value, 0) if each.name.endswith("room") else value
            object.__setattr__(self, each.name, np.require(value, _TYPES[each.name], ["C", "W"]))  # one signature
        _check(self)

    @property
    def candidates(self) -> int:
        """How many candidates there are, n."""
        return len(self.worth)

    @property
    def customers(self) -> int:
        """How many customers there are, m."""
        return len(self.first) - 1


_TYPES: dict[str, Any] = {
    **dict.fromkeys(("first", "recipe_first"), np.int64),
    **dict.fromkeys(
        ("worth", "use", "recipe_amount", "pool_capacity", "capacity", "minimum"),
        np.float64,
    ),
    **dict.fromkeys(
        ("groups", "channel", "pool", "recipe", "recipe_resource", "ghost", "room", "channel_room", "household"),
        np.int32,
    ),
    "household_room": np.int32,
    "touch": np.bool_,
}


def _check(problem: Problem) -> None:
    """Refuses arrays that do not fit together."""
    p, rows, customers = problem, problem.candidates, problem.customers
    for name in ("touch", "channel", "pool", "use", "recipe", "ghost", "groups"):
        _require(len(getattr(p, name)) == rows, name, len(getattr(p, name)), f"{rows} candidates")
    for name in ("room", "household", "channel_room"):
        _require(len(getattr(p, name)) == customers, name, len(getattr(p, name)), f"{customers} customers")
    _require(p.groups.ndim == 2, "groups", p.groups.shape, "a row per candidate, a column per kind of group")
    _require(int(p.first[0]) == 0 and int(p.first[-1]) == rows, "first", p.first[[0, -1]], f"0 to {rows}")
    _require(bool(np.all(np.diff(p.first) >= 0)), "first", "a step back", "ascending places")
    _require(len(p.minimum) == len(p.capacity), "minimum", len(p.minimum), f"{len(p.capacity)} resources")
    last = len(p.recipe_first) - 1
    for name, top in (
        ("pool", len(p.pool_capacity)),
        ("recipe", last),
        ("recipe_resource", len(p.capacity)),
        ("household", len(p.household_room)),
    ):
        values = getattr(p, name)
        _require(not len(values) or int(values.max()) < top, name, values.max(initial=NONE), f"less than {top}")
    if p.channel_room.shape[1]:
        _require(
            not rows or int(p.channel.max()) < p.channel_room.shape[1], "channel", p.channel.max(initial=NONE), "rooms"
        )
    for name in ("use", "recipe_amount", "pool_capacity", "capacity"):
        values = getattr(p, name)
        _require(not len(values) or bool(values.min() >= 0), name, values.min(initial=0.0), "at least 0, a number")
    _require(bool(np.isfinite(p.worth).all()), "worth", "not a number", "finite money")
    _require(bool(np.isfinite(p.minimum).all()), "minimum", "not finite", "finite units")


def _require(holds: bool, name: str, seen: object, allowed: str) -> None:
    if not holds:
        raise CultivaError(
            f"the arrays of the allocation do not fit: {name}",
            code="allocation.arrays",
            seen=seen,
            allowed=allowed,
            hint="build all arrays from one table of candidates in order of customers",
        )


@dataclass(frozen=True, eq=False)
class Prices:
    """What one more unit of each resource is worth, in money: enough to start from again."""

    resources: Floats
    """Per global resource; negative where its minimum costs more than it brings; q."""
    pools: Floats
    """Per local pool; p."""


@dataclass(frozen=True)
class Unmet:
    """A minimum that the plan does not reach within the maxima."""

    resource: int
    """Index of the global resource."""
    reached: float
    """Units that the plan uses."""
    minimum: float
    """Units that were asked for."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The plan, how good it provably is, and the prices that explain it."""

    chosen: Flags
    """Whether a candidate gets in; never a ghost; n."""
    value: float
    """Worth of the plan."""
    bound: float
    """No plan is worth more. Unmet minimums count as lowered to what the plan reaches."""
    prices: Prices
    """What one more unit brings."""
    last_in: Floats
    """Per pool, money per unit of the last step that got in: what a newcomer has to beat, and what one unit less would
    cost; p."""
    first_out: Floats
    """Per pool, money per unit of the first step that did not: what one more unit would bring; p."""
    reduced: Floats
    """Worth less what its resources cost at these prices (pools at `last_in`); n."""
    exposed: Flags
    """Whether the prices would have it: it belongs to the best set of its customer's real candidates, for a ghost of
    those and the ghosts of the same holdout; n."""
    unmet: tuple[Unmet, ...]
    """Minimums not reached."""
    evaluations: int
    """How often the dual was evaluated for all customers."""

    @property
    def gap(self) -> float:
        """How much the plan may be short of the best one, as a share of the bound; 0 if that is 0."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0
