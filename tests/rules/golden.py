"""Golden text pairs: a rule, a line of dashes, what is expected, a line of equals signs."""

from __future__ import annotations

from pathlib import Path

from cultiva.contracts.types import DataType as T
from cultiva.rules import Scope, check_rule, compile_rule, show_fault
from cultiva.rules.render import render

FOLDER = Path(__file__).parents[1] / "goldens"
SCOPE = Scope(
    names={
        "aum": T.MONEY,
        "age": T.INTEGER,
        "stage": T.TEXT,
        "name": T.TEXT,
        "last_login": T.DATE,
        "at": T.TIMESTAMP,
        "a_flag": T.BOOLEAN,
        "tags": T.LIST,
    },
    segments={
        "wealthy": "aum >= 300000",
        "broken": "aun > 1",
        "loop": "segment('knot') or age > 1",
        "knot": "segment('loop')",
    },
    list_segments=frozenset({"vip"}),
    events={"loan_started": {"amount": T.NUMBER, "product": T.TEXT}},
    constants={"rate": 0.5},
)
"""What the golden rules may name."""


def pairs(name: str) -> list[tuple[str, str]]:
    """The pairs of a file."""
    blocks = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("\n====\n")
    return [(rule, expected) for rule, _, expected in (block.partition("\n----\n") for block in blocks) if rule.strip()]


def faults_of(text: str) -> str:
    """What a user reads about a condition."""
    return "\n".join(show_fault(text, fault) for fault in check_rule(text, SCOPE, expected=T.BOOLEAN)) or "no fault"


def spelled(text: str) -> str:
    """A rule in canonical spelling."""
    return render(compile_rule(text, SCOPE).node)
