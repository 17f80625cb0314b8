"""Small plays and small banks to try them on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import yaml
from sqlalchemy import insert, select, update

from cultiva.definitions.base import Label
from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.offers import Offer, OfferKind
from cultiva.definitions.plays import Play
from cultiva.definitions.policy import Channel, ContactPolicy
from cultiva.definitions.strategies import Objective, Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.execution.calendar.service import Calendar
from cultiva.execution.plays.compiling import compiled
from cultiva.execution.plays.graph import Graph
from cultiva.execution.plays.service import Plays
from cultiva.execution.plays.world import Enrolment, Running
from cultiva.execution.tables import JOURNEY, LAUNCH, RECIPIENT, SIGNAL
from cultiva.kit.hashing import content_hash
from cultiva.store import Store
from cultiva.store.database import Database, put_all

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, ten o'clock in Shanghai."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TEXT = Label(zh="词", en="word")
ZONE = "Asia/Shanghai"
LAUNCH_ID = "launch-1"
DAYS = Calendar(BankCalendar(), zone=ZONE)


def strategy(play: str | Play | None) -> Strategy:
    """A strategy with a play, given as YAML."""
    steps = Play.model_validate(_named(yaml.safe_load(play))) if isinstance(play, str) else play
    return Strategy(
        name="grow", label=TEXT, objective=Objective(metric="aum"), audience="true", offers=("deposit", "statement"),
        channels=("app", "phone"), rank="1", play=steps, reason="{aum}",
    )  # fmt: skip


def _named(data: Any) -> Any:
    """PyYAML reads the key `on` as true; the workspace's own reader does not."""
    if isinstance(data, dict):
        return {("on" if key is True else key): _named(value) for key, value in data.items()}
    return [_named(one) for one in data] if isinstance(data, list) else data


def workspace() -> Workspace:
    """As much of a workspace as plays need."""
    channels = (
        Channel(name="app", label=TEXT, kind="message"),
        Channel(name="sms", label=TEXT, kind="message"),
        Channel(name="phone", label=TEXT, kind="human"),
    )
    offers = {
        "deposit": Offer(name="deposit", label=TEXT, kind=OfferKind.PRODUCT),
        "statement": Offer(name="statement", label=TEXT, kind=OfferKind.SERVICE),
        "gift": Offer(name="gift", label=TEXT, kind=OfferKind.BENEFIT),
    }
    return cast(Workspace, SimpleNamespace(policy=ContactPolicy(channels=channels), offers=offers, workbench=None))


def graph(play: str | Play | None) -> Graph:
    """A compiled play."""
    return compiled(strategy(play), workspace())


def live(store: Store, play: str | Play | Graph | None, *, state: str = "live", launch_id: str = LAUNCH_ID) -> Running:
    """A launch that is live."""
    made = play if isinstance(play, Graph) else graph(play)
    row: dict[str, Any] = {
        "launch_id": launch_id,
        "strategy": "grow",
        "version": "v",
        "workspace_version": "w",
        "enrols": "once",
    }
    row |= {"business_date": date(2026, 3, 1), "author": "a", "cost": 0, "body": {}, "explanation": {}}
    rows = [{**row, "state": state, "created": START, "changed": START, "per_minute_max": None}]
    with store.database.writing() as connection:
        put_all(connection, LAUNCH, rows)
    return Running(launch_id, made)


def set_state(store: Store, state: str) -> None:
    """Pauses or resumes the launch."""
    with store.database.writing() as connection:
        connection.execute(update(LAUNCH).values(state=state))


def recipients(store: Store, ids: Iterable[int], channels: Sequence[str] = ("app", "sms", "phone")) -> None:
    """Customers whom every channel may reach."""
    rows = [
        {"customer_id": one, "household_id": one // 2, "branch_id": "b1", "adviser_id": f"a{one % 3}", "zone": ZONE,
         "language": "zh", "name": "n", "phone": f"138{one:08d}", "email": "", "handles": {"app": f"token-{one}"},
         "channels": list(channels), "suppressed_by": "", "business_date": date(2026, 3, 1)}
        for one in ids
    ]  # fmt: skip
    with store.database.writing() as connection:
        put_all(connection, RECIPIENT, rows)


def enrolments(ids: Iterable[int], **more: Any) -> list[Enrolment]:
    """Customers who enter."""
    given = {"zone": ZONE, "channel": "app", "offer": "deposit", "worth": 1.0, **more}
    return [Enrolment(customer_id=one, **given) for one in ids]


def signal(
    store: Store, customer: int, name: str, at: datetime, *, touch_id: str = "", late: datetime | None = None
) -> None:
    """Something that a customer did."""
    row = {
        "signal_id": content_hash([customer, name, str(at), touch_id]),
        "customer_id": customer,
        "name": name,
        "at": at,
        "amount": None,
        "touch_id": touch_id,
        "source": "test",
        "detail": {},
        "received": late or at,
    }
    with store.database.writing() as connection:
        connection.execute(insert(SIGNAL), [row])


def rows(database: Database, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    """A table's rows in order."""
    wanted = [table.c[name] for name in columns]
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*wanted).order_by(*wanted))]


def where(store: Store, launch: Running) -> dict[int, tuple[str, str, str]]:
    """Customer -> step, state and reason of the newest entry."""
    found = rows(store.database, JOURNEY, "customer_id", "entry", "step", "state", "reason")
    nodes = launch.graph.nodes
    return {customer: (nodes[step].name, state, reason) for customer, _, step, state, reason in found}


def plays(store: Store) -> Plays:
    """The door."""
    return Plays(store.database, DAYS)


def names(mapping: Mapping[str, int]) -> dict[str, int]:
    """A plain copy, for comparing."""
    return dict(sorted(mapping.items()))
