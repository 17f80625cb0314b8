"""Faults of `portfolios.yaml`: assumptions that contradict each other, limits nobody can meet, ratings overstepped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Origin
from cultiva.definitions.portfolios import (
    BUCKETS,
    RATINGS,
    UNRATED,
    CautiousModel,
    Portfolios,
    RatedModel,
    open_buckets,
)
from cultiva.kit.errors import CultivaError, Fault

KEY = ("portfolios", "portfolios")
"""The definition of which the faults are."""
SMALLEST_EIGENVALUE = -1e-9
"""Below it a matrix is no correlation, whatever the last digits of its entries are."""


def check_portfolios(draft: Draft, *, solve: bool) -> Iterator[Fault]:
    """Faults of the model portfolios.

    Args:
        draft: The workspace.
        solve: Whether to find out if every model can meet its budget of risk; it takes half a second.
    """
    portfolios = draft.workspace.portfolios
    if portfolios is None:
        return
    origin = draft.origin(*KEY)
    found = [
        *_balance_faults(portfolios, origin),
        *_correlation_faults(portfolios, origin),
        *_band_faults(portfolios, origin),
        *_rating_faults(portfolios, origin),
        *(fault for loc, model in _models(portfolios) for fault in _limit_faults(portfolios, model, origin, loc)),
    ]
    yield from found
    if solve and not any(not fault.warning for fault in found):
        yield from _budget_faults(portfolios, origin)


def _models(portfolios: Portfolios) -> Iterator[tuple[Loc, CautiousModel]]:
    yield from ((("models", index), model) for index, model in enumerate(portfolios.models))
    yield (UNRATED,), portfolios.unrated


def _balance_faults(portfolios: Portfolios, origin: Origin) -> Iterator[Fault]:
    """Two buckets that count the same money."""
    first: dict[str, str] = {}
    for name, bucket in portfolios.buckets.items():
        if bucket.balance in first:
            message = f"the buckets '{first[bucket.balance]}' and '{name}' count the same money"
            loc, hint = ("buckets", name, "balance"), "give each bucket a tag of its own"
            yield origin.fault(loc, "portfolio_balance", message, seen=bucket.balance, hint=hint)
        first.setdefault(bucket.balance, name)


def _correlation_faults(portfolios: Portfolios, origin: Origin) -> Iterator[Fault]:
    seen: set[frozenset[str]] = set()
    for index, pair in enumerate(portfolios.correlations):
        both, loc = frozenset(pair.between), ("correlations", index, "between")
        if len(both) == 1:
            message, hint = "a bucket's correlation with itself is 1", "name two buckets"
            yield origin.fault(loc, "portfolio_pair", message, seen=", ".join(pair.between), hint=hint)
        elif both in seen:
            message, hint = "this pair of buckets stands here twice", "keep one of them"
            yield origin.fault(loc, "portfolio_pair", message, seen=", ".join(pair.between), hint=hint)
        seen.add(both)
    if portfolios.correlations and len(seen) == len(portfolios.correlations) and all(len(both) == 2 for both in seen):
        yield from _matrix_faults(portfolios, origin)


def _matrix_faults(portfolios: Portfolios, origin: Origin) -> Iterator[Fault]:
    import numpy as np

    from cultiva.definitions.frontier import correlation_of

    least = float(np.linalg.eigvalsh(correlation_of(portfolios)).min())
    if least < SMALLEST_EIGENVALUE:
        message = "these correlations cannot all be true at once"
        parts = {"seen": f"a smallest eigenvalue of {least:.3f}", "allowed": "none below 0"}
        hint = "bring the largest of them nearer to 0"
        yield origin.fault(("correlations",), "portfolio_correlations", message, on_key=True, hint=hint, **parts)


def _band_faults(portfolios: Portfolios, origin: Origin) -> Iterator[Fault]:
    bands, allowed = portfolios.age_bands, "no from for the first band, then ascending ages"
    if bands and bands[0].from_age is not None:
        message = f"the first band '{bands[0].name}' has a from; who is younger?"
        yield origin.fault(("age_bands", 0, "from"), "band_order", message, seen=bands[0].from_age, allowed=allowed)
    for index, (lower, upper) in enumerate(pairwise(bands), start=1):
        loc = ("age_bands", index, "from")
        if upper.from_age is None or upper.from_age <= (lower.from_age or 0):
            message = f"the band '{upper.name}' does not begin above '{lower.name}'"
            yield origin.fault(loc, "band_order", message, seen=upper.from_age or "nothing", allowed=allowed)
    names = [band.name for band in bands]
    for index, name in enumerate(names):
        if name in names[:index]:
            message, hint = f"age band '{name}' is defined twice", "rename one of them"
            yield origin.fault(("age_bands", index, "name"), "duplicate_name", message, seen=name, hint=hint)


def _rating_faults(portfolios: Portfolios, origin: Origin) -> Iterator[Fault]:
    ratings = [model.rating for model in portfolios.models]
    for index, rating in enumerate(ratings):
        if rating in ratings[:index]:
            message, hint = f"the rating {rating} has two models", "keep one of them"
            yield origin.fault(("models", index, "rating"), "duplicate_name", message, seen=rating, hint=hint)
    absent = [rating for rating in RATINGS if rating not in ratings]
    if absent:
        message = f"no model for {', '.join(absent)}: such customers are taken as unrated"
        yield origin.fault(("models",), "portfolio_rating", message, on_key=True, hint="add one", warning=True)
    indices = sorted(range(len(ratings)), key=lambda index: ratings[index])
    for lower, upper in pairwise(indices):
        bolder, other = portfolios.models[upper], portfolios.models[lower]
        if bolder.volatility_max < other.volatility_max:
            message = f"{bolder.rating} may swing less than {other.rating}"
            parts: dict[str, Any] = {
                "seen": f"{bolder.volatility_max:g}",
                "allowed": f"at least {other.volatility_max:g}",
            }
            yield origin.fault(("models", upper, "volatility_max"), "portfolio_order", message, **parts)


def _limit_faults(portfolios: Portfolios, model: CautiousModel, origin: Origin, base: Loc) -> Iterator[Fault]:
    """Limits of buckets that the model does not divide or may not hold, and limits that no weights can meet."""
    allowed, digits = open_buckets(portfolios, model), portfolios.weight_digits
    for name, limit in model.limits.items():
        loc = (*base, "limits", name)
        if name not in portfolios.divided:
            message, hint = "protection goes by protection_need here, not by weight", "remove the limit, or the need"
            yield origin.fault(loc, "portfolio_limit", message, on_key=True, hint=hint)
        elif (
            isinstance(model, RatedModel) and name not in allowed and (limit.min > 0 or "max" in limit.model_fields_set)
        ):
            yield from _overstepped(portfolios, model, origin, loc)
        elif limit.min > limit.max:
            message, seen = f"the least share of '{name}' is above the most", f"{limit.min:g} to {limit.max:g}"
            yield origin.fault(loc, "portfolio_limit", message, on_key=True, seen=seen, hint="exchange them")
        elif any(round(end, digits) != end for end in (limit.min, limit.max)):
            message, seen = "a limit has more decimals than the weights", f"{limit.min:g} to {limit.max:g}"
            hint = "raise weight_digits, or round the limit"
            parts = {"seen": seen, "allowed": f"{digits} decimals", "hint": hint}
            yield origin.fault(loc, "portfolio_limit", message, on_key=True, **parts)
    yield from _sum_faults(portfolios, model, origin, base)


def _overstepped(portfolios: Portfolios, model: RatedModel, origin: Origin, loc: Loc) -> Iterator[Fault]:
    name = str(loc[-1])
    if (limit := model.limits[name]).max == 0 and limit.min == 0:  # type: ignore[index]
        return
    level = getattr(portfolios.buckets, name).risk_level
    message = f"{model.rating} may not hold '{name}': its products begin at {level}"
    hint = "remove the limit, or lower the bucket's risk_level if there are such products"
    allowed = f"R{model.rating[1]} and below"
    yield origin.fault(loc, "portfolio_unsuitable", message, on_key=True, seen=level, allowed=allowed, hint=hint)


def _sum_faults(portfolios: Portfolios, model: CautiousModel, origin: Origin, base: Loc) -> Iterator[Fault]:
    from cultiva.definitions.frontier import limits_of

    limits = limits_of(portfolios, model).values()
    least, most = sum(limit.min for limit in limits), sum(limit.max for limit in limits)
    if least > 1 + 1e-9 or most < 1 - 1e-9:
        message = "no weights that add up to 1 meet these limits"
        seen = f"least shares of {least:g} and most shares of {most:g} together"
        hint = f"what is divided is {', '.join(name for name in BUCKETS if name in portfolios.divided)}"
        where = base if base == (UNRATED,) or not model.limits else (*base, "limits")
        yield origin.fault(where, "portfolio_limit", message, on_key=True, seen=seen, allowed="1 in between", hint=hint)


def _budget_faults(portfolios: Portfolios, origin: Origin) -> Iterator[Fault]:
    from cultiva.definitions.frontier import weights_of

    places = {id(model): loc for loc, model in _models(portfolios)}
    for key, (model, band) in portfolios.model_keys().items():
        try:
            weights_of(portfolios, key, model, band)
        except CultivaError as error:
            loc = (*places[id(model)], "volatility_max")
            parts: dict[str, Any] = {"seen": str(error.seen), "allowed": str(error.allowed), "hint": str(error.hint)}
            yield origin.fault(loc, "portfolio_budget", error.message, **parts)
