"""What customers do and say in one living week beside moving money: sessions, visits, complaints, answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cultiva.simbank.archetypes import CHANNELS, EVENTS
from cultiva.simbank.arrays import NONE, Flags, Ints, coded, timestamps
from cultiva.simbank.bookings import DAYS_PER_WEEK, Week
from cultiva.simbank.doings import (
    EVENT,
    EVENT_CHANNELS,
    EVENTS_PER_TRANSACTION,
    PROPERTY_TEXTS,
    SUBMITS_SHARE,
    SURVEYS_PER_CUSTOMER,
    Happenings,
    event_names,
    event_properties,
    submitted_properties,
)
from cultiva.simbank.living import CONTACT_STATUS
from cultiva.simbank.names import SAYINGS
from cultiva.simbank.population import HISTORY_DAYS, NEVER
from cultiva.simbank.standing import Standing
from cultiva.simbank.tables import Columns, app_ids, core_ids
from cultiva.simbank.voices import SURVEYS, TOUCHPOINTS
from cultiva.simbank.weekly import Naming, fact_ids

REFUSED = len(EVENTS)
LIVING_EVENTS = (*EVENTS, "marketing_refused")
"""Events of a living bank: those of a history, and consents withdrawn."""
SESSION_GAP_SECONDS = (15, 180)
WEEKS = HISTORY_DAYS / DAYS_PER_WEEK
GLAD, CROSS = (0, 3, 6), (1, 2, 4, 5, 7)
"""What is said by those who are content, and by those who are not: places in SAYINGS."""
_IN_APP = np.array([EVENT_CHANNELS.get(name, "app") == "app" for name in EVENTS])
_NOT_DRAWN = [EVENT["complaint_opened"], EVENT["complaint_closed"], EVENT["loan_submitted"]]


@dataclass(frozen=True)
class Doings:
    """Events of one week as columns; properties are texts."""

    happenings: Happenings
    refused_channel: Ints
    """For consents withdrawn: position of the channel; NONE for other events."""


def week_events(
    rng: np.random.Generator, week: Week, standing: Standing, naming: Naming, *, transactions: float
) -> Doings:
    """Draws the week's sessions and visits, and adds what the state tells: complaints, refusals, applications.

    Args:
        rng: Source of chance.
        week: What happened.
        standing: Open complaints.
        naming: What the channels are called.
        transactions: Movements per customer in a history, by which events are measured.
    """
    drawn = _in_sessions(rng, week, _drawn(rng, week, standing, transactions))
    told = [*_complaints(rng, week, standing), *_talks(rng, week, naming)]
    refusals, channel = _refusals(rng, week)
    every = [drawn, *told, refusals]
    columns = [np.concatenate([getattr(one, name) for one in every]) for name in Happenings.__dataclass_fields__]
    refused = np.full(columns[0].size, NONE, dtype=np.int64)
    refused[columns[0].size - channel.size :] = channel
    return Doings(Happenings(*columns), refused)


def _drawn(rng: np.random.Generator, week: Week, standing: Standing, transactions: float) -> Happenings:
    people, after = week.people, week.happened.after
    here = standing.registered & (after.left == NEVER)
    visits = ~standing.registered & people.uses_app
    weight = np.where(people.uses_app, 1.7, 0.3) * ~people.organisation * (here * after.activity + 0.3 * visits)
    mean = transactions * EVENTS_PER_TRANSACTION / WEEKS * weight * np.clip(1 + 0.4 * after.mood, 0.2, 1.5)
    who = np.repeat(np.arange(len(people)), rng.poisson(mean))
    name = event_names(rng, people, who)
    properties = event_properties(rng, name)
    day = week.begins + rng.integers(0, DAYS_PER_WEEK, who.size)
    second = (7 * 3600 + rng.random(who.size) * 15 * 3600).astype(np.int64)
    kept = ~np.isin(name, _NOT_DRAWN)
    return Happenings(who[kept], day[kept], second[kept], name[kept], properties[kept])


def _in_sessions(rng: np.random.Generator, week: Week, drawn: Happenings) -> Happenings:
    """What a customer does in the app on one day is one session: it begins with opening the app."""
    in_app = _IN_APP[drawn.name]
    session = drawn.customer * DAYS_PER_WEEK + (drawn.day - week.begins)
    order = np.lexsort((drawn.name != EVENT["app_opened"], session, ~in_app))
    order = order[in_app[order]]
    key = session[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    size = np.diff(np.append(first, key.size))
    rank = np.arange(key.size) - np.repeat(first, size)
    gap = rng.integers(*SESSION_GAP_SECONDS, key.size)
    gap[first] = 0
    since = np.cumsum(gap) - np.repeat(np.cumsum(gap)[first], size)
    second = np.minimum(np.repeat(drawn.second[order][first], size) + since, 86_399 - 600)
    name, properties = drawn.name[order].copy(), drawn.properties[order].copy()
    again = (name == EVENT["app_opened"]) & (rank > 0)
    name[again] = EVENT["page_viewed"]
    properties[again] = event_properties(rng, name[again])
    opens = first[name[first] != EVENT["app_opened"]]
    submits = np.flatnonzero((name == EVENT["loan_started"]) & (rng.random(name.size) < SUBMITS_SHARE))
    apart = np.flatnonzero(~in_app)
    who, day = drawn.customer[order], drawn.day[order]
    return Happenings(
        np.concatenate([who, who[opens], who[submits], drawn.customer[apart]]),
        np.concatenate([day, day[opens], day[submits], drawn.day[apart]]),
        np.concatenate([second, second[opens] - 12, second[submits] + 300, drawn.second[apart]]),
        np.concatenate([name, np.full(opens.size, EVENT["app_opened"]), np.full(submits.size, EVENT["loan_submitted"]),
                        drawn.name[apart]]),
        np.concatenate([properties, np.full(opens.size, NONE), submitted_properties(properties[submits]),
                        drawn.properties[apart]]),
    )  # fmt: skip


def _complaints(rng: np.random.Generator, week: Week, standing: Standing) -> list[Happenings]:
    """Complaints that the state opened in the week, and all open ones of those whom it set at rest."""
    before, after = week.happened.before.complaint, week.happened.after.complaint
    opened = np.flatnonzero((after != before) & (after != NEVER))
    closed = np.flatnonzero((before != NEVER) & ((after == NEVER) | (after != before)))
    closed = np.repeat(closed, np.maximum(standing.complaints[closed], 1))
    return [
        _at(rng, opened, np.clip(after[opened], week.begins, week.begins + 6), "complaint_opened"),
        _at(rng, closed, week.begins + rng.integers(0, DAYS_PER_WEEK, closed.size), "complaint_closed"),
    ]


def open_complaints(week: Week, standing: Standing) -> Ints:
    """Complaints open after the week."""
    before, after = week.happened.before.complaint, week.happened.after.complaint
    closed = (before != NEVER) & (after != before)
    opened = (after != before) & (after != NEVER)
    return np.where(closed, 0, standing.complaints) + opened


def _at(rng: np.random.Generator, who: Ints, day: Ints, name: str) -> Happenings:
    codes = np.full(who.size, EVENT[name])
    # a complaint is closed in the evening, so that one that is opened on the same day was opened before
    hours = (18, 4) if name == "complaint_closed" else (9, 8)
    second = ((hours[0] + rng.random(who.size) * hours[1]) * 3600).astype(np.int64)
    return Happenings(who, day, second, codes, event_properties(rng, codes))


def _talks(rng: np.random.Generator, week: Week, naming: Naming) -> list[Happenings]:
    """Talks at the branch and calls that took place leave a visit and an answered call."""
    contacts = week.happened.contacts
    touches = contacts.touches
    met = np.isin(contacts.status, [CONTACT_STATUS.index("delivered"), CONTACT_STATUS.index("refused")])
    found = []
    for channel, event in (("branch", "branch_visited"), ("phone", "call_answered")):
        places = [place for place, one in enumerate(naming.channels) if one.name == channel]
        rows = np.flatnonzero(met & np.isin(touches.channel, places))
        codes = np.full(rows.size, EVENT[event])
        properties = event_properties(rng, codes)
        found.append(Happenings(touches.customer[rows], touches.day[rows], contacts.second[rows], codes, properties))
    return found


def _refusals(rng: np.random.Generator, week: Week) -> tuple[Happenings, Ints]:
    """Consents that were withdrawn in the week, with their channel."""
    lost = week.happened.before.consent & ~week.happened.after.consent
    who, channel = np.nonzero(lost)
    day = week.begins + rng.integers(0, DAYS_PER_WEEK, who.size)
    second = (9 * 3600 + rng.random(who.size) * 12 * 3600).astype(np.int64)
    none = np.full(who.size, NONE, dtype=np.int64)
    return Happenings(who, day, second, np.full(who.size, REFUSED), none), channel


def event_columns(standing: Standing, doings: Doings, naming: Naming, week: Week, number: int) -> Columns:
    """Events, known by the app's id where the app saw them, by the core's otherwise."""
    events, people = doings.happenings, week.people
    channels = [CHANNELS.index(EVENT_CHANNELS.get(name, "app")) for name in EVENTS]
    channel = np.array([*channels, CHANNELS.index("phone")])[events.name]
    by_app = people.uses_app[events.customer] & ~people.organisation[events.customer]
    by_app &= (channel == CHANNELS.index("app")) | ~standing.registered[events.customer]
    refused = [f'{{"channel": "{one.name}"}}' for one in naming.channels]
    text = np.where(doings.refused_channel == NONE, events.properties, len(PROPERTY_TEXTS) + doings.refused_channel)
    return {
        "event_id": fact_ids("E", number, events.customer.size),
        "source_system": coded(by_app.astype(np.int64), ["core", "app"]),
        "source_id": pc.if_else(pa.array(by_app), app_ids(events.customer), core_ids(events.customer)),
        "at": timestamps(events.day, events.second, week.first),
        "name": coded(events.name, LIVING_EVENTS),
        "channel": coded(channel, CHANNELS),
        "properties": coded(text, [*PROPERTY_TEXTS, *refused]),
    }


def survey_columns(rng: np.random.Generator, standing: Standing, week: Week, number: int) -> Columns:
    """Answers to surveys: the better the mood, the better the score and what is said."""
    after = week.happened.after
    asked: Flags = standing.registered & (after.left == NEVER) & ~week.people.organisation
    who = np.flatnonzero(rng.random(len(asked)) < asked * SURVEYS_PER_CUSTOMER / WEEKS)
    mood = np.clip(after.mood[who] + 0.15 * rng.standard_normal(who.size), -1, 1)
    survey = (rng.random(who.size) < 1 / 3).astype(np.int64)
    nps = np.clip(np.rint(8.2 + 4.0 * mood + 1.6 * rng.standard_normal(who.size)), 0, 10).astype(np.int64)
    csat = np.clip(np.rint(4.0 + 1.8 * mood + 0.8 * rng.standard_normal(who.size)), 1, 5).astype(np.int64)
    glad = np.array(GLAD)[rng.integers(0, len(GLAD), who.size)]
    cross = np.array(CROSS)[rng.integers(0, len(CROSS), who.size)]
    says = rng.random(who.size) < 0.3
    day = week.begins + rng.integers(0, DAYS_PER_WEEK, who.size)
    second = (9 * 3600 + rng.random(who.size) * 10 * 3600).astype(np.int64)
    return {
        "answer_id": fact_ids("Q", number, who.size),
        "source_system": coded(np.zeros_like(who), ["core"]),
        "source_id": core_ids(who),
        "survey": coded(survey, SURVEYS),
        "touchpoint": coded(rng.integers(0, len(TOUCHPOINTS), who.size), TOUCHPOINTS),
        "at": timestamps(day, second, week.first),
        "score": pa.array(np.where(survey == 0, nps, csat)),
        "text": coded(np.where(says, np.where(nps >= 8, glad, cross), NONE), SAYINGS),
    }
