"""Which variables a metric needs, and which sums of them the engine must return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

from cultiva.review.measure_design import Design, Kind, MetricDesign
from cultiva.review.statistics.differences import Roles

Term = tuple[tuple[str, ...], tuple[str, ...]]
"""A sum: the variables whose product is summed, and those that must not be null."""


@dataclass(frozen=True)
class Variable:
    """One column of numbers made from a column of the analysis table."""

    name: str
    """Its name in the pass."""
    column: str
    """Column of the analysis table."""
    kind: Kind = Kind.MEAN
    """A share is 1 for values above 0, else 0."""
    filled: bool = False
    """Whether a missing value counts as the average one."""
    trimmed: bool = False
    """Whether it is cut."""
    nullable: bool = False
    """Whether it may be missing."""


@dataclass(frozen=True)
class Variant:
    """A metric as it stands, or trimmed."""

    metric: MetricDesign
    """The metric."""
    trimmed: bool
    """Whether its amounts are cut."""
    variables: tuple[Variable, ...]
    """The metric first, then as `roles` says."""
    roles: Roles
    """Which variable is which."""

    @property
    def covariate(self) -> Variable | None:
        """The variable known before."""
        return None if self.roles.covariate is None else self.variables[self.roles.covariate]

    @cached_property
    def present(self) -> tuple[str, ...]:
        """Variables that may be missing; a customer without one of them does not take part."""
        return tuple(one.name for one in self.variables if one.nullable and not one.filled)

    @cached_property
    def count_name(self) -> str:
        """Name of the aggregate that counts customers."""
        return sum_name((), self.present)

    @cached_property
    def sum_names(self) -> tuple[str, ...]:
        """Names of the sums, variable by variable."""
        return tuple(sum_name((one.name,), self.present) for one in self.variables)

    @cached_property
    def product_names(self) -> tuple[tuple[int, int, str], ...]:
        """Names of the sums of products, upper triangle."""
        places = combinations_with_replacement(range(len(self.variables)), 2)
        return tuple((a, b, sum_name(self._pair(a, b), self.present)) for a, b in places)

    @cached_property
    def product_places(self) -> tuple[list[int], list[int]]:
        """Row and column of each of them."""
        return [a for a, _, _ in self.product_names], [b for _, b, _ in self.product_names]

    @cached_property
    def terms(self) -> Mapping[str, Term]:
        """All sums by name; equal ones of several variants have one name, so that they are computed once."""
        found: dict[str, Term] = {self.count_name: ((), self.present)}
        found.update({sum_name((one.name,), self.present): ((one.name,), self.present) for one in self.variables})
        found.update({name: (self._pair(a, b), self.present) for a, b, name in self.product_names})
        return found

    @cached_property
    def tail_terms(self) -> Mapping[str, Term]:
        """What the covariate's kurtosis is made of: customers, and sums of its first to fourth powers; in order."""
        powers = range(5 if self.covariate is not None else 0)
        factors = [(self.covariate.name,) * power if self.covariate else () for power in powers]
        return {sum_name(one, self.present): (one, self.present) for one in factors}

    def _pair(self, a: int, b: int) -> tuple[str, str]:
        first, second = sorted((self.variables[a].name, self.variables[b].name))
        return first, second


def is_trimmed(metric: MetricDesign) -> bool:
    """Whether a metric is measured trimmed as well: amounts only, a share or a ratio has no tails to cut."""
    return metric.trimmed and metric.kind is Kind.MEAN


def trimmed_columns(metric: MetricDesign) -> tuple[str, ...]:
    """Columns that the trimmed variant of a metric cuts: its own, and its covariate's, so that they go together."""
    return (f"y_{metric.name}", *([] if metric.covariate is None else [f"x_{metric.covariate}"]))


def variants_of(design: Design, nullable: frozenset[str]) -> tuple[Variant, ...]:
    """All that is measured: every metric, and the trimmed ones once more."""
    found = [_variant(metric, design, nullable, trimmed=False) for metric in design.metrics]
    if design.trim_share > 0:
        found += [_variant(metric, design, nullable, trimmed=True) for metric in design.metrics if is_trimmed(metric)]
    return tuple(found)


def balanced(variants: Iterable[Variant]) -> dict[str, Variant]:
    """By covariate: the metric with which it is looked at whether the arms were alike before."""
    found: dict[str, Variant] = {}
    for one in variants:
        if one.metric.covariate is not None:
            found.setdefault(one.metric.covariate, one)
    return found


def _variant(metric: MetricDesign, design: Design, nullable: frozenset[str], *, trimmed: bool) -> Variant:
    column = f"y_{metric.name}"
    prefix = {(False, Kind.SHARE): "s", (True, Kind.MEAN): "t"}.get((trimmed, metric.kind), "v")
    kind = Kind.SHARE if metric.kind is Kind.SHARE else Kind.MEAN
    variables = [Variable(f"{prefix}{column}", column, kind, trimmed=trimmed, nullable=column in nullable)]
    places: dict[str, int] = {}
    if metric.kind is Kind.RATIO and metric.denominator is not None:
        below = f"y_{metric.denominator}"
        places["denominator"] = len(variables)
        variables.append(Variable(f"v{below}", below, nullable=below in nullable))
    if metric.covariate is not None:
        before = f"x_{metric.covariate}"
        places["covariate"] = len(variables)
        prefix, missing = "t" if trimmed else "v", before in nullable
        variables.append(Variable(f"{prefix}{before}", before, filled=missing, trimmed=trimmed, nullable=missing))
    if design.reached is not None:
        places["reached"] = len(variables)
        taken = design.reached in nullable
        variables.append(Variable("reached", design.reached, Kind.SHARE, filled=taken, nullable=taken))
    return Variant(metric, trimmed, tuple(variables), Roles(**places))


def sum_name(factors: tuple[str, ...], present: tuple[str, ...]) -> str:
    """Name of the sum of a product of variables over the customers of whom the present ones are known."""
    return f"{'*'.join(factors) or 'count'}|{','.join(present)}"
