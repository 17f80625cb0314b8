"""What the review of a day found, read once per run and process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cultiva.console.desk import ConsoleDesk
from cultiva.console.visitor import Visitor
from cultiva.contracts.readout import Readout, StrategyReview, Verdict
from cultiva.contracts.sight import few
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.words import say
from cultiva.loop.mapping import names_of
from cultiva.loop.reviewing import histories_of, programme, reviews_of
from cultiva.review.tables import Curve
from cultiva.review.wording import CONTRASTS, DIMENSIONS, SLICES, VERDICTS

TONES: Mapping[Verdict, str] = {
    Verdict.SCALE: "good",
    Verdict.KEEP: "live",
    Verdict.CHANGE: "warn",
    Verdict.STOP: "bad",
    Verdict.WAIT: "quiet",
}
"""How a verdict's badge looks."""


@dataclass(frozen=True)
class Found:
    """The review of a day."""

    on: date
    days: tuple[date, ...]
    """Of all reviews up to then, newest first."""
    reviews: tuple[StrategyReview, ...]
    histories: Mapping[str, Curve]

    @property
    def whole(self) -> StrategyReview | None:
        """The whole programme."""
        return programme(self.reviews)

    @property
    def strategies(self) -> list[StrategyReview]:
        """Single strategies and offers with a holdout of their own."""
        return [one for one in self.reviews if not one.strategy.startswith("(")]

    @property
    def health(self) -> list[StrategyReview]:
        """The standing experiments: the present ranking against chance, propensity, rules."""
        return [one for one in self.reviews if one.strategy in SLICES]

    def one(self, strategy: str) -> StrategyReview:
        """The review of one strategy.

        Raises:
            CultivaError: if there is none.
        """
        found = next((one for one in self.reviews if one.strategy == strategy), None)
        if found is None:
            names = [one.strategy for one in self.reviews]
            raise CultivaError(
                "the review knows no such strategy",
                code="loop.no_strategy",
                kind=ErrorKind.NOT_FOUND,
                seen=strategy,
                allowed=", ".join(names[:12]),
                hint=did_you_mean(strategy, names) or "choose one of the table",
            )
        return found


def found_on(desk: ConsoleDesk, on: date | None = None) -> Found | None:
    """The newest review up to a date; None if there has been none."""
    newest = desk.parts.store.snapshots.latest("verdict", None)
    if newest is None:
        return None
    past = sorted({one.business_date for one in desk.parts.lake.catalogue.history("verdict", newest.business_date)})
    days = [day for day in past if on is None or day <= on]
    if not days:
        return None
    day = days[-1]

    def make() -> Found:
        return Found(day, tuple(reversed(past)), reviews_of(desk.parts, day), histories_of(desk.parts, day))

    return desk.kept(("review", newest.business_date), day, make)


class Wording:
    """Words of a review for one visitor."""

    def __init__(self, desk: ConsoleDesk, who: Visitor) -> None:
        self.language = who.language
        self._names = names_of(desk.told(who.language))
        self._all = who.sight.whole_bank or not who.sight.nobody

    def verdict(self, one: Verdict) -> str:
        """What to do."""
        return say(VERDICTS[one], self.language)

    def tone(self, one: Verdict) -> str:
        """How its badge looks."""
        return TONES[one]

    def dimension(self, name: str) -> str:
        """By what groups are made."""
        return say(DIMENSIONS[name], self.language) if name in DIMENSIONS else name

    def contrast(self, one: Readout) -> str:
        """Whose change it is."""
        return say(CONTRASTS[one.contrast], self.language)

    def group(self, one: Readout) -> str:
        """A group's name; a cell's parts each in its own words."""
        parts = [self._names.get(part, part) for part in one.group.split("|")]
        return " · ".join(part.strip() for part in parts) or "–"

    def name(self, one: str) -> str:
        """An offer, a channel, a strategy as people call it."""
        return self._names.get(one, one)

    def count(self, number: int) -> str:
        """A number of customers; those who see no customer are not told of a few."""
        return f"{number:,}" if self._all else few(number)
