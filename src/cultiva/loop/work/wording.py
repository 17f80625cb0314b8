"""Words: content and facts become messages and scripts, for a whole batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cultiva.definitions.content import Content, chosen
from cultiva.execution.content.service import Failure, Renderer
from cultiva.execution.dispatch.records import Claimed, Filled, Stopped
from cultiva.execution.outgoing.service import Outgoing, PlainTask, TouchFacts
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.previews import values_of
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
    launch_id: str


@dataclass(frozen=True)
class Script:
    """What one launch says, as it was approved."""

    contents: Mapping[str, Content]
    """By name."""
    steps: Mapping[str, str]
    """Step -> the content that its play names."""


NOTHING = Script({}, {})
"""Of what belongs to no launch."""


@dataclass(frozen=True)
class Wording:
    """Words deliveries and tasks."""

    knowledge: Knowledge
    renderer: Renderer
    recipients: Recipients
    outgoing: Outgoing
    scripts: Mapping[str, Script]
    """Launch -> what it says."""

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
            Wanted(one.task_id, one.customer_id, one.strategy, one.offer, one.channel, one.script, one.launch_id)
            for one in plain
        ]
        scripts = self._worded(wanted)
        reasons = self._reasons(plain)
        return {one.task_id: (reasons[one.task_id], _text(scripts.get(one.task_id))) for one in plain}

    def _wanted(self, one: Claimed, facts: TouchFacts) -> Wanted:
        content = self.scripts.get(one.launch_id, NOTHING).steps.get(one.step, "")
        return Wanted(
            one.delivery_id, one.customer_id, facts.strategy, facts.offer, one.channel, content, one.launch_id
        )

    def _worded(self, wanted: Sequence[Wanted]) -> dict[str, Filled | Stopped]:
        """Texts, content by content."""
        found: dict[str, Filled | Stopped] = {}
        people = self.recipients.of([one.customer_id for one in wanted])
        by_content: dict[tuple[str, str], tuple[Content, list[Wanted]]] = {}
        for one in wanted:
            content = self._content(one)
            if content is None:
                found[one.key] = Stopped(NO_CONTENT)
            else:
                by_content.setdefault((one.launch_id, content.name), (content, []))[1].append(one)
        for content, some in by_content.values():
            found |= self._rendered(content, some, people)
        return found

    def _content(self, one: Wanted) -> Content | None:
        """The content that a step names, else the one that fits: as approved with the launch."""
        contents = self.scripts.get(one.launch_id, NOTHING).contents
        return contents.get(one.content) or chosen(contents, one.offer, one.channel, one.strategy)

    def _rendered(
        self, content: Content, some: Sequence[Wanted], people: Mapping[int, Recipient]
    ) -> dict[str, Filled | Stopped]:
        made = self.renderer.render_many(self._frame(content, some, people), content)
        return {
            one.key: Stopped(f"{content.name}: {text.reason} {text.about}".strip())
            if isinstance(text, Failure)
            else Filled(text.content)
            for one, text in zip(some, made, strict=True)
        }

    def _frame(self, content: Content, some: Sequence[Wanted], people: Mapping[int, Recipient]) -> pl.DataFrame:
        """A row per text: delivery_id, language, offer, and what the content needs to know."""
        import polars as pl

        needs, known = self.renderer.needs(content), self.knowledge
        facts = values_of(known.parts, needs, sorted({one.customer_id for one in some}), known.on)
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
