"""From a strategy's play to its graph; a strategy without one gets a play of one touch."""

from __future__ import annotations

from graphlib import TopologicalSorter

from cultiva.definitions.offers import OfferKind
from cultiva.definitions.plays import END, Ending, ExitRule, Play, PlayStep, Reentry, Send, Span, Task
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.execution.plays.draws import bounds, salt_of
from cultiva.execution.plays.graph import Graph, Kind, Node
from cultiva.execution.plays.timing import WEEKDAYS, Delay

ONE_TOUCH = Play(steps=(PlayStep(name="touch", send=Send()),))
"""The play of a strategy that says nothing: one touch over the decided channel."""


def compiled(strategy: Strategy, workspace: Workspace) -> Graph:
    """The graph of a strategy's play.

    Args:
        strategy: Checked.
        workspace: Its workspace: channels, offers, workbench.
    """
    return _Compiler(strategy, strategy.play or ONE_TOUCH, workspace).graph()


class _Compiler:
    def __init__(self, strategy: Strategy, play: Play, workspace: Workspace) -> None:
        self.strategy, self.play, self.workspace = strategy, play, workspace
        self.steps = {step.name: step for step in play.steps}
        self.steps.setdefault(END, PlayStep(name=END, end=Ending()))
        self.followers = {END: END, **play.followers()}
        self.numbers = {name: number for number, name in enumerate(self._order())}

    def graph(self) -> Graph:
        """The whole play."""
        exits, bench = self.play.exits, self.workspace.workbench
        return Graph(
            strategy=self.strategy.name,
            nodes=tuple(self._node(self.steps[name]) for name in self.numbers),
            start=self.numbers[self.play.start or self.play.steps[0].name],
            exits=tuple(one for one in exits if not isinstance(one, ExitRule)),
            exit_rules=tuple((one.name, one.rule) for one in exits if isinstance(one, ExitRule)),
            reentry_days=self._reentry(),
            people=tuple(self._served(one.name) for one in self.workspace.policy.channels if one.kind == "human"),
            personal=tuple(one.name for one in bench.roles if one.personal) if bench else ("adviser",),
            service=tuple(
                name
                for name in self.strategy.offers
                if name in self.workspace.offers and self.workspace.offers[name].kind is OfferKind.SERVICE
            ),
            reason=self.strategy.reason,
        )

    def _order(self) -> list[str]:
        """Steps so that where no time passes one leads to a later one."""
        before: dict[str, set[str]] = {name: set() for name in self.steps}
        for name, step in self.steps.items():
            takes_time = step.wait_for is not None or (step.wait is not None and step.wait.takes_time)
            after = {to for loc, to in step.targets() if loc not in (("next",), ("wait_for", "timeout"))}
            if not takes_time and step.kind not in ("split", "end"):
                after.add(self.followers[name])
            for to in after:
                before[to].add(name)
        return list(TopologicalSorter(before).static_order())

    def _reentry(self) -> int | None:
        again = self.play.reentry
        if isinstance(again, Reentry):
            return again.after_days
        return 0 if again == "always" else None

    def _served(self, channel: str, kind: str | None = None) -> tuple[str, str, str]:
        """A human channel with the kind of task and the role that serve it."""
        bench = self.workspace.workbench
        found = (bench.kind(kind) if kind else bench.kind_for(channel)) if bench else None
        return (channel, found.name, found.role) if found else (channel, kind or channel, "adviser")

    def _node(self, step: PlayStep) -> Node:
        number, after = self.numbers[step.name], self.numbers[self.followers[step.name]]
        base = Node(number, step.name, Kind(step.kind), after)
        if step.send is not None:
            return self._wave(base, step.send)
        if step.task is not None:
            return self._wave(base, step.task)
        if step.wait is not None:
            return self._wait(base, step)
        return self._other(base, step)

    def _wave(self, base: Node, wave: Send | Task) -> Node:
        patience = self.play.patience_days if wave.patience_days is None else wave.patience_days
        served = self._served(wave.channel, wave.kind) if isinstance(wave, Task) else ("", "", "")
        return Node(
            base.number,
            base.name,
            base.kind,
            base.next,
            delay=_delay(wave.due) if isinstance(wave, Task) else None,
            channel=wave.channel or "",
            offer=wave.offer or "",
            content=wave.content or "",
            patience_days=patience,
            refused=self.numbers[wave.refused] if wave.refused else base.next,
            task_kind=served[1],
            role=served[2],
        )

    def _wait(self, base: Node, step: PlayStep) -> Node:
        assert step.wait is not None
        wait, wall = step.wait, f"{step.wait.at:%H:%M}"
        if wait.until_date is not None:
            tag, before = wait.until_date, wait.days_before
            delay = Delay(wall=wall)
            return Node(base.number, base.name, Kind.WAIT_DATE, base.next, delay, date_tag=tag, days_before=before)
        if wait.until is not None:
            delay = Delay(weekday=WEEKDAYS.index(wait.until), wall=wall)
            return Node(base.number, base.name, base.kind, base.next, delay)
        assert wait.span is not None
        return Node(base.number, base.name, base.kind, base.next, _delay(wait.span))

    def _other(self, base: Node, step: PlayStep) -> Node:
        number, name, kind, after = base.number, base.name, base.kind, base.next
        if step.wait_for is not None:
            on = tuple(sorted((signal, self.numbers[to]) for signal, to in step.wait_for.on.items()))
            later = self.numbers[step.wait_for.timeout] if step.wait_for.timeout else after
            return Node(number, name, kind, later, _delay(step.wait_for.within), on=on)
        if step.branch is not None:
            arms = tuple((arm.rule.strip(), self.numbers[arm.then]) for arm in step.branch)
            return Node(number, name, kind, after, arms=arms)
        if step.split is not None:
            salt = salt_of(self.strategy.name, name)
            ends = bounds(portion.share for portion in step.split)
            ways = tuple((end, self.numbers[one.then]) for end, one in zip(ends, step.split, strict=True))
            return Node(number, name, kind, ways=ways, factor=salt.factor, summand=salt.summand)
        if step.grant is not None:
            return Node(number, name, kind, after, offer=step.grant.offer)
        if step.hand_over is not None:
            over = step.hand_over
            due, task = _delay(over.due), over.kind or "hand_over"
            return Node(number, name, kind, after, due, task_kind=task, role=over.to, reason=over.reason)
        assert step.end is not None
        return Node(number, name, kind, reason=step.end.reason)


def _delay(span: Span) -> Delay:
    return Delay(seconds=span.seconds, business_days=span.business_days or 0)
