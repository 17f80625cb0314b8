"""A review with results, published over the empty one of the small bank's first night."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from tests.api.banks import NOW

from cultiva.contracts.readout import Contrast, Flag, Readout, Recommendation, StrategyReview, Verdict
from cultiva.kit.words import Words
from cultiva.loop.parts import Parts
from cultiva.review.tables import write_flags, write_readouts, write_verdicts

ALL = "(all)"


class OverParts(Protocol):
    """What stands over an opened bank."""

    @property
    def parts(self) -> Parts:
        """The bank's."""


def readout(strategy: str, effect: float, **more: Any) -> Readout:
    """An effect per customer with an interval of a tenth of it, and ten."""
    treated, control = int(more.pop("treated", 900)), int(more.pop("control", 100))
    half = 10 + abs(effect) / 10
    found = Readout(
        strategy=strategy, dimension="all", group="", metric="contribution", unit="money", contrast=Contrast.ITT,
        customers_treated=treated, customers_control=control, mean_treated=50.0, mean_control=50.0 - effect,
        effect=effect, se=half / 2, low=effect - half, high=effect + half, always_low=effect - 2 * half,
        always_high=effect + 2 * half, p_value=0.25, shrunk=effect / 2, shrunk_se=1.0, total=effect * treated,
    )  # fmt: skip
    return replace(found, **more)


def review_of(
    strategy: str, effect: float, verdict: Verdict, *more: Readout, flags: tuple[Flag, ...] = ()
) -> StrategyReview:
    """A review of one strategy; it costs 450."""
    main = readout(strategy, effect)
    assert main.total is not None
    said = Recommendation(
        strategy, verdict, None, 1234.0, 0.75, "", Words(f"理由 {strategy}", f"because of {strategy}")
    )
    return StrategyReview(
        strategy=strategy, label=Words(f"策略 {strategy}", f"strategy {strategy}"), readouts=(main, *more), flags=flags,
        recommendation=said, cost=450.0, gross=45_000.0, incremental=main.total, net=main.total - 450.0, days=21.4,
    )  # fmt: skip


def publish(console: OverParts, *reviews: StrategyReview) -> None:
    """Makes them the review of the newest business date."""
    parts, on = console.parts, console.parts.newest_date()
    snapshots = []
    for table, write in (("readout", write_readouts), ("verdict", write_verdicts), ("flag", write_flags)):
        folder = parts.lake.stage(table, on, run_id=f"{on}.9")
        written = write(reviews, on, folder)
        snapshots.append(parts.lake.snapshot(table, on, folder, written, run_id=f"{on}.9"))
    parts.store.snapshots.publish(snapshots, step="review", at=NOW)
