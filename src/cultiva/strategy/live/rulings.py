"""Rulings: every rule of every strategy compiled once for a day, to be asked of one customer's row after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cultiva.contracts.decision import offer_experiment
from cultiva.definitions.arbitration import Lever
from cultiva.definitions.offers import Offer
from cultiva.definitions.policy import ContactPolicy
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.kit.clock import born_by
from cultiva.rules import compile_rule
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.proposals import Book, Proposal, covers, mask_of, proposals_of

Row = Mapping[str, Any]
"""A profile: column -> value."""
Test = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a strategy asks of a customer, and its proposals as bits."""

    strategy: Strategy
    audience: Test
    stages: frozenset[str]
    tiers: frozenset[str]
    may: Test
    rank: Callable[[Row], Any]
    proposals: tuple[Proposal, ...]
    of_offer: tuple[tuple[str, int], ...]
    """Offer -> bits of its proposals."""
    of_channel: tuple[tuple[str, int], ...]
    carried: int
    service: int
    untouched: int
    moves: tuple[tuple[str, ...], ...]
    """By proposal: the levers that may move it."""
    contact_costs: tuple[float, ...]
    """By proposal."""
    offer_costs: tuple[float, ...]
    experiments: tuple[tuple[str, float], ...]
    """By proposal: the experiment of its offer, and the share that it leaves alone."""

    def member(self, row: Row) -> bool:
        """Whether the customer is in the audience."""
        return (
            self.audience(row)
            and (not self.stages or row["stage"] in self.stages)
            and (not self.tiers or row["value_tier"] in self.tiers)
        )


@dataclass(frozen=True, slots=True)
class OfferRuling:
    """What an offer asks of a customer."""

    eligible: Test
    applicable: Test
    suitable: Callable[[Paper], bool]
    group: str


@dataclass(frozen=True, slots=True)
class Rulings:
    """All rules of a day."""

    book: Book
    strategies: tuple[Ruling, ...]
    offers: Mapping[str, OfferRuling]
    suppressions: tuple[tuple[str, Callable[[Row], Any]], ...]
    levers: tuple[tuple[Lever, Test], ...]


def rulings(workspace: Workspace, on: date) -> Rulings:
    """Compiles the rules of every active strategy.

    Args:
        workspace: Its definitions, variants written out.
        on: The bank's day: what `today` is.
    """
    scope = profile_scope(workspace)
    active = [one for one in workspace.strategies.values() if one.active]
    book = Book(workspace, active)

    def test(text: str) -> Test:
        found: Test = compile_rule(text, scope).test(on)
        return found

    def value(text: str) -> Callable[[Row], Any]:
        return compile_rule(text, scope).closure(on)

    offers = {name: _offer(workspace.offers[name], test, workspace.policy, on) for name in book.offers}
    return Rulings(
        book=book,
        strategies=tuple(_ruling(one, book, test, value) for one in active),
        offers=offers,
        suppressions=tuple((one.name, value(one.rule)) for one in workspace.policy.suppressions),
        levers=tuple((one, test(one.when)) for one in book.levers),
    )


def _ruling(
    strategy: Strategy, book: Book, test: Callable[[str], Test], value: Callable[[str], Callable[[Row], Any]]
) -> Ruling:
    mine = proposals_of(strategy)
    costs = {one.name: one.unit_cost for one in book.workspace.policy.channels}
    offers = book.workspace.offers
    return Ruling(
        strategy=strategy,
        audience=test(strategy.audience),
        stages=frozenset(strategy.stages),
        tiers=frozenset(strategy.tiers),
        may=test(strategy.eligible),
        rank=value(strategy.rank),
        proposals=tuple(mine),
        of_offer=tuple((name, mask_of(strategy, name)) for name in dict.fromkeys(strategy.offers)),
        of_channel=tuple((name, _bits(one for one in mine if one.channel == name)) for name in strategy.channels),
        carried=_bits(one for one in mine if book.carries(one)),
        service=_bits(one for one in mine if book.is_service(one.offer)),
        untouched=_bits(one for one in mine if not book.touches(one)),
        moves=tuple(tuple(lever.name for lever in book.levers if covers(lever, one)) for one in mine),
        contact_costs=tuple(costs[one.channel] for one in mine),
        offer_costs=tuple(offers[one.offer].unit_cost for one in mine),
        experiments=tuple((offer_experiment(one.offer), offers[one.offer].holdout) for one in mine),
    )


def _offer(offer: Offer, test: Callable[[str], Test], policy: ContactPolicy, on: date) -> OfferRuling:
    return OfferRuling(
        test(offer.eligible), test(offer.applicable), suitability(offer, policy, on), offer.group or offer.name
    )


def suitability(offer: Offer, policy: ContactPolicy, on: date) -> Callable[[Paper], bool]:
    """`strategy.suitability.suitable` for one customer: never above a valid rating, never when in doubt."""
    if offer.risk_level is None:
        return lambda paper: True
    ratings = frozenset(f"C{rating}" for rating in range(int(offer.risk_level[1]), 6))
    since, born = on - timedelta(days=policy.rating_valid_days), born_by(on, policy.suitability_age_max + 1)

    def suits(paper: Paper) -> bool:
        return (
            paper.risk_rating in ratings
            and paper.risk_rated_on is not None
            and since <= paper.risk_rated_on <= on
            and paper.birth_date is not None
            and paper.birth_date > born
        )

    return suits


def _bits(proposals: Any) -> int:
    return sum(one.bit for one in proposals)
