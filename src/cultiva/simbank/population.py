"""Who the customers of one chunk are: archetype, life, dates, home branch, means, family and employer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, INDUSTRIES, LIFE_SHARES, OCCUPATIONS, Archetype, Life
from cultiva.simbank.arrays import NONE, Flags, Floats, Ints, lognormal, pick, pick_by_group
from cultiva.simbank.kinship import draw_kinship
from cultiva.simbank.mix import USUAL, Mix

HISTORY_DAYS = 455
"""Days of history in a delivery, the last one included: fifteen months."""
DAYS_PER_YEAR = 365.25
ADVISERS_PER_BRANCH = 4
ADVISED_WEALTH_MIN = 200_000.0
"""Customers with more than this have an adviser; times the bank's factor of wealth."""
FIRST_DAYS = 20
"""Nobody has an account sooner after birth or foundation."""
NEVER = 10**6
"""A day after every other."""


@dataclass(frozen=True)
class Calendar:
    """The days of the history, counted from its first day."""

    until: date
    """Last day with movements."""

    @property
    def first(self) -> date:
        """Day 0."""
        return self.until - timedelta(days=HISTORY_DAYS - 1)

    @property
    def last(self) -> int:
        """Number of the last day."""
        return HISTORY_DAYS - 1

    def month_starts(self, *, beyond: int = 0) -> Ints:
        """Day numbers on which the months of the history begin, in order; the first may be negative.

        Args:
            beyond: So many months after the history too.
        """
        starts, day = [], self.first.replace(day=1)
        while day <= self.until + timedelta(days=31 * beyond):
            starts.append((day - self.first).days)
            day = (day + timedelta(days=32)).replace(day=1)
        return np.array(starts, dtype=np.int64)


@dataclass(frozen=True)
class Bank:
    """The size of the bank and how it grows with its customers."""

    customers: int
    calendar: Calendar
    transactions_per_customer: float
    mix: Mix = USUAL
    """Who banks here; its `transactions` are those of the field above."""

    @property
    def branches(self) -> int:
        """Branches: a few for a village bank, some hundreds for a large one."""
        return int(np.clip(round(self.customers**0.5 / 5), 4, 600))

    @property
    def rural_branches(self) -> int:
        """How many of them, the first ones, are in counties."""
        return max(1, round(self.branches * 0.4))


@dataclass(frozen=True)
class Population:
    """Customers of one chunk as columns; days are numbers of the calendar, money is in yuan."""

    start: int
    """Number of the chunk's first customer in the whole bank."""
    archetype: Ints
    organisation: Flags
    life: Ints
    born: Ints
    """Day of birth or foundation, long before day 0."""
    female: Flags
    trade: Ints
    """Code of the occupation, or of the industry for organisations."""
    branch: Ints
    adviser: Ints
    """Number of the adviser in the bank, or NONE."""
    income: Floats
    wealth: Floats
    opened: Ints
    """Day on which the relationship began."""
    active_until: Ints
    """Last day with movements of the customer's own."""
    closed: Ints
    """Day on which every account was closed, or NEVER."""
    uses_app: Flags
    in_core: Flags
    employer: Ints
    """Index of the employer within the chunk, or NONE."""
    partner: Ints
    """Index of the spouse within the chunk, or NONE."""
    parent: Ints
    """Index of a parent within the chunk, or NONE."""
    household: Ints
    """Index of the head of the household within the chunk; oneself for those who live alone."""
    referrer: Ints
    """Index of the customer who brought this one, or NONE."""

    def __len__(self) -> int:
        return int(self.archetype.size)


def draw_population(rng: np.random.Generator, bank: Bank, start: int, rows: int) -> Population:
    """Draws the customers number `start` to `start + rows - 1` of a bank."""
    archetype = pick(rng, bank.mix.shares, rows)
    organisation = _by_archetype(archetype, lambda kind: kind.organisation).astype(np.bool_)
    life = _lives(rng, archetype, organisation)
    born = _birth_days(rng, archetype)
    opened, active_until, closed = _dates(rng, life, bank.calendar)
    opened = np.maximum(opened, born + FIRST_DAYS)
    spread = _by_archetype(archetype, lambda kind: kind.spread)
    means = np.exp(rng.standard_normal(rows) * spread * 0.6)  # what income and wealth have in common
    income = lognormal(rng, _by_archetype(archetype, lambda kind: kind.income) * means, spread * 0.5)
    wealth = lognormal(rng, _by_archetype(archetype, lambda kind: kind.wealth) * means, spread)
    income, wealth = income * bank.mix.income, wealth * bank.mix.wealth
    branch = _branches(rng, archetype, bank)
    (kin_rng,) = rng.spawn(1)  # a stream of its own: links do not move what else is drawn
    advised = ((wealth > ADVISED_WEALTH_MIN * bank.mix.wealth) | organisation) & (life != Life.VISITOR)
    adviser = branch * ADVISERS_PER_BRANCH + rng.integers(0, ADVISERS_PER_BRANCH, rows)
    uses_app = rng.random(rows) < _by_archetype(archetype, lambda kind: kind.app)
    female = rng.random(rows) < 0.5
    trade = _trades(rng, archetype, organisation)
    employer = _employers(rng, archetype, organisation)
    partner = _partners(rng, organisation)
    kin = draw_kinship(kin_rng, born, organisation, partner, bank.calendar.last)
    return Population(
        start=start,
        archetype=archetype,
        organisation=organisation,
        life=life,
        born=born,
        female=female,
        trade=trade,
        branch=branch,
        adviser=np.where(advised, adviser, NONE),
        income=income,
        wealth=wealth,
        opened=opened,
        active_until=active_until,
        closed=closed,
        uses_app=uses_app | (life == Life.VISITOR),
        in_core=life != Life.VISITOR,
        employer=employer,
        partner=partner,
        parent=kin.parent,
        household=kin.household,
        referrer=kin.referrer,
    )


