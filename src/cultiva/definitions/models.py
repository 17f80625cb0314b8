"""Models of effect: which are trained, from which tags, how often, and when one takes another's place."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from cultiva.definitions.base import Model, Name, Share


class ModelKind(StrEnum):
    """What a model foresees."""

    EFFECT = "effect"
    """Money that one exposure brings beyond what would have come anyway."""
    RESPONSE = "response"
    """Chance that a touched customer takes the offer up."""
    ATTRITION = "attrition"
    """Chance that a customer leaves or falls silent within the horizon."""
    NEXT_PRODUCT = "next_product"
    """The product category that a customer is likeliest to open next."""


class Promotion(Model):
    """When a new model takes the place of the one in use."""

    held_back: Share = 0.2
    """Share of the customers that no model ever trains on; policies are compared on them."""
    confidence: float = Field(default=0.8, ge=0.5, lt=1)
    """One-sided confidence with which the new policy's value has to be above the old one's (doubly robust)."""
    gain_min: float = Field(default=0.0, ge=0)
    """Least difference of value per customer, in money."""


class Attrition(Model):
    """What counts as having left."""

    stages: tuple[Name, ...] = ("lost", "dormant")
    """Stages of the lifecycle; a customer who is no longer there counts too."""


class Models(Model):
    """How models are made (`models.yaml`); a bank may begin without the file, every field has a default."""

    train: tuple[ModelKind, ...] = tuple(ModelKind)
    """Which models; empty: none, and what review has learnt stands alone."""
    learners: tuple[Literal["s", "t", "x", "dr", "linear", "take_up"], ...] = Field(
        default=("s", "t", "x", "dr", "linear", "take_up"), min_length=1
    )
    """Meta-learners of effect; they are weighed by what each foresees of customers that it has not seen."""
    include: tuple[Name, ...] = ()
    """Columns of the profile that models may use; empty: all numbers, booleans, dates and texts with few values."""
    exclude: tuple[Name, ...] = ()
    """Columns that they may not use; personal tags are left out unless `include` names them."""
    monotone: dict[ModelKind, dict[Name, Literal["up", "down"]]] = {}
    """By model: tags with which what is foreseen may only rise, or only fall."""
    every_days: int = Field(default=28, gt=0)
    """Days between two trainings."""
    days_min: int = Field(default=14, gt=0)
    """Exposures younger than this have too few results to learn from."""
    rows_min: int = Field(default=2000, ge=200)
    """Exposures with results below which nothing is trained; a tenth of them have to be of those left alone."""
    rows_max: int = Field(default=500_000, ge=1000)
    """Exposures above which a sample is drawn; those left alone come first."""
    winsor_share: float = Field(default=0.002, ge=0, lt=0.1)
    """Money beyond these quantiles at either end is cut to them in training."""
    promotion: Promotion = Promotion()
    """When a new model takes the place of the one in use."""
    attrition: Attrition = Attrition()
    """What counts as having left."""
