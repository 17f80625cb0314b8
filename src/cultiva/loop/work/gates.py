"""What is asked right before something leaves: send window, permission, words, contact budget. All fail closed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cultiva.definitions.offers import OfferKind
from cultiva.definitions.policy import QuietHours
from cultiva.definitions.workspace import Workspace
from cultiva.execution.budget.service import Budget
from cultiva.execution.calendar.days import Days
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.dispatch.records import Checks, Claimed, Filled, Stopped
from cultiva.execution.outgoing.service import TESTER, Outgoing, TouchFacts
from cultiva.execution.recipients.people import Closed
from cultiva.execution.recipients.service import Recipients

KNOWN_DAYS_MAX = 7
"""What is known of a customer may be so many days old; nothing is sent on older knowledge."""
OF_MARKETING = frozenset({Closed.NO_CONSENT, Closed.SUPPRESSED, Closed.STANDSTILL})
"""Reasons that keep marketing away, and a service not."""


def days_for(workspace: Workspace, offers: Collection[str]) -> Days:
    """On which days offers may be made: investments on trading days."""
    known = [workspace.offers[name] for name in offers if name in workspace.offers]
    return "trading" if any(one.risk_level is not None for one in known) else "any"


@dataclass(frozen=True)
class Gates:
    """Everybody who has a say before something leaves."""

    workspace: Workspace
    calendar: Calendar
    budget: Budget
    recipients: Recipients
    outgoing: Outgoing
    words: Callable[[Sequence[Claimed]], Mapping[str, Filled | Stopped]]
    """The words of now: the newest profile."""

    @property
    def quiet(self) -> QuietHours:
        """When nothing is sent."""
        return self.workspace.policy.quiet_hours

    def checks(self) -> Checks:
        """As dispatch asks."""
        return Checks(
            later=self.later,
            forbidden=self.forbidden,
            render=self.words,
            confirm=self.confirm,
            release=self.release,
        )

    def later(self, batch: Sequence[Claimed], at: datetime) -> Mapping[str, datetime]:
        """Deliveries whose send window is shut -> when it opens on the customer's clock."""
        batch = [one for one in batch if not _is_trial(one)]
        people = self.recipients.of([one.customer_id for one in batch])
        touches = self._touches(batch)
        opens: dict[tuple[str, Days], datetime] = {}
        found = {}
        for one in batch:
            facts = touches.get(one.touch_id)
            zone = people[one.customer_id].zone if one.customer_id in people else self.calendar.zone
            key = zone, days_for(self.workspace, [facts.offer] if facts else [])
            if key not in opens:
                opens[key] = self.calendar.next_open(at, zone, self.quiet, days=key[1])
            if opens[key] > at:
                found[one.delivery_id] = opens[key]
        return found

    def forbidden(self, batch: Sequence[Claimed], at: datetime) -> Mapping[str, str]:
        """Deliveries that consent, a suppression or a missing address forbids -> why."""
        batch = [one for one in batch if not _is_trial(one)]
        closed = self._closed([(one.customer_id, one.channel) for one in batch], at)
        touches = self._touches(batch)
        found = {one.delivery_id: Closed.NO_ADDRESS.value for one in batch if not one.address}
        for one in batch:
            why = closed.get((one.customer_id, one.channel))
            if why is not None and not (self._is_service(touches.get(one.touch_id)) and why in OF_MARKETING):
                found[one.delivery_id] = why.value
        return found

    def confirm(self, batch: Sequence[Claimed], at: datetime) -> Collection[str]:
        """Touches that the contact budget still grants on the customer's day of sending."""
        people = self.recipients.of([one.customer_id for one in batch])
        zones = {one.touch_id: people[one.customer_id].zone for one in batch if one.customer_id in people}
        days = {touch: self.calendar.local_day(at, zone) for touch, zone in zones.items()}
        verdicts = self.budget.confirm([one.touch_id for one in batch], at, days=days)
        return [one.touch_id for one in verdicts if one.granted]

    def release(self, connection: Any, touch_ids: Sequence[str], at: datetime) -> None:
        """Gives back touches of what surely was not sent."""
        self.budget.release(touch_ids, at, confirmed=True, connection=connection)

    def _closed(self, asked: Sequence[tuple[int, str]], at: datetime) -> Mapping[tuple[int, str], Closed]:
        oldest: date = self.calendar.local_day(at, self.calendar.zone) - timedelta(days=KNOWN_DAYS_MAX)
        return self.recipients.closed(asked, oldest=oldest)

    def _is_service(self, facts: TouchFacts | None) -> bool:
        """Whether the offer is a service by today's definitions; that the caps do not count a channel makes it none."""
        offer = self.workspace.offers.get(facts.offer) if facts is not None else None
        return offer is not None and offer.kind is OfferKind.SERVICE

    def _touches(self, batch: Sequence[Claimed]) -> Mapping[str, TouchFacts]:
        return self.outgoing.touches([one.touch_id for one in batch])


def _is_trial(one: Claimed) -> bool:
    """Whether it goes to one of the bank's own people, who are asked by nobody's consent."""
    return one.customer_id == TESTER and not one.touch_id
