"""Candidates of one customer, as `strategy.openings` and `strategy.candidates` make them of all at once.

Whatever is decided there by columns is decided here by numbers of one row, in the same order; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from cultiva.contracts.decision import HEALTH_SLICES, Fate, holdout_draw
from cultiva.definitions.products import Product, levels_of, variant_name
from cultiva.definitions.review import RankBy
from cultiva.engine.draws import ALONE
from cultiva.kit.hashing import draw
from cultiva.strategy.candidates import GLOBAL, PROPENSITY_OF_PRIOR, REASONS
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.live.rulings import Row, Ruling, Rulings
from cultiva.strategy.pricing.cells import BETWEEN, NOTHING, Ladder, price_draw
from cultiva.strategy.ranking import EVERYWHERE, SEPARATOR, Ranking

NOTHING_FED: Mapping[str, str] = {}
Pair = tuple[float, float]
"""Worth and response."""


@dataclass(slots=True)
class Candidate:
    """A proposal and what has become of it so far; money is per exposure."""

    strategy: str
    offer: str
    channel: str
    place: int
    """Of the proposal within its strategy."""
    fate: Fate
    rank_value: float | None
    worth: float | None
    effect: float | None
    cost: float
    response: float
    contact_cost: float
    offer_cost: float
    worth_by: str
    assigned_share: float
    quote_share: float
    explores: bool
    scored: bool
    chance: float
    factor: float
    extra: float
    held: Fate | None
    held_by: str | None
    held_value: float | None
    decided_by: str | None = None
    decided_value: float | None = None
    reaches: bool = True
    """Whether some channel is open to it."""
    priority: float | None = None
    """By which it competes."""
    charge: float = 0.0
    """What it costs of scarce resources at their prices, in money."""

    @property
    def net(self) -> float:
        """Priority less charge."""
        return (self.priority or 0.0) - self.charge


@dataclass(frozen=True, slots=True)
class Judged:
    """What is asked of a customer once, whichever strategies look at them."""

    customer_id: int
    row: Row
    paper: Paper
    suppression: str | None
    ranked_by: RankBy
    draw_global: float
    permitted: Mapping[str, bool]
    """By channel."""
    room: Mapping[str, bool]
    """By channel: whether no cap is full."""
    room_offer: Mapping[str, bool]
    """By offer, where a cap counts it."""
    touches_used: int
    quotes: Mapping[str, tuple[str, float]]
    """Template -> the variant quoted, and the chance of that."""
    cell: str


@dataclass(frozen=True)
class Judge:
    """Makes candidates; holds what is the same for all customers of a day."""

    rulings: Rulings
    ranking: Ranking
    shares: Mapping[str, Mapping[str, float]]
    """Strategy -> shares in which its offers are drawn."""
    scored: frozenset[str]
    """Strategies whose single proposals are scored."""
    ladders: Mapping[str, Ladder]
    on: date

    @cached_property
    def salts(self) -> dict[str, tuple[str, str]]:
        """Strategy -> salts of its draws: the chance of the day, and who explores in the month."""
        day, month = self.on.isoformat(), f"{self.on:%Y-%m}"
        return {
            name: (f"random:{name}:{day}", f"explore:{name}:{month}")
            for name in (one.strategy.name for one in self.rulings.strategies)
        }

    @cached_property
    def learnt(self) -> dict[str, tuple[Pair | None, float | None, dict[str, Pair]]]:
        """Strategy -> what was learnt of it as a whole, what an exposure has cost, and what was learnt by cell."""
        known, by_cell = self.ranking.learnt, dict[str, dict[str, Pair]]()
        for (name, cell), pair in known.cells.items():
            if cell != EVERYWHERE:
                by_cell.setdefault(name, {})[cell] = pair
        return {
            name: (known.everywhere(name), known.costs.get(name), by_cell.get(name, {}))
            for name in (one.strategy.name for one in self.rulings.strategies)
        }

    def slice_of(self, customer_id: int) -> RankBy:
        """How the customer's candidates are ranked."""
        review = self.ranking.workspace.review
        if review.health.slices:
            upto, drawn = 0.0, draw(HEALTH_SLICES, customer_id)
            for by, share in review.health.slices:
                upto += share
                if drawn < upto:
                    return by
        return review.rank_by

    def suppression(self, row: Row) -> str | None:
        """The first suppression that applies or cannot be ruled out."""
        return next((name for name, rule in self.rulings.suppressions if rule(row) is not False), None)

    def quotes(self, row: Row, customer_id: int) -> dict[str, tuple[str, float]]:
        """Every template's quote."""
        products = self.ranking.workspace.products
        return {name: quote(row, customer_id, one, self.ladders.get(name, {})) for name, one in products.items()}

    def cell(self, row: Row) -> str:
        """The customer's cell of what review learns."""
        groups = self.ranking.workspace.review.groups
        return SEPARATOR.join("" if (value := row[name]) is None else str(value) for name in groups)

    def candidates(
        self,
        who: Judged,
        *,
        only: frozenset[str] | None = None,
        mask: str = "",
        fed: Mapping[str, str] = NOTHING_FED,
    ) -> list[Candidate]:
        """All candidates of a customer, in the order of the strategies.

        Args:
            who: The customer.
            only: Strategies that are asked; None: all whose audience they are in.
            mask: A channel: only proposals over it.
            fed: Strategy -> offer (empty: any) that a trigger wants: the trigger stands for the audience.
        """
        found: list[Candidate] = []
        offers: dict[str, tuple[bool, bool, bool]] = {}
        moved = frozenset(lever.name for lever, when in self.rulings.levers if when(who.row))
        for ruling in self.rulings.strategies:
            name = ruling.strategy.name
            if only is not None and name not in only:
                continue
            if mask and not any(channel == mask for channel, _ in ruling.of_channel):
                continue
            if ruling.member(who.row):
                found += _Opening(self, who, ruling, offers, moved, mask).candidates()
            elif name in fed:
                made = _Opening(self, who, ruling, offers, moved, mask).candidates()
                found += [one for one in made if one.offer == fed[name] or not fed[name]]
        return found


