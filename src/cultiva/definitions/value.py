"""Comprehensive value: what a customer contributes, could contribute, and which tier that is."""

from __future__ import annotations

from pydantic import Field

from cultiva.definitions.base import Definition, Label, Model, Name, RuleText, Share
from cultiva.definitions.tags import Aggregate


class Component(Definition):
    """One line of the contribution: a money sum over a view's rows; costs are negative.

    The sum over a customer's components is the current value, to the cent. Rules may use `parameters` by name.
    """

    aggregate: Aggregate
    """A sum; its value is rounded to the cent per row."""


class Potential(Model):
    """Potential value: what peers contribute at a quantile, above the customer's own, times the chance."""

    peers: tuple[Name, ...] = Field(min_length=1)
    """Tags (few values each) that make peers; dropped from the end until a cell is large enough."""
    quantile: Share = 0.8
    """The conditional quantile of current value among peers."""
    peers_min: int = Field(default=30, ge=2)
    """Fewest peers of a cell."""
    chance: RuleText = "0.5"
    """Chance to get there, an expression over the profile between 0 and 1."""


class Band(Model):
    """One tier: from this value up to the next band's."""

    name: Name
    """Name of the tier."""
    label: Label
    """What people read."""
    from_value: float | None = Field(default=None, alias="from")
    """Smallest value of the tier; None for the lowest."""


class Tiering(Definition):
    """A tag that bands another: `value_tier`, `aum_tier`."""

    of: Name
    """The numeric tag that is banded; a null value falls into the lowest band."""
    bands: tuple[Band, ...] = Field(min_length=1)
    """Bands from lowest to highest."""


class Weights(Model):
    """Weights of the composite."""

    current: float = 1.0
    """Weight of current value."""
    potential: float = 0.0
    """Weight of potential value."""
    relationship: float = 0.0
    """Weight of relationship value."""
    activity: float = 0.0
    """Weight of activity value."""


class Lifetime(Model):
    """Lifetime value: expected discounted contribution over a horizon, read by tags that score the model `lifetime`.

    What customers hold goes on while they stay (survival x contribution); what they do of their own accord
    (`purchases`) is forecast from how often and how recently they did it, and what it was worth.
    """

    horizon_months: int = Field(default=36, gt=0, le=600)
    """How far one looks."""
    discount_rate: float = Field(default=0.08, ge=0, le=1)
    """What money a year later counts less, per year."""
    purchases: tuple[Name, ...] = ()
    """Components over `transaction` whose rows are purchases, worth what the component says; all others go on with
    survival."""
    period_days: int = Field(default=7, gt=0)
    """Length of a period; whoever buys several times within one has bought once, for the sum."""
    repeaters_min: int = Field(default=200, ge=2)
    """Fewest customers with repeat purchases; below, `purchases` go on with survival as all others do."""
    group_by: Name | None = None
    """A column of the party record that divides customers by how they leave, e.g. party_type; None: all alike."""
    window_days: int = Field(default=730, gt=0)
    """Days up to the business date in which leaving is watched; no longer than closed accounts are delivered."""
    refresh_days: int = Field(default=28, gt=0)
    """Days after which lifetime values are found anew; until then the last ones stand."""


class Value(Model):
    """The value model. It yields the tags current_value, potential_value, relationship_value, activity_value,
    comprehensive_value (all money) and one tag per tiering.
    """

    parameters: dict[Name, float] = {}
    """Coefficients by name, usable as constants in the components' rules: rates, unit costs, loss shares."""
    components: tuple[Component, ...] = Field(min_length=1)
    """Lines of the contribution over the last 12 months."""
    potential: Potential
    """How potential value is found."""
    relationship: RuleText = "0"
    """Money expression over the profile: value reached through referrals, household, employer."""
    activity: RuleText = "0"
    """Money expression over the profile: what activity is worth."""
    weights: Weights = Weights()
    """Weights of the composite."""
    tierings: tuple[Tiering, ...] = ()
    """Tiers; one must be named value_tier."""
    lifetime: Lifetime | None = None
    """How lifetime value is found; None: it is not."""
