"""A trigger made ready: its rules compiled, its lengths of time in microseconds, what it has to remember."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec

from cultiva.contracts.moments import Moment
from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import event_names, event_scope
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.execution.triggers.meaning import NO_VALUES, Beginning, Terms
from cultiva.execution.triggers.records import Firing, firing_id
from cultiva.execution.triggers.values import Row, Seen, instant, plain, restored, shown
from cultiva.kit.hashing import content_hash
from cultiva.rules import Closure, Rule, Scope, compile_rule
from cultiva.rules.explain import MASKED
from cultiva.rules.nodes import Literal

DAYS_KEPT = 40
"""Days whose compiled rules are kept: events come in for a few days only."""
FILLED = re.compile(r"\{([^{}]*)\}")
"""A `{tag}` or `{event.property}` in a text."""
ALWAYS = Rule("true", Literal(value=True, type=DataType.BOOLEAN), frozenset(), ())
"""The rule of most fields that are left out."""
_KEPT = msgspec.msgpack.Decoder(dict[str, Any])
ANYTHING: Closure = lambda _row: True  # noqa: E731 - a closure like those that are compiled


@dataclass
class Judged:
    """A rule, compiled anew for each day; one that is always true is not asked."""

    rule: Rule
    test: bool = True
    days: dict[date, Closure] = field(default_factory=dict)

    def on(self, day: date) -> Closure:
        """The rule on a business date."""
        found = self.days.get(day)
        if found is None:
            if len(self.days) >= DAYS_KEPT:
                self.days.clear()
            found = self.days[day] = self._made(day)
        return found

    @property
    def is_trivial(self) -> bool:
        """Whether it is `true`."""
        return isinstance(self.rule.node, Literal) and self.rule.node.value is True

    def _made(self, day: date) -> Closure:
        if not self.test:
            return self.rule.closure(day)
        return ANYTHING if self.is_trivial else self.rule.test(day)


@dataclass(frozen=True)
class Watch:
    """A trigger, ready."""

    name: str
    trigger: Trigger
    terms: Terms
    at_once: bool
    """Whether it waits for nothing."""
    forgetful: bool
    """Whether nothing needs to be remembered: every beginning fires at once."""
    same: tuple[str, ...]
    """Properties that must be the same in what ends it."""
    meaning: str
    """Hash of what decides whether it fires; memories of another meaning are of no use."""
    when: Judged
    still: Judged
    worth: Judged
    where: Judged
    eligible: Mapping[str, Judged]
    """Offer that it may propose -> who may have it; in order of preference, none with a risk level."""
    kinds: Mapping[str, DataType]
    """Names that are kept -> type."""
    kept: tuple[str, ...]
    """Names whose values are kept until it fires."""
    shelf: str
    """The same, joined."""
    personal: frozenset[str]
    """Names whose values are not shown."""

    def key(self, moment: Moment) -> str:
        """The values that must be the same in what ends it; absent ones are equal to absent ones."""
        return "\x1f".join(repr(moment.properties.get(name)) for name in self.same) if self.same else ""

    def keep(self, seen: Seen) -> msgspec.Raw:
        """What has to be known when it fires, and may have changed by then."""
        return NO_VALUES if self.forgetful else seen.kept.get(self.shelf) or seen.keep(self.kept, self.shelf)

    def recall(self, kept: msgspec.Raw, row: Row) -> Seen:
        """What was kept, and behind it the profile of now."""
        values = _KEPT.decode(kept)
        return Seen({name: restored(self.kinds[name], value) for name, value in values.items()}, row)

    def fire(self, one: Beginning, customer_id: int, seen: Seen, *, day: date, now: int) -> Firing:
        """The firing of a beginning.

        Args:
            one: The beginning.
            customer_id: Whose.
            seen: What its rules see.
            day: The bank's day of the beginning, that of `today` in its rules.
            now: Microseconds.
        """
        worth = self.worth.on(day)(seen)
        task = self.trigger.does.task
        return Firing(
            firing_id=firing_id(self.name, customer_id, one.message_id),
            trigger=self.name,
            customer_id=customer_id,
            message_id=one.message_id,
            event=one.event,
            at=instant(one.at),
            due=instant(one.at + self.terms.wait),
            fired=instant(now),
            worth=0.0 if worth is None else float(worth),
            offers=tuple(name for name, rule in self.eligible.items() if rule.on(day)(seen)),
            reason=self._filled(task.reason, seen) if task is not None else "",
            script=self._filled(task.script, seen) if task is not None else "",
            story=self._story(one, seen, day),
        )

    def _filled(self, text: str, seen: Seen) -> str:
        return FILLED.sub(lambda found: shown(seen[found[1].strip()]), text)

    def _story(self, one: Beginning, seen: Seen, day: date) -> dict[str, Any]:
        members = {name: value for name, value in seen.items() if "." in name and name != "event.name"}
        told = {name: MASKED if name in self.personal else plain(value) for name, value in sorted(members.items())}
        why = self.when.rule.explain(seen, day, personal=self.personal).lines()
        still = [] if self.still.is_trivial else self.still.rule.explain(seen, day, personal=self.personal).lines()
        waited = {"microseconds": self.terms.wait} if self.terms.wait else {}
        gone = self.trigger.then_not
        absent = {"absent": list(gone.event)} if gone is not None else {}
        return {"event": one.event, "members": told, "why": why, "still": still, **waited, **absent}


def watch_of(workspace: Workspace, trigger: Trigger, profile: Scope) -> Watch:
    """A checked trigger, ready.

    Args:
        workspace: Its workspace.
        trigger: The trigger.
        profile: `profile_scope` of the workspace.
    """
    both = replace(profile, names={**profile.names, **event_names(workspace, trigger.on)})
    when, still = _condition(trigger.when, both), _condition(trigger.still, profile)
    worth = compile_rule(trigger.does.worth, both, expected=DataType.NUMBER)
    gone, texts = trigger.then_not, trigger.does.task
    where = _condition(gone.where, event_scope(workspace, gone.event)) if gone is not None else ALWAYS
    filled = FILLED.findall(f"{texts.reason} {texts.script}") if texts is not None else []
    names = {*when.columns, *worth.columns, *(name.strip() for name in filled)}
    kept = tuple(sorted(name for name in names if name in when.columns or "." in name))
    kinds = _kinds(both, when)
    terms = _terms(trigger)
    return Watch(
        name=trigger.name,
        trigger=trigger,
        terms=terms,
        at_once=terms.wait == 0,
        forgetful=terms.wait == 0 and terms.again == 0,
        same=gone.same if gone is not None else (),
        meaning=_meaning(trigger),
        when=Judged(when),
        still=Judged(still),
        worth=Judged(worth, test=False),
        where=Judged(where),
        eligible={name: _eligible(workspace, name, profile) for name in _offers(workspace, trigger)},
        kinds={name: kinds[name] for name in kept},
        kept=kept,
        shelf="\x1f".join(kept),
        personal=_personal(workspace, trigger),
    )


def _condition(text: str, scope: Scope) -> Rule:
    return ALWAYS if text == ALWAYS.text else compile_rule(text, scope, expected=DataType.BOOLEAN)


def _terms(trigger: Trigger) -> Terms:
    within = trigger.then_not.within.total if trigger.then_not is not None else 0
    quiet = trigger.debounce.total if trigger.debounce is not None else 0
    again = trigger.again_after.total if trigger.again_after is not None else 0
    return Terms(within, quiet, again, max(within, quiet))


def _meaning(trigger: Trigger) -> str:
    said = {"on", "when", "then_not", "still", "debounce", "again_after"}
    return content_hash(trigger.model_dump(mode="json", include=said))[:8]


def _kinds(scope: Scope, when: Rule) -> dict[str, DataType]:
    hidden = {window.column: window.type for window in when.events}
    listed = {f"in_list_{name}": DataType.BOOLEAN for name in scope.list_segments}
    return {**scope.names, **hidden, **listed}


def _offers(workspace: Workspace, trigger: Trigger) -> Sequence[str]:
    """Offers that it may propose by itself: suitability for a risk is judged by plan and decision alone."""
    does = trigger.does
    if does.placement is not None:
        return ()
    made = does.play or does.task
    assert made is not None, "a trigger does exactly one thing"
    strategy = workspace.strategies.get(made.strategy or "")
    named = (made.offer,) if made.offer is not None else strategy.offers if does.play and strategy else ()
    known = [name for name in named if name in workspace.offers]
    return [name for name in known if workspace.offers[name].risk_level is None]


def _eligible(workspace: Workspace, offer: str, scope: Scope) -> Judged:
    return Judged(compile_rule(workspace.offers[offer].eligible, scope, expected=DataType.BOOLEAN))


def _personal(workspace: Workspace, trigger: Trigger) -> frozenset[str]:
    of_events = {
        f"event.{name}"
        for event in trigger.on
        if event in workspace.events
        for name in workspace.events[event].personal
    }
    return frozenset({name for name, tag in workspace.tags.items() if tag.personal} | of_events)
