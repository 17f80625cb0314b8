"""A world: the named parameters by which a simulated bank's customers live and respond; one YAML file each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from cultiva.definitions.base import Model, Name
from cultiva.definitions.document import Document, read_document
from cultiva.definitions.validation import validate
from cultiva.kit.errors import CultivaError, ErrorKind, Faults, did_you_mean
from cultiva.simbank.archetypes import ARCHETYPES, PRODUCT_CODE
from cultiva.simbank.terms import (
    CATEGORIES,
    CHANNELS,
    Advisers,
    Amounts,
    CategoryTerms,
    ChannelFacts,
    Fatigue,
    Group,
    Kinds,
    Life,
    Money,
    Referral,
    Response,
)

WORLDS = Path(__file__).parent / "worlds"
"""The packaged worlds."""


class World(Model):
    """All parameters of a simulated bank; what a file leaves out is as in the ordinary world."""

    name: Name
    """The world's name."""
    description: str = ""
    """What is special about it."""
    horizon_weeks: int = Field(default=12, ge=1, le=104)
    """Over how many weeks, that of the touch included, effects and worth are counted."""
    effect: float = 1.0
    """Multiplies everything a touch does to take-up and behaviour; 0: nothing."""
    effect_only: Group | None = None
    """If given, touches work (for better or worse) only on these customers."""
    kinds: Kinds = Kinds()
    """Sure things, persuadables, lost causes, sleeping dogs."""
    categories: Mapping[str, CategoryTerms] = Field(default_factory=lambda: dict(CATEGORIES))
    """By category of products, and benefit, content, service; those left out are as in the ordinary world."""
    channels: Mapping[str, ChannelFacts] = Field(default_factory=lambda: dict(CHANNELS))
    """By channel; a channel not named is like sms, a human one like phone."""
    sells: Mapping[str, str] = Field(default_factory=dict)
    """By offer: the product it sells, where the category does not say it; e.g. equity_fund: P_FUND_EQUITY."""
    response: Response = Response()
    """When and how strongly touches work."""
    fatigue: Fatigue = Fatigue()
    """What too many touches do."""
    advisers: Advisers = Advisers()
    """Those who call."""
    life: Life = Life()
    """Natural life."""
    amounts: Amounts = Amounts()
    """Sizes of money."""
    referral: Referral = Referral()
    """Customers who bring others."""
    money: Money = Money()
    """What balances bring."""

    def category(self, name: str) -> CategoryTerms:
        """The terms of a category; one that is not known sells like a deposit."""
        return self.categories.get(name) or self.categories["deposit"]

    def channel(self, name: str, *, human: bool) -> ChannelFacts:
        """The facts of a channel; one that is not known is like sms, or like phone if people do it."""
        return self.channels.get(name) or self.channels["phone" if human else "sms"]


def world_names() -> list[str]:
    """The packaged worlds, in alphabetical order."""
    return sorted(path.stem for path in WORLDS.glob("*.yaml"))


def load_world(name_or_path: str | Path) -> World:
    """Reads a world.

    Args:
        name_or_path: Name of a packaged world, or path of a YAML file.

    Raises:
        CultivaError: If there is no such world.
        Faults: If the file has faults; all of them, with file and line.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = WORLDS / f"{name_or_path}.yaml"
    if not path.is_file():
        raise CultivaError(
            "there is no such world",
            code="simbank.world",
            kind=ErrorKind.NOT_FOUND,
            seen=str(name_or_path),
            allowed=f"{', '.join(world_names())}; or the path of a YAML file",
            hint=did_you_mean(str(name_or_path), world_names()) or "see cultiva.simbank.worlds for examples",
        )
    shown = str(path) if path.parent != WORLDS else f"simbank/worlds/{path.name}"
    document, faults = read_document(shown, path.read_bytes())
    if document is None or faults:
        raise Faults(faults, what=f"world {path.stem}")
    world, faults = validate(World, _filled(document))
    if world is None:
        raise Faults(faults, what=f"world {path.stem}")
    wrong = _inconsistencies(world)
    if wrong:
        places = [document.fault(loc, "value", message) for loc, message in wrong]
        raise Faults(places, what=f"world {path.stem}")
    return world


def _filled(document: Document) -> Document:
    """The document with everything that it leaves out as in the ordinary world; places stay those of the file."""
    usual = World(name="ordinary").model_dump(exclude={"name"})
    data = _merged(usual, document.data) if isinstance(document.data, dict) else document.data
    return Document(document.file, document.text, data, document.spots)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _inconsistencies(world: World) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    kinds = world.kinds
    total = sum(kind.share for kind in (kinds.sure_thing, kinds.persuadable, kinds.lost_cause, kinds.sleeping_dog))
    if abs(total - 1) > 1e-6:
        found.append((("kinds",), f"the shares of the kinds add up to {total:g}, not 1"))
    for offer, product in world.sells.items():
        if product not in PRODUCT_CODE:
            found.append((("sells", offer), f"'{product}' is no product; {did_you_mean(product, PRODUCT_CODE)}"))
    known = [kind.name for kind in ARCHETYPES]
    for index, name in enumerate(world.effect_only.archetypes if world.effect_only else ()):
        if name not in known:
            place = ("effect_only", "archetypes", index)
            found.append((place, f"'{name}' is no archetype; {did_you_mean(name, known) or ', '.join(known)}"))
    if 0 < world.amounts.tail <= 1:
        found.append((("amounts", "tail"), "a tail of 1 or less has no mean; it must be above 1, or 0 for none"))
    return found
