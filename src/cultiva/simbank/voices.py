"""The smaller files of one chunk: touches, outcomes, links, permissions and survey answers, as columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cultiva.simbank.arrays import NONE, Flags, Ints, coded, dates, money, numbered, timestamps
from cultiva.simbank.doings import (
    CONTACTS_PER_CUSTOMER,
    OUTCOMES_PER_CONTACT,
    SURVEYS_PER_CUSTOMER,
    Touches,
    make_touches,
)
from cultiva.simbank.names import SAYINGS
from cultiva.simbank.population import Bank, Population
from cultiva.simbank.tables import Columns, core_ids, row_ids

CONTACT_CHANNELS = ("app", "sms", "wecom", "phone", "branch")
CONTACT_SHARES = (5.0, 3.0, 1.5, 1.0, 0.5)
CAMPAIGNS = ("spring_deposit", "card_launch", "loan_mailing", "fund_week", "welcome_call", "benefit_mall")
STATUSES = ("delivered", "opened", "answered", "refused", "failed")
OUTCOMES = ("product_opened", "deposit_raised", "benefit_used", "responded")
OUTCOME_SHARES = (1.0, 2.0, 3.0, 5.0)
SURVEYS = ("nps", "csat")
TOUCHPOINTS = ("branch", "app", "phone", "loan")
LINK_KINDS = ("family", "employer", "referral", "legal_representative")


def voice_tables(rng: np.random.Generator, bank: Bank, people: Population, chunk: int) -> dict[str, Columns]:
    """All the smaller files."""
    return {
        "contact": _contacts(rng, bank, people, chunk),
        "outcome": _outcomes(rng, bank, people, chunk),
        "relationship": _relationships(rng, bank, people),
        "consent": _consents(rng, bank, people),
        "survey_answer": _answers(rng, bank, people, chunk),
    }


def _facts(bank: Bank, people: Population, touches: Touches, key: str, prefix: str, chunk: int) -> Columns:
    return {
        key: row_ids(prefix, chunk, touches.customer.size),
        "source_system": coded(np.zeros_like(touches.customer), ["core"]),
        "source_id": core_ids(people.start + touches.customer),
        "at": timestamps(touches.day, touches.second, bank.calendar.first),
    }


def _contacts(rng: np.random.Generator, bank: Bank, people: Population, chunk: int) -> Columns:
    touches = make_touches(rng, bank, people, mean=CONTACTS_PER_CUSTOMER, shares=CONTACT_SHARES, kinds=len(CAMPAIGNS))
    rows = touches.customer.size
    status = np.minimum((rng.random(rows) ** 1.8 * len(STATUSES)).astype(np.int64), len(STATUSES) - 1)
    return _facts(bank, people, touches, "touch_id", "K", chunk) | {
        "channel": coded(touches.what, CONTACT_CHANNELS),
        "strategy": coded(touches.which, CAMPAIGNS),
        "offer": coded(touches.which, CAMPAIGNS),
        "wave": coded(rng.integers(0, 3, rows), ["1", "2", "3"]),
        "status": coded(status, STATUSES),
    }


def _outcomes(rng: np.random.Generator, bank: Bank, people: Population, chunk: int) -> Columns:
    mean = CONTACTS_PER_CUSTOMER * OUTCOMES_PER_CONTACT
    touches = make_touches(rng, bank, people, mean=mean, shares=OUTCOME_SHARES, kinds=8)
    in_money = touches.what < 2
    amount = np.round(people.wealth[touches.customer] * (touches.which + 1) * 0.05).astype(np.int64) * 100
    return _facts(bank, people, touches, "outcome_id", "O", chunk) | {
        "name": coded(touches.what, OUTCOMES),
        "amount": money(np.where(in_money, amount, 0), in_money),
    }


def _answers(rng: np.random.Generator, bank: Bank, people: Population, chunk: int) -> Columns:
    touches = make_touches(rng, bank, people, mean=SURVEYS_PER_CUSTOMER, shares=(2.0, 1.0), kinds=len(TOUCHPOINTS))
    rows = touches.customer.size
    nps = np.minimum(10, (rng.beta(4.0, 1.4, rows) * 11).astype(np.int64))
    csat = 1 + np.minimum(4, (rng.beta(3.0, 1.4, rows) * 5).astype(np.int64))
    said = np.where(rng.random(rows) < 0.3, rng.integers(0, len(SAYINGS), rows), NONE)
    return _facts(bank, people, touches, "answer_id", "Q", chunk) | {
        "survey": coded(touches.what, SURVEYS),
        "touchpoint": coded(touches.which, TOUCHPOINTS),
        "score": pa.array(np.where(touches.what == 0, nps, csat)),
        "text": coded(said, SAYINGS),
    }


def _relationships(rng: np.random.Generator, bank: Bank, people: Population) -> Columns:
    """Couples once per pair, employees to employers, a few referrals, and who signs for a company."""
    rows = len(people)
    here = np.arange(rows)
    persons = np.flatnonzero(~people.organisation & people.in_core)
    firms = np.flatnonzero(people.organisation & people.in_core)
    friend = persons[rng.integers(0, max(persons.size, 1), rows)] if persons.size else np.full(rows, NONE)
    links: list[tuple[Ints, Ints]] = [
        _linked(here, people.partner, people.partner > here),
        _linked(here, people.employer, people.employer != NONE),
        _linked(here, friend, (rng.random(rows) < 0.04) & (friend != here) & ~people.organisation),
        _linked(friend[firms], firms, np.ones(firms.size, dtype=np.bool_)),
    ]
    kind = np.repeat(np.arange(len(links)), [link[0].size for link in links])
    origin = np.concatenate([link[0] for link in links])
    goal = np.concatenate([link[1] for link in links])
    both = (origin != NONE) & (goal != NONE) & people.in_core[origin] & people.in_core[goal]
    kind, origin, goal = kind[both], origin[both], goal[both]
    system = coded(np.zeros(kind.size, dtype=np.int64), ["core"])
    return {
        "from_system": system,
        "from_id": core_ids(people.start + origin),
        "to_system": system,
        "to_id": core_ids(people.start + goal),
        "kind": coded(kind, LINK_KINDS),
        "weight": pa.array(np.round(rng.random(kind.size), 2)),
        "since": dates(np.minimum(np.maximum(people.opened[origin], people.opened[goal]), bank.calendar.last),
                       bank.calendar.first),
        "source": coded(np.where(kind == 1, 1, 0), ["declared", "payroll"]),
    }  # fmt: skip


def _linked(origin: Ints, goal: Ints, chosen: Flags) -> tuple[Ints, Ints]:
    return origin[chosen], goal[chosen]


def _consents(rng: np.random.Generator, bank: Bank, people: Population) -> Columns:
    """Most customers have said yes to the app and to messages, fewer to calls; some have said no."""
    asked = np.array([0.85, 0.8, 0.45, 0.7, 0.6])
    granted = np.array([0.92, 0.8, 0.85, 0.6, 0.9])
    rows = len(people)
    said = (rng.random((rows, asked.size)) < asked) & people.in_core[:, None]
    said &= (people.opened <= bank.calendar.last)[:, None]
    who, channel = np.nonzero(said)
    yes = rng.random(who.size) < granted[channel]
    begins = np.maximum(people.opened[who], 0)
    day = begins + (rng.random(who.size) * (bank.calendar.last - begins + 1)).astype(np.int64)
    evidence = numbered("consent-", people.start + who, 8)
    return {
        "source_system": coded(np.zeros(who.size, dtype=np.int64), ["core"]),
        "source_id": core_ids(people.start + who),
        "purpose": coded(np.zeros(who.size, dtype=np.int64), ["marketing"]),
        "channel": coded(channel.astype(np.int64), CONTACT_CHANNELS),
        "granted": pa.array(yes),
        "at": timestamps(day, np.full(who.size, 12 * 3600), bank.calendar.first),
        "evidence": evidence,
    }
