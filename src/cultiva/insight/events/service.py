"""The intake: messages in, and for each of them exactly one of four things that are durable before the sender hears.

New in the log, in the log already, waiting for somebody to be known, or set aside with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cultiva.contracts.anteroom import USER, VISITOR, Anteroom, WaitingEvent
from cultiva.contracts.erased import SOURCE, Tombstones
from cultiva.contracts.erased import VISITOR as VISITOR_KIND
from cultiva.contracts.moments import Moment, write_moment
from cultiva.definitions.workspace import Workspace
from cultiva.insight.events.identities import UNKNOWN, Identities
from cultiva.insight.events.message import Parcel, Sender
from cultiva.insight.events.reading import Bounds, Heard, Reader
from cultiva.insight.events.reasons import Reason, Refusal
from cultiva.insight.events.refused import refused_event
from cultiva.insight.events.registry import Registry
from cultiva.kit.hashing import md5_hex
from cultiva.stream.port import Log, Record

CLAIMED_AT_ONCE = 1_000
"""Waiting events moved into the log in one go."""
USER_CHARACTERS_MAX = 190
"""Longer names of users are waited for by their hash."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of the messages of a parcel."""

    new: int = 0
    """In the log now."""
    repeated: int = 0
    """Taken before."""
    quarantined: int = 0
    """Set aside."""
    waiting: int = 0
    """Kept until it is known whose they are."""
    linked: int = 0
    """Said who a visitor is; counted beside what else they said."""
    unwanted: int = 0
    """Said nothing else, or something that the bank has not declared: groups and traits."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Reason -> how many were set aside."""


class _Sorting:
    """The messages of one parcel, read."""

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.heard: list[Heard] = []
        self.refused: list[tuple[bytes, Refusal]] = []
        self.counts = Counter[str]()

    def accepted(self) -> Accepted:
        reasons = Counter(refusal.reason.value for _, refusal in self.refused)
        return Accepted(quarantined=len(self.refused), reasons=dict(reasons), **self.counts)