LINKS = ("employer", "partner", "parent", "household", "referrer")
"""Columns that point to other customers."""


def together(chunks: Sequence[Population]) -> Population:
    """The customers of neighbouring chunks as one population; links point across the whole of it.

    Args:
        chunks: In order; the first begins at the number that the whole begins at.
    """
    start = chunks[0].start
    columns: dict[str, Any] = {"start": start}
    for column in fields(Population):
        if column.name in LINKS:
            parts = [_shifted(getattr(chunk, column.name), chunk.start - start) for chunk in chunks]
        elif column.name != "start":
            parts = [getattr(chunk, column.name) for chunk in chunks]
        else:
            continue
        columns[column.name] = np.concatenate(parts)
    return Population(**columns)


def _shifted(links: Ints, by: int) -> Ints:
    return np.where(links == NONE, NONE, links + by)


def _by_archetype(archetype: Ints, figure: object) -> Floats:
    assert callable(figure)
    return np.array([float(figure(kind)) for kind in ARCHETYPES])[archetype]


def _lives(rng: np.random.Generator, archetype: Ints, organisation: Flags) -> Ints:
    life = pick(rng, LIFE_SHARES, archetype.size)
    life[organisation & (life == Life.VISITOR)] = Life.ACTIVE
    fixed = np.array([NONE if kind.life is None else kind.life for kind in ARCHETYPES])[archetype]
    return np.where(fixed == NONE, life, fixed)


def _dates(rng: np.random.Generator, life: Ints, calendar: Calendar) -> tuple[Ints, Ints, Ints]:
    rows, last = life.size, calendar.last
    opened = last - 91 - (rng.random(rows) ** 1.5 * 5400).astype(np.int64)
    new = life == Life.NEW
    opened[new] = last - (rng.random(int(new.sum())) * 90).astype(np.int64)
    coming = (life == Life.FUTURE) | (life == Life.VISITOR)
    opened[coming] = last + 1 + rng.integers(0, 20, int(coming.sum()))
    gone = (life == Life.DORMANT) | (life == Life.LOST)
    opened[gone] -= 420
    quiet_since = np.where(life == Life.DORMANT, last - rng.integers(185, 420, rows), last)
    closed = np.where(life == Life.LOST, last - rng.integers(5, 330, rows), NEVER)
    return opened, np.minimum(quiet_since, closed), closed


def _branches(rng: np.random.Generator, archetype: Ints, bank: Bank) -> Ints:
    """The first 40 % of the branches are rural."""
    rural = rng.random(archetype.size) < _by_archetype(archetype, lambda kind: kind.rural)
    border = bank.rural_branches
    draw = rng.random(archetype.size)
    town = border + (draw**1.4 * (bank.branches - border)).astype(np.int64)
    return np.where(rural, (draw * border).astype(np.int64), town)


def _birth_days(rng: np.random.Generator, archetype: Ints) -> Ints:
    youngest = _by_archetype(archetype, lambda kind: kind.age[0])
    oldest = _by_archetype(archetype, lambda kind: kind.age[1] + 1)
    age = youngest + rng.beta(1.6, 1.8, archetype.size) * (oldest - youngest)
    return (HISTORY_DAYS - 1 - age * DAYS_PER_YEAR).astype(np.int64)


def _trades(rng: np.random.Generator, archetype: Ints, organisation: Flags) -> Ints:
    shares = np.array([_trade_shares(kind) for kind in ARCHETYPES])
    trade = pick_by_group(rng, shares, archetype)
    return np.where(organisation, np.minimum(trade, len(INDUSTRIES) - 1), trade)


def _trade_shares(kind: Archetype) -> list[float]:
    names = INDUSTRIES if kind.organisation else OCCUPATIONS
    shares = [kind.occupations.get(name, 0.0) for name in names]
    return shares + [0.0] * (len(OCCUPATIONS) - len(shares))


def _employers(rng: np.random.Generator, archetype: Ints, organisation: Flags) -> Ints:
    """Nine in ten of those who draw a salary work for an employer that banks here too."""
    salaried = np.array([kind.regular_kind == "salary" and not kind.organisation for kind in ARCHETYPES])[archetype]
    firms = np.flatnonzero(np.array([kind.name == "employer" for kind in ARCHETYPES])[archetype])
    if firms.size == 0:
        return np.full(archetype.size, NONE, dtype=np.int64)
    choice = firms[(rng.random(archetype.size) ** 2 * firms.size).astype(np.int64)]
    return np.where(salaried & ~organisation & (rng.random(archetype.size) < 0.9), choice, NONE)


def _partners(rng: np.random.Generator, organisation: Flags) -> Ints:
    """Half of the persons are married to another customer, in pairs."""
    partner = np.full(organisation.size, NONE, dtype=np.int64)
    people = rng.permutation(np.flatnonzero(~organisation))
    pairs = people[: people.size // 4 * 2].reshape(-1, 2)
    partner[pairs[:, 0]], partner[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    return partner
