"""Segments: named groups of customers, by rule or by list; and micro-segmentations of a group."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Definition, Model, Name, RuleText


class Purpose(StrEnum):
    """The three ways in which a bank groups its customers."""

    VALUE = "value"
    """By value: tiers of assets or contribution."""
    NEEDS = "needs"
    """By features and needs."""
    MARKETING = "marketing"
    """For one marketing purpose."""


class Segment(Definition):
    """A group of customers, with exactly one of rule and list."""

    purpose: Purpose = Purpose.NEEDS
    """Why the group exists."""
    rule: RuleText | None = None
    """A condition over the profile; customers for whom it is true are members."""
    list: str | None = None
    """Path of a CSV file within the workspace: a column `customer_id`, or `source_system` and `source_id`."""

    @model_validator(mode="after")
    def _rule_or_list(self) -> Self:
        if (self.rule is None) == (self.list is None):
            raise ValueError("a segment needs exactly one of rule and list")
        return self


class Clusters(Model):
    """How many clusters to look for."""

    minimum: int = Field(default=2, ge=2)
    """Fewest clusters tried."""
    maximum: int = Field(default=8, ge=2)
    """Most clusters tried; the best silhouette wins."""


class MicroSegmentation(Definition):
    """A clustering of one segment on chosen tags; every cluster is described and offered as a rule."""

    segment: Name | None = None
    """The group to divide; None: all customers."""
    tags: tuple[Name, ...] = Field(min_length=1)
    """The tags to cluster on."""
    clusters: Clusters = Clusters()
    """How many clusters to look for."""
    rule_accuracy_min: float = Field(default=0.85, ge=0, le=1)
    """Smallest share of members that the offered rules must place rightly."""
