"""Strategy map: which groups of customers are its rows, and what counts as lately touched."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Label, Model, Name


class MapGroup(Model):
    """One row of the map."""

    segment: Name
    """The group: a segment. Groups may overlap."""
    label: Label | None = None
    """What people read; None: the segment's label."""


class StrategyMap(Model):
    """The frame of the strategy map (`map.yaml`); a bank may begin without the file.

    Columns are the lifecycle's stages, the third dimension the value tiers.
    """

    groups: tuple[MapGroup, ...] = ()
    """Rows in the order shown; empty: the segments that audiences of strategies name, and those made for marketing."""
    touched_days: int = Field(default=30, gt=0)
    """A customer counts as touched for so many days, the business date included."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.segment for one in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("a segment can be only one row of the map")
        return self
