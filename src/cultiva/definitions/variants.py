"""Variants: a template becomes one offer per level, and who names the template names them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from cultiva.definitions.arbitration import Scope
from cultiva.definitions.base import Label
from cultiva.definitions.offers import Offer
from cultiva.definitions.products import Product, levels_of, value_text, variant_name
from cultiva.definitions.registry import definition_hashes, model_body
from cultiva.definitions.workspace import Workspace

S = TypeVar("S", bound=Scope)


def expanded(workspace: Workspace) -> Workspace:
    """The workspace with every template's variants among the offers.

    Args:
        workspace: As written, and whole: without faults.

    Returns:
        The same where there is no template. Otherwise strategies, resources and levers that name a template name its
        variants in its place, from the worst to the best for the customer.
    """
    if not workspace.products:
        return workspace
    variants = {name: variants_of(one, workspace.offers) for name, one in workspace.products.items()}
    made = {name: offer for offers in variants.values() for name, offer in offers.items()}
    arbitration = workspace.arbitration
    bodies = {("offer", name): model_body(offer) for name, offer in made.items()}
    return replace(
        workspace,
        offers={**workspace.offers, **made},
        bodies={**workspace.bodies, **bodies},
        hashes={**workspace.hashes, **definition_hashes(bodies)},
        strategies={
            name: one.model_copy(update={"offers": _named(one.offers, variants)})
            for name, one in workspace.strategies.items()
        },
        arbitration=arbitration.model_copy(
            update={
                "resources": tuple(_scoped(one, variants) for one in arbitration.resources),
                "levers": tuple(_scoped(one, variants) for one in arbitration.levers),
            }
        ),
    )


def variants_of(product: Product, offers: Mapping[str, Offer]) -> dict[str, Offer]:
    """One offer per level, from the worst to the best for the customer.

    Args:
        product: A template without faults.
        offers: Has the benefits that it gives.
    """
    given = sum(offers[name].unit_cost for name in product.benefits)
    common = {name: getattr(product, name) for name in Offer.model_fields}
    common |= {"group": product.name, "unit_cost": product.unit_cost + given}
    found = product.priced
    assert found is not None
    made = {}
    for level in levels_of(product):
        name, shown = variant_name(product, level), value_text(found.unit, level)
        label = Label(zh=f"{product.label.zh} {shown}", en=f"{product.label.en} at {shown}")
        # A variant's name is none that a file may give to an offer, so it is not validated.
        made[name] = Offer.model_construct(**{**common, "name": name, "label": label, "price": level})
    return made


def _named(names: Sequence[str], variants: Mapping[str, Mapping[str, Offer]]) -> tuple[str, ...]:
    """Names with templates replaced by their variants, each once."""
    return tuple(dict.fromkeys(found for name in names for found in variants.get(name, (name,))))


def _scoped(scope: S, variants: Mapping[str, Mapping[str, Offer]]) -> S:
    return scope.model_copy(update={"offers": _named(scope.offers, variants)})
