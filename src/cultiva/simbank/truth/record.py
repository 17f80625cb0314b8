"""The truth on disk, apart from what the bank delivers: `truth/` in the bank's folder, Parquet, one file per week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cultiva.simbank.arrays import NONE, Ints
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.behaviour.touching import DELIVERED, FAILED, NOT_DONE, REFUSED, is_customer
from cultiva.simbank.living import CONTACT_STATUS, Happened
from cultiva.simbank.population import NEVER
from cultiva.simbank.truth.oracle import Expected

LIVED = "lived"
"""Name of the bank itself among its twins."""


def record_week(  # noqa: PLR0913  (what a week's truth is made of)
    folder: Path,
    day: date,
    happened: Happened,
    twins: Mapping[str, Happened],
    *,
    nature: Nature,
    strategies: Sequence[str],
    expected: Expected,
) -> None:
    """Writes one week's truth; the same week written twice leaves the same files.

    `weeks/<day>.parquet` has a row per customer in order: contribution of the bank (`lived`) and of each twin.
    `touches/<day>.parquet` has a row per touch with its true expectations. `totals/<day>.parquet` has a row per bank.

    Args:
        folder: The bank's folder.
        day: Business date at which the week ended.
        happened: The bank's own week.
        twins: Those of its twins, by name.
        nature: The customers.
        strategies: Names of the strategies.
        expected: What the week's touches were expected to do, rows as in the touches.
    """
    banks = {LIVED: happened, **twins}
    money = {name: pa.array(one.contribution.astype(np.float32)) for name, one in banks.items()}
    _write(folder, "weeks", day, pa.table(money))
    _write(folder, "touches", day, _touch_table(happened, nature, strategies, expected))
    _write(folder, "totals", day, pa.Table.from_pylist([_totals(name, one, nature) for name, one in banks.items()]))


def write_identity(folder: Path, source_system: Sequence[str], source_id: Sequence[str], customer: Ints) -> None:
    """Writes who is who: the customer number behind every party record.

    Args:
        folder: The bank's folder.
        source_system: Of each record; any array that Arrow takes.
        source_id: Of each record.
        customer: Number of the customer.
    """
    columns = {"source_system": pa.array(source_system), "source_id": pa.array(source_id)}
    _write_table(folder / "truth" / "identity.parquet", pa.table({**columns, "customer": pa.array(customer)}))


def write_links(folder: Path, kind: str, customer: Ints, other: Ints) -> None:
    """Writes true links of one kind (household, spouse, referral, employer, ...) between customer numbers."""
    columns = {"customer": pa.array(customer), "other": pa.array(other)}
    _write_table(folder / "truth" / "links" / f"{kind}.parquet", pa.table(columns))


def _touch_table(happened: Happened, nature: Nature, strategies: Sequence[str], expected: Expected) -> Any:
    contacts = happened.contacts
    touches = contacts.touches
    return pa.table(
        {
            "customer": pa.array(touches.customer),
            "strategy": _named(touches.strategy, strategies),
            "offer": pa.array(touches.offer.astype(np.int32)),
            "channel": _named(touches.channel, nature.channel_names),
            "day": pa.array(touches.day.astype(np.int32)),
            "status": _named(contacts.status, CONTACT_STATUS),
            "reached": pa.array(expected.reached.astype(np.float32)),
            "p_with": pa.array(expected.p_with.astype(np.float32)),
            "p_without": pa.array(expected.p_without.astype(np.float32)),
            "money": pa.array(expected.money),
            "cost": pa.array(expected.cost),
        }
    )


def _named(codes: Ints, names: Sequence[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names), pa.string()))


def _totals(name: str, happened: Happened, nature: Nature) -> dict[str, object]:
    """One bank's week in a row; costs are those of touches carried out and of benefits taken up."""
    before, after = happened.before, happened.after
    contacts, taken = happened.contacts, happened.conversions
    done = contacts.status != NOT_DONE
    given = taken.offer[(taken.product == NONE) & (taken.offer != NONE)]
    here = is_customer(after)
    return {
        "bank": name,
        "contribution": float(happened.contribution.sum()),
        "touch_cost": float(nature.touch_cost[contacts.touches.channel[done]].sum()),
        "offer_cost": float(nature.cost[given].sum()),
        "touches": len(contacts.touches),
        "reached": int(np.isin(contacts.status, (DELIVERED, REFUSED)).sum()),
        "failed": int((contacts.status == FAILED).sum()),
        "not_done": int((contacts.status == NOT_DONE).sum()),
        "refused": int((contacts.status == REFUSED).sum()),
        "conversions": int(taken.customer.size),
        "customers": int(here.sum()),
        "left": int(((after.left != NEVER) & (before.left == NEVER)).sum()),
        "opt_outs": int((before.consent & ~after.consent).sum()),
        "complaints": int(((after.complaint != NEVER) & (after.complaint != before.complaint)).sum()),
        "fatigue": float(after.fatigue[here].mean()) if here.any() else 0.0,
        "mood": float(after.mood[here].mean()) if here.any() else 0.0,
    }


def _write(folder: Path, kind: str, day: date, table: Any) -> None:
    _write_table(folder / "truth" / kind / f"{day.isoformat()}.parquet", table)


def _write_table(path: Path, table: Any) -> None:
    """Beside it first, so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    pq.write_table(table, beside, compression="zstd")
    beside.replace(path)
