"""Models of a business date: what was known of those who enrol is kept, and now and then models learn from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cultiva.definitions.models import ModelKind
from cultiva.engine.port import Files, Written
from cultiva.loop.inputs import mergers, review_inputs
from cultiva.loop.parts import Parts
from cultiva.loop.steps import Step, StepContext
from cultiva.loop.titles import STEPS
from cultiva.store import StepResult
from cultiva.strategy.ranking import Ranking, read_learnt

MODELS, FEATURES = "model", "feature_log"
"""Lake tables: models as files with their cards; what was known of customers on the day they enrolled."""
FORECASTS = (ModelKind.ATTRITION, ModelKind.NEXT_PRODUCT)
PANEL = ("treated", "held_out")
"""Arms of exposures that models may learn from."""


def model_steps(parts: Parts, on: date) -> tuple[Step, ...]:
    """Steps `features`, after the exposures, and `models`, after the review; none where the bank wants no models."""
    if not parts.workspace.models.train:
        return ()
    day = _Modelling(parts, on)
    return (
        Step("features", STEPS["features"], ("exposure",), day.features),
        Step("models", STEPS["models"], ("features", "review"), day.models),
    )


def models_in_use(parts: Parts, on: date) -> Files:
    """The models that the plan of a date is pinned to: those of the newest date before it."""
    return parts.lake.files_before(MODELS, on)


@dataclass(frozen=True)
class _Modelling:
    parts: Parts
    on: date

    def features(self, context: StepContext) -> StepResult:
        """Keeps what the plan knew of those who enrol today."""
        from cultiva.strategy.models.experience import LogInputs, log_features

        lake, folder = self.parts.lake, self.parts.lake.stage(FEATURES, self.on, run_id=context.run_id)
        profile = lake.catalogue.current("profile", self.on)
        assert profile is not None, "the plan has read it"
        inputs = LogInputs(lake.files_current("exposure", self.on), [lake.folder(profile)], profile.business_date)
        written = log_features(self.parts.engine, inputs, self.parts.workspace, self.on, folder)
        return StepResult((self._published(FEATURES, folder, written, context),), rows=written.rows)

    def models(self, context: StepContext) -> StepResult:
        """Trains, where the last training is old enough and there is enough to learn from; scores who may leave."""
        why = self._not_due()
        if why:
            return StepResult(self._scores(context, self.parts.lake.files_before(MODELS, self.on)), detail=why)
        from cultiva.review.experience import write_experience
        from cultiva.strategy.models.service import train

        lake, workspace = self.parts.lake, self.parts.workspace
        folder = lake.stage(MODELS, self.on, run_id=context.run_id)
        work = folder.with_name(folder.name + "-experience")
        try:
            panel = write_experience(
                self.parts.engine, review_inputs(self.parts, self.on), workspace, self.on, work / "panel"
            )
            inputs = self._training(work, panel)
            found = train(self.parts.engine, inputs, workspace, self.on, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if found.written is None:
            folder.rmdir()
            return StepResult(detail=found.detail)
        published = self._published(MODELS, folder, found.written, context)
        return StepResult((published, *self._scores(context, [folder])), rows=panel.rows, detail=found.detail)

    def _not_due(self) -> dict[str, Any] | None:
        """Why nothing is trained today; None if something may be."""
        models, last = self.parts.workspace.models, self.parts.lake.catalogue.before(MODELS, self.on)
        if last is not None and (self.on - last.business_date).days < self._wait():
            return {"trained_on": last.business_date.isoformat()}
        exposures = self._exposures()
        if exposures < models.rows_min and not self._asked():
            return {"exposures": exposures, "needed": models.rows_min}
        return None

    def _wait(self) -> int:
        """Days between two trainings; half as many as long as no model of effect has earned its place."""
        from cultiva.strategy.models.files import champions, read_models

        models = self.parts.workspace.models
        wanted = ModelKind.EFFECT in models.train
        found = champions(read_models(self.parts.lake.files_before(MODELS, self.on))) if wanted else {}
        return models.every_days // 2 if wanted and ModelKind.EFFECT.value not in found else models.every_days

    def _exposures(self) -> int:
        """Exposures old enough to have results, from one column of the log."""
        engine, models = self.parts.engine, self.parts.workspace.models
        log = engine.scan(self.parts.lake.files_current("exposure", self.on))
        old = log.enrolled_on <= self.on - timedelta(days=models.days_min)
        mine = log.strategy.isin(list(self.parts.workspace.strategies)) & log.arm.isin(list(PANEL))
        return int(engine.fetch(log.aggregate(rows=log.count(where=old & mine)))["rows"][0].as_py())

    def _training(self, work: Path, panel: Written) -> Any:
        from cultiva.strategy.models.service import TrainingInputs

        lake = self.parts.lake
        history = lake.catalogue.history(FEATURES, self.on)
        return TrainingInputs(
            panel=[work / "panel"] if panel.rows else [],
            features=[lake.folder(one) for one in history],
            previous=lake.files_before(MODELS, self.on),
            mergers=mergers(self.parts, self.on),
            anchors=self._anchors(),
            seen=self._seen(work),
            fingerprints={
                "panel": panel.fingerprint,
                **{f"{FEATURES}:{one.business_date}": one.fingerprint for one in history[-1:]},
            },
        )

    def _anchors(self) -> dict[tuple[str, str], Any]:
        """What the next plan would believe of an exposure without a model: what sales say where touches are weighed.

        Elsewhere money of the strategy as a whole, as review believes it.
        """
        from cultiva.strategy.models.service import Anchor

        learnt = read_learnt(self.parts.engine, self.parts.lake.files_current("learnt", self.on))
        whole = {
            (strategy, ""): Anchor(worth + learnt.costs.get(strategy, 0.0))
            for (strategy, cell), (worth, _) in learnt.cells.items() if not cell
        }  # fmt: skip
        weighed = Ranking(self.parts.workspace, learnt, self.on).anchors()
        return whole | {pair: Anchor(effect, se) for pair, (effect, se) in weighed.items()}

    def _asked(self) -> list[ModelKind]:
        """Forecasts whose scores some tag reads."""
        workspace = self.parts.workspace
        scores = {tag.score.model for tag in workspace.tags.values() if tag.score is not None}
        return [kind for kind in FORECASTS if kind in workspace.models.train and kind.value in scores]

    def _seen(self, work: Path) -> dict[ModelKind, Any]:
        """An earlier profile, a horizon ago or as near to it as the lake goes, and what became of its customers."""
        from cultiva.strategy.models.forecasts import Seen

        asked, lake = self._asked(), self.parts.lake
        latest = self.on - timedelta(days=self.parts.workspace.models.every_days)
        old = lake.catalogue.history("profile", latest) if asked else ()
        horizon = self.on - timedelta(days=self.parts.workspace.review.horizon_days)
        if not old:
            return {}
        then = min(old, key=lambda one: abs((one.business_date - horizon).days))
        found = {}
        for kind in asked:
            labels = (
                self._left([lake.folder(then)]) if kind is ModelKind.ATTRITION else self._opened(then.business_date)
            )
            self.parts.engine.write(labels, work / kind.value)
            found[kind] = Seen([lake.folder(then)], then.business_date, [work / kind.value])
        return found

    def _left(self, then: Files) -> Any:
        """Of those who had not left then: `1` for who has now, or is no longer there."""
        import ibis

        engine, gone = self.parts.engine, list(self.parts.workspace.models.attrition.stages)
        before, now = engine.scan(then), engine.scan(self.parts.lake.files_current("profile", self.on))
        here = before.filter(before.stage.notin(gone)).select("customer_id")
        stages = now.select(now_id=now.customer_id, stage=now.stage)
        joined = here.left_join(stages, here.customer_id == stages.now_id)
        left = joined.now_id.isnull() | joined.stage.isin(gone)
        return joined.select("customer_id", label=ibis.ifelse(left, "1", "0"))

    def _opened(self, then: date) -> Any:
        """The category of the first account that each customer opened since then; empty for who opened none."""
        import ibis

        engine, lake = self.parts.engine, self.parts.lake
        now = engine.scan(lake.files_current("profile", self.on)).select("customer_id")
        held = engine.scan(lake.files_current("holding", self.on))
        fresh = held.filter((held.opened_on > ibis.literal(then)) & held.category.notnull())
        first = ibis.window(group_by="customer_id", order_by=["opened_on", "account_id"])
        firsts = fresh.mutate(place=ibis.row_number().over(first)).filter(lambda one: one.place == 0)
        opened = firsts.select(opener_id=firsts.customer_id, category=firsts.category)
        joined = now.left_join(opened, now.customer_id == opened.opener_id)
        return joined.select("customer_id", label=joined.category.fill_null(""))

    def _scores(self, context: StepContext, files: Files) -> tuple[Any, ...]:
        """Scores that tags read, by the models in use."""
        asked = self._asked()
        if not asked or not files:
            return ()
        from cultiva.strategy.models.forecasts import forecast
        from cultiva.strategy.models.service import pin

        pinned, found = pin(files, self.parts.workspace), []
        profile = self.parts.lake.files_current("profile", self.on)
        for kind in asked:
            if (model := pinned.models.get(kind.value)) is not None:
                table = f"score_{kind.value}"
                folder = self.parts.lake.stage(table, self.on, run_id=context.run_id)
                written = forecast(self.parts.engine, profile, model, pinned.types, on=self.on, folder=folder)
                found.append(self._published(table, folder, written, context))
        return tuple(found)

    def _published(self, table: str, folder: Path, written: Written, context: StepContext) -> Any:
        return self.parts.lake.snapshot(table, self.on, folder, written, run_id=context.run_id)
