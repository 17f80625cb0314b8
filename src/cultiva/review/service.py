"""The use case of review: what became of everyone who takes part in an experiment, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from cultiva.contracts.decision import offer_experiment
from cultiva.contracts.readout import Contrast, Flag, Readout, Recommendation, StrategyReview, Verdict
from cultiva.contracts.types import Column, DataType
from cultiva.definitions.offers import Offer
from cultiva.definitions.review import CONTRIBUTION
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files, Written
from cultiva.kit.words import Words
from cultiva.review import wording
from cultiva.review.asking import Asked, asked
from cultiva.review.beliefs import prior_of, projection
from cultiva.review.counts import Counts, Part, count
from cultiva.review.design import CLUSTER, PROGRAMME, WAITING, ReviewDesign
from cultiva.review.effects import ALL, CELL, alarms, measured, readouts, shares_of_control
from cultiva.review.learning import Learnt, Lessons, channel_rows, learnt_of, write_learnt
from cultiva.review.measure import CheckName, Design, Measurement, Standing
from cultiva.review.novelty import novelties
from cultiva.review.panel import NET, slice_strategy, write_panel
from cultiva.review.panel_inputs import KEY, PanelInputs
from cultiva.review.ramp import Ramped, standing
from cultiva.review.sales import Cell, Sides, count_sales, standings
from cultiva.review.sales import Standing as Selling
from cultiva.review.statistics.reasons import NONE as NOTHING
from cultiva.review.tables import write_flags, write_readouts, write_verdicts
from cultiva.review.verdict import Case, recommend, recommend_slice

ReviewInputs = PanelInputs
"""What a review reads."""
REACH = (Column("strategy", DataType.TEXT), Column("stage", DataType.TEXT), Column("reach", DataType.NUMBER))
"""Columns of the lake table `learnt` that say how far strategies have come."""


@dataclass(frozen=True)
class ReviewFolders:
    """New folders for the lake tables of a review."""

    readout: Path
    verdict: Path
    flag: Path
    learnt: Path


@dataclass(frozen=True)
class ReviewFound:
    """What a review found and wrote."""

    reviews: tuple[StrategyReview, ...]
    """The whole programme first, then strategies, offers with a holdout of their own, health experiments."""
    learnt: tuple[Learnt, ...]
    written: Mapping[str, Written]
    """Lake table -> what was written."""


def review(engine: Engine, inputs: ReviewInputs, workspace: Workspace, on: date, folders: ReviewFolders) -> ReviewFound:
    """Reviews every strategy, the whole programme and the health experiments as of a business date.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its strategies, offers, costs and review.
        on: Business date.
        folders: Where to write; the analysis table lies beside the readouts meanwhile.

    Returns:
        What was found; a strategy without results is there with the reason.
    """
    design = ReviewDesign(workspace)
    panel = folders.readout.with_name(folders.readout.name + "-panel")
    results = panel.with_name(panel.name + "-results")
    try:
        files, sales = _written_panel(engine, inputs, design, on, panel)
        found = measured(engine, files, design, _how(design, on)) if files else Measurement((), ())
        counts = count(engine, files, design) if files else {}
        began = _began(engine, files) if files else {}
        moving = tuple(novelties(engine, inputs, design, on)) if files else ()
    finally:
        shutil.rmtree(panel, ignore_errors=True)
        shutil.rmtree(results, ignore_errors=True)
    return _written(_Reviewer(design, on, found, counts, began, moving, sales, _shown(engine, inputs)), on, folders)


def _written_panel(
    engine: Engine, inputs: ReviewInputs, design: ReviewDesign, on: date, panel: Path
) -> tuple[Files, Mapping[Cell, Sides]]:
    """The analysis table, if anybody has results, and sales; who waits on a ramp is compared by sales only."""
    if not inputs.exposure:
        return (), {}
    if design.workspace.review.ramp is None:
        written = write_panel(engine, inputs, design, on, panel)
        return ([panel] if written.rows else []), {}
    every = panel.with_name(panel.name + "-every")
    try:
        write_panel(engine, inputs, design, on, every, waiting=True)
        rows = engine.scan([every])
        written = engine.write(rows.filter(rows.arm != WAITING), panel, sort_by=KEY)
        sales = count_sales(engine, [every])
    finally:
        shutil.rmtree(every, ignore_errors=True)
        shutil.rmtree(every.with_name(every.name + "-results"), ignore_errors=True)
    mine = {cell: one for cell, one in sales.items() if cell[0] in design.workspace.strategies}
    return ([panel] if written.rows else []), mine


def _how(design: ReviewDesign, on: date) -> Design:
    review = design.workspace.review
    return Design(
        metrics=(),
        reached="reached" if design.by_person else None,
        reached_of=design.by_person,
        clusters=dict.fromkeys(design.clustered, CLUSTER),
        control_shares=shares_of_control(design),
        trim_share=review.trim_share,
        confidence=review.confidence,
        horizon_days=review.horizon_days,
        business_date=on,
    )


def _shown(engine: Engine, inputs: ReviewInputs) -> frozenset[str]:
    """Strategies of which touches were known to sell by the review before."""
    if not inputs.learnt:
        return frozenset()
    rows = engine.scan(inputs.learnt, columns=REACH)
    return frozenset(row["strategy"] for row in engine.fetch(rows.filter(rows.reach >= 1)).to_pylist() if row["stage"])


def _began(engine: Engine, panel: Files) -> dict[str, date]:
    """First enrolment by strategy."""
    table = engine.scan(panel)
    first = table.group_by("strategy").aggregate(first=table.enrolled_on.min())
    return {row["strategy"]: row["first"] for row in engine.fetch(first).to_pylist()}


def _written(reviewer: _Reviewer, on: date, folders: ReviewFolders) -> ReviewFound:
    reviews = reviewer.reviews()
    learnt = reviewer.learnt()
    written = {
        "readout": write_readouts(reviews, on, folders.readout),
        "verdict": write_verdicts(reviews, on, folders.verdict),
        "flag": write_flags(reviews, on, folders.flag),
        "learnt": write_learnt(learnt, folders.learnt),
    }
    return ReviewFound(reviews, learnt, written)


@dataclass(frozen=True)
class _Reviewer:
    """Puts readouts, checks and counts together, strategy by strategy."""

    design: ReviewDesign
    on: date
    found: Measurement
    counts: Mapping[Part, Counts]
    began: Mapping[str, date]
    moving: Sequence[Flag] = ()
    """Effects that move with the weeks."""
    sales: Mapping[Cell, Sides] = field(default_factory=dict)
    """By strategy, offer and channel; only where touches begin on a ramp."""
    shown: frozenset[str] = frozenset()
    """Strategies of which touches were known to sell before."""

    @cached_property
    def readouts(self) -> Mapping[str, tuple[Readout, ...]]:
        """All readouts by strategy."""
        by: dict[str, list[Readout]] = {}
        for one in readouts(self.found.effects, self.design):
            by.setdefault(one.strategy, []).append(one)
        return {name: tuple(rows) for name, rows in by.items()}

    @cached_property
    def cases(self) -> Mapping[str, Recommendation]:
        """Verdicts by strategy."""
        return {one.name: self._recommended(self._lessons(one.name, one.offers)) for one in self._strategies()}

    def reviews(self) -> tuple[StrategyReview, ...]:
        """The programme, strategies, offers with a holdout of their own, health experiments."""
        slices = [slice_strategy(name.value) for name, _ in self.design.slices]
        usual = slice_strategy(self.design.workspace.review.rank_by.value)
        return (
            self._review(PROGRAMME, wording.PROGRAMME, self._programme()),
            *(self._review(one.name, Words(one.label.zh, one.label.en), self.cases[one.name])
              for one in self._strategies()),
            *(self._review(name, wording.of_offer(one.label), self._recommended(self._lessons(name, (one.name,))))
              for name, one in self._offers().items()),
            *(self._review(name, wording.SLICES[name], recommend_slice(name, self._main(name, NET), self.on))
              for name in slices if name != usual),
        )  # fmt: skip

    def learnt(self) -> tuple[Learnt, ...]:
        """Rows of all strategies for the next plan."""
        channels = channel_rows(self._asked.ways)
        return (*(row for one in self._strategies() for row in self._learnt(one)), *channels)

    @cached_property
    def _asked(self) -> Asked:
        offers = self.design.workspace.offers
        return asked(self.sales, lambda name: offers[name].prior_worth if name in offers else 0.0)

    @cached_property
    def _selling(self) -> Mapping[str, Selling]:
        ramp = self.design.workspace.review.ramp
        return {} if ramp is None else standings(self.sales, [one.name for one in self._strategies()], ramp)

    def _learnt(self, one: Strategy) -> tuple[Learnt, ...]:
        review, lessons = self.design.workspace.review, self._lessons(one.name, one.offers)
        rows = tuple(learnt_of(lessons, self.cases[one.name].verdict, exploration=review.exploration))
        if review.ramp is None:
            return rows
        days = (self.on - self.began.get(one.name, self.on)).days
        sales, before = self._selling[one.name], one.name in self.shown
        ramped = Ramped(review.ramp, self.design.workspace, days, sales, self._asked, before)
        return standing(rows, lessons, ramped)

    def _strategies(self) -> list[Strategy]:
        known = set(self.began)
        return [one for one in self.design.workspace.strategies.values() if one.active or one.name in known]

    def _offers(self) -> dict[str, Offer]:
        """Offers with a holdout of their own, by the names of their experiments."""
        offers = {offer_experiment(one.name): one for one in self.design.workspace.offers.values()}
        return {name: one for name, one in offers.items() if one.holdout > 0 or name in self.began}

    def _whole(self, strategy: str) -> Counts:
        return self.counts.get((strategy, "", ""), Counts())

    def _main(self, strategy: str, metric: str = CONTRIBUTION) -> Readout | None:
        for one in self.readouts.get(strategy, ()):
            if (one.metric, one.dimension, one.contrast) == (metric, ALL, Contrast.ITT):
                return one
        return None

    def _lessons(self, strategy: str, offers: tuple[str, ...]) -> Lessons:
        whole, workspace = self._whole(strategy), self.design.workspace
        return Lessons(
            strategy=strategy,
            names=offers,
            prior=prior_of(offers, workspace, whole.cost_mean),
            priors={name: prior_of((name,), workspace, whole.cost_mean) for name in offers},
            scale=projection(whole.days_mean, self.design.horizon_days),
            readouts=self.readouts.get(strategy, ()),
            cells=CELL if len(self.design.groups) > 1 else f"group:{''.join(self.design.groups)}",
            counts=self.counts,
        )

    def _recommended(self, lessons: Lessons) -> Recommendation:
        name = lessons.strategy
        single = [one for one in lessons.readouts if one.dimension.startswith("group:")]
        return recommend(
            Case(
                strategy=name,
                on=self.on,
                horizon_days=self.design.horizon_days,
                main=self._main(name),
                groups=single,
                belief=lessons.believed(),
                counts=self._whole(name),
                offers=lessons.offers,
                broken=self._broken(name),
                scale=lessons.scale,
                since=self.began.get(name),
            )
        )

    def _programme(self) -> Recommendation:
        main = self._main(PROGRAMME, NET)
        said = recommend_slice(PROGRAMME, main, self.on)
        if main is None or main.effect is None:
            whole = self._whole(PROGRAMME)
            words = wording.unmeasured(whole.customers, whole.control, NOTHING if main is None else main.reason)
            return Recommendation(PROGRAMME, Verdict.WAIT, said.until, None, None, "", words)
        words = wording.programme(main.effect, said.verdict)
        return Recommendation(PROGRAMME, said.verdict, said.until, said.expected, None, "", words)

    def _broken(self, strategy: str) -> Words:
        for check in self.found.checks:
            if check.strategy == strategy and check.name is CheckName.SAMPLE_RATIO:
                return check.sentence if check.standing is Standing.ALARM else NOTHING
        return NOTHING

    def _review(self, name: str, label: Words, said: Recommendation) -> StrategyReview:
        whole, main, net = self._whole(name), self._main(name), self._main(name, NET)
        return StrategyReview(
            strategy=name,
            label=label,
            readouts=self.readouts.get(name, ()),
            flags=self._flags(name),
            recommendation=said,
            cost=whole.cost,
            gross=whole.gross if main is not None else None,
            incremental=main.total if main is not None else None,
            net=net.total if net is not None else None,
            days=whole.days_mean,
        )

    def _flags(self, strategy: str) -> tuple[Flag, ...]:
        mine: Sequence[Flag] = [
            Flag(one.strategy, one.name.value, one.subject, one.standing.value, one.sentence)
            for one in alarms(self.found.checks)
            if one.strategy == strategy
        ]
        return (*mine, *(one for one in self.moving if one.strategy == strategy))
