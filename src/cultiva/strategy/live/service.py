"""The live desk: one customer's candidates, judged, scored, priced and chosen among, in a fraction of a millisecond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property

from cultiva.contracts.decision import GLOBAL_HOLDOUT, Decision, Fate
from cultiva.definitions.placements import Placement
from cultiva.definitions.review import RankBy
from cultiva.definitions.workspace import Workspace
from cultiva.kit.hashing import draw
from cultiva.strategy.field import LEAST
from cultiva.strategy.limits import NOT_DRAWN, limits_of
from cultiva.strategy.live.candidates import Candidate, Judge, Judged
from cultiva.strategy.live.charges import Again, Charges, Night, charges_of
from cultiva.strategy.live.choosing import Room, choose
from cultiva.strategy.live.foresight import Foresight
from cultiva.strategy.live.impressions import Impression, barred
from cultiva.strategy.live.paper import Made, Paper, both, used
from cultiva.strategy.live.rulings import Row, rulings
from cultiva.strategy.models.scoring import Pinned
from cultiva.strategy.permission import Counter, counters
from cultiva.strategy.pricing.cells import Ladder
from cultiva.strategy.ranking import Learnt, Ranking


class Degraded(StrEnum):
    """What an answer had to do without; it stands in the answer."""

    NO_MODEL = "no_model"
    """The bank trains a model of effect and there is none yet: worth is what review has learnt, or the prior."""
    NO_PROFILE = "no_profile"
    """Nothing is known of the customer: a neutral answer."""
    STALE_PROFILE = "stale_profile"
    """What is known is older than the newest run: neutral for a slot, refused for a touch."""
    STORE_DOWN = "store_down"
    """Consent, complaints and caps of this moment are not known: neutral for a slot, refused for a touch."""
    HOT_DOWN = "hot_down"
    """The hot store does not answer: neutral for a slot, refused for a touch."""
    UNRECORDED = "unrecorded"
    """The record could not be kept: neutral for a slot, refused for a touch."""


@dataclass(frozen=True, slots=True)
class Now:
    """What the store knows of a customer at this instant, beyond the paper."""

    words: Mapping[str, tuple[bool, date]] = field(default_factory=dict)
    """Channel -> the newest word of consent and its day."""
    standing: tuple[str, ...] = ()
    """Suppressions that have begun since the last run: complaint opened, fraud hold."""
    touches: Sequence[Made] = ()
    """Touches from the paper's day on that count or are held."""
    home: Sequence[Made] = ()
    """Those of the others of the household."""
    seen: Sequence[Impression] = ()
    """What was reported of slots."""
    fed: Sequence[tuple[str, str, str]] = ()
    """(placement, strategy, offer or empty): what triggers want to have shown now."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for."""

    placement: Placement | None = None
    """A slot; or"""
    channel: str = ""
    """a channel; or neither: all channels, as at night."""
    n: int | None = None
    """Most proposals; None: as many as the slot, or the caps, allow."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided for one customer."""

    customer_id: int
    on: date
    candidates: Sequence[Candidate]
    """All, each with its fate."""
    chosen: Sequence[Candidate]
    """Best first."""
    ranked_by: RankBy
    ghosts: frozenset[int] = frozenset()
    """Places of candidates that are held out and would have been chosen but for that: their exposure begins here."""
    degraded: tuple[Degraded, ...] = ()


@dataclass(frozen=True)
class Known:
    """What the last run has left for a day of live decisions."""

    learnt: Learnt = field(default_factory=Learnt)
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    pinned: Pinned | None = None
    """The models in use."""
    prices: Sequence[Mapping[str, object]] = ()
    """Rows of the lake table `price`."""
    contacts: Mapping[str, int] = field(default_factory=dict)
    """Adviser -> contacts per day."""
    again: Again | None = None
    """Prices that were solved anew since."""
    customers: int = 0
    """How many the bank had."""


NO_GHOSTS: frozenset[int] = frozenset()