class Intake:
    """Takes events in.

    Args:
        workspace: Which events there are, and the settings.
        identities: Who is known.
        log: Where accepted events go.
        anteroom: Where the others go.
    """

    def __init__(self, workspace: Workspace, identities: Identities, log: Log, *, anteroom: Anteroom) -> None:
        self._settings = workspace.settings.events
        zone = ZoneInfo(workspace.settings.timezone)
        bounds = Bounds(zone, timedelta(days=self._settings.late_days), timedelta(minutes=self._settings.ahead_minutes))
        self._reader = Reader(Registry(workspace.events, zone), bounds)
        self._log, self._anteroom = log, anteroom
        self.identities = identities
        """Who is known; replaced when a run has published."""
        self.erased: Tombstones | None = None
        """Who was erased, and is not let in again; replaced with the identities."""

    def take(self, batch: Iterable[Mapping[str, Any]], sender: Sender, at: datetime) -> Accepted:
        """Takes messages that are JSON-like data.

        Args:
            batch: Messages of the Segment spec.
            sender: Who sends them.
            at: The present instant, in UTC.
        """
        return self.take_all([Parcel([msgspec.json.encode(one) for one in batch], sender, at)])[0]

    def take_all(self, parcels: Sequence[Parcel]) -> list[Accepted]:
        """Takes parcels of several senders with one write to the log; what became of each."""
        sorted_ones = [self._read(parcel) for parcel in parcels]
        links = [one.link for sorting in sorted_ones for one in sorting.heard if one.link is not None]
        if links:
            self._anteroom.link(links)
        self._place(sorted_ones)
        refused = [refused_event(raw, refusal, one.parcel) for one in sorted_ones for raw, refusal in one.refused]
        if refused:
            self._anteroom.refuse(refused)
        if links:
            self._claim([f"{VISITOR}{link.anonymous_id}" for link in links])
        return [one.accepted() for one in sorted_ones]

    def settle(self) -> int:
        """Moves what waits into the log where it is known by now whose it is: after a run, or after a crash."""
        after, moved = "", 0
        while names := self._anteroom.waited_for(after=after, limit=CLAIMED_AT_ONCE):
            moved += self._claim(names)
            after = names[-1]
        return moved

    def _read(self, parcel: Parcel) -> _Sorting:
        if not parcel.sender.source_system:
            parcel = replace(parcel, sender=Sender(parcel.sender.name, self._system_of(parcel.sender.name)))
        found = _Sorting(parcel)
        for raw in map(bytes, parcel.messages):
            try:
                heard = self._reader.read(raw, parcel)
                if self.erased is not None and _is_erased(heard, self.erased):
                    raise Refusal(Reason.ERASED)
            except Refusal as refusal:
                found.refused.append((raw, refusal))
                continue
            found.heard.append(heard)
            found.counts["linked"] += heard.link is not None
            found.counts["unwanted"] += heard.moment is None
        return found

    def _system_of(self, sender: str) -> str:
        """Whose ids a sender's userIds are; empty if nothing says it."""
        said = self._settings.senders.get(sender) or self._settings.source_system
        return said or (self.identities.systems[0] if len(self.identities.systems) == 1 else "")

    def _place(self, sorted_ones: Sequence[_Sorting]) -> None:
        """Known ones into the log, the others into the anteroom; each counted with its parcel."""
        told = [(one, heard) for one in sorted_ones for heard in one.heard if heard.moment is not None]
        named = self._named([heard for _, heard in told])
        customers = self.identities.find([(one.source_system, one.source_id) for one in named])
        known, others = [], []
        for (sorting, heard), moment, customer in zip(told, named, customers, strict=True):
            if customer == UNKNOWN:
                others.append((sorting, _waiting(moment, heard)))
            else:
                known.append((sorting, moment, customer))
        new = self._append([(moment, customer) for _, moment, customer in known])
        for (sorting, _, _), is_new in zip(known, new, strict=True):
            sorting.counts["new" if is_new else "repeated"] += 1
        self._keep_waiting(others)

    def _named(self, heard: Sequence[Heard]) -> list[Moment]:
        """Their moments; those of visitors who said who they are, under that name."""
        asked = sorted({one.anonymous_id for one in heard if one.anonymous_id})
        found = self._anteroom.visitors(asked) if asked else {}
        return [_under(one.moment, found.get(one.anonymous_id)) for one in heard if one.moment is not None]

    def _append(self, moments: Sequence[tuple[Moment, int]]) -> list[bool]:
        if not moments:
            return []
        records = []
        for moment, customer in moments:
            body = write_moment(msgspec.structs.replace(moment, customer_id=customer))
            records.append(Record(moment.message_id, customer, body))
        return self._log.append(records)

    def _keep_waiting(self, others: Sequence[tuple[_Sorting, WaitingEvent]]) -> None:
        if not others:
            return
        new = set(self._anteroom.wait([event for _, event in others]))
        for sorting, event in others:
            sorting.counts["waiting" if event.message_id in new else "repeated"] += 1
            new.discard(event.message_id)
        # Whoever said who a visitor is, between our look and our write, has not seen these: one of us two does.
        visitors = sorted({event.who for _, event in others if event.who.startswith(VISITOR)})
        known = self._anteroom.visitors([who.removeprefix(VISITOR) for who in visitors]) if visitors else {}
        if known:
            self._claim([f"{VISITOR}{visitor}" for visitor in known])

    def _claim(self, names: Sequence[str]) -> int:
        """Moves into the log what waits for people who are known by now; how many. Done twice it is done once."""
        moved = 0
        while events := self._anteroom.waiting(names, limit=CLAIMED_AT_ONCE):
            linked = self._anteroom.visitors([one.who.removeprefix(VISITOR) for one in events if _is_visitor(one)])
            named = [
                _under(_moment(one), linked.get(one.who.removeprefix(VISITOR)) if _is_visitor(one) else None)
                for one in events
            ]
            customers = self.identities.find([(one.source_system, one.source_id) for one in named])
            pairs = [
                (moment, customer) for moment, customer in zip(named, customers, strict=True) if customer != UNKNOWN
            ]
            self._append(pairs)
            self._anteroom.claimed([moment.message_id for moment, _ in pairs])
            moved += len(pairs)
            stuck = {one.who for one, customer in zip(events, customers, strict=True) if customer == UNKNOWN}
            names = [name for name in names if name not in stuck]
            if not names:
                break
        return moved


def _is_erased(heard: Heard, erased: Tombstones) -> bool:
    """Whether a message names an erased person, or comes from a visitor who was one and does not say who it is now."""
    names = [] if heard.moment is None else [(heard.moment.source_system, heard.moment.source_id)]
    names += [] if heard.link is None else [(heard.link.source_system, heard.link.source_id)]
    named = [one for one in names if one[1]]
    if named or not heard.anonymous_id:
        return any(erased.has(SOURCE, *one) for one in named)
    return erased.has(VISITOR_KIND, heard.anonymous_id)


def _is_visitor(event: WaitingEvent) -> bool:
    return event.who.startswith(VISITOR)


def _moment(event: WaitingEvent) -> Moment:
    return msgspec.convert(event.body, Moment)


def _under(moment: Moment, name: tuple[str, str] | None) -> Moment:
    if name is None:
        return moment
    return msgspec.structs.replace(moment, source_system=name[0], source_id=name[1])


def _waiting(moment: Moment, heard: Heard) -> WaitingEvent:
    """An event of a visitor who has not said who they are, or of a user whom no run has seen yet."""
    visitor = heard.anonymous_id and not moment.source_id
    who = f"{VISITOR}{heard.anonymous_id}" if visitor else _user(moment)
    return WaitingEvent(moment.message_id, who, moment.received, msgspec.to_builtins(moment))


def _user(moment: Moment) -> str:
    """How a user is waited for; a long id by its hash, which only has to tell people apart."""
    name = f"{moment.source_system}:{moment.source_id}"
    return f"{USER}{name if len(name) <= USER_CHARACTERS_MAX else md5_hex(name)}"
