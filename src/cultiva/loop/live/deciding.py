"""Deciding: one customer, one slot or channel, now; what it rests on, what it holds, and what is written down of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from uuid import uuid4

import msgspec
import structlog

from cultiva.contracts.decision import Fate
from cultiva.contracts.moments import is_nothing, read_hot
from cultiva.contracts.sight import Sight
from cultiva.definitions.placements import Placement
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.present.facts import Facts, Reported
from cultiva.execution.present.service import Present, charge, settled
from cultiva.execution.recipients.people import EVERY_CHANNEL
from cultiva.insight.live.records import read_held
from cultiva.insight.live.row import LiveRow
from cultiva.insight.live.service import Live
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.hashing import content_hash
from cultiva.loop.live.asking import Answer, Asked, Proposal, Reason, Report
from cultiva.loop.live.knowing import Basis, basis_of
from cultiva.loop.live.papers import papers_on
from cultiva.loop.live.recording import CandidateRecord, DecisionRecord, Recorder
from cultiva.loop.live.repriced import price_path
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import sees
from cultiva.strategy.live.candidates import Candidate
from cultiva.strategy.live.impressions import Impression, longest
from cultiva.strategy.live.paper import DECODER, Paper
from cultiva.strategy.live.rulings import Row
from cultiva.strategy.live.service import Ask, Decided, Degraded, LiveDesk, Now
from cultiva.strategy.live.words import told
from cultiva.stream import HotStore, open_hot

_LOG = structlog.get_logger("cultiva.live")
FOLLOW_SECONDS = 2.0
"""How often it is looked whether a run has been published, or a day has begun."""
USED_SECONDS = 0.2
"""How old the use of budgets may be on which prices rest; what is held is counted exactly, in the store."""
READ_MAX = 500
"""Customers whose records are kept as they were read: some 10 MB. Each is compared with the store before it is used."""
Follow = Callable[[], object]
STALE_DAYS = 3
"""Older than so many days, what is known of a customer is too old to decide by."""


@dataclass(frozen=True, slots=True)
class _Who:
    """Of whom is decided, and by what."""

    customer_id: int
    row: Row
    paper: Paper
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Read:
    """What a record of the hot store says, as long as it stays so: who opens an app asks for several slots."""

    state: bytes
    """The record."""
    basis: Basis
    row: LiveRow
    """With the columns that somebody has asked for."""
    paper: Paper


@dataclass
class _Used:
    """What live decisions have used today, as last seen."""

    day: date | None = None
    at: float = -1e9
    units: dict[str, float] = field(default_factory=dict)


class Neutral(Exception):
    """Nobody can say what this customer should get; with the reason."""

    def __init__(self, why: Degraded) -> None:
        self.why = why
        super().__init__(why)


class _Short(Exception):
    """A resource has not so much left."""


class Deciding:
    """Decides, holds touches, and takes reports; for many requests of one process.

    Args:
        parts: Of the workspace.
        live: Its live profiles.
        hot: Where they are kept.
        recorder: Writes decisions down.
        follow: Called every now and then, on a thread of its own: for whoever follows the definitions.
    """

    def __init__(
        self, parts: Parts, live: Live, hot: HotStore, recorder: Recorder, *, follow: Follow = lambda: None
    ) -> None:
        self._look = follow
        self._parts, self._live, self._hot, self._recorder = parts, live, hot, recorder
        self._present = Present(parts.store.database)
        self._budget = Budget.of(parts.store.database, parts.workspace.policy)
        self._memory = longest(parts.workspace.placements.placements)
        self._prefix, self._numbers = uuid4().hex[:20], count(1)
        self._used, self._lock = _Used(), threading.Lock()
        self._read: dict[int, _Read] = {}
        self._reading = threading.Lock()
        self._basis: Basis | None = None
        self._papers_on: date | None = None
        self._ended = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="deciding", daemon=True)

    def start(self) -> None:
        """Compiles the rules of today and keeps following runs and days; the first decision would wait for it."""
        self.basis(self._parts.clock())
        self._papers_on = papers_on(self._parts, self._hot)
        self._follower.start()

    def flush(self) -> None:
        """Writes down what waits."""
        self._recorder.flush()

    def close(self) -> None:
        """Writes what waits down and ends."""
        self._ended.set()
        if self._follower.is_alive():
            self._follower.join()
        self._recorder.close()
        self._present.close()
        self._hot.close()

    def basis(self, now: datetime) -> Basis:
        """What decisions of this moment rest on."""
        day = self._live.day_of(now)
        found = self._basis
        if found is None or found.desk.on != day:
            with self._lock:
                if self._basis is None or self._basis.desk.on != day:
                    self._basis = basis_of(self._parts, day)
                found = self._basis
        return found

    def decide(self, asked: Asked, caller: str, *, sight: Sight) -> Answer:
        """Decides; whatever is missing makes the answer neutral and is said in it.

        Args:
            asked: For whom, and for which slot or channel.
            caller: Key that asks.
            sight: Of the key; who is out of it is answered like somebody of whom nothing is known.

        Raises:
            CultivaError: if there is no such slot or channel.
        """
        now = self._parts.clock()
        basis = self.basis(now)
        ask = self._ask(asked)
        decision_id = f"{self._prefix}{next(self._numbers):x}"  # many threads decide; no two get the same number
        answer = Answer(decision_id, asked.customer, [])
        try:
            if self._recorder.full:
                raise Neutral(Degraded.UNRECORDED)
            who = self._who(asked.customer, basis, now)
            if not sees(self._parts, who.customer_id, sight):
                raise Neutral(Degraded.NO_PROFILE)
            spent = self._spent(basis.desk.on)
            decided = basis.desk.decide(
                who.customer_id, who.row, who.paper, now=_now(who.facts, self._live), ask=ask, at=now,
                local=now.astimezone(self._live.zone), spent=spent,
            )  # fmt: skip
            held = self._propose(answer, basis, decided, who, ask, now)
        except Neutral as neutral:
            _stay_neutral(answer, neutral.why, ask.placement)
            self._record(answer, asked, basis, None, caller=caller, now=now, spent={})
            return answer
        answer.degraded = [one.value for one in decided.degraded]
        if not self._record(answer, asked, basis, decided, caller=caller, now=now, spent=spent):
            self._give_back(held, now)
            _stay_neutral(answer, Degraded.UNRECORDED, ask.placement)
        elif asked.reasons:
            answer.reasons = _reasons(basis.desk, decided, who.paper, asked.reasons)
        return answer

    def report(self, reports: Sequence[Report], *, sight: Sight) -> int:
        """Takes what became of proposals; a repeat changes nothing. Gives how many were taken.

        Args:
            reports: What became of them.
            sight: Of the key; a report about somebody out of it is taken as one about nobody: it changes nothing.

        Raises:
            CultivaError: if the store does not answer; nothing was taken then.
        """
        now = self._parts.clock()
        basis, told = self.basis(now), len(reports)
        reports = [one for one in reports if sees(self._parts, one.customer, sight)]
        slots = [one for one in reports if one.placement]
        rows = [Reported(one.decision, one.customer, one.placement, one.strategy, one.offer, one.kind, now)
                for one in slots]  # fmt: skip
        uses = [dict.fromkeys(basis.costing(one.strategy, one.offer), one.cost)
                if one.kind == "shown" and one.cost > 0 else {} for one in slots]  # fmt: skip
        if rows:
            self._present.report(rows, basis.desk.on, now, uses=uses)
        done = [one.touch_id for one in reports if one.touch_id and one.kind == "done"]
        if done:
            self._budget.confirm(done, now)
        self._give_back([one.touch_id for one in reports if one.touch_id and one.kind == "given_back"], now)
        return told

    def _give_back(self, touch_ids: Sequence[str], now: datetime) -> None:
        """Gives room and units back, both or neither; what was given back before stays as it is."""
        if touch_ids:
            with self._parts.store.database.writing() as connection:
                self._budget.release(touch_ids, now, connection=connection)
                settled(connection, now)

    def _ask(self, asked: Asked) -> Ask:
        workspace = self._parts.workspace
        if bool(asked.placement) == bool(asked.channel):
            raise _bad("name a slot or a channel", asked.placement or "neither", "placement or channel, one of them")
        if asked.n is not None and not 1 <= asked.n <= 10:
            raise _bad("so many proposals cannot be asked for", str(asked.n), "n from 1 to 10")
        if asked.placement:
            slot = workspace.placements.named(asked.placement)
            if slot is None:
                raise _unknown("slot", asked.placement, [one.name for one in workspace.placements.placements])
            return Ask(slot, n=asked.n)
        channels = [one.name for one in workspace.policy.channels]
        if asked.channel not in channels:
            raise _unknown("channel", asked.channel, channels)
        return Ask(channel=asked.channel, n=asked.n or 1)

    def _who(self, customer_id: int, basis: Basis, now: datetime, *, moved: bool = False) -> _Who:
        """What is known of a customer now.

        Raises:
            Neutral: if it cannot be known, or is too old.
        """
        try:
            state = self._hot.get([customer_id])[0]
        except Exception as error:  # whatever the adapter says: a decision is not made without a profile
            _LOG.warning("decide.hot_down", fault=type(error).__name__)
            raise Neutral(Degraded.HOT_DOWN) from error
        known = self._read.get(customer_id)
        if known is None or known.state != state or known.basis is not basis:
            record = read_hot(state)
            row = self._live.row_on(read_held(record.profile), basis.desk.on, customer_id=customer_id)
            if len(row.moved) == 1 and not moved:  # merged: the customer has another number now
                return self._who(row.moved[0], basis, now, moved=True)
            known = self._remember(customer_id, state, basis, row, record.decisions)
        row, paper = known.row, known.paper
        if self._papers_on is not None and paper.on < self._papers_on:  # left alone since, because it is still so
            paper = msgspec.structs.replace(paper, on=self._papers_on)
        if (basis.desk.on - paper.on).days > STALE_DAYS:
            raise Neutral(Degraded.STALE_PROFILE)
        try:
            facts = self._present.facts(
                customer_id, paper.household_id, day=paper.on, since=now - self._memory, now=now
            )
        except CultivaError as error:
            _LOG.warning("decide.store_down", fault=error.code)
            raise Neutral(Degraded.STORE_DOWN) from error
        return _Who(customer_id, row, paper, facts)

    def _remember(
        self, customer_id: int, state: bytes | None, basis: Basis, row: LiveRow, decisions: msgspec.Raw
    ) -> _Read:
        """Keeps what a record says for the next slot of the same customer.

        Raises:
            Neutral: if it says nothing that could be decided by.
        """
        if state is None or not row.known or is_nothing(decisions):
            raise Neutral(Degraded.NO_PROFILE)
        found = _Read(state, basis, row, DECODER.decode(decisions))
        with self._reading:
            self._read.pop(customer_id, None)
            if len(self._read) >= READ_MAX:
                del self._read[next(iter(self._read))]
            self._read[customer_id] = found
        return found

    def _propose(self, answer: Answer, basis: Basis, decided: Decided, who: _Who, ask: Ask, now: datetime) -> list[str]:
        """Puts the chosen into the answer; touches are held first, and what cannot be held is not proposed.

        Returns:
            What is held, services too.
        """
        held: list[str] = []
        if ask.placement is not None:
            answer.proposals = [_proposal(one) for one in decided.chosen]
            if not answer.proposals:
                answer.content = ask.placement.neutral
            return held
        until = now + timedelta(minutes=self._parts.workspace.placements.hold_minutes)
        for one in decided.chosen:
            request = self._request(answer.decision_id, one, who, basis, until)
            why = self._hold(request, one, decided, who, basis, now)
            if why is not None:
                one.fate, one.decided_by, one.decided_value = *why, None
                continue
            made = _proposal(one)
            if basis.desk.is_touch(one):
                made.touch_id, made.held_until = request.touch_id, until
            answer.proposals.append(made)
            held.append(request.touch_id)
        return held

    def _request(self, decision_id: str, one: Candidate, who: _Who, basis: Basis, until: datetime) -> TouchRequest:
        name = content_hash(["live", decision_id, who.customer_id, one.strategy, one.offer, one.channel])
        return TouchRequest(
            name, who.customer_id, who.paper.household_id, one.channel, one.offer, one.strategy, "", "",
            one.net, basis.desk.on, not basis.desk.is_touch(one), until,
        )  # fmt: skip

    def _hold(
        self, request: TouchRequest, one: Candidate, decided: Decided, who: _Who, basis: Basis, now: datetime
    ) -> tuple[Fate, str | None] | None:
        """Holds a touch and takes what it uses, both or neither; why not, None: it is held.

        Raises:
            Neutral: if the store does not answer.
        """
        charges = basis.desk.charges(decided.ranked_by)
        units = {name: amount for name, amount in charges.taken(one, who.paper) if amount > 0}
        most = {name: budget for name in units
                if (budget := charges.pace_of(name, one.strategy).budget) != float("inf")}  # fmt: skip
        try:
            with self._parts.store.database.writing() as connection:
                verdict = self._budget.reserve(connection, [request], now)[0]
                if not verdict.granted:
                    return Fate.CAPPED, one.channel
                short = charge(connection, request.touch_id, basis.desk.on, units, most, now) if units else None
                if short is not None:
                    raise _Short(short)
        except _Short as short_of:
            return Fate.NO_CAPACITY, str(short_of)
        except CultivaError as error:
            raise Neutral(Degraded.STORE_DOWN) from error
        return None

    def _spent(self, day: date) -> dict[str, float]:
        used = self._used
        if used.day != day or seconds() - used.at > USED_SECONDS:
            used.at = seconds()
            try:
                used.units, used.day = self._present.used(day), day
            except CultivaError as error:
                raise Neutral(Degraded.STORE_DOWN) from error
        return used.units

    def _record(  # noqa: PLR0913  (what a record says)
        self, answer: Answer, asked: Asked, basis: Basis, decided: Decided | None, *, caller: str, now: datetime,
        spent: Mapping[str, float],
    ) -> bool:  # fmt: skip
        return self._recorder.put(DecisionRecord(
            answer.decision_id, now, basis.desk.on, answer.customer, asked.placement, asked.channel, caller,
            asked.context, basis.run, basis.version, basis.desk.models,
            "" if decided is None else decided.ranked_by.value, tuple(answer.degraded), answer.neutral, dict(spent),
            [] if decided is None else [
                _candidate(one, exposed=place in decided.ghosts or one.fate is Fate.CHOSEN)
                for place, one in enumerate(decided.candidates)
            ],
            basis.prices,
        ))  # fmt: skip

    def _follow(self) -> None:
        """Takes a new run or a new day over as soon as it is there."""
        while not self._ended.wait(FOLLOW_SECONDS):
            try:
                day, found = self._live.day_of(self._parts.clock()), self._basis
                newest = self._parts.store.snapshots.latest("decisions")
                run = "" if newest is None else newest.business_date.isoformat()
                paths = price_path(self._parts, day)
                if found is None or found.run != run or found.desk.on != day or found.prices_at != paths:
                    self._basis = basis_of(self._parts, day)
                self._papers_on = papers_on(self._parts, self._hot)
                self._present.settle(self._parts.clock())
                self._look()
            except CultivaError:  # the store is down: what was known stays, and every decision says so itself
                continue


def open_deciding(parts: Parts, *, follow: Follow = lambda: None) -> Deciding:
    """Opens the hot store and a file for records of this process; `Deciding.close` closes both.

    Args:
        parts: Of the workspace.
        follow: Called every now and then.
    """
    workspace = parts.workspace
    hot = open_hot(workspace.settings.live, parts.root)
    name = f"{parts.clock():%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    found = Deciding(parts, Live(workspace), hot, Recorder(parts.root, name), follow=follow)
    found.start()
    return found


def _stay_neutral(answer: Answer, why: Degraded, slot: Placement | None) -> None:
    answer.proposals, answer.neutral, answer.degraded = [], True, [why.value]
    answer.content = "" if slot is None else slot.neutral


def _now(facts: Facts, live: Live) -> Now:
    """What the store knows, with the newest of what was said of one channel and of all."""
    every = facts.words.get(EVERY_CHANNEL)
    words: dict[str, tuple[bool, date]] = {}
    if facts.words:
        channels = {one.name for one in live.workspace.policy.channels}
        for name in channels if every is not None else channels & facts.words.keys():
            said = [word for word in (facts.words.get(name), every) if word is not None]
            granted, at = max(said, key=lambda word: (word[1], not word[0]))
            words[name] = (granted, live.day_of(at))
    seen = [Impression(*one) for one in facts.seen]
    return Now(words, facts.standing, facts.touches, facts.home, seen, facts.fed)


def _proposal(one: Candidate) -> Proposal:
    worth = (one.rank_value if one.worth is None else one.worth) or 0.0
    return Proposal(
        one.strategy, one.offer, one.channel, round(worth, 4), one.worth_by, round(one.charge, 4),
        cost=round(max(one.cost, 0.0), 4),
    )  # fmt: skip


def _candidate(one: Candidate, *, exposed: bool) -> CandidateRecord:
    return CandidateRecord(
        one.strategy, one.offer, one.channel if one.reaches else None, one.fate.value, one.worth,
        None if one.charge == float("inf") else one.charge, one.decided_by, one.decided_value, one.assigned_share,
        exposed, one.worth_by,
    )  # fmt: skip


def _reasons(desk: LiveDesk, decided: Decided, paper: Paper, language: str) -> list[Reason]:
    found = []
    for one in decided.candidates:
        text = told(desk.decision(one, decided, paper), desk.workspace, language=language)
        found.append(Reason(one.strategy, one.offer, one.fate.value, text))
    return found


def _bad(message: str, seen: str, allowed: str) -> CultivaError:
    return CultivaError(
        message, code="decide.bad_request", seen=seen, allowed=allowed, hint="see the guide to decisions"
    )


def _unknown(what: str, seen: str, known: Sequence[str]) -> CultivaError:
    return CultivaError(
        f"there is no such {what}",
        code=f"decide.no_{what}",
        kind=ErrorKind.NOT_FOUND,
        seen=seen,
        allowed=", ".join(known) or "none is defined",
        hint=did_you_mean(seen, known),
    )