class LiveDesk:
    """Decides for one customer after another; compiled once for a day.

    Args:
        workspace: Its definitions, variants written out.
        known: What the last run has left.
        on: The bank's day.
    """

    def __init__(self, workspace: Workspace, known: Known, on: date) -> None:
        self.workspace, self.on = workspace, on
        self._rulings = rulings(workspace, on)
        ranking = Ranking(workspace, known.learnt, on, known.customers)
        book = self._rulings.book
        modelled = known.pinned is not None and known.pinned.effect is not None
        single = modelled or workspace.review.ramp is not None
        scored = frozenset(one.name for one in book.strategies) if single else frozenset[str]()
        shares = {one.name: found for one in book.strategies
                  if one.name not in scored and (found := ranking.offer_shares(one)) is not None}  # fmt: skip
        self._judge = Judge(self._rulings, ranking, shares, scored, known.ladders, on)
        self._foresight = Foresight(known.pinned, on) if modelled and known.pinned is not None else None
        self._counters: Sequence[Counter] = counters(workspace)
        self._closed = any(one.cap.contacts_max == 0 for one in self._counters)
        self._groups = {name: workspace.offers[name].group or name for name in book.offers}
        limits = limits_of(workspace, book.strategies, on, spent={}, days=1)
        night = Night(limits, known.prices, known.contacts, known.again)
        self._charges = {by: charges_of(workspace, book, night, by) for by in ranking.in_use()}
        self._touching, self._free = book.touching, frozenset(one for one in book.offers if book.is_service(one))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models in use."""
        return self._foresight.names if self._foresight is not None else ()

    @cached_property
    def degraded(self) -> tuple[Degraded, ...]:
        """What every answer of the day has to do without."""
        wanted = any(kind.value == "effect" for kind in self.workspace.models.train)
        return (Degraded.NO_MODEL,) if wanted and self._foresight is None else ()

    def charges(self, by: RankBy) -> Charges:
        """What is scarce for a slice."""
        return self._charges[by]

    def is_touch(self, one: Candidate) -> bool:
        """Whether it uses the contact budget."""
        return one.channel in self._touching and one.offer not in self._free

    def decide(  # noqa: PLR0913  (what is known of a customer, and what is asked)
        self, customer_id: int, row: Row, paper: Paper, *, now: Now, ask: Ask, at: datetime, local: datetime,
        spent: Mapping[str, float],
    ) -> Decided:  # fmt: skip
        """Decides for one customer.

        Args:
            customer_id: Who.
            row: The profile as of now; only columns that rules and models read are asked of it.
            paper: What decisions have to know beside it.
            now: What the store knows at this instant.
            ask: A slot or a channel.
            at: The present instant, aware.
            local: The same on the bank's clock.
            spent: Resource -> units that live decisions have used today.
        """
        counts = used(self._counters, both(paper.touches, now.touches), both(paper.home, now.home), self.on)
        who = self._judged(customer_id, row, paper, now, counts, pulled=ask.placement is not None)
        found = self._candidates(who, ask, now)
        alive = [one for one in found if one.fate is Fate.CHOSEN]
        if self._foresight is not None:
            self._foresight.look(row, [one for one in alive if one.scored])
        if ask.placement is not None:
            _as_impressions(found, ask.placement)
        self._compete(alive, who.ranked_by)
        alive = [one for one in alive if one.fate is Fate.CHOSEN]
        if ask.placement is not None:
            alive = _may_be_shown(alive, ask.placement, now.seen, at)
        charges = self._charges[who.ranked_by]
        for one in alive:
            charges.charge(one, paper, local, spent, pulled=ask.placement is not None)
        chosen, exposed = self._chosen(alive, self._room(counts, both(paper.touches, now.touches), ask), charges, who)
        held = {id(one) for one in exposed if one.held is not None}
        ghosts = frozenset(place for place, one in enumerate(found) if id(one) in held) if held else NO_GHOSTS
        _hold_out(found)
        return Decided(customer_id, self.on, found, chosen, who.ranked_by, ghosts, self.degraded)

    def _judged(
        self, customer_id: int, row: Row, paper: Paper, now: Now, counts: Mapping[str, int], *, pulled: bool
    ) -> Judged:
        policy, judge = self.workspace.policy, self._judge
        permitted, room, touched = {}, {}, self._closed or any(counts.values())
        for one in policy.channels:
            word = now.words.get(one.name)
            recorded = paper.consent.get(one.name)
            open_ = recorded if recorded is not None else not policy.consent.required
            said = word is not None and (not word[0] or word[1] > paper.on)
            permitted[one.name] = word[0] if said and word is not None else open_
            room[one.name] = pulled or not touched or self._has_room(one.name, counts)
        ranked_by = judge.slice_of(customer_id)
        suppression = judge.suppression(row) or (now.standing[0] if now.standing else None)
        return Judged(
            customer_id, row, paper, suppression, ranked_by, draw(GLOBAL_HOLDOUT, customer_id),
            permitted, room, self._room_of_offers(counts) if touched and not pulled else {}, self._most_used(counts),
            judge.quotes(row, customer_id), judge.cell(row), str(customer_id).encode(), ranked_by is RankBy.EFFECT,
        )  # fmt: skip

    def _has_room(self, channel: str, counts: Mapping[str, int]) -> bool:
        return all(
            counts[one.column] < one.cap.contacts_max
            for one in self._counters
            if one.value is None or (one.cap.scope == "channel" and one.value == channel)
        )

    def _room_of_offers(self, counts: Mapping[str, int]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for one in self._counters:
            if one.cap.scope == "offer" and one.value is not None:
                found[one.value] = found.get(one.value, True) and counts[one.column] < one.cap.contacts_max
        return found

    def _most_used(self, counts: Mapping[str, int]) -> int:
        """What `capped` shows, as `desk._most_used`."""
        for one in self._counters:
            if one.of_household and counts[one.column] >= one.cap.contacts_max:
                return counts[one.column]
        overall = [one for one in self._counters if one.value is None and not one.of_household]
        most = max(overall, key=lambda one: one.cap.days, default=None)
        return 0 if most is None else counts[most.column]

    def _candidates(self, who: Judged, ask: Ask, now: Now) -> list[Candidate]:
        slot = ask.placement
        if slot is None:
            return self._judge.candidates(who, mask=ask.channel)
        only = frozenset(slot.strategies) or None
        fed = {strategy: offer for place, strategy, offer in now.fed if place == slot.name}
        return self._judge.candidates(who, only=only, mask=slot.channel, fed=fed)

    def _compete(self, alive: Sequence[Candidate], by: RankBy) -> None:
        """Priorities, and the fates that need no rival, as `field.living` gives them."""
        by_effect = by is RankBy.EFFECT
        mine: dict[str, list[Candidate]] = {}
        for one in alive:
            mine.setdefault(one.strategy, []).append(one)
        for rows in mine.values():
            known = [one.worth for one in rows if one.worth is not None]
            best = max(known, default=0.0)
            for one in rows:
                _rank(one, best, by_effect=by_effect)
            if rows[0].scored:
                _draw(rows if len(rows) == 1 else sorted(rows, key=lambda one: f"{one.offer}|{one.channel}"))

    def _room(self, counts: Mapping[str, int], made: Sequence[Made], ask: Ask) -> Room:
        """Touches that are left today."""
        most = self.workspace.arbitration.touches_per_day_max
        if ask.placement is not None:
            return Room(0, {}, min(ask.n or ask.placement.slots, ask.placement.slots), pulled=True)
        today = sum(1 for day, channel, _ in made if day == self.on and channel in self._touching)
        left = most - today
        channels: dict[str, int] = {}
        for one in self._counters:
            free = one.cap.contacts_max - counts[one.column]
            if one.cap.scope in {"customer", "household"}:
                left = min(left, free)
            elif one.cap.scope == "channel" and one.value is not None:
                channels[one.value] = min(channels.get(one.value, most), free)
        return Room(left, channels, ask.n)

    def _chosen(
        self, alive: Sequence[Candidate], room: Room, charges: Charges, who: Judged
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Those who are proposed, and those who would be if nobody were held out."""
        ordered = sorted(alive, key=lambda one: (one.strategy, one.offer, one.channel))
        real = [one for one in ordered if one.held is None]
        in_money = who.ranked_by is RankBy.EFFECT
        chosen = self._best(real, room, in_money=in_money)
        for one in real:
            if not any(one is other for other in chosen):
                self._lost(one, chosen, charges, who)
        exposed = chosen if len(real) == len(ordered) else self._best(ordered, room, in_money=in_money)
        return chosen, exposed

    def _best(self, rows: Sequence[Candidate], room: Room, *, in_money: bool) -> list[Candidate]:
        counts = [not room.pulled and self.is_touch(one) for one in rows]
        return [rows[place] for place in choose(rows, counts, self._groups, room, in_money=in_money)]

    def _lost(self, one: Candidate, chosen: Sequence[Candidate], charges: Charges, who: Judged) -> None:
        """Who stood in the way of a candidate, or what was too dear."""
        if one.net <= 0 and one.charge > 0:
            one.fate = Fate.NO_CAPACITY
            one.decided_by = next((name for name, _ in charges.taken(one, who.paper)), None)
            one.decided_value = None if one.charge == float("inf") else one.charge
            return
        group = self._groups[one.offer]
        rivals = [other for other in chosen if other.strategy == one.strategy or self._groups[other.offer] == group]
        rival = min(rivals or chosen, key=lambda other: other.net, default=None)
        one.fate = Fate.OUTBID if rival is not None else Fate.CAPPED
        one.decided_by = one.channel if rival is None else rival.strategy
        one.decided_value = float(who.touches_used) if rival is None else rival.priority

    def decision(self, one: Candidate, decided: Decided, paper: Paper) -> Decision:
        """A candidate as the night would have written it, for `strategy.words.sentence`."""
        return Decision(
            decided.customer_id, one.strategy, one.offer, one.channel if one.reaches else None, decided.on,
            one.rank_value, one.effect, one.cost, one.worth, one.worth_by, one.fate, one.decided_by, one.decided_value,
            paper.branch_id, paper.adviser_id, False, decided.ranked_by.value, one.assigned_share,
        )  # fmt: skip


