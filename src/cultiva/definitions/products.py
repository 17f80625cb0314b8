"""Products: one template with typed parameters makes all sellable variants of a thing, one per price."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import Field

from cultiva.definitions.base import Label, Model, Name, RuleText, Share
from cultiva.definitions.offers import Offer

VARIANT = "@"
"""Stands between a template's name and the level of one of its variants: `cash_loan@690`."""
LEVELS_MAX = 12
"""Most levels of one ladder: more than customers could be told apart by."""


class Unit(StrEnum):
    """What a parameter is measured in."""

    RATE = "rate"
    """A yearly rate; 0.069 is 6.9 %. Levels are named in hundredths of a per cent."""
    SHARE = "share"
    """A share, e.g. of a fee that is let off; named in per cent."""
    MONEY = "money"
    """An amount."""
    MONTHS = "months"
    """A term."""
    COUNT = "count"
    """A number of things."""


_NAMED_IN = {Unit.RATE: 10_000, Unit.SHARE: 100}
"""By what a value is multiplied to name its level."""


class Parameter(Model):
    """One thing by which variants of a product can differ."""

    name: Name
    """How rules call it."""
    label: Label
    """What people read."""
    unit: Unit
    """rate, share, money, months or count."""
    value: float
    """As in the price list."""
    floor: float | None = None
    """Smallest value allowed."""
    ceiling: float | None = None
    """Largest value allowed."""
    step: float | None = Field(default=None, gt=0)
    """Values lie on floor, floor + step, ... ceiling."""


class Authority(Model):
    """How far one role may go in the customer's favour."""

    role: Name
    """Who, e.g. adviser, branch_manager, head_office; from the least to the most."""
    label: Label
    """What people read."""
    limit: float
    """The furthest value that it may grant."""


class Pricing(Model):
    """Which parameter is the price, at which levels it is tried, and what a take-up brings."""

    parameter: Name
    """The parameter that is the price."""
    better: Literal["lower", "higher"]
    """What the customer likes better: a lower rate of a loan, a higher rate of a deposit."""
    levels: tuple[float, ...] = ()
    """Levels that are tried, the list's among them; empty: every step from floor to ceiling."""
    groups: tuple[Name, ...] = ()
    """Text tags, tiers or stages by which prices may differ; empty: one price for all."""
    exploration: Share = 0.2
    """Share of the customers whose price is drawn among all levels, so that it can be learnt."""
    margin: RuleText
    """Money that one take-up brings over the review's horizon: a rule over the parameters by name, `amount`,
    `horizon_days` and the value model's parameters."""
    amount: float = Field(gt=0)
    """Money that one take-up moves, as far as it is not measured."""
    window_days: int = Field(default=28, ge=1)
    """A take-up counts if it comes within so many days of the quote."""
    sells: tuple[str, ...] = ()
    """Ids of the bank's products that a take-up opens; empty: any of the category."""
    authority: tuple[Authority, ...] = Field(min_length=1)
    """Who may grant what, from the least to the most."""
    granted_by: Name
    """The role whose limit bounds what the ladder gives without anyone being asked."""


class Product(Offer):
    """A template: what all variants have in common, their parameters, and how they are priced."""

    parameters: tuple[Parameter, ...] = Field(min_length=1)
    """Rate, fee, term, minimum, ..."""
    benefits: tuple[Name, ...] = ()
    """Benefits given with it; their unit cost is added to the variant's."""
    pricing: Pricing
    """How it is priced."""

    @property
    def priced(self) -> Parameter | None:
        """The parameter that is the price; None if there is none of that name."""
        return next((one for one in self.parameters if one.name == self.pricing.parameter), None)


class Fairness(Model):
    """`fairness.yaml`: by what nobody may be priced. A bank may begin without the file."""

    protected: tuple[Name, ...] = ("gender", "birth_date", "age")
    """Columns and tags by which prices never differ, nor by anything made of them; conditions of eligibility may use
    them. Add region_code where the law says so."""
    spread_max: float | None = Field(default=None, gt=0)
    """Largest difference of price between two groups, in steps; None: floor and ceiling are the only limits."""


def levels_of(product: Product) -> tuple[float, ...]:
    """The levels of a checked template, from the worst to the best for the customer.

    Examples:
        >>> levels_of(_example(better="lower"))
        (0.08, 0.07, 0.06)
    """
    found = product.priced
    assert found is not None
    levels = product.pricing.levels or grid_of(found)
    return tuple(sorted(levels, reverse=product.pricing.better == "lower"))


def grid_of(parameter: Parameter) -> tuple[float, ...]:
    """Every step from floor to ceiling; empty where one of them is not given."""
    if parameter.floor is None or parameter.ceiling is None or parameter.step is None:
        return ()
    floor, step = Decimal(repr(parameter.floor)), Decimal(repr(parameter.step))
    count = int((Decimal(repr(parameter.ceiling)) - floor) / step)
    return tuple(float(floor + step * place) for place in range(count + 1))


def level_name(unit: Unit, value: float) -> str:
    """What a level is called within its ladder: no point, no sign, so that it can stand in a column's name.

    Examples:
        >>> level_name(Unit.RATE, 0.069), level_name(Unit.RATE, 0.06125), level_name(Unit.MONEY, 12.0)
        ('690', '612p5', '12')
    """
    number = Decimal(repr(float(value))) * _NAMED_IN.get(unit, 1)
    return format(number.normalize(), "f").replace(".", "p").replace("-", "m")


def value_text(unit: Unit, value: float) -> str:
    """A level as people read it.

    Examples:
        >>> value_text(Unit.RATE, 0.069), value_text(Unit.SHARE, 0.5), value_text(Unit.MONEY, 1200)
        ('6.90%', '50%', '1,200')
    """
    if unit is Unit.RATE:
        return f"{value:.2%}"
    return f"{value:.0%}" if unit is Unit.SHARE else f"{value:,.10g}"


def variant_name(product: Product, level: float) -> str:
    """The name of the offer at a level.

    Examples:
        >>> variant_name(_example(better="lower"), 0.06)
        'cash_loan@600'
    """
    found = product.priced
    assert found is not None
    return f"{product.name}{VARIANT}{level_name(found.unit, level)}"


def _example(better: Literal["lower", "higher"]) -> Product:
    """A small template, for the examples in this module."""
    label = Label(zh="现金贷", en="Cash loan")
    rate = Parameter(name="rate", label=label, unit=Unit.RATE, value=0.07, floor=0.06, ceiling=0.08, step=0.01)
    head_office = Authority(role="head_office", label=label, limit=0.06)
    pricing = Pricing(
        parameter="rate", better=better, margin="amount * rate", amount=1.0,
        authority=(head_office,), granted_by="head_office",
    )  # fmt: skip
    return Product(name="cash_loan", label=label, kind="product", parameters=(rate,), pricing=pricing)  # type: ignore[arg-type]
