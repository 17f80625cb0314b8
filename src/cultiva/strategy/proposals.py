"""Proposals: what a strategy can propose at all, as (offer, channel) in its order of preference.

Each has a bit within its strategy, so that a customer's open proposals are one whole number per strategy, and which
are open is found by arithmetic on columns, whatever the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cultiva.contracts.decision import offer_experiment
from cultiva.definitions.arbitration import Lever, Scope
from cultiva.definitions.offers import OfferKind
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.ranking import OPEN, Ranking

PREFIX = "s_"
"""Before the columns of the strategies' table, so that no tag has the same name."""


@dataclass(frozen=True)
class Proposal:
    """One thing that a strategy can propose, over one channel."""

    strategy: str
    offer: str
    channel: str
    place: int
    """Position in the strategy's order: by offer, then by channel."""

    @property
    def bit(self) -> int:
        """Its bit among the strategy's proposals."""
        return 1 << self.place


def proposals_of(strategy: Strategy) -> list[Proposal]:
    """Everything that a strategy can propose, the preferred first; not all of it has to be possible."""
    pairs = [(offer, channel) for offer in strategy.offers for channel in strategy.channels]
    return [Proposal(strategy.name, offer, channel, place) for place, (offer, channel) in enumerate(pairs)]


@dataclass(frozen=True)
class Book:
    """The proposals of the strategies in a plan, and the small tables by which engines look them up."""

    workspace: Workspace
    strategies: Sequence[Strategy]

    @property
    def offers(self) -> list[str]:
        """Offers that some strategy has, in the order of the workspace."""
        used = {name for one in self.strategies for name in one.offers}
        return [name for name in self.workspace.offers if name in used]

    @property
    def channels(self) -> list[str]:
        """Channels that some strategy has, in the order of the policy."""
        used = {name for one in self.strategies for name in one.channels}
        return [one.name for one in self.workspace.policy.channels if one.name in used]

    def is_service(self, offer: str) -> bool:
        """Whether an offer needs no marketing consent and uses no cap."""
        return self.workspace.offers[offer].kind is OfferKind.SERVICE

    def carries(self, proposal: Proposal) -> bool:
        """Whether the offer may go over the channel."""
        allowed = self.workspace.offers[proposal.offer].channels
        return not allowed or proposal.channel in allowed

    def touches(self, proposal: Proposal) -> bool:
        """Whether it uses the contact budget."""
        return proposal.channel in self.touching and not self.is_service(proposal.offer)

    @property
    def touching(self) -> frozenset[str]:
        """Channels whose use counts as a touch."""
        return frozenset(one.name for one in self.workspace.policy.channels if one.touch)

    def strategies_table(self, ranking: Ranking) -> Any:
        """One row per strategy: masks of its proposals, its holdout, what has been learnt of it as a whole.

        Args:
            ranking: What has been learnt.
        """
        import pyarrow as pa

        rows = [self._row(one, ranking) for one in self.strategies]
        types = {"strategy": pa.string(), "holdout_by": pa.string()}
        masks = {name: pa.int64() for name in rows[0] if "mask" in name}
        return pa.table(
            {
                PREFIX + name: pa.array([row[name] for row in rows], (types | masks).get(name, pa.float64()))
                for name in rows[0]
            }
        )

    def _row(self, strategy: Strategy, ranking: Ranking) -> dict[str, Any]:
        mine = proposals_of(strategy)
        worth, response = ranking.learnt.everywhere(strategy.name) or (None, None)
        return {
            "strategy": strategy.name,
            "holdout": strategy.holdout,
            "holdout_by": strategy.holdout_by,
            "worth": worth,
            "response": response,
            "mean_cost": ranking.learnt.costs.get(strategy.name),
            "explored": ranking.explored(strategy.name),
            "reach": ranking.reach(strategy.name),
            "hoped": ranking.hoped(strategy),
            "contacts": ranking.learnt.contacts.get(strategy.name, 1.0),
            "mask_carried": _mask(one for one in mine if self.carries(one)),
            "mask_service": _mask(one for one in mine if self.is_service(one.offer)),
            "mask_untouched": _mask(one for one in mine if not self.touches(one)),
            **{f"mask_offer_{name}": _mask(one for one in mine if one.offer == name) for name in self.offers},
            **{f"mask_channel_{name}": _mask(one for one in mine if one.channel == name) for name in self.channels},
        }

    def proposals_table(self, ranking: Ranking) -> Any:
        """One row per proposal: its bit, names and costs, what a touch brings, and which levers may move it.

        Args:
            ranking: What has been learnt.
        """
        import pyarrow as pa

        mine = [proposal for one in self.strategies for proposal in proposals_of(one)]
        touches = [ranking.touch(one.strategy, one.offer, one.channel) for one in mine]
        costs = {one.name: one.unit_cost for one in self.workspace.policy.channels}
        levers = self.levers
        return pa.table(
            {
                PREFIX + "of": pa.array([one.strategy for one in mine], pa.string()),
                PREFIX + "bit": pa.array([one.bit for one in mine], pa.int64()),
                "offer": pa.array([one.offer for one in mine], pa.string()),
                "channel": pa.array([one.channel for one in mine], pa.string()),
                "contact_cost": pa.array([costs[one.channel] for one in mine], pa.float64()),
                "offer_cost": pa.array([self.workspace.offers[one.offer].unit_cost for one in mine], pa.float64()),
                "touch_effect": pa.array([one.effect for one in touches], pa.float64()),
                "touch_se": pa.array([one.se for one in touches], pa.float64()),
                "touch_taken": pa.array([one.taken for one in touches], pa.float64()),
                "touch_known": pa.array([one.stage != OPEN for one in touches], pa.bool_()),
                "experiment": pa.array([offer_experiment(one.offer) for one in mine], pa.string()),
                "offer_holdout": pa.array([self.workspace.offers[one.offer].holdout for one in mine], pa.float64()),
                **{f"moves_{one.name}": pa.array([covers(one, each) for each in mine], pa.bool_()) for one in levers},
            }
        )

    @property
    def levers(self) -> list[Lever]:
        """Levers that work."""
        return [lever for lever in self.workspace.arbitration.levers if lever.active]


def covers(scope: Scope, proposal: Proposal) -> bool:
    """Whether a proposal is among those that a resource or lever is about."""
    return (
        (not scope.strategies or proposal.strategy in scope.strategies)
        and (not scope.offers or proposal.offer in scope.offers)
        and (not scope.channels or proposal.channel in scope.channels)
    )


def mask_of(strategy: Strategy, offer: str) -> int:
    """Bits of a strategy's proposals of one offer."""
    return _mask(one for one in proposals_of(strategy) if one.offer == offer)


def _mask(proposals: Any) -> int:
    return sum(one.bit for one in proposals)
