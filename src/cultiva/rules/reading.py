"""Text to SQLGlot's tree, within limits, with every failure turned into a fault.

SQLGlot only parses: functions are left as written, so that only the function table says what exists.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parser import Parser as SqlParser
from sqlglot.tokens import Tokenizer as SqlTokenizer

from cultiva.kit.errors import Fault
from cultiva.rules.faults import make_fault

LENGTH_MAX = 20_000
"""Longest text of a rule, in characters."""
BRACKETS_MAX = 30
"""Deepest nesting of brackets."""
TREES_KEPT, KEPT_LENGTH_MAX = 1_024, 300
"""Trees of so many texts of at most so many characters, read last, are kept: a large workspace's rules, and at worst
some tens of MB whatever is asked."""


class RuleSQL(Dialect):
    """SQL without any function known to SQLGlot."""

    class Tokenizer(SqlTokenizer):
        """Words that are operators elsewhere are names here."""

        KEYWORDS: ClassVar[dict[str, Any]] = {
            word: token for word, token in SqlTokenizer.KEYWORDS.items() if word not in {"DIV", "VALUES"}
        }

    class Parser(SqlParser):
        """Every function call stays as written."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CASE": SqlParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}


_DIALECT = RuleSQL()


def read_tree(text: str) -> tuple[exp.Expr | None, list[Fault]]:
    """Parses a rule.

    Returns:
        SQLGlot's tree and no faults, or None and the faults.
    """
    found = _check_text(text) or _parse(text)
    return (None, [found]) if isinstance(found, Fault) else (found, [])


def _trees(text: str) -> list[exp.Expr | None]:
    return _DIALECT.parse_into(exp.Condition, text)


_kept_trees = lru_cache(maxsize=TREES_KEPT)(_trees)
"""The same, and nobody changes them: a night checks the same definitions several times."""


def _parse(text: str) -> exp.Expr | Fault:
    try:
        trees = _kept_trees(text) if len(text) <= KEPT_LENGTH_MAX else _trees(text)
    except ParseError as error:
        return _parse_fault(text, error)
    except RecursionError:
        return _too_deep(text, 0)
    except Exception as error:  # whatever a parser of all of SQL trips over is a fault of the text
        why = str(error).splitlines()[0] if isinstance(error, SqlglotError) else type(error).__name__
        return _unreadable(text, why)
    if len(trees) != 1 or trees[0] is None:
        return _unreadable(text, "more than one expression" if len(trees) > 1 else "no expression")
    return trees[0]


def _check_text(text: str) -> Fault | None:
    if not text.strip():
        return make_fault(text, 0, "empty", "the rule is empty", allowed="an expression, e.g. aum >= 50000")
    if len(text) > LENGTH_MAX:
        return make_fault(
            text,
            LENGTH_MAX,
            "too_long",
            "the rule is too long",
            seen=f"{len(text)} characters",
            allowed=f"at most {LENGTH_MAX}",
            hint="make tags or segments of its parts",
        )
    odd = re.search("[\x00\ud800-\udfff]", text)
    if odd:
        return make_fault(
            text, odd.start(), "bad_character", "a character that no text can hold", seen=f"code point {ord(odd[0])}"
        )
    return _check_brackets(text)


def _check_brackets(text: str) -> Fault | None:
    """Brackets outside of texts and comments: nested not too deep, and balanced."""
    opened: list[int] = []
    for found in re.finditer(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|[()]", text, re.DOTALL):
        if found[0] == "(":
            opened.append(found.start())
            if len(opened) > BRACKETS_MAX:
                return _too_deep(text, found.start())
        elif found[0] == ")":
            if not opened:
                return make_fault(text, found.start(), "bracket", "a bracket that nothing opens", seen=")")
            opened.pop()
    if opened:
        return make_fault(text, opened[-1], "bracket", "a bracket that nothing closes", seen="(", hint="add )")
    return None


def _too_deep(text: str, offset: int) -> Fault:
    return make_fault(
        text,
        offset,
        "too_deep",
        "the rule is nested too deeply",
        allowed=f"at most {BRACKETS_MAX} brackets within each other",
        hint="make a tag or a segment of a part of it",
    )


def _unreadable(text: str, why: str) -> Fault:
    quotes = text.count("'") % 2
    return make_fault(
        text,
        text.rfind("'") if quotes else 0,
        "syntax",
        "a text that nothing closes" if quotes else "the rule cannot be read",
        seen=text[text.rfind("'") :][:20] if quotes else why,
        allowed="one expression, e.g. aum >= 50000 and stage = 'mature'",
        hint="close it with '; a quote within a text is written twice" if quotes else "",
    )


def _parse_fault(text: str, error: ParseError) -> Fault:
    first = error.errors[0] if error.errors else {}
    offset = _offset(text, first)
    message = str(first.get("description", "")).split(" for <")[0]
    wanted = "Required keyword" in message
    side = "left" if "'this'" in message else "right"
    return make_fault(
        text,
        offset,
        "syntax",
        f"an operator has nothing on its {side}" if wanted else "this cannot stand here",
        seen=str(first.get("highlight", "")) or text[offset : offset + 20],
        allowed="a value, a name or a function" if wanted else "an operator, or the end of the rule",
        hint=_hint(str(first.get("highlight", ""))),
    )


def _offset(text: str, first: dict[str, Any]) -> int:
    """Where the highlighted token begins: SQLGlot gives the line and the column of its end."""
    lines = text.split("\n")
    line = max(1, int(first.get("line") or 1))
    column = int(first.get("col") or 1)
    start = sum(len(part) + 1 for part in lines[: line - 1])
    return max(0, min(len(text) - 1, start + column - len(str(first.get("highlight") or " "))))


def _hint(word: str) -> str:
    return {
        "&&": "write and",
        "&": "write and",
        "|": "write or; || joins texts",
        "==": "write =",
        "!": "write not",
        "then": "write case when ... then ... end, or if(condition, a, b)",
    }.get(word.lower(), "")
