"""What the next plan uses: money, cost and response per strategy and cell, and the shares of offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cultiva.contracts.readout import Contrast, Readout, Verdict
from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Written
from cultiva.kit.numbers import settled
from cultiva.review.beliefs import Belief, corrected, response
from cultiva.review.counts import Counts, Part
from cultiva.review.design import PROGRAMME
from cultiva.review.effects import ALL
from cultiva.review.statistics.allocation import thompson_shares

OFFER = "offer"
"""The dimension whose groups are offers."""
USUAL = 1.96
"""Half the width of a 95 % interval, in standard errors, where there are many customers."""


@dataclass(frozen=True)
class Learnt:
    """One row of the lake table `learnt`."""

    strategy: str
    offer: str
    """Offer; '' for all."""
    cell: str
    """Values of the review's groups joined with '|'; '' for all."""
    customers: int
    """Who could be touched, with results."""
    touched: float
    """Who had a contact that took place."""
    effect: float | None
    """Best guess of the money that an exposed customer brings over the horizon beyond what would have come anyway."""
    effect_se: float | None
    """Its standard error."""
    cost: float
    """Cost per exposed customer."""
    response: float | None
    """Share of those touched who took something up."""
    share: float | None
    """For an offer: share of the customers that it gets."""
    verdict: str
    """The verdict on the strategy."""
    per_touch: float | None = None
    """For an offer of a bank that wants a ramp: money that one touch brings over the horizon, before cost."""
    per_touch_se: float | None = None
    """Its standard error."""
    taken_per_touch: float | None = None
    """Chance that a touch is followed by a take-up."""
    contacts: float = 1.0
    """Contacts per customer who could be touched."""
    stage: str = ""
    """Where the strategy, or the offer, stands: open, proven, ended; empty where the bank wants no ramp."""
    reach: float | None = 1.0
    """1 once its touches are known to sell: it goes to everybody; None: to the first ones, for whom the others wait."""
    channel: str = ""
    """A channel, in a row of the whole programme that says how it sells; else ''."""
    times: float | None = None
    """How many times as many sales a touch over the channel brings as the average touch."""


@dataclass(frozen=True)
class Lessons:
    """What one strategy's rows are made of."""

    strategy: str
    """The strategy, or the experiment of an offer."""
    names: tuple[str, ...]
    """Its offers."""
    prior: Belief
    """What is believed of it before anything is measured."""
    priors: Mapping[str, Belief]
    """The same by offer."""
    scale: float
    """By what effects so far are multiplied to stand for the horizon."""
    readouts: Sequence[Readout]
    """Of this strategy."""
    cells: str
    """The dimension whose groups are cells."""
    counts: Mapping[Part, Counts]
    """Of all strategies."""

    def measured(self, dimension: str = ALL, group: str = "") -> tuple[float | None, float | None]:
        """The measured money per customer over the horizon with its standard error; None where nothing was."""
        for one in self.readouts:
            if (one.metric, one.contrast, one.dimension, one.group) == (CONTRIBUTION, Contrast.ITT, dimension, group):
                value, se = (one.effect, spread(one)) if dimension == ALL else (one.shrunk, one.shrunk_se)
                return None if value is None else value * self.scale, None if se is None else se * self.scale
        return None, None

    def believed(self, dimension: str = ALL, group: str = "") -> Belief:
        """What is believed about the whole, an offer or a cell; of a cell where nothing is known, as of the whole."""
        prior = self.priors.get(group, self.prior) if dimension == OFFER else self.prior
        for one in self.readouts:
            if (one.metric, one.contrast, one.dimension, one.group) == (CONTRIBUTION, Contrast.ITT, dimension, group):
                value, se = (one.effect, spread(one)) if dimension == ALL else (one.shrunk, one.shrunk_se)
                scaled = [None if number is None else number * self.scale for number in (value, se)]
                if value is not None or dimension in (ALL, OFFER):
                    return corrected(prior, *scaled)
        return prior if dimension in (ALL, OFFER) else self.believed()

    def count(self, offer: str = "", cell: str = "") -> Counts:
        """Counts of a part."""
        return self.counts.get((self.strategy, offer, cell), Counts())

    @property
    def offers(self) -> dict[str, Belief]:
        """Net money per customer by offer, where the strategy has several."""
        names = self.names if len(self.names) > 1 else ()
        found = {name: self.believed(OFFER, name) for name in names}
        return {name: Belief(one.mean - self.count(name).cost_mean, one.se) for name, one in found.items()}


def spread(one: Readout) -> float | None:
    """Standard error of a normal guess as wide as the interval, which is wider where few customers were compared."""
    if one.se is None or one.low is None or one.high is None or not one.se:
        return one.se
    return max((one.high - one.low) / (2 * USUAL), one.se)


def learnt_of(lessons: Lessons, verdict: Verdict, *, exploration: float) -> Iterator[Learnt]:
    """The rows of one strategy: the whole, each cell, each offer; nothing where nobody has results.

    Args:
        lessons: What is known.
        verdict: On the strategy.
        exploration: Least share of every offer.
    """
    whole = lessons.count()
    if not whole.customers:
        return
    rate = whole.taken / whole.touched if whole.touched else 0.0
    offers = lessons.offers
    shares = thompson_shares([b.mean for b in offers.values()], [b.se for b in offers.values()], floor=exploration)
    yield _row(lessons, whole, lessons.believed(), ("", ""), (rate, verdict, None))
    for (strategy, _, cell), one in lessons.counts.items():
        if strategy == lessons.strategy and cell:
            yield _row(lessons, one, lessons.believed(lessons.cells, cell), ("", cell), (rate, verdict, None))
    for name, share in zip(offers, shares, strict=True):
        said = (rate, verdict, float(share))
        yield _row(lessons, lessons.count(name), lessons.believed(OFFER, name), (name, ""), said)


def _row(
    lessons: Lessons,
    counts: Counts,
    belief: Belief,
    part: tuple[str, str],
    said: tuple[float, Verdict, float | None],
) -> Learnt:
    (offer, cell), (rate, verdict, share) = part, said
    mine = counts if counts.customers else lessons.count()
    return Learnt(
        strategy=lessons.strategy,
        offer=offer,
        cell=cell,
        customers=counts.customers,
        touched=counts.touched,
        effect=belief.mean,
        effect_se=belief.se,
        cost=mine.cost_mean,
        response=response(counts.taken, counts.touched, rate),
        share=share,
        verdict=verdict.value,
    )


def channel_rows(times: Mapping[str, float]) -> Iterator[Learnt]:
    """A row per channel, of the whole programme; it says nothing of money.

    Args:
        times: How many times as many sales as the average touch.
    """
    for name, found in sorted(times.items()):
        yield Learnt(PROGRAMME, "", "", 0, 0.0, None, None, 0.0, None, None, "", channel=name, times=found)


def write_learnt(rows: Sequence[Learnt], folder: Path) -> Written:
    """Writes the lake table `learnt`; without rows it has its columns."""
    import pyarrow as pa

    numbers = ("touched", "effect", "effect_se", "cost", "response", "share", "per_touch", "per_touch_se",
               "taken_per_touch", "contacts", "reach", "times")  # fmt: skip
    kinds = {"customers": pa.int64()} | dict.fromkeys(numbers, pa.float64())
    found = [asdict(row) for row in rows]
    found = [row | {name: settled(row[name]) for name in numbers} for row in found]
    arrays = {
        one.name: pa.array([row[one.name] for row in found], kinds.get(one.name, pa.string())) for one in fields(Learnt)
    }
    return write_arrow(pa.table(arrays), folder)
