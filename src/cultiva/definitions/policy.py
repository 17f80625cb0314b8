"""Contact policy: channels, consent, caps, quiet hours, suppressions, and the global holdout."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import Field

from cultiva.definitions.base import Definition, Model, Name, RuleText, Share


class Channel(Definition):
    """A way to reach the customer."""

    kind: Literal["human", "message", "placement"]
    """Done by a person, sent by a machine, or pulled by the app."""
    unit_cost: float = Field(default=0.0, ge=0)
    """Cost in money of one touch."""
    touch: bool = True
    """Whether a use counts against the contact caps."""
    provider: Name | None = None
    """Who carries its messages, by name in providers.yaml; None: nobody yet."""
    address: Name | None = None
    """`phone`, `email`, or the tag that holds the customer's address on it, e.g. the device; None: phone or e-mail by
    the kind of its provider, else the customer id."""


class Cap(Model):
    """At most so many touches in a rolling window."""

    scope: Literal["customer", "household", "channel", "offer"]
    """What is counted together with the customer."""
    channel: Name | None = None
    """For scope channel: which one; None: each for itself."""
    days: int = Field(gt=0)
    """Length of the window, the business date included."""
    contacts_max: int = Field(ge=0)
    """Most touches in the window."""


class Consent(Model):
    """What counts as permission."""

    purpose: str = "marketing"
    """Purpose asked for."""
    required: bool = True
    """Whether a channel without a recorded grant is closed; a recorded refusal always closes it."""


class QuietHours(Model):
    """No touches between these local times."""

    start: time = time(21, 0)
    """First moment of quiet."""
    end: time = time(8, 0)
    """First moment after quiet."""


class Suppression(Definition):
    """A reason to leave a customer alone altogether."""

    rule: RuleText
    """When it applies; a null answer suppresses too (fail closed)."""


class ContactPolicy(Model):
    """The bank-wide limits."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    """Channels that exist."""
    consent: Consent = Consent()
    """What counts as permission."""
    caps: tuple[Cap, ...] = ()
    """Rolling caps; service offers are exempt."""
    household_kinds: tuple[str, ...] = ("family", "household")
    """Kinds of relationship that make customers one household; caps of scope household count all of them together."""
    quiet_hours: QuietHours = QuietHours()
    """When nothing is sent."""
    suppressions: tuple[Suppression, ...] = ()
    """Reasons to leave a customer alone."""
    global_holdout: Share = 0.02
    """Share of all customers whom no strategy touches."""
    suitability_age_max: int = Field(default=65, gt=0)
    """Above this age an investment offer needs a second confirmation and is not offered."""
    rating_valid_days: int = Field(default=365, gt=0)
    """How long a risk rating is valid."""
