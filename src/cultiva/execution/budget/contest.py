"""Who gets the room where a cap binds: what is confirmed stays, then the most valuable goes first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cultiva.definitions.policy import Cap
from cultiva.execution.budget.room import Room
from cultiva.execution.budget.touches import Refusal, TouchRequest, Verdict


@dataclass(frozen=True)
class Settlement:
    """How a contest ended."""

    verdicts: Sequence[Verdict]
    """One for everything that was asked for, in the order asked."""
    outbid: Collection[str]
    """Reservations that have lost their room."""


def settle(
    caps: Sequence[Cap],
    *,
    fixed: Iterable[TouchRequest],
    held: Iterable[TouchRequest],
    asked: Sequence[TouchRequest],
) -> Settlement:
    """Lets reservations and requests compete, the most valuable first.

    The result is what handing the room out anew would give: everything not confirmed, one after the other by worth, as
    far as it fits; of equal worth, what is held goes first. So a request never takes room from what is worth as much.

    Args:
        caps: The policy's caps.
        fixed: Confirmed touches; they count whatever the caps say.
        held: Reservations; they may lose their room to a request.
        asked: Requests.
    """
    room = Room(caps, confirmed := list(fixed))
    alone = Room(caps, confirmed)
    contest = [(0, one) for one in held] + [(1, one) for one in asked]
    verdicts: dict[str, Verdict] = {}
    outbid: set[str] = set()
    for rank, one in sorted(contest, key=lambda pair: (-pair[1].worth, pair[0], pair[1].touch_id)):
        cap = room.binding(one)
        if cap is None:
            room.take(one)
        elif rank == 0:
            outbid.add(one.touch_id)
        if rank == 1:
            verdicts[one.touch_id] = _verdict(one, cap, alone)
    return Settlement([verdicts[one.touch_id] for one in asked], outbid)


def _verdict(one: TouchRequest, cap: Cap | None, alone: Room) -> Verdict:
    if cap is None:
        return Verdict(one.touch_id)
    hard = alone.binding(one)
    return Verdict(one.touch_id, Refusal.OUTBID if hard is None else Refusal.CAPPED, hard or cap)
