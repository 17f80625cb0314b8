"""Evaluations per second of one rule with ten conditions, one customer at a time, beside public rule engines.

Every engine gets the same rows (a mixture of customers, some values null) and must give the same answer: the rule is
spelled for each as its own documentation says, with a guard where it cannot compare null.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import date
from time import perf_counter, process_time
from typing import Any

from cultiva.contracts.types import DataType
from cultiva.rules import Scope, compile_rule

DESCRIPTION = "evaluations per second of a 10-condition rule for one customer, beside public rule engines"
TODAY = date(2026, 7, 1)
ROWS = {"small": 2_000, "default": 20_000, "large": 100_000}
"""Rows per round."""
REPEATS = 5
SCOPE = Scope(
    {
        "age": DataType.INTEGER,
        "aum": DataType.NUMBER,
        "balance": DataType.NUMBER,
        "stage": DataType.TEXT,
        "risk": DataType.TEXT,
        "days_idle": DataType.INTEGER,
        "products": DataType.INTEGER,
        "city": DataType.TEXT,
        "consent": DataType.BOOLEAN,
        "income": DataType.NUMBER,
        "loan": DataType.NUMBER,
    }
)
RULE = """
    age >= 25 and age <= 65
    and (aum >= 100000 or income > 20000)
    and stage in ('growing', 'mature', 'honeymoon')
    and not (risk = 'C5')
    and days_idle < 90
    and products >= 2
    and starts_with(city, '3')
    and consent
    and balance + loan < 1000000
"""
ZEN = """
    age != null and age >= 25 and age <= 65
    and ((aum != null and aum >= 100000) or (income != null and income > 20000))
    and stage in ['growing', 'mature', 'honeymoon']
    and risk != null and not (risk == 'C5')
    and days_idle != null and days_idle < 90
    and products != null and products >= 2
    and city != null and startsWith(city, '3')
    and consent == true
    and balance != null and loan != null and balance + loan < 1000000
"""
RULE_ENGINE = """
    age != null and age >= 25 and age <= 65
    and ((aum != null and aum >= 100000) or (income != null and income > 20000))
    and stage in ['growing', 'mature', 'honeymoon']
    and risk != null and not (risk == 'C5')
    and days_idle != null and days_idle < 90
    and products != null and products >= 2
    and city != null and city.starts_with('3')
    and consent == true
    and balance != null and loan != null and balance + loan < 1000000
