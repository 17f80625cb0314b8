"""What the customers of one chunk do and live through beside moving money: events, touches, answers, permissions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, EVENTS, Life
from cultiva.simbank.arrays import NONE, Ints, pick, pick_by_group
from cultiva.simbank.population import Bank, Population

EVENT = {name: code for code, name in enumerate(EVENTS)}
EVENTS_PER_TRANSACTION = 0.35
"""Events per customer, relative to transactions."""
CONTACTS_PER_CUSTOMER, OUTCOMES_PER_CONTACT, SURVEYS_PER_CUSTOMER = 1.2, 0.15, 0.08
SUBMITS_SHARE = 0.55
"""Share of started loan applications that are submitted; the others are broken off."""
CLOSES_SHARE = 0.75
"""Share of complaints that are closed within the history."""
_EVERYBODY = {"app_opened": 6.0, "page_viewed": 3.0, "product_viewed": 0.8, "transfer_made": 2.0,
              "complaint_opened": 0.04, "branch_visited": 0.4, "call_answered": 0.2}  # fmt: skip
_WITHOUT_APP = {"branch_visited": 4.0, "call_answered": 1.0, "complaint_opened": 0.05, "car_service_used": 1.0}
_APP_ONLY = frozenset({"app_opened", "page_viewed", "product_viewed", "transfer_made", "child_account_viewed",
                       "loan_started"})  # fmt: skip
EVENT_CHANNELS = {"branch_visited": "branch", "call_answered": "phone", "car_service_used": "branch",
                  "complaint_opened": "phone", "complaint_closed": "phone"}  # fmt: skip
"""Channel of an event where it is not the app."""
_LOANS: list[dict[str, object]] = [{"product": code, "amount": amount} for code in ("P_CONSUMER", "P_MORTGAGE")
          for amount in (10_000, 20_000, 50_000, 100_000, 300_000)]  # fmt: skip
_PROPERTIES: dict[str, Sequence[dict[str, object]]] = {
    "page_viewed": [{"page": page} for page in ("home", "wealth", "loans", "cards", "benefits", "settings")],
    "product_viewed": [{"product": code} for code in
                       ("P_TERM", "P_WEALTH", "P_FUND_STEADY", "P_FUND_EQUITY", "P_CONSUMER", "P_CREDITCARD",
                        "P_INSURANCE", "P_MORTGAGE")],
    "loan_started": _LOANS,
    "loan_submitted": _LOANS,
    "transfer_made": [{"amount": amount} for amount in (100, 500, 1_000, 2_000, 5_000, 20_000, 100_000)],
    "complaint_opened": [{"topic": topic} for topic in ("fees", "app_failure", "waiting_time", "transfer_late")],
    "complaint_closed": [{"solved": solved} for solved in (True, True, False)],
    "branch_visited": [{"purpose": purpose} for purpose in ("cash", "pension", "deposit", "advice")],
    "call_answered": [{"minutes": minutes} for minutes in (1, 2, 4, 8, 15)],
    "car_service_used": [{"service": service} for service in ("wash", "fuel", "inspection")],
    "child_account_viewed": [{"age": age} for age in (3, 6, 9, 12, 15)],
}  # fmt: skip
PROPERTY_TEXTS: tuple[str, ...] = tuple(json.dumps(value) for values in _PROPERTIES.values() for value in values)
"""Every properties text that occurs."""


@dataclass(frozen=True)
class Happenings:
    """Events of one chunk as columns, in no order."""

    customer: Ints
    day: Ints
    second: Ints
    name: Ints
    """Code of the event."""
    properties: Ints
    """Index into PROPERTY_TEXTS, or NONE."""


@dataclass(frozen=True)
class Touches:
    """Something that happened to customers at a time, with codes: touches, outcomes, answers."""

    customer: Ints
    day: Ints
    second: Ints
    what: Ints
    """A first code: channel, outcome or survey."""
    which: Ints
    """A second code: strategy, answered text or score."""


def make_events(rng: np.random.Generator, bank: Bank, people: Population) -> Happenings:
    """Draws events, and what follows from them: applications submitted, complaints closed."""
    seen_until = np.where(people.life == Life.VISITOR, bank.calendar.last, people.active_until)
    begins = np.where(people.life == Life.VISITOR, bank.calendar.last - 60, np.maximum(people.opened, 0))
    days = np.clip(seen_until - begins + 1, 0, None)
    weight = np.where(people.uses_app, 1.7, 0.3) * np.sqrt(days / (bank.calendar.last + 1)) * ~people.organisation
    mean = bank.transactions_per_customer * EVENTS_PER_TRANSACTION * weight
    counts = rng.poisson(mean)
    who = np.repeat(np.arange(len(people)), counts)
    names = event_names(rng, people, who)
    draw = rng.random(who.size)
    draw = np.where(people.life[who] == Life.AT_RISK, draw**2, draw)
    day = begins[who] + (draw * days[who]).astype(np.int64)
    second = (7 * 3600 + rng.random(who.size) * 15 * 3600).astype(np.int64)
    events = Happenings(who, day, second, names, event_properties(rng, names))
    return _with_followers(rng, bank, events)


def event_names(rng: np.random.Generator, people: Population, who: Ints) -> Ints:
    """Codes of EVENTS as is usual for the archetype, with and without the app."""
    shares = []
    for kind in ARCHETYPES:
        own = {**_EVERYBODY, **{name: _EVERYBODY.get(name, 0.0) + more for name, more in kind.events.items()}}
        plain = {**_WITHOUT_APP, **{name: w for name, w in kind.events.items() if name not in _APP_ONLY}}
        shares.append([plain.get(name, 0.0) for name in EVENTS])
        shares.append([own.get(name, 0.0) for name in EVENTS])
    return pick_by_group(rng, np.array(shares), people.archetype[who] * 2 + people.uses_app[who])


def event_properties(rng: np.random.Generator, names: Ints) -> Ints:
    """Properties for the codes of EVENTS, drawn evenly: indices into PROPERTY_TEXTS, or NONE."""
    sizes = np.array([len(_PROPERTIES.get(name, ())) for name in EVENTS])
    order = list(_PROPERTIES)
    lengths = [len(_PROPERTIES[name]) for name in order]
    first = {name: sum(lengths[:place]) for place, name in enumerate(order)}
    start = np.array([first.get(name, 0) for name in EVENTS])
    draw = start[names] + (rng.random(names.size) * sizes[names]).astype(np.int64)
    return np.where(sizes[names] == 0, NONE, draw)


def submitted_properties(started: Ints) -> Ints:
    """Properties of submitted applications by those of the started ones, whose texts they follow."""
    return started + len(_LOANS)


def _with_followers(rng: np.random.Generator, bank: Bank, events: Happenings) -> Happenings:
    started = np.flatnonzero((events.name == EVENT["loan_started"]) & (rng.random(events.name.size) < SUBMITS_SHARE))
    opened = np.flatnonzero((events.name == EVENT["complaint_opened"]) & (rng.random(events.name.size) < CLOSES_SHARE))
    closed_on = events.day[opened] + rng.integers(1, 10, opened.size)
    in_time = closed_on <= bank.calendar.last
    opened, closed_on = opened[in_time], closed_on[in_time]
    submitted = np.full(started.size, EVENT["loan_submitted"])
    closed = np.full(opened.size, EVENT["complaint_closed"])
    return Happenings(
        np.concatenate([events.customer, events.customer[started], events.customer[opened]]),
        np.concatenate([events.day, events.day[started], closed_on]),
        np.concatenate([events.second, events.second[started] + 300, np.full(opened.size, 10 * 3600)]),
        np.concatenate([events.name, submitted, closed]),
        np.concatenate(
            [events.properties, submitted_properties(events.properties[started]), event_properties(rng, closed)]
        ),
    )


def make_touches(
    rng: np.random.Generator, bank: Bank, people: Population, *, mean: float, shares: Sequence[float], kinds: int
) -> Touches:
    """Draws touches, outcomes or answers of customers of the core system.

    Args:
        rng: Source of chance.
        bank: The bank.
        people: The customers.
        mean: Rows per customer.
        shares: Shares of the first code.
        kinds: Number of second codes, drawn evenly.
    """
    begins = np.maximum(people.opened, 0)
    days = np.where(people.in_core, np.clip(np.minimum(people.closed, bank.calendar.last) - begins + 1, 0, None), 0)
    who = np.repeat(np.arange(len(people)), rng.poisson(mean * (days > 0)))
    day = begins[who] + (rng.random(who.size) * days[who]).astype(np.int64)
    second = (9 * 3600 + rng.random(who.size) * 10 * 3600).astype(np.int64)
    return Touches(who, day, second, pick(rng, shares, who.size), rng.integers(0, kinds, who.size))
