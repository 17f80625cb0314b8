"""Tags: typed attributes of a customer, each with exactly one way to be computed."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import DataType
from cultiva.definitions.base import Definition, Model, Name, RuleText


class Aggregate(Model):
    """A windowed aggregate of one view's rows."""

    table: Name
    """A view of `contracts/views.py`: transaction, holding, event, contact, outcome, survey_answer, ..."""
    function: AggregateFunction
    """How rows become one value."""
    value: RuleText | None = None
    """Expression over the row; not for count."""
    where: RuleText | None = None
    """Condition over the row."""
    window_days: int | None = Field(default=None, gt=0)
    """Rows whose time lies in the last so many days, the business date included; None: all."""

    @model_validator(mode="after")
    def _value_fits_function(self) -> Self:
        if (self.value is None) != (self.function is AggregateFunction.COUNT):
            raise ValueError("count takes no value; every other function needs one")
        return self


class External(Model):
    """A column of a table that another party delivers, one row per customer."""

    input: Name
    """An input of `sources/`."""
    column: str
    """Its column."""
    key: str = "customer_id"
    """The input's column that names the customer: a customer_id, or `source_system` and `source_id`."""
    source_system: str | None = None
    """If given, `key` holds that source system's own ids."""


class ModelScore(Model):
    """The score of a model; the models themselves come with the issue on decisions."""

    model: Name
    """Name of the model whose newest published score is read; null where there is none."""


class Tag(Definition):
    """A tag, with exactly one of column, aggregate, expression, external, score."""

    type: DataType
    """Type of the tag."""
    unit: str = ""
    """Unit of a number, e.g. days, or share for what people read in percent; empty if none."""
    column: str | None = None
    """A column of the customer's resolved party record, e.g. `birth_date`."""
    aggregate: Aggregate | None = None
    """A windowed aggregate."""
    expression: RuleText | None = None
    """An expression over other tags."""
    external: External | None = None
    """A column of an external table."""
    score: ModelScore | None = None
    """The score of a model."""
    personal: bool = False
    """Whether it is personal data, masked outside of roles that may see it."""

    @model_validator(mode="after")
    def _exactly_one_way(self) -> Self:
        ways = (self.column, self.aggregate, self.expression, self.external, self.score)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("a tag needs exactly one of column, aggregate, expression, external, score")
        return self
