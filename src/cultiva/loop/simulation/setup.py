"""What is to be simulated: a world, a policy, how long, how many, and by whose definitions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from cultiva.definitions.files import SETTINGS_FILE
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.offers import Offer
from cultiva.definitions.packs import init_workspace
from cultiva.definitions.policy import Channel
from cultiva.definitions.products import Unit
from cultiva.definitions.review import RankBy
from cultiva.definitions.workspace import Workspace
from cultiva.loop.simulation.copying import copy_definitions
from cultiva.simbank.living import ChannelTerms, OfferTerms
from cultiva.simbank.mix import USUAL, Mix
from cultiva.simbank.world import World

FIRST_DAY = date(1994, 3, 30)
"""The business date on which a simulation begins, as in the guides."""
_RANK_BY = re.compile(r"(?m)^rank_by:.*$")
_EXPLORATION = re.compile(r"(?m)^exploration:.*$")
_RAMP = re.compile(r"(?m)^ramp:.*$(\n[ \t]+.*$)*")
_LANGUAGE = re.compile(r"(?m)^language *=.*$")


class Policy(StrEnum):
    """How the candidates of the simulated weeks are ranked."""

    LOOP = "loop"
    """By measured effect less cost, learnt from its own readouts week by week; the starter pack begins on a ramp."""
    PROPENSITY = "propensity"
    """By how often people like this take the offer up, learnt in the same way."""
    RULES = "rules"
    """By the strategies' own `rank`."""
    RANDOM = "random"
    """By lot."""
    ORACLE = "oracle"
    """By the true expected effect less cost, which no bank knows: what perfect knowledge would be worth."""
    NOBODY = "nobody"
    """No touch at all: the bank that leaves everyone alone."""


RANK_BY = {
    Policy.LOOP: RankBy.EFFECT,
    Policy.PROPENSITY: RankBy.PROPENSITY,
    Policy.RULES: RankBy.RULES,
    Policy.RANDOM: RankBy.RANDOM,
    Policy.ORACLE: RankBy.EFFECT,
    Policy.NOBODY: RankBy.RULES,
}
"""What each policy writes into review.yaml."""


@dataclass(frozen=True)
class Setup:
    """One simulation."""

    world: World
    policy: Policy
    folder: Path
    """Where the simulated bank and its workspace lie."""
    weeks: int = 12
    customers: int = 20_000
    seed: int = 1
    first_day: date = FIRST_DAY
    definitions: Path | None = None
    """A workspace whose definitions are flown; None: the starter pack."""
    mix: Mix = USUAL
    """Who banks at the simulated bank."""
    language: str | None = None
    """Of the runs' reports, zh or en; None: that of the definitions."""

    @property
    def workspace(self) -> Path:
        """The simulation's own workspace."""
        return self.folder / "workspace"

    @property
    def bank(self) -> Path:
        """The simulated bank."""
        return self.folder / "bank"


def prepared(setup: Setup) -> Workspace:
    """The simulation's workspace, made when it is not there yet; it ranks as the policy says.

    A flight that goes on may be told in another language.
    """
    root = setup.workspace
    if not root.exists():
        making = root.with_name(".new") / root.name
        shutil.rmtree(making, ignore_errors=True)
        if setup.definitions is None:
            init_workspace(making)
        else:
            copy_definitions(setup.definitions, making)
        _set_line(making / "review.yaml", _RANK_BY, f"rank_by: {RANK_BY[setup.policy].value}")
        if setup.policy is Policy.LOOP and setup.definitions is None:
            _set_line(making / "review.yaml", _RAMP, "ramp: {}")
        if setup.policy is Policy.ORACLE:  # who knows everything need not try anything
            _set_line(making / "review.yaml", _EXPLORATION, "exploration: 0")
            _set_line(making / "review.yaml", _RAMP, "ramp: null")
        making.rename(root)
        making.parent.rmdir()
    if setup.language is not None:
        _set_line(root / SETTINGS_FILE, _LANGUAGE, f'language = "{setup.language}"')
    return load_workspace(root)


def _set_line(path: Path, pattern: re.Pattern[str], line: str) -> None:
    """Writes one line of a file, the first if there is none like it, and leaves the others as they are."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    known = pattern.search(text)
    path.write_text(pattern.sub(line, text, count=1) if known else f"{line}\n{text}", encoding="utf-8")


def offer_terms(workspace: Workspace) -> Sequence[OfferTerms]:
    """The workspace's offers, as far as customers care."""
    return [
        OfferTerms(one.name, one.kind.value, one.category, one.unit_cost, rate=_better_rate(workspace, one))
        for one in workspace.offers.values()
    ]


def _better_rate(workspace: Workspace, offer: Offer) -> float:
    """How much better than the list price a variant is, as a yearly rate; a fee by what a take-up moves."""
    product = workspace.products.get(offer.group or "")
    if product is None or product.priced is None or offer.price is None:
        return 0.0
    found, pricing = product.priced, product.pricing
    better = found.value - offer.price if pricing.better == "lower" else offer.price - found.value
    return better if found.unit is Unit.RATE else better / pricing.amount


def channel_terms(workspace: Workspace) -> Sequence[ChannelTerms]:
    """The workspace's channels, as far as customers care."""
    return [_terms(one) for one in workspace.policy.channels]


def _terms(channel: Channel) -> ChannelTerms:
    return ChannelTerms(channel.name, channel.kind == "human", channel.unit_cost)
