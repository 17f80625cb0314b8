"""The profile's forms for one customer in plain Python: what the engines make of a whole table, made of one row.

Money is the double next to the cents that the night stores; a rule sees the same number either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cultiva.contracts.types import DataType
from cultiva.definitions.portfolios import MODEL_COLUMN, UNRATED
from cultiva.engine.partials import cents_of
from cultiva.engine.port import Form
from cultiva.insight.assets.division import OfNumbers
from cultiva.insight.assets.forms import MONEY_MAX, CentsForm, GapForm, ModelForm, StepForm, inner_name
from cultiva.insight.profile.forms import ColumnForm, FirstTrue, MoneySum, NullForm, Typed
from cultiva.kit.money import MINOR_PER_MAJOR
from cultiva.rules import RuleForm
from cultiva.rules.closures import make_closure

Row = Mapping[str, Any]
Function = Callable[[Row], Any]
"""Gives a column's value of a row that gives every column it reads."""


def function_of(form: Form) -> Function | None:
    """The form for one row; None if this form needs more than the row."""
    if isinstance(form, RuleForm):
        return make_closure(form.node, form.today)
    if isinstance(form, Typed):
        return _typed(form)
    made = _MAKERS.get(type(form))
    return None if made is None else made(form)


def stored(value: Any, kind: DataType) -> Any:
    """A computed value in the type that the profile stores: money to the cent, numbers without the sign of zero."""
    if value is None:
        return None
    if kind is DataType.MONEY:
        return cents_of(value) / MINOR_PER_MAJOR
    return float(value) + 0.0 if kind is DataType.NUMBER else value


def _test(form: Form) -> Callable[[Row], bool]:
    if isinstance(form, RuleForm):
        return make_closure(form.node, form.today, test=True)
    found = function_of(form)
    assert found is not None, "conditions are rules"
    return lambda row: found(row) is True


def _typed(form: Typed) -> Function | None:
    inner, kind = function_of(form.form), form.type
    return None if inner is None else lambda row: stored(inner(row), kind)


def _column(form: ColumnForm) -> Function:
    name, empty = form.name, form.empty
    return lambda row: empty if (value := row[name]) is None else value


def _money_sum(form: MoneySum) -> Function:
    def total(row: Row) -> float:
        return sum(cents_of(value) for name in form.names if (value := row[name]) is not None) / MINOR_PER_MAJOR

    return total


def _first_true(form: FirstTrue) -> Function:
    cases = [(name, _test(condition)) for name, condition in form.cases]
    return lambda row: next((name for name, holds in cases if holds(row)), None)


def _model(form: ModelForm) -> Function:
    applies, (since, too_old), on = _test(form.applies), form.valid, form.on
    rating_name, rated_name, born_name = (inner_name(name) for name in ("risk_rating", "risk_rated_on", "birth_date"))

    def model(row: Row) -> str | None:
        if not applies(row):
            return None
        rating, rated_on, born = row[rating_name], row[rated_name], row[born_name]
        if rated_on is None or born is None or not (since <= rated_on <= on and born > too_old):
            return UNRATED
        fits = (key for wanted, latest, key in form.cases if rating == wanted and (latest is None or born <= latest))
        return next(fits, UNRATED)

    return model


def _cents(form: CentsForm) -> Function | None:
    inner = function_of(form.form)
    if inner is None:
        return None
    return lambda row: cents_of(min(max(float(inner(row) or 0.0), 0.0), MONEY_MAX))


def _step(form: StepForm) -> Function:
    by = OfNumbers()
    return lambda row: form.step([row[name] for name in form.reads], by)


def _gap(form: GapForm) -> Function:
    def gap(row: Row) -> float | None:
        if row[MODEL_COLUMN] is None:
            return None
        cents = sum(row[name] for name in form.targets) - sum(row[name] for name in form.held)
        return float(cents) / MINOR_PER_MAJOR

    return gap


_MAKERS: dict[type, Callable[[Any], Function | None]] = {
    ColumnForm: _column,
    NullForm: lambda form: lambda row: None,
    MoneySum: _money_sum,
    FirstTrue: _first_true,
    ModelForm: _model,
    CentsForm: _cents,
    StepForm: _step,
    GapForm: _gap,
}


def has_function(form: Form) -> bool:
    """Whether there is a form for one row."""
    if isinstance(form, Typed | CentsForm):
        return has_function(form.form)
    if isinstance(form, FirstTrue):
        return all(has_function(condition) for _, condition in form.cases)
    return isinstance(form, RuleForm) or type(form) in _MAKERS