class _Opening:
    """Where one strategy stands with one customer."""

    def __init__(
        self,
        judge: Judge,
        who: Judged,
        ruling: Ruling,
        offers: dict[str, tuple[bool, bool, bool]],
        moved: frozenset[str],
        mask: str,
    ) -> None:
        self._judge, self._who, self._ruling, self._offers, self._moved = judge, who, ruling, offers, moved
        self._only = dict(ruling.of_channel)[mask] if mask else -1
        self._name = ruling.strategy.name
        self._by_effect = who.ranked_by is RankBy.EFFECT
        self._scored = self._name in judge.scored
        overall, self._mean_cost, by_cell = judge.learnt[self._name]
        known = by_cell.get(who.cell, overall)
        rules = None if known is not None and self._by_effect else ruling.rank(who.row)  # else nobody looks at it
        self._rules = None if rules is None else float(rules)
        self._measured = known is not None
        self._worth = known[0] if known is not None else self._rules
        self._response = known[1] if known is not None else None
        exploration = judge.ranking.workspace.review.exploration
        drawn, explored = judge.salts[self._name]
        self._explores = self._by_effect and draw(explored, who.customer_id) < exploration
        asked = (self._scored and self._explores) or who.ranked_by is RankBy.RANDOM  # else nobody looks at it
        self._chance = draw(drawn, who.customer_id) if asked else 0.0

    def candidates(self) -> list[Candidate]:
        """Every open proposal where single ones are scored, else the first one or the first reason against all."""
        tiers, share = self._tiers()
        fate = self._fate(tiers)
        if self._by_effect and self._scored and fate is Fate.CHOSEN:
            taken = tiers[-1]
        else:
            shown = next((tier for tier in reversed(tiers) if tier), 1)
            taken = shown & -shown
        places = [one.place for one in self._ruling.proposals if taken & one.bit]
        return [self._told(place, fate, share) for place in places]

    def _tiers(self) -> tuple[list[int], float]:
        """The proposals that pass each tier and all before it; the share in which the offer was drawn."""
        who, ruling = self._who, self._ruling
        eligible = applicable = suitable = room_offer = 0
        for name, bits in ruling.of_offer:
            may, of_use, suits = self._of_offer(name)
            eligible |= bits if may else 0
            applicable |= bits if of_use else 0
            suitable |= bits if suits else 0
            room_offer |= bits if who.room_offer.get(name, True) else 0
        consent = room = 0
        for name, bits in ruling.of_channel:
            consent |= bits if who.permitted[name] else 0
            room |= bits if who.room[name] else 0
        offered, share = self._drawn()
        permitted = ruling.carried & (consent | ruling.service) & self._only
        free = (room & room_offer) | ruling.untouched
        tiers, passed = [eligible], eligible
        for tier in (applicable, suitable & offered, permitted, free):
            passed &= tier
            tiers.append(passed)
        return tiers, share

    def _of_offer(self, name: str) -> tuple[bool, bool, bool]:
        found = self._offers.get(name)
        if found is None:
            asked, who = self._judge.rulings.offers[name], self._who
            quote = who.quotes.get(asked.group)
            eligible = asked.eligible(who.row) and (quote is None or quote[0] == name)
            found = self._offers[name] = (eligible, asked.applicable(who.row), asked.suitable(who.paper))
        return found

    def _drawn(self) -> tuple[int, float]:
        """The drawn offer as bits, and its share; everything where a strategy draws none."""
        shares = self._judge.shares.get(self._name)
        if shares is None or not self._by_effect:
            return -1, 1.0
        weights = [
            (bits, shares.get(name, 0.0) if all(self._of_offer(name)) else 0.0) for name, bits in self._ruling.of_offer
        ]
        lot, upto, whole = draw(f"offer:{self._name}", self._who.customer_id), 0.0, sum(one for _, one in weights)
        for bits, weight in weights:
            upto += weight
            if weight > 0 and lot * whole < upto:
                return bits, weight / whole
        return -1, 1.0

    def _fate(self, tiers: list[int]) -> Fate:
        if self._who.suppression is not None:
            return Fate.SUPPRESSED
        if not self._ruling.may(self._who.row):
            return Fate.NOT_ELIGIBLE
        for tier, reason in zip(tiers, REASONS, strict=True):
            if not tier:
                return reason
        gains = not self._by_effect or self._scored or self._explores or self._worth is None or self._worth > 0
        return Fate.CHOSEN if gains else Fate.NO_GAIN

    def _rank(self) -> float | None:
        by = self._who.ranked_by
        if by is RankBy.EFFECT:
            return self._worth
        if by is RankBy.PROPENSITY:
            prior = None if self._rules is None else self._rules / PROPENSITY_OF_PRIOR
            return prior if self._response is None else self._response
        return self._chance if by is RankBy.RANDOM else self._rules

    def _told(self, place: int, fate: Fate, share: float) -> Candidate:
        ruling, proposal = self._ruling, self._ruling.proposals[place]
        contact, offer_cost = ruling.contact_costs[place], ruling.offer_costs[place]
        response = self._response or 0.0
        cost = contact + response * offer_cost if self._mean_cost is None else self._mean_cost
        factor, extra = self._levers(place)
        quote = self._who.quotes.get(self._judge.rulings.offers[proposal.offer].group)
        quote_share = 1.0 if quote is None else quote[1]
        held, by, value = self._held(place)
        made = Candidate(
            self._name, proposal.offer, proposal.channel, place, fate, self._rank(), self._worth,
            None if self._worth is None else self._worth + cost, cost, response, contact, offer_cost,
            "learnt" if self._measured else "prior", share * quote_share, quote_share, self._explores,
            self._by_effect and self._scored, self._chance, factor, extra, held, by, value,
        )  # fmt: skip
        made.reaches = fate in {Fate.CHOSEN, Fate.NO_GAIN}
        self._reason(made)
        return made

    def _reason(self, one: Candidate) -> None:
        """decided_by and decided_value of what stands against a single candidate."""
        if one.fate is Fate.SUPPRESSED:
            one.decided_by = self._who.suppression
        elif one.fate in {Fate.NOT_ELIGIBLE, Fate.NOT_APPLICABLE, Fate.UNSUITABLE}:
            one.decided_by = one.offer
        elif one.fate in {Fate.NO_CONSENT, Fate.CAPPED}:
            one.decided_by = one.channel
        if one.fate is Fate.CAPPED:
            one.decided_value = float(self._who.touches_used)
        elif one.fate is Fate.NO_GAIN:
            one.decided_value = one.worth

    def _levers(self, place: int) -> tuple[float, float]:
        factor, extra = 1.0, 0.0
        if self._moved:
            for lever, _ in self._judge.rulings.levers:
                if lever.name in self._moved and lever.name in self._ruling.moves[place]:
                    factor, extra = factor * lever.factor, extra + lever.add
        return factor, extra

    def _held(self, place: int) -> tuple[Fate | None, str | None, float | None]:
        """Everyone's holdout, then the strategy's, then the offer's."""
        who, strategy = self._who, self._ruling.strategy
        if who.draw_global < self._judge.ranking.workspace.policy.global_holdout:
            return Fate.HELD_OUT_GLOBAL, GLOBAL, who.draw_global
        if strategy.holdout > 0:
            own = draw(holdout_draw(self._name), self._unit())
            if own < strategy.holdout:
                return Fate.HELD_OUT, self._name, own
        experiment, share = self._ruling.experiments[place]
        if share > 0 and (lot := draw(holdout_draw(experiment), who.customer_id)) < share:
            return Fate.HELD_OUT, experiment, lot
        return None, None, None

    def _unit(self) -> str | int:
        """What the strategy's holdout draws as a whole."""
        by, paper = self._ruling.strategy.holdout_by, self._who.paper
        if by == "customer":
            return self._who.customer_id
        holder = paper.adviser_id if by == "adviser" else paper.branch_id
        return f"{ALONE}{self._who.customer_id}" if holder is None else f"{by}:{holder}"


def quote(row: Row, customer_id: int, product: Product, ladder: Ladder) -> tuple[str, float]:
    """`pricing.cells.quoted` for one customer: the variant, and the chance with which its level is quoted."""
    levels, explored = levels_of(product), product.pricing.exploration
    values = [NOTHING if row[name] is None else str(row[name]) for name in product.pricing.groups]
    found = product.priced
    assert found is not None
    level = ladder.get(BETWEEN.join(values), found.value)
    usual = variant_name(product, level if level in levels else found.value)
    width, drawn = explored / len(levels), draw(price_draw(product.name), customer_id)
    name = usual
    if drawn < explored:
        place = next((at for at in range(len(levels) - 1) if drawn < width * (at + 1)), len(levels) - 1)
        name = variant_name(product, levels[place])
    return name, width + 1 - explored if name == usual else width
