"""Recipients: what the lake knows of the customers whom execution is about to reach, put where it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from cultiva.contracts.types import Column, DataType
from cultiva.definitions.workspace import Workspace
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.inputs import plan_inputs
from cultiva.loop.parts import Parts
from cultiva.strategy.service import reachable

if TYPE_CHECKING:
    import ibis

LANGUAGES = ("zh", "en")
ZONE_TAG, LANGUAGE_TAG = "time_zone", "language"
"""Tags that, where a workspace has them, say where a customer lives and what they read."""
HOUSEHOLD = (Column("customer_id", DataType.INTEGER), Column("household_id", DataType.INTEGER))
"""Columns of the lake table `household`; a run before it was made has none."""


def refresh(parts: Parts, customer_ids: Sequence[int], on: date) -> int:
    """Puts what is known of customers on a business date into the store.

    Args:
        parts: Of the workspace.
        customer_ids: Whom; those whom the profile of that date does not know are left as they are.
        on: Business date of a run.

    Returns:
        How many were put.
    """
    rows = recipients(parts, customer_ids, on)
    Recipients(parts.store.database).put(rows)
    return len(rows)


def recipients(parts: Parts, customer_ids: Sequence[int], on: date) -> list[Recipient]:
    """What is known of customers on a business date, in the order of their ids."""
    import pyarrow as pa

    if not customer_ids:
        return []
    engine, workspace = parts.engine, parts.workspace
    asked = engine.load(pa.table({"customer_id": pa.array(sorted(set(customer_ids)), pa.int64())}))
    table = _known(parts, on).semi_join(asked, "customer_id").order_by("customer_id")
    return [_recipient(row, workspace, on) for row in engine.fetch(table).to_pylist()]


def _known(parts: Parts, on: date) -> ibis.Table:
    """Reach, resolved party record and handles, one row per customer."""
    engine, lake, workspace = parts.engine, parts.lake, parts.workspace
    reach = reachable(engine, plan_inputs(parts, on), workspace, on)
    customer = engine.scan(lake.files_current("customer", on))
    own = customer.select("customer_id", "name", "phone", "email", "branch_id", "adviser_id")
    profile = engine.scan(lake.files_current("profile", on))
    wanted = {ZONE_TAG, LANGUAGE_TAG, *_handles(workspace).values()}
    tags = profile.select(
        "customer_id", **{f"tag_{name}": profile[name] for name in sorted(wanted & {*profile.columns})}
    )
    both = reach.left_join(own, "customer_id").drop("customer_id_right")
    both = both.left_join(tags, "customer_id").drop("customer_id_right")
    homes = engine.scan(lake.files_current("household", on), columns=HOUSEHOLD)
    return both.left_join(homes, "customer_id").drop("customer_id_right")


def _handles(workspace: Workspace) -> dict[str, str]:
    """Channel -> the tag that holds its address, or phone or email, where it says so."""
    return {one.name: one.address for one in workspace.policy.channels if one.address is not None}


def _recipient(row: Mapping[str, Any], workspace: Workspace, on: date) -> Recipient:
    settings = workspace.settings
    language = row.get(f"tag_{LANGUAGE_TAG}")
    handles = {channel: row.get(f"tag_{tag}", row.get(tag)) for channel, tag in _handles(workspace).items()}
    return Recipient(
        customer_id=row["customer_id"],
        zone=row.get(f"tag_{ZONE_TAG}") or settings.timezone,
        language=language if language in LANGUAGES else settings.language,
        name=row["name"] or "",
        phone=row["phone"] or "",
        email=row["email"] or "",
        household_id=row["household_id"],
        branch_id=row["branch_id"],
        adviser_id=row["adviser_id"],
        handles={channel: str(handle) for channel, handle in handles.items() if handle},
        channels=tuple(one.name for one in workspace.policy.channels if row[f"permitted_{one.name}"]),
        suppressed_by=row["suppression"] or "",
        business_date=on,
    )
