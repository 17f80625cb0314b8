"""Which of the claimed deliveries may leave now, asked of everybody who has a say. No SQL, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cultiva.execution.dispatch.fates import honest
from cultiva.execution.dispatch.records import Checks, Claimed, Filled, Ready, State, Stopped, Verdict


@dataclass
class Sorted:
    """A batch, sorted."""

    ready: list[Ready] = field(default_factory=list)
    """May leave."""
    others: list[Verdict] = field(default_factory=list)
    """May not, now or ever."""


def sort(batch: Sequence[Claimed], checks: Checks, at: datetime) -> Sorted:
    """Sorts a batch: expiry, send window, permission, content, and last the contact budget, which takes the touch.

    Args:
        batch: Claimed deliveries.
        checks: Whom to ask.
        at: Now.
    """
    found = Sorted()
    rest = _unexpired(batch, found, at)
    rest = _in_window(rest, checks, found, at=at)
    rest = _permitted(rest, checks, found, at=at)
    _granted(_rendered(rest, checks, found), checks, found, at=at)
    found.others = [honest(one, at) for one in found.others]
    return found


def _unexpired(batch: Sequence[Claimed], found: Sorted, at: datetime) -> list[Claimed]:
    late = [one for one in batch if one.expires is not None and one.expires <= at]
    found.others += [Verdict(one, State.CANCELLED, problem="expired before it could be sent") for one in late]
    gone = {one.delivery_id for one in late}
    return [one for one in batch if one.delivery_id not in gone]


def _in_window(batch: Sequence[Claimed], checks: Checks, found: Sorted, *, at: datetime) -> list[Claimed]:
    shut = checks.later(batch, at) if batch else {}
    for one in batch:
        if one.delivery_id in shut:
            opens = shut[one.delivery_id]
            due = min(opens, one.expires or opens)
            found.others.append(Verdict(one, State.QUEUED, due=due, problem="outside the send window"))
    return [one for one in batch if one.delivery_id not in shut]


def _permitted(batch: Sequence[Claimed], checks: Checks, found: Sorted, *, at: datetime) -> list[Claimed]:
    why = checks.forbidden(batch, at) if batch else {}
    stopped = [one for one in batch if one.delivery_id in why]
    found.others += [Verdict(one, State.CANCELLED, problem=why[one.delivery_id]) for one in stopped]
    return [one for one in batch if one.delivery_id not in why]


def _rendered(batch: Sequence[Claimed], checks: Checks, found: Sorted) -> list[Ready]:
    """Content as it was rendered the first time: the same key never carries two texts."""
    fresh = [one for one in batch if not one.content]
    made = checks.render(fresh) if fresh else {}
    ready = []
    for one in batch:
        filled = _kept(one) if one.content else made.get(one.delivery_id, Stopped("nothing was rendered"))
        if isinstance(filled, Stopped):
            found.others.append(Verdict(one, State.FAILED, problem=filled.reason))
        else:
            ready.append(Ready(one, filled))
    return ready


def _kept(one: Claimed) -> Filled:
    texts = {name: value for name, value in one.content.items() if name != "extra"}
    return Filled(texts, one.content.get("extra", {}))


def _granted(batch: Sequence[Ready], checks: Checks, found: Sorted, *, at: datetime) -> None:
    asked = [one.claimed for one in batch if one.claimed.touch_id]
    granted = {"", *checks.confirm(asked, at)} if asked else {""}
    for one in batch:
        if one.claimed.touch_id in granted:
            found.ready.append(one)
        else:
            found.others.append(Verdict(one.claimed, State.CANCELLED, problem="over the contact budget"))
