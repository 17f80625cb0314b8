"""What an approval is of: the strategy and everything that decides who gets what, as data that no edit changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cultiva.definitions.registry import model_body
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace

WORD = re.compile(r"\w+")
Key = tuple[str, str]
"""Kind and name of a definition."""


def frozen_body(workspace: Workspace, strategy: str, play: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a launch.

    Args:
        workspace: As it is now.
        strategy: Name of one of its strategies.
        play: The strategy's play, compiled, as JSON-like data.

    Returns:
        `strategy`, `play`, `caps`, `quiet_hours`; by name `offers`, `channels`, `contents`; under `relies_on` the
        content hashes of the segments, tags and other definitions that say who is meant.
    """
    one, policy = workspace.strategies[strategy], workspace.policy
    channels = {*one.channels, *_of_steps(play, "channel")}
    contents = _contents(workspace, one, channels, _of_steps(play, "content"))
    return {
        "strategy": model_body(one),
        "play": dict(play),
        "offers": {
            name: model_body(workspace.offers[name]) for name in sorted({*one.offers, *_of_steps(play, "offer")})
        },
        "channels": {found.name: model_body(found) for found in policy.channels if found.name in channels},
        "contents": {name: model_body(workspace.contents[name]) for name in contents},
        "caps": [model_body(cap) for cap in policy.caps],
        "quiet_hours": model_body(policy.quiet_hours),
        "relies_on": {f"{kind}:{name}": workspace.hashes[kind, name] for kind, name in relied_on(workspace, one)},
    }


def _of_steps(play: Mapping[str, Any], what: str) -> set[str]:
    """What the steps of a play name themselves."""
    return {str(step[what]) for step in play.get("nodes", ()) if step.get(what)}


def _contents(workspace: Workspace, one: Strategy, channels: set[str], named: set[str]) -> list[str]:
    """Contents that may be said to somebody."""
    fitting = {
        name
        for name, content in workspace.contents.items()
        if any(content.carries(offer, channel, one.name) for offer in one.offers for channel in channels)
    }
    return sorted(fitting | named & set(workspace.contents))


def relied_on(workspace: Workspace, strategy: Strategy) -> list[Key]:
    """Definitions beside those in the body that decide who is meant: found by every name that its rules mention.

    A name that happens to be mentioned otherwise is taken along: rather one approval too many.
    """
    texts = [strategy.audience, strategy.eligible, strategy.rank, strategy.reason, strategy.objective.metric]
    texts += [text for name in strategy.offers for text in _rules_of_offer(workspace, name)]
    found: set[Key] = set()
    waiting = set(_names(texts))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for key, inner in _named(workspace, name):
            found.add(key)
            waiting |= set(_names(inner)) - seen
    cell = {"stage", "value_tier"} & seen or strategy.stages or strategy.tiers
    found |= {("lifecycle", "lifecycle"), ("value", "value")} if cell else set()
    return sorted(key for key in found if key in workspace.hashes)


def _rules_of_offer(workspace: Workspace, name: str) -> Iterator[str]:
    offer = workspace.offers[name]
    yield from (offer.eligible, offer.applicable)


def _named(workspace: Workspace, name: str) -> Iterator[tuple[Key, list[str]]]:
    """Definitions of that name, with the texts in which they mention others."""
    segment, tag = workspace.segments.get(name), workspace.tags.get(name)
    if segment is not None:
        yield ("segment", name), [segment.rule or ""]
    if tag is not None:
        yield ("tag", name), [tag.expression or ""]
    if name in workspace.events:
        yield ("event", name), []


def _names(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield from WORD.findall(text)
