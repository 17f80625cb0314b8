"""Trying a rule on given values, without a workspace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from cultiva.kit.errors import CultivaError
from cultiva.rules import Explanation, compile_rule, infer_scope


@dataclass(frozen=True)
class Trial:
    """What a rule says of given values."""

    text: str
    """The rule."""
    result: Any
    """True, false, a value, or None for null."""
    explanation: Explanation
    """Clause by clause."""
    on: date
    """The rule's `today`."""


def try_rule(text: str, values: str, on: date) -> Trial:
    """Tries a rule on values given as JSON, without a workspace.

    Args:
        text: The rule.
        values: A JSON object, name -> value; dates as text.
        on: The rule's `today`.

    Raises:
        CultivaError: if the values are no JSON object, or the rule has faults.
    """
    try:
        given = json.loads(values)
    except json.JSONDecodeError as error:
        raise _not_an_object(values, f"{error.msg} at column {error.colno}") from error
    if not isinstance(given, dict):
        raise _not_an_object(values, f"a {type(given).__name__}")
    scope, row = infer_scope(given)
    rule = compile_rule(text, scope)
    return Trial(text, rule.closure(on)(row), rule.explain(row, on), on)


def _not_an_object(text: str, seen: str) -> CultivaError:
    return CultivaError(
        "the values are not a JSON object",
        code="loop.bad_values",
        seen=f"{seen}: {text[:80]}",
        allowed='{"name": value, ...}',
        hint="""write --with '{"last_login": "1994-01-01"}'""",
    )
