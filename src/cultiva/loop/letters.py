"""Messages whose fate nobody can tell, and those that could not be sent: shown to people, who decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cultiva.execution.budget.service import Budget
from cultiva.execution.dispatch.records import Letter, State
from cultiva.execution.dispatch.service import Letters
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts

TITLES = {
    State.UNKNOWN: Words("去向不明的消息", "messages whose fate is unknown"),
    State.DEAD: Words("未能发出的消息", "messages that could not be sent"),
}
"""State -> what people read above the list."""


def letters_of(parts: Parts) -> Letters:
    """The operator's desk; a message that is given up gives its touch back."""
    budget = Budget.of(parts.store.database, parts.workspace.policy)

    def release(connection: Any, touch_ids: Sequence[str], at: datetime) -> None:
        budget.release(touch_ids, at, confirmed=True, connection=connection)

    return Letters(parts.store.database, release)


def letters_sheet(found: Sequence[Letter], state: State, language: str) -> Sheet:
    """The list with the newest evidence of each."""
    columns = ("delivery", "customer", "channel", "provider", "address", "attempts", "problem", "evidence", "since")
    rows = tuple(
        (
            one.delivery_id,
            one.customer_id,
            one.channel,
            one.provider,
            one.address,
            one.attempts,
            one.problem,
            "; ".join(f"{clue.get('kind', '')} {clue.get('said', '')}".strip() for clue in one.evidence[-2:]),
            one.changed,
        )
        for one in found
    )
    return Sheet(say(TITLES[state], language), columns, rows)
