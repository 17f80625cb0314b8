"""Whether what a trigger wants may be begun for a customer: all that a plan would ask, and closed where in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cultiva.contracts.decision import GLOBAL_HOLDOUT, holdout_draw, offer_experiment
from cultiva.definitions.workspace import Workspace
from cultiva.execution.launching.launches import Halt, Launch, concerned
from cultiva.execution.recipients.people import Closed, Recipient
from cultiva.execution.triggers.records import Firing
from cultiva.execution.triggers.watching import Watch
from cultiva.kit.hashing import draw

NO_TRIGGER = "no_trigger"
"""The trigger is not there any more."""
NOT_AGAIN = "again_after"
"""It has begun something for the customer too short a time ago."""
NO_LAUNCH = "no_live_launch"
HALTED = "halted"
INACTIVE = "inactive_strategy"
"""The strategy is switched off."""
NOT_ELIGIBLE = "not_eligible"
"""The customer may not have what would be proposed, or nothing without a risk level can be."""
NOT_APPROVED = "not_approved"
"""Channel or offer are no part of the launch that was approved."""
HELD_OUT, HELD_OUT_GLOBAL = "held_out", "held_out_global"
IN_PLAY = "in_play"
"""The customer is in it already."""
NOT_BACK = "no_return"
"""The play does not take the customer back, or not yet."""


@dataclass(frozen=True)
class Choice:
    """What would be begun."""

    channel: str = ""
    offer: str = ""
    reason: str = ""
    """Why it may not be; empty: it may."""
    launch: Launch | None = None


@dataclass
class Facts:
    """What has to be known of the customers of some firings."""

    people: Mapping[int, Recipient] = field(default_factory=dict)
    closed: Mapping[tuple[int, str], Closed] = field(default_factory=dict)
    """(customer, channel) -> why it is closed."""
    launches: Mapping[str, Launch] = field(default_factory=dict)
    """Strategy -> its launch that is live."""
    halts: Mapping[str, Halt] = field(default_factory=dict)
    begun: list[tuple[str, int, str, datetime]] = field(default_factory=list)
    """Trigger, customer, firing, due of what has begun."""


@dataclass(frozen=True)
class Permission:
    """Judges firings by the facts."""

    workspace: Workspace
    facts: Facts

    def choice(self, watch: Watch, firing: Firing) -> Choice:
        """What would be begun for a firing, or why nothing is."""
        if self._too_soon(watch, firing):
            return Choice(reason=NOT_AGAIN)
        does = watch.trigger.does
        strategy = self.workspace.strategies.get(does.strategy or "")
        if strategy is not None and not strategy.active:
            return Choice(reason=INACTIVE)
        if does.play is not None:
            return self._play(watch, firing)
        if does.task is not None:
            return self._task(watch, firing)
        assert does.placement is not None, "a trigger does exactly one thing"
        held = self._held(firing.customer_id, does.placement.strategy, does.placement.offer or "")
        return Choice(offer=does.placement.offer or "", reason=held)

    def _too_soon(self, watch: Watch, firing: Firing) -> bool:
        """Whether the trigger has begun something so near in time that both cannot be meant."""
        apart = timedelta(microseconds=max(watch.terms.again, watch.terms.quiet))
        return any(
            trigger == firing.trigger and who == firing.customer_id and name != firing.firing_id
            and abs(due - firing.due) < apart
            for trigger, who, name, due in self.facts.begun
        )  # fmt: skip

    def _task(self, watch: Watch, firing: Firing) -> Choice:
        task = watch.trigger.does.task
        assert task is not None, "asked for a task only"
        offer, channel = task.offer or "", task.channel or ""
        if offer and offer not in firing.offers:
            return Choice(channel, offer, NOT_ELIGIBLE)
        if task.service:
            return Choice(channel, offer)
        halt = concerned(self.facts.halts, task.strategy or "", (channel,))
        if halt is not None:
            return Choice(channel, offer, HALTED)
        held = self._held(firing.customer_id, task.strategy or "", offer)
        closed = self.facts.closed.get((firing.customer_id, channel))
        return Choice(channel, offer, held or (closed.value if closed is not None else ""))

    def _play(self, watch: Watch, firing: Firing) -> Choice:
        play = watch.trigger.does.play
        assert play is not None, "asked for a play only"
        launch = self.facts.launches.get(play.strategy)
        if launch is None:
            return Choice(reason=NO_LAUNCH)
        if concerned(self.facts.halts, launch.strategy, launch.channels) is not None:
            return Choice(reason=HALTED)
        offers = [name for name in firing.offers if name in launch.offers]
        if not offers:
            return Choice(reason=NOT_ELIGIBLE if not firing.offers else NOT_APPROVED)
        channel, why = self._channel(launch, firing.customer_id, play.channel)
        held = self._held(firing.customer_id, play.strategy, offers[0])
        return Choice(channel, offers[0], held or why, launch)

    def _channel(self, launch: Launch, customer_id: int, wanted: str | None) -> tuple[str, str]:
        """The first channel that is open, or the one wanted; and why it is closed."""
        listed: Sequence[str] = [wanted] if wanted else launch.body["strategy"]["channels"]
        approved = [name for name in listed if name in launch.channels]
        if not approved:
            return "", NOT_APPROVED
        stopped = [name for name in approved if f"channel:{name}" in self.facts.halts]
        usable = [name for name in approved if name not in stopped]
        shut = {name: self.facts.closed.get((customer_id, name)) for name in usable}
        open_now = [name for name, why in shut.items() if why is None]
        if open_now:
            return open_now[0], ""
        reasons = [why.value for why in shut.values() if why is not None]
        return approved[0], reasons[0] if reasons else HALTED

    def _held(self, customer_id: int, strategy: str, offer: str) -> str:
        """Which holdout leaves the customer alone: everyone's, the strategy's, the offer's; empty: none."""
        if draw(GLOBAL_HOLDOUT, customer_id) < self.workspace.policy.global_holdout:
            return HELD_OUT_GLOBAL
        one = self.workspace.strategies.get(strategy)
        if one is not None and draw(holdout_draw(strategy), self._unit(customer_id, one.holdout_by)) < one.holdout:
            return HELD_OUT
        made = self.workspace.offers.get(offer)
        share = made.holdout if made is not None else 0.0
        return HELD_OUT if share > 0 and draw(holdout_draw(offer_experiment(offer)), customer_id) < share else ""

    def _unit(self, customer_id: int, by: str) -> int | str:
        """What is drawn as a whole; a customer without an adviser, or a branch, is drawn alone."""
        if by == "customer":
            return customer_id
        who = self.facts.people.get(customer_id)
        holder = getattr(who, f"{by}_id") if who is not None else None
        return f"{by}:{holder}" if holder else f"customer:{customer_id}"
