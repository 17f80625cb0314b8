"""What must hold of a product template: a ladder that divides, levels within it, somebody who may grant them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft
from cultiva.definitions.products import LEVELS_MAX, Authority, Parameter, Product, grid_of, levels_of
from cultiva.definitions.usage import Compiled
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean
from cultiva.rules import Rule

LADDER_FIELDS = ("floor", "ceiling", "step")
"""What a parameter needs to be a price."""


@dataclass(frozen=True)
class _Problem:
    """What is wrong with a template, and where in it."""

    loc: Loc
    code: str
    message: str
    seen: str = ""
    allowed: str = ""
    hint: str = ""
    on_key: bool = False
    warning: bool = False


def check_products(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    """Faults of product templates.

    Args:
        draft: What was read.
        compiled: Every rule of the workspace; None where it has faults.
    """
    margins = {site.name: rule for site, rule in compiled if site.kind == "product" and site.loc[-1] == "margin"}
    for product in draft.workspace.products.values():
        origin = draft.origin("product", product.name)
        problems = [*_name_problems(draft, product), *_parameter_problems(product), *_ladder_problems(product)]
        if not problems:
            problems += _authority_problems(product)
            problems += _margin_problems(draft.workspace, product, margins.get(product.name))
        for one in problems:
            parts = {"seen": one.seen, "allowed": one.allowed, "hint": one.hint, "warning": one.warning}
            yield origin.fault(one.loc, one.code, one.message, on_key=one.on_key, **parts)


def _name_problems(draft: Draft, product: Product) -> Iterator[_Problem]:
    if product.name in draft.workspace.offers:
        place = draft.origin("offer", product.name).place()
        message = f"an offer at {place} has the template's name"
        yield _Problem(("name",), "duplicate_name", message, product.name, hint="rename one of them")
    for field in ("price", "group"):
        if getattr(product, field) is not None:
            yield _Problem((field,), "template_field", f"a template's variants get their {field} from it", on_key=True,
                           hint=f"remove {field}")  # fmt: skip


def _parameter_problems(product: Product) -> Iterator[_Problem]:
    """Values outside of their own limits; what is priced is looked at with its ladder."""
    first: set[str] = set()
    for index, one in enumerate(product.parameters):
        loc = ("parameters", index)
        if one.name in first:
            yield _Problem((*loc, "name"), "duplicate_name", f"parameter '{one.name}' is given twice", one.name,
                           hint="rename one of them")  # fmt: skip
        first.add(one.name)
        if one.floor is not None and one.ceiling is not None and one.floor > one.ceiling:
            yield _Problem((*loc, "floor"), "price_floor", "the floor is above the ceiling", f"{one.floor:g}",
                           f"at most {one.ceiling:g}")  # fmt: skip
            continue
        low, high = one.floor, one.ceiling
        if (low is not None and one.value < low) or (high is not None and one.value > high):
            allowed = _between(one)
            yield _Problem((*loc, "value"), "price_value", "the list value is outside of its limits", f"{one.value:g}",
                           allowed)  # fmt: skip


def _ladder_problems(product: Product) -> Iterator[_Problem]:
    names = [one.name for one in product.parameters]
    wanted = product.pricing.parameter
    if wanted not in names:
        yield _Problem(("pricing", "parameter"), "unknown_parameter", f"unknown parameter '{wanted}'", wanted,
                       ", ".join(names), did_you_mean(wanted, names))  # fmt: skip
        return
    index = names.index(wanted)
    one, loc = product.parameters[index], ("parameters", index)
    missing = [field for field in LADDER_FIELDS if getattr(one, field) is None]
    if missing:
        message = f"a parameter that is the price needs {' and '.join(missing)}"
        yield _Problem((*loc, "name"), "price_limits", message, wanted, hint=f"add {missing[0]}:")
    elif (one.floor or 0.0) <= (one.ceiling or 0.0):
        yield from _step_problems(product, one, loc)


def _step_problems(product: Product, one: Parameter, loc: Loc) -> Iterator[_Problem]:
    grid = grid_of(one)
    if not _on_grid(one, float(one.ceiling or 0.0)):
        message = "the step does not divide what lies between floor and ceiling"
        yield _Problem((*loc, "step"), "price_step", message, f"{one.step:g}", f"floor {one.floor:g}, ceiling "
                       f"{one.ceiling:g}")  # fmt: skip
        return
    levels, at = product.pricing.levels or grid, ("pricing", "levels")
    for place, level in enumerate(product.pricing.levels):
        if not _on_grid(one, level):
            yield _Problem((*at, place), "price_level", "the level is not on the ladder", f"{level:g}",
                           f"{_between(one)}, in steps of {one.step:g}")  # fmt: skip
        elif level in product.pricing.levels[:place]:
            yield _Problem((*at, place), "price_level", "the level is given twice", f"{level:g}", hint="remove it")
    if not 2 <= len(levels) <= LEVELS_MAX:
        hint = "name fewer levels" if product.pricing.levels else "name some levels, or take a larger step"
        yield _Problem(("pricing",), "price_levels", "a ladder of this length cannot be learnt", str(len(levels)),
                       f"2 to {LEVELS_MAX} levels", hint, on_key=True)  # fmt: skip
    elif one.value not in levels:
        yield _Problem((*loc, "value"), "price_value", "the list value is no level of the ladder", f"{one.value:g}",
                       ", ".join(f"{level:g}" for level in levels))  # fmt: skip


def _on_grid(one: Parameter, level: float) -> bool:
    """Whether a level is a whole number of steps above the floor, and not above the ceiling."""
    floor, step, ceiling = (Decimal(repr(float(value or 0.0))) for value in (one.floor, one.step, one.ceiling))
    above = Decimal(repr(float(level))) - floor
    return 0 <= above <= ceiling - floor and above % step == 0


def _between(one: Parameter) -> str:
    low = "" if one.floor is None else f"from {one.floor:g} "
    return f"{low}{'' if one.ceiling is None else f'to {one.ceiling:g}'}".strip()


def _authority_problems(product: Product) -> Iterator[_Problem]:
    one, pricing = product.priced, product.pricing
    assert one is not None
    roles = [each.role for each in pricing.authority]
    for index, each in enumerate(pricing.authority):
        loc = ("pricing", "authority", index)
        if each.role in roles[:index]:
            yield _Problem((*loc, "role"), "duplicate_name", f"role '{each.role}' is given twice", each.role)
        if not _on_grid(one, each.limit):
            yield _Problem((*loc, "limit"), "authority_limit", "the limit is not on the ladder", f"{each.limit:g}",
                           f"{_between(one)}, in steps of {one.step:g}")  # fmt: skip
        elif index and not _reaches(pricing.better, each.limit, pricing.authority[index - 1].limit):
            message = f"'{each.role}' may grant less than '{roles[index - 1]}' before it"
            hint = "list the roles from the least authority to the most"
            yield _Problem((*loc, "limit"), "authority_order", message, f"{each.limit:g}", hint=hint)
    if pricing.granted_by not in roles:
        yield _Problem(("pricing", "granted_by"), "unknown_role", f"unknown role '{pricing.granted_by}'",
                       pricing.granted_by, ", ".join(roles), did_you_mean(pricing.granted_by, roles))  # fmt: skip
    yield from _uncovered(product, pricing.authority)


def _uncovered(product: Product, authority: Sequence[Authority]) -> Iterator[_Problem]:
    """Levels that nobody may grant: the cells would be quoted without authority."""
    best, furthest = levels_of(product)[-1], authority[-1].limit
    if not _reaches(product.pricing.better, furthest, best):
        message = f"no role may grant the level {best:g}"
        hint = "raise the last role's limit, or leave the level out"
        yield _Problem(("pricing", "authority"), "authority_missing", message, f"{furthest:g}", f"{best:g}", hint,
                       on_key=True)  # fmt: skip


def _reaches(better: str, limit: float, level: float) -> bool:
    return limit <= level if better == "lower" else limit >= level


def _margin_problems(workspace: Workspace, product: Product, rule: Rule | None) -> Iterator[_Problem]:
    """A margin that does not depend on the price, or that is a loss at the list price."""
    if rule is None:
        return
    wanted = product.pricing.parameter
    if wanted not in rule.columns:
        message = f"the margin does not depend on the price '{wanted}'"
        yield _Problem(("pricing", "margin"), "margin", message, hint=f"write how {wanted} makes the margin")
        return
    losses = [level for level in levels_of(product) if not (margin_at(workspace, product, rule, level) or 0.0) > 0]
    if losses:
        shown = ", ".join(f"{level:g}" for level in losses)
        message = f"a take-up brings nothing, or a loss, at {shown}"
        hint = "leave the level out, or mend the margin"
        yield _Problem(("pricing", "margin"), "margin_loss", message, hint=hint, warning=True)


def margin_at(
    workspace: Workspace, product: Product, rule: Rule, level: float, amount: float | None = None
) -> float | None:
    """Money that a take-up at a level brings over the horizon; None where the rule says nothing.

    Args:
        workspace: Has the review's horizon.
        product: The template.
        rule: Its compiled margin.
        level: The price.
        amount: What a take-up moves; None: as the template says.
    """
    row = {one.name: one.value for one in product.parameters}
    row |= {product.pricing.parameter: level, "amount": product.pricing.amount if amount is None else amount}
    row |= {"horizon_days": float(workspace.review.horizon_days)}
    answer = rule.closure(date.min)(row)
    return None if answer is None else float(answer)
