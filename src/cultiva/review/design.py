"""What is measured of a workspace: the names and types of exposures and of results, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.review import CONTRIBUTION, Metric, RankBy
from cultiva.definitions.scopes import platform_columns
from cultiva.definitions.workspace import Workspace

PROGRAMME = "(all)"
"""Stands for the whole programme among strategies: everyone against the global holdout."""
TREATED, HELD_OUT, HELD_OUT_GLOBAL, MIXED = "treated", "held_out", "held_out_global", "mixed"
"""Arms of exposures; mixed: two enrolments of what turned out to be one customer contradict each other."""
WAITING = "waiting"
"""Arm of who waits until the first customers of a strategy on a ramp have shown that it pays; ends with a touch."""
HELD_OUT_OFFER = "held_out_offer"
"""Arm of a strategy's exposure on whose customer the offer's own holdout falls: on neither side of the strategy,
whether that holds the customer out as well or not, so that its sides stay alike."""
NOT_DONE = "not_done"
"""Status of a contact that nobody attempted: it costs nothing."""
NOT_CARRIED_OUT = ("failed", NOT_DONE)
"""Contacts that did not take place, by their status; a failed attempt costs all the same."""
CLUSTER = "cluster"
"""Column of exposures and of the analysis table: what was drawn as a whole; null where customers are drawn one by one.
In the analysis table customers who are drawn alone where others are drawn in groups are put together into lots."""
CARRIED = "carried"
"""Column of the analysis table: yes if another strategy was open to the customer not long before, else no."""
SOLD = "sold"
"""Metric beside the contribution: the part of it that holdings of the offer's product category bring."""


@dataclass(frozen=True)
class ReviewDesign:
    """A workspace as review sees it."""

    workspace: Workspace

    @property
    def horizon_days(self) -> int:
        """Days from enrolment for which results count."""
        return self.workspace.review.horizon_days

    @cached_property
    def profile_types(self) -> Mapping[str, DataType]:
        """Columns of the profile with their types."""
        tags = {name: tag.type for name, tag in self.workspace.tags.items()}
        return {**tags, **platform_columns(self.workspace)}

    @cached_property
    def offer_holdouts(self) -> Mapping[str, float]:
        """Offers with a holdout of their own, and its share."""
        return {name: one.holdout for name, one in self.workspace.offers.items() if one.holdout > 0}

    @cached_property
    def clustered(self) -> Mapping[str, str]:
        """Strategies that leave whole advisers or branches alone, and which of the two."""
        strategies = self.workspace.strategies.values()
        return {one.name: one.holdout_by for one in strategies if one.holdout_by != "customer"}

    @cached_property
    def by_person(self) -> frozenset[str]:
        """Strategies that nobody but persons carry out.

        Only there an effect can be put down to being reached by a person: where messages go out as well they work too,
        and whoever was not called may have read one.
        """
        human = {one.name for one in self.workspace.policy.channels if one.kind == "human"}
        strategies = self.workspace.strategies.values()
        return frozenset(one.name for one in strategies if human.issuperset(one.channels))

    @property
    def groups(self) -> tuple[str, ...]:
        """Tags that make groups, as far as the profile has them."""
        return tuple(name for name in self.workspace.review.groups if name in self.profile_types)

    @property
    def covariates(self) -> tuple[str, ...]:
        """What is kept at enrolment: the contribution so far, and tags, as far as the profile has them."""
        review = self.workspace.review
        named = (review.covariate, *(one.covariate for one in review.metrics if one.covariate is not None))
        return tuple(dict.fromkeys(name for name in named if name == CONTRIBUTION or name in self.profile_types))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Metrics beside the contribution."""
        return tuple(one for one in self.workspace.review.metrics if one.name not in (CONTRIBUTION, SOLD))

    @property
    def slices(self) -> tuple[tuple[RankBy, float], ...]:
        """Standing experiments: how a slice is ranked, and its share."""
        return self.workspace.review.health.slices

    @property
    def exposure_columns(self) -> tuple[Column, ...]:
        """Columns of the lake table `exposure`."""
        return (
            Column("strategy", DataType.TEXT),
            Column("customer_id", DataType.INTEGER),
            Column("enrolled_on", DataType.DATE),
            Column("arm", DataType.TEXT),
            *(Column(name, DataType.TEXT) for name in ("offer", "channel", "branch_id", "adviser_id", "ranked_by")),
            Column(CLUSTER, DataType.TEXT),
            Column("assigned_share", DataType.NUMBER),
            *(Column(f"group_{name}", DataType.TEXT) for name in self.groups),
            *(Column(f"x_{name}", DataType.NUMBER) for name in self.covariates),
        )
