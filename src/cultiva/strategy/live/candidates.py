"""Candidates of one customer, as `strategy.openings` and `strategy.candidates` make them of all at once.

Whatever is decided there by columns is decided here by numbers of one row, in the same order; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from struct import Struct

from cultiva.contracts.decision import HEALTH_SLICES, Fate, holdout_draw, ramp_draw
from cultiva.definitions.arbitration import Lever
from cultiva.definitions.products import Product, levels_of, variant_name
from cultiva.definitions.review import RankBy
from cultiva.engine.draws import ALONE
from cultiva.kit.hashing import DRAW_RANGE, draw
from cultiva.strategy.candidates import GLOBAL, PROPENSITY_OF_PRIOR, REASONS
from cultiva.strategy.live.paper import Paper
from cultiva.strategy.live.rulings import OfferRuling, Row, Ruling, Rulings
from cultiva.strategy.pricing.cells import BETWEEN, NOTHING, Ladder, price_draw
from cultiva.strategy.ranking import EVERYWHERE, MORE, OPEN, SEPARATOR, Ranking, Touch

try:  # CPython's own: a short text takes it half as long as OpenSSL's, and a decision draws twice per candidate
    from _md5 import md5  # type: ignore[import-not-found]
except ImportError:  # pragma: no cover - an interpreter that was built without it
    from hashlib import md5
_first = Struct(">I").unpack_from
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
    explored: float = 0.0
    """Share of the customers on whom its strategy is tried."""
    contacts: float = 1.0
    """Touches that a model's effect stands for."""
    odds: float = 1.0
    """With which an explorer is drawn it."""
    effect_se: float | None = None
    """Standard error of the effect where sales speak for it."""
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
    unit: bytes
    """The customer's number as it is drawn."""
    by_effect: bool
    """Whether effects rank."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is the same for all customers of a day, of one strategy."""

    ruling: Ruling
    offers: Mapping[str, OfferRuling]
    levers: tuple[Lever, ...]
    overall: Pair | None
    """What review has learnt of it as a whole."""
    mean_cost: float | None
    """What an exposure has cost."""
    by_cell: Mapping[str, Pair]
    """What review has learnt by cell."""
    scored: bool
    shares: Mapping[str, float] | None
    exploration: float
    """Share of the customers on whom it is tried."""
    touches: tuple[Touch, ...] | None
    """What one touch brings, by place of the proposal; None where touches are not weighed one by one."""
    contacts: float
    """Touches per exposure so far."""
    reach: float
    """Share of the customers that it goes to."""
    hoped: float | None
    """The scale of its rank."""
    global_holdout: float
    random: bytes
    """Salt of the chance of the day."""
    explored: bytes
    """Salt of who explores in the month."""
    lot: bytes
    """Salt of the offer that is drawn."""
    holdout: bytes
    """Salt of its holdout."""
    channels: Mapping[str, int]
    """Channel -> bits of its proposals."""


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
    def fixed(self) -> tuple[Fixed, ...]:
        """What is the same for all customers, of every strategy."""
        known, by_cell = self.ranking.learnt, dict[str, dict[str, Pair]]()
        for (name, cell), pair in known.cells.items():
            if cell != EVERYWHERE:
                by_cell.setdefault(name, {})[cell] = pair
        workspace, day, month = self.ranking.workspace, self.on.isoformat(), f"{self.on:%Y-%m}"
        return tuple(
            Fixed(
                one, self.rulings.offers, tuple(lever for lever, _ in self.rulings.levers), known.everywhere(name),
                known.costs.get(name), by_cell.get(name, {}), name in self.scored, self.shares.get(name),
                self.ranking.explored(name), self._touches(one), known.contacts.get(name, 1.0),
                self.ranking.reach(name), self.ranking.hoped(one.strategy), workspace.policy.global_holdout,
                salted(f"random:{name}:{day}"),
                salted(f"explore:{name}:{month}"), salted(f"offer:{name}"), salted(holdout_draw(name)),
                dict(one.of_channel),
            )
            for one in self.rulings.strategies if (name := one.strategy.name)
        )  # fmt: skip

    def _touches(self, one: Ruling) -> tuple[Touch, ...] | None:
        if self.ranking.workspace.review.ramp is None:
            return None
        return tuple(self.ranking.touch(one.strategy.name, each.offer, each.channel) for each in one.proposals)

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
        for fixed in self.fixed:
            name = fixed.ruling.strategy.name
            bits = fixed.channels.get(mask, 0) if mask else -1
            if not bits or (only is not None and name not in only):
                continue
            if fixed.ruling.member(who.row):
                found += _Opening(fixed, who, offers, moved, bits).candidates()
            elif name in fed:
                made = _Opening(fixed, who, offers, moved, bits).candidates()
                found += [one for one in made if one.offer == fed[name] or not fed[name]]
        return found


