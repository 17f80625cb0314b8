"""Forms for one row give what the engines give for a table."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from tests.insight.assets.bank import BALANCES, ON, customers, pack

from cultiva.engine.bulk import with_steps
from cultiva.insight.assets.service import asset_forms
from cultiva.insight.live.python_forms import function_of, has_function
from cultiva.insight.profile.levels import levels


def test_model_portfolios_of_a_row_are_those_of_the_table(tmp_path: Path) -> None:
    rows = customers(400)
    money = {name: pl.Decimal(18, 2) for name in (*BALANCES.values(), "monthly_income", "loan_balance")}
    dates = dict.fromkeys(("asset__risk_rated_on", "asset__birth_date"), pl.Date)
    types: dict[str, Any] = {"customer_id": pl.Int64, **dates, **money}
    frame = pl.DataFrame(rows, schema_overrides=types)
    forms = asset_forms(pack(), ON)
    order = [list(group) for group in levels({name: form.columns for name, form in forms.items()})]
    made = with_steps(frame.lazy(), [{name: forms[name] for name in group} for group in order]).collect()
    assert all(has_function(form) for form in forms.values())
    functions = {name: function_of(forms[name]) for group in order for name in group}
    for given, expected in zip(frame.to_dicts(), made.to_dicts(), strict=True):
        row = {name: float(cell) if isinstance(cell, Decimal) else cell for name, cell in given.items()}
        for name, function in functions.items():
            assert function is not None
            row[name] = function(row)
            night = expected[name]
            assert row[name] == (float(night) if isinstance(night, Decimal) else night), name