def _rank(one: Candidate, best: float, *, by_effect: bool) -> None:
    """Its priority; no gain where it is not worth its cost and nobody explores."""
    if not by_effect:
        one.priority = one.rank_value
        return
    worth = one.worth
    if worth is None:
        return
    moved = worth * one.factor + one.extra
    one.rank_value = moved
    one.priority = moved if worth > 0 else LEAST / (1 + best - worth)
    if worth <= 0 and not one.explores:
        one.fate, one.decided_value = Fate.NO_GAIN, worth


def _draw(rows: Sequence[Candidate]) -> None:
    """Of those who explore one of the open proposals is drawn, as `field._odds` says."""
    if not any(one.explores for one in rows):
        for one in rows:
            one.assigned_share = (1 - one.explored) * one.quote_share
        return
    whole, often, upto = sum(one.odds for one in rows), max(one.odds for one in rows), 0.0
    for one in rows:
        upto += one.odds
        if not one.explores:
            one.assigned_share = (1 - one.explored) * one.quote_share
            continue
        one.assigned_share = one.explored * (one.odds / whole * often) * one.quote_share
        lot = one.chance * whole / often
        if not upto - one.odds <= lot < upto:
            one.fate, one.decided_by, one.decided_value = Fate.OUTBID, NOT_DRAWN, one.chance


def _as_impressions(rows: Sequence[Candidate], slot: Placement) -> None:
    """Worth of being shown, in place of that of a touch."""
    share = slot.impression_share
    for one in rows:
        given = max(one.cost - one.contact_cost, 0.0) * share
        one.cost, one.contact_cost = slot.unit_cost + given, slot.unit_cost
        if one.effect is not None:
            one.effect *= share
            one.worth = one.effect - one.cost


def _may_be_shown(
    rows: Sequence[Candidate], slot: Placement, seen: Sequence[Impression], at: datetime
) -> list[Candidate]:
    found = []
    for one in rows:
        why = barred(slot, seen, one, at) if seen else None
        if why is None:
            found.append(one)
        else:
            one.fate, one.decided_by = Fate.CAPPED, why
    return found


def _hold_out(rows: Sequence[Candidate]) -> None:
    """Who is held out gets the holdout as fate, whatever else there was."""
    for one in rows:
        if one.held is not None:
            one.fate, one.decided_value = one.held, one.held_value
            one.decided_by = one.held_by if one.held is Fate.HELD_OUT else None