class _Opening:
    """Where one strategy stands with one customer."""

    __slots__ = ("_chance", "_explores", "_fixed", "_moved", "_offers", "_only", "_rules", "_who", "_worth", "known")

    def __init__(
        self, fixed: Fixed, who: Judged, offers: dict[str, tuple[bool, bool, bool]], moved: frozenset[str], only: int
    ) -> None:
        self._fixed, self._who, self._offers, self._moved, self._only = fixed, who, offers, moved, only
        self.known = known = fixed.by_cell.get(who.cell, fixed.overall)
        by_effect = who.by_effect
        unseen = known is not None and by_effect and fixed.touches is None  # then nobody looks at it
        rules = None if unseen else fixed.ruling.rank(who.row)
        self._rules = None if rules is None else float(rules)
        self._worth = self._rules if known is None else known[0]
        self._explores = by_effect and drawn(fixed.explored, who.unit) < fixed.exploration
        asked = (fixed.scored and self._explores) or who.ranked_by is RankBy.RANDOM  # else nobody looks at it
        self._chance = drawn(fixed.random, who.unit) if asked else 0.0

    def candidates(self) -> list[Candidate]:
        """Every open proposal where single ones are scored, else the first one or the first reason against all."""
        tiers, share = self._tiers()
        fate = self._fate(tiers)
        if fate is Fate.CHOSEN and self._fixed.scored and self._who.by_effect:
            taken = tiers[4]
            return [self._told(one.place, fate, share) for one in self._fixed.ruling.proposals if taken & one.bit]
        shown = next((tier for tier in reversed(tiers) if tier), 1)
        return [self._told((shown & -shown).bit_length() - 1, fate, share)]

    def _tiers(self) -> tuple[tuple[int, int, int, int, int], float]:
        """The proposals that pass each tier and all before it; the share in which the offer was drawn."""
        who, ruling, known = self._who, self._fixed.ruling, self._offers
        eligible = applicable = suitable = room_offer = 0
        for name, bits in ruling.of_offer:
            may, of_use, suits = known.get(name) or self._of_offer(name)
            if may:
                eligible |= bits
            if of_use:
                applicable |= bits
            if suits:
                suitable |= bits
            if not who.room_offer or who.room_offer.get(name, True):
                room_offer |= bits
        consent = room = 0
        for name, bits in ruling.of_channel:
            if who.permitted[name]:
                consent |= bits
            if who.room[name]:
                room |= bits
        share = 1.0
        if self._fixed.shares is not None and who.by_effect:
            offered, share = self._drawn(self._fixed.shares)
            suitable &= offered
        applicable &= eligible
        suitable &= applicable
        permitted = suitable & ruling.carried & (consent | ruling.service) & self._only
        return (eligible, applicable, suitable, permitted, permitted & ((room & room_offer) | ruling.untouched)), share

    def _of_offer(self, name: str) -> tuple[bool, bool, bool]:
        asked, who = self._fixed.offers[name], self._who
        quote = who.quotes.get(asked.group)
        eligible = asked.eligible(who.row) and (quote is None or quote[0] == name)
        found = self._offers[name] = (eligible, asked.applicable(who.row), asked.suitable(who.paper))
        return found

    def _drawn(self, shares: Mapping[str, float]) -> tuple[int, float]:
        """The drawn offer as bits, and its share; everything where none is open."""
        weights = [
            (bits, shares.get(name, 0.0) if all(self._offers[name]) else 0.0)
            for name, bits in self._fixed.ruling.of_offer
        ]
        lot, upto, whole = drawn(self._fixed.lot, self._who.unit), 0.0, sum(one for _, one in weights)
        for bits, weight in weights:
            upto += weight
            if weight > 0 and lot * whole < upto:
                return bits, weight / whole
        return -1, 1.0

    def _fate(self, tiers: tuple[int, ...]) -> Fate:
        who = self._who
        if who.suppression is not None:
            return Fate.SUPPRESSED
        if not self._fixed.ruling.may(who.row):
            return Fate.NOT_ELIGIBLE
        if not tiers[4]:
            return next(reason for tier, reason in zip(tiers, REASONS, strict=True) if not tier)
        gains = not who.by_effect or self._fixed.scored or self._explores or self._worth is None or self._worth > 0
        return Fate.CHOSEN if gains else Fate.NO_GAIN

    def _rank(self) -> float | None:
        by = self._who.ranked_by
        if by is RankBy.EFFECT:
            return self._worth
        if by is RankBy.PROPENSITY:
            prior = None if self._rules is None else self._rules / PROPENSITY_OF_PRIOR
            return prior if self.known is None else self.known[1]
        return self._chance if by is RankBy.RANDOM else self._rules

    def _told(self, place: int, fate: Fate, share: float) -> Candidate:
        fixed, who, known = self._fixed, self._who, self.known
        ruling, worth = fixed.ruling, self._worth
        proposal = ruling.proposals[place]
        contact, offer_cost = ruling.contact_costs[place], ruling.offer_costs[place]
        response = 0.0 if known is None else known[1] or 0.0
        cost = contact + response * offer_cost if fixed.mean_cost is None else fixed.mean_cost
        factor, extra = self._levers(place) if self._moved else (1.0, 0.0)
        quote = who.quotes.get(fixed.offers[proposal.offer].group) if who.quotes else None
        quote_share = 1.0 if quote is None else quote[1]
        held, by, value = self._held(place)
        made = Candidate(
            proposal.strategy, proposal.offer, proposal.channel, place, fate, self._rank(), worth,
            None if worth is None else worth + cost, cost, response, contact, offer_cost,
            "prior" if known is None else "learnt", share * quote_share, quote_share, self._explores,
            fixed.scored and who.by_effect, self._chance, factor, extra, held, by, value,
        )  # fmt: skip
        made.explored = fixed.exploration
        if fixed.touches is not None and fixed.scored and who.by_effect:
            self._weigh(made, fixed.touches[place])
        if fate is not Fate.CHOSEN:
            made.reaches = fate is Fate.NO_GAIN
            self._reason(made)
        return made

    def _weigh(self, one: Candidate, touch: Touch) -> None:
        """Puts what one touch brings in the place of what an exposure does, as `candidates._told`."""
        known, hoped = touch.stage != OPEN, self._fixed.hoped
        one.cost = one.contact_cost + touch.taken * one.offer_cost
        more = 1.0 if self._rules is None or hoped is None else min(max(self._rules / hoped, MORE[0]), MORE[1])
        effect = touch.effect or 0.0
        one.worth = one.rank_value = (effect if known else effect * more) - one.cost
        one.effect, one.response = one.worth + one.cost, touch.taken
        one.effect_se = None if touch.se is None else touch.se if known else touch.se * more
        one.worth_by, one.contacts = "learnt" if known else "prior", self._fixed.contacts
        one.odds = 1 / (1 + one.contact_cost)

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
        for lever in self._fixed.levers:
            if lever.name in self._moved and lever.name in self._fixed.ruling.moves[place]:
                factor, extra = factor * lever.factor, extra + lever.add
        return factor, extra

    def _held(self, place: int) -> tuple[Fate | None, str | None, float | None]:
        """Everyone's holdout, who waits on a ramp, then the strategy's, then the offer's."""
        who, fixed = self._who, self._fixed
        if who.draw_global < fixed.global_holdout:
            return Fate.HELD_OUT_GLOBAL, GLOBAL, who.draw_global
        strategy = fixed.ruling.strategy
        if fixed.reach < 1 and who.by_effect:
            by = ramp_draw(strategy.name)
            if (turn := draw(by, who.customer_id)) >= fixed.reach:
                return Fate.HELD_OUT, by, turn
        if strategy.holdout > 0:
            own = drawn(fixed.holdout, who.unit if strategy.holdout_by == "customer" else self._unit().encode())
            if own < strategy.holdout:
                return Fate.HELD_OUT, strategy.name, own
        experiment, share = fixed.ruling.experiments[place]
        if share > 0 and (lot := draw(holdout_draw(experiment), who.customer_id)) < share:
            return Fate.HELD_OUT, experiment, lot
        return None, None, None

    def _unit(self) -> str:
        """The adviser or branch that the strategy's holdout draws as a whole."""
        by, paper = self._fixed.ruling.strategy.holdout_by, self._who.paper
        holder = paper.adviser_id if by == "adviser" else paper.branch_id
        return f"{ALONE}{self._who.customer_id}" if holder is None else f"{by}:{holder}"


def salted(salt: str) -> bytes:
    """The beginning of what is drawn under a salt."""
    return f"{salt}:".encode()


def drawn(salt: bytes, unit: bytes) -> float:
    """`kit.hashing.draw` of a salt made ready by `salted`: the first four bytes of the md5.

    Examples:
        >>> drawn(salted("holdout:global"), b"1") == draw("holdout:global", 1)
        True
    """
    return _first(md5(salt + unit, usedforsecurity=False).digest())[0] / DRAW_RANGE


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
