"""What the bank's systems never see, written apart: true identities and links, and what would have been otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from cultiva.simbank.arrays import NONE
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.living import Happened, State
from cultiva.simbank.population import LINKS, Population
from cultiva.simbank.saved import LIVED, Charter
from cultiva.simbank.tables import app_ids, core_ids
from cultiva.simbank.truth.oracle import expected_of
from cultiva.simbank.truth.record import record_week, write_identity, write_links
from cultiva.simbank.truth.twins import live_twins


def write_people(folder: Path, people: Population) -> None:
    """Writes who is behind every party record there is or may be, and how the customers are linked.

    Args:
        folder: The bank's folder.
        people: Everybody.
    """
    n = len(people)
    app = np.flatnonzero(people.uses_app & ~people.organisation)
    who = np.concatenate([np.arange(n), app])
    systems = pa.DictionaryArray.from_arrays(pa.array((np.arange(who.size) >= n).astype(np.int32)), ["core", "app"])
    ids = pa.concat_arrays([core_ids(np.arange(n)), app_ids(app)])
    write_identity(folder, systems, ids, who)
    for kind in LINKS:
        other = getattr(people, kind)
        rows = np.flatnonzero((other != NONE) & (other != np.arange(n)))
        write_links(folder, kind, rows, other[rows])


def write_week(  # noqa: PLR0913  (a week, and what its twins depend on)
    folder: Path,
    day: date,
    charter: Charter,
    *,
    nature: Nature,
    states: Mapping[str, State],
    happened: Happened,
    draws: Draws,
) -> dict[str, State]:
    """Lives the week of the twins, writes the truth of the week, and gives the states after it.

    Args:
        folder: The bank's folder.
        day: The week's last day.
        charter: World, strategies and number of the week.
        nature: The customers.
        states: As the week began, by name.
        happened: The bank's own week.
        draws: Its chance.
    """
    world, strategies, touches = charter.world, charter.naming.strategies, happened.contacts.touches
    lived = states[LIVED]
    twins = {name: state for name, state in states.items() if name != LIVED}
    others = live_twins(world, nature, lived, twins, touches, draws, strategies=strategies)
    expected = expected_of(
        world, nature, lived, who=touches.customer, offer=touches.offer, channel=touches.channel, week=charter.week
    )
    record_week(folder, day, happened, others, nature=nature, strategies=strategies, expected=expected)
    return {LIVED: happened.after} | {name: one.after for name, one in others.items()}