"""


def _var(name: str) -> dict[str, str]:
    return {"var": name}


def _given(name: str) -> dict[str, Any]:
    return {"!==": [_var(name), None]}


JSON_LOGIC: dict[str, Any] = {
    "and": [
        _given("age"),
        {"<=": [25, _var("age"), 65]},
        {
            "or": [
                {"and": [_given("aum"), {">=": [_var("aum"), 100000]}]},
                {"and": [_given("income"), {">": [_var("income"), 20000]}]},
            ]
        },
        {"in": [_var("stage"), ["growing", "mature", "honeymoon"]]},
        _given("risk"),
        {"!": [{"==": [_var("risk"), "C5"]}]},
        _given("days_idle"),
        {"<": [_var("days_idle"), 90]},
        _given("products"),
        {">=": [_var("products"), 2]},
        _given("city"),
        {"==": [{"substr": [_var("city"), 0, 1]}, "3"]},
        {"==": [_var("consent"), True]},
        _given("balance"),
        _given("loan"),
        {"<": [{"+": [_var("balance"), _var("loan")]}, 1000000]},
    ]
}


def make_rows(count: int, *, passing: float = 0.5) -> list[dict[str, Any]]:
    """Customers; a share of them passes most conditions, the others fail anywhere.

    Args:
        count: How many.
        passing: Share of customers drawn so that they pass.
    """
    rng = random.Random(7)
    rows = []
    for _ in range(count):
        good = rng.random() < passing
        row: dict[str, Any] = {
            "age": rng.randint(30, 60) if good else rng.randint(15, 90),
            "aum": rng.uniform(1e5, 9e5) if good else rng.uniform(0, 2e5),
            "balance": rng.uniform(0, 4e5),
            "stage": rng.choice(["growing", "mature", "honeymoon"] + ([] if good else ["dormant", "lost"])),
            "risk": rng.choice(["C1", "C2", "C3"] + ([] if good else ["C5"])),
            "days_idle": rng.randint(0, 80 if good else 200),
            "products": rng.randint(2 if good else 0, 6),
            "city": "3" + str(rng.randint(10000, 99999)) if good else str(rng.randint(100000, 999999)),
            "consent": True if good else rng.random() < 0.7,
            "income": rng.uniform(0, 5e4),
            "loan": rng.uniform(0, 5e5),
        }
        if not good:
            for name in row:
                if rng.random() < 0.05:
                    row[name] = None
        rows.append(row)
    return rows


def _zen() -> Callable[[dict[str, Any]], Any]:
    import zen

    return zen.compile_expression(" ".join(ZEN.split())).evaluate


def _datalogic() -> Callable[[dict[str, Any]], Any]:
    import datalogic_py

    return datalogic_py.Engine().compile(JSON_LOGIC).evaluate


def _datalogic_parsed() -> Callable[[Any], Any]:
    import datalogic_py

    engine = datalogic_py.Engine()
    session, rule = engine.session(), engine.compile(JSON_LOGIC)
    return lambda data: session.evaluate_truthy(rule, data)


def _parsed(row: dict[str, Any]) -> Any:
    import datalogic_py

    return datalogic_py.DataHandle(json.dumps(row))


def _rule_engine() -> Callable[[dict[str, Any]], Any]:
    import rule_engine

    context = rule_engine.Context(default_value=None)
    return rule_engine.Rule(" ".join(RULE_ENGINE.split()), context=context).matches


def _json_logic() -> Callable[[dict[str, Any]], Any]:
    import json_logic

    return lambda row: json_logic.jsonLogic(JSON_LOGIC, row)


def _zen_uncompiled() -> Callable[[dict[str, Any]], Any]:
    import zen

    text = " ".join(ZEN.split())
    return lambda row: zen.evaluate_expression(text, row)


PEERS: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "zen-engine": _zen,
    "zen-engine, not compiled": _zen_uncompiled,
    "datalogic-py": _datalogic,
    "datalogic-py, rows parsed before": _datalogic_parsed,
    "rule-engine": _rule_engine,
    "json-logic-qubit": _json_logic,
}
"""Public engines by their names on PyPI."""
SLOW = {"rule-engine", "json-logic-qubit"}
"""They get a tenth of the rows."""
PARSED = {"datalogic-py, rows parsed before"}
"""They get rows in their own form, made beforehand and not counted."""


def _per_second(evaluate: Callable[[Any], Any], rows: Sequence[Any]) -> float:
    """Evaluations per second of processor time: the best of some rounds."""

    def round_seconds() -> float:
        began = process_time()
        for row in rows:
            evaluate(row)
        return process_time() - began

    return len(rows) / min(round_seconds() for _ in range(REPEATS))


def _agrees(evaluate: Callable[[Any], Any], rows: Sequence[Any], expected: list[bool]) -> bool:
    return [bool(evaluate(row)) for row in rows] == expected


def run(size: str | None) -> dict[str, Any]:
    """Measures all engines on the same rows.

    Args:
        size: `small`, `default` or `large`.
    """
    rows = make_rows(ROWS[size or "default"])
    rule = compile_rule(RULE, SCOPE, expected=DataType.BOOLEAN)
    began = perf_counter()
    ours = {"cultiva, true or not": rule.test(TODAY), "cultiva, three-valued": rule.closure(TODAY)}
    compile_ms = (perf_counter() - began) * 500
    expected = [bool(rule.test(TODAY)(row)) for row in rows]
    engines: dict[str, Callable[[Any], Any]] = ours | {name: make() for name, make in PEERS.items()}
    speed: dict[str, int] = {}
    for name, evaluate in engines.items():
        part: list[Any] = rows[: len(rows) // 10] if name in SLOW else rows
        part = [_parsed(row) for row in part] if name in PARSED else part
        if not _agrees(evaluate, part, expected[: len(part)]):
            raise RuntimeError(f"{name} gives other answers than the rule")
        speed[name] = round(_per_second(evaluate, part))
    best = speed["cultiva, true or not"]
    return {
        "rows": len(rows),
        "share_true": round(sum(expected) / len(rows), 3),
        "compile_ms": round(compile_ms, 2),
        "evaluations_per_s": speed,
        "ratios": {name: round(best / value, 2) for name, value in speed.items() if name in PEERS},
    }
