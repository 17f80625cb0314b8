"""Words: content and facts become messages and scripts, for a whole batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from cultiva.definitions.content import Content
from cultiva.execution.content.service import Failure, Renderer
from cultiva.execution.dispatch.records import Claimed, Filled, Stopped
from cultiva.execution.outgoing.service import Outgoing, PlainTask, TouchFacts
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.work.knowledge import Knowledge
from cultiva.strategy.lists import with_reasons

if TYPE_CHECKING:
    import polars as pl

NO_CONTENT = "no content for this offer on this channel"


@dataclass(frozen=True)
class Wanted:
    """One text that is wanted."""

    key: str
    """Of the delivery or the task."""
    customer_id: int
    strategy: str
    offer: str
    channel: str
    content: str
    """Name of the content; empty: whichever fits."""


@dataclass(frozen=True)
class Wording:
    """Words deliveries and tasks."""

    knowledge: Knowledge
    renderer: Renderer
    recipients: Recipients
    outgoing: Outgoing
    contents: Mapping[str, Mapping[str, str]]
    """Launch -> step -> the content that its play names."""

    def messages(self, batch: Sequence[Claimed]) -> Mapping[str, Filled | Stopped]:
        """What deliveries say; one without content, or whose facts are missing, is stopped with the reason."""
        touches = self.outgoing.touches([one.touch_id for one in batch])
        known = {one.delivery_id: touches.get(one.touch_id) for one in batch}
        wanted = [self._wanted(one, facts) for one in batch if (facts := known[one.delivery_id]) is not None]
        made: dict[str, Filled | Stopped] = {one.delivery_id: Stopped("its touch is gone") for one in batch}
        return made | self._worded(wanted)

    def tasks(self, plain: Sequence[PlainTask]) -> dict[str, tuple[str, str]]:
        """Task -> reason and script with the facts filled in; a script that cannot be made is empty."""
        wanted = [
            Wanted(one.task_id, one.customer_id, one.strategy, one.offer, one.channel, one.script) for one in plain
        ]
        scripts = self._worded(wanted)
        reasons = self._reasons(plain)
        return {one.task_id: (reasons[one.task_id], _text(scripts.get(one.task_id))) for one in plain}

    def _wanted(self, one: Claimed, facts: TouchFacts) -> Wanted:
        content = self.contents.get(one.launch_id, {}).get(one.step, "")
        return Wanted(one.delivery_id, one.customer_id, facts.strategy, facts.offer, one.channel, content)

    def _worded(self, wanted: Sequence[Wanted]) -> dict[str, Filled | Stopped]:
        """Texts, content by content."""
        found: dict[str, Filled | Stopped] = {}
        chosen = [(self._content(one), one) for one in wanted]
        found |= {one.key: Stopped(NO_CONTENT) for content, one in chosen if content is None}
        named = sorted(((content.name, one) for content, one in chosen if content is not None), key=lambda two: two[0])
        people = self.recipients.of([one.customer_id for one in wanted])
        for name, group in groupby(named, key=lambda two: two[0]):
            some = [one for _, one in group]
            found |= self._rendered(self.renderer.workspace.contents[name], some, people)
        return found

    def _content(self, one: Wanted) -> Content | None:
        named = self.renderer.workspace.contents.get(one.content)
        return named or self.renderer.content_for(one.offer, one.channel, one.strategy)

    def _rendered(
        self, content: Content, some: Sequence[Wanted], people: Mapping[int, Recipient]
    ) -> dict[str, Filled | Stopped]:
        frame = self._frame(content, some, people)
        made = self.renderer.render_many(frame, content)
        return {
            one.key: Stopped(f"{content.name}: {text.reason} {text.about}".strip())
            if isinstance(text, Failure)
            else Filled(text.content)
            for one, text in zip(some, made, strict=True)
        }

    def _frame(self, content: Content, some: Sequence[Wanted], people: Mapping[int, Recipient]) -> pl.DataFrame:
        """A row per text: delivery_id, language, offer, and what the content needs to know."""
        import polars as pl

        names = self.renderer.needs(content).names
        facts = self.knowledge.facts(sorted({one.customer_id for one in some}), names)
        own = self.renderer.workspace.settings.language
        rows = pl.DataFrame(
            {
                "delivery_id": [one.key for one in some],
                "customer_id": [one.customer_id for one in some],
                "offer": [one.offer for one in some],
                "language": [people[one.customer_id].language if one.customer_id in people else own for one in some],
            },
            schema_overrides={"customer_id": pl.Int64},
        )
        return rows.join(facts, on="customer_id", how="left", maintain_order="left")

    def _reasons(self, plain: Sequence[PlainTask]) -> dict[str, str]:
        """Why each customer: the strategy's reason with the facts filled in; any other text as it is."""
        import polars as pl

        workspace, knowledge = self.renderer.workspace, self.knowledge
        lake, on = knowledge.parts.lake, knowledge.on
        rows = pl.LazyFrame(
            {
                "task_id": [one.task_id for one in plain],
                "customer_id": [one.customer_id for one in plain],
                "strategy": [one.strategy for one in plain],
            },
            schema_overrides={"customer_id": pl.Int64},
        )
        profile, customer = lake.files_current("profile", on), lake.files_current("customer", on)
        filled = with_reasons(rows, profile, customer, workspace).select("task_id", "reason").collect()
        told = dict(filled.iter_rows())
        own = {name: one.reason for name, one in workspace.strategies.items()}
        return {
            one.task_id: told.get(one.task_id) or "" if one.reason == own.get(one.strategy) else one.reason
            for one in plain
        }


def _text(made: Filled | Stopped | None) -> str:
    return made.content.get("text", "") if isinstance(made, Filled) else ""
