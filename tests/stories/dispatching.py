"""Workers as processes that send over real sockets and are killed with -9 at any moment; then everybody is counted."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from tests.simulators.process import Simulator, running
from tests.simulators.record import counts

from cultiva.definitions.providers import ProviderSettings
from cultiva.execution.channels.service import open_provider
from cultiva.execution.dispatch.records import Checks, Claimed, Filled, Lane, Policy, name_of
from cultiva.execution.dispatch.service import Dispatcher
from cultiva.execution.dispatch.worker import Crew as Lanes
from cultiva.execution.tables import DELIVERY, LAUNCH
from cultiva.kit.clock import utc_now
from cultiva.store.database import Database

LAUNCH_ID = "kill"
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
ROWS_AT_A_TIME = 5_000
BEHAVIOUR: Mapping[str, float] = {
    "drop_after": 0.01,
    "drop_before": 0.005,
    "busy": 0.01,
    "busy_seconds": 0.2,
    "slow": 0.01,
    "slow_seconds": 0.1,
    "attempts": 2,
}
"""What every simulator does to some messages."""
CHANNELS: Mapping[str, tuple[str, float]] = {
    "mail": ("smtp", 0.50),
    "sms": ("sms_http", 0.30),
    "gate": ("sms_http", 0.18),
    "blind": ("sms_http", 0.02),
}
"""Channel -> its simulator, its share of the messages. mail: SMTP with a message trace; sms: HTTP, a key may safely be
repeated; gate: HTTP, not repeated but can be asked; blind: HTTP, neither."""


@dataclass(frozen=True)
class Ground:
    """What is dispatched, where, and how patiently."""

    url: str
    """Address of the store."""
    folder: Path
    """It belongs to."""
    messages: int
    """How many people are to get one."""
    batch: int = 25
    """Messages of a claim."""
    timeout_seconds: float = 1.0
    """Of a message."""


@dataclass
class Counted:
    """One channel in the end, from the simulator's own record and the outbox."""

    expected: int
    """Messages meant for it."""
    accepted: int = 0
    """Different ones that the simulator accepted."""
    lost: int = 0
    """Accepted by nobody, and not shown as unknown."""
    doubled: int = 0
    """Accepted more than once."""
    unknown: int = 0
    """Shown to the operator with evidence."""
    unknown_dropped: int = 0
    """Of those: the connection broke after the message had left."""
    unknown_killed: int = 0
    """Of those: the worker was killed while that one message was under way."""
    unknown_arrived: int = 0
    """Of the unknown: in truth accepted."""
    untrue: int = 0
    """Said to be sent and not accepted, or the other way round."""


@dataclass
class Outcome:
    """Of one store."""

    kills: int = 0
    seconds: float = 0.0
    channels: dict[str, Counted] = field(default_factory=dict)

    def total(self, name: str) -> int:
        """One count over all channels."""
        return sum(getattr(one, name) for one in self.channels.values())


def share_out(messages: int) -> dict[str, int]:
    """Messages per channel."""
    found = {name: int(messages * share) for name, (_, share) in CHANNELS.items()}
    found["mail"] += messages - sum(found.values())
    return found


def fill(database: Database, shares: Mapping[str, int], *, name: str = "kill") -> dict[str, list[str]]:
    """Writes a live launch with a delivery for everybody; the keys per channel.

    Args:
        database: With empty tables.
        shares: Messages per channel.
        name: Makes the keys.
    """
    row = dict.fromkeys(("version", "workspace_version", "author"), "x") | {"strategy": "kill", "state": "live"}
    more: dict[str, Any] = {"enrols": "once", "business_date": AT.date(), "cost": 0, "body": {}, "explanation": {}}
    found = {channel: [name_of(name, channel, number) for number in range(count)] for channel, count in shares.items()}
    rows = [_row(key, channel, who) for channel, keys in found.items() for who, key in enumerate(keys)]
    with database.writing() as connection:
        connection.execute(insert(LAUNCH).values(launch_id=LAUNCH_ID, **row, **more, created=AT, changed=AT))
        for begin in range(0, len(rows), ROWS_AT_A_TIME):
            connection.execute(insert(DELIVERY), rows[begin : begin + ROWS_AT_A_TIME])
    return found


def _row(key: str, channel: str, who: int) -> dict[str, Any]:
    address = f"c{who}@example.com" if channel == "mail" else f"+86138{who:08d}"
    empty: dict[str, Any] = {"content": {}, "evidence": [], "lease": "", "reference": "", "problem": ""}
    what = {"delivery_id": key, "touch_id": "", "launch_id": LAUNCH_ID, "step": "s1", "entry": 1, "customer_id": who}
    when = {"due": AT, "expires": None, "leased_until": None, "created": AT, "changed": AT}
    return {**what, **empty, **when, "channel": channel, "provider": channel, "address": address} | _FRESH


_FRESH = {"state": "queued", "attempts": 0}


def serve(ground: Ground, ports: Mapping[str, tuple[int, int]], name: str) -> None:
    """A worker process: opens everything for itself and sends until it is killed."""
    mine = dispatcher(ground, ports)
    lanes = Lanes(mine, name)
    lanes.start()
    try:
        while True:
            lanes.collect()  # whatever has ended a lane ends the process, which the test sees
            mine.tend(utc_now())
            time.sleep(0.5)
    finally:
        lanes.close()


def dispatcher(ground: Ground, ports: Mapping[str, tuple[int, int]]) -> Dispatcher:
    """A worker's way to send, with connections of its own."""
    lanes = {
        channel: Lane(open_provider(settings(channel, ports[channel], ground)), ground.batch, ground.timeout_seconds)
        for channel in ports
    }
    return Dispatcher(Database(ground.url, ground.folder), lanes, CHECKS, policy=PATIENCE)


def settings(channel: str, ports: tuple[int, int], ground: Ground) -> ProviderSettings:
    """How a simulator is spoken to."""
    port, http_port = ports
    trace = f"http://127.0.0.1:{http_port}/messages/{{key}}"
    given = {"name": channel, "label": {"zh": channel, "en": channel}, "timeout_seconds": ground.timeout_seconds}
    if channel == "mail":
        own: dict[str, Any] = {"sender": "bank@example.com", "starttls": False, "trace_url": trace}
        kind, url = "smtp", f"smtp://127.0.0.1:{port}"
    else:
        own = {"idempotent": channel == "sms", "look_up_url": trace if channel == "gate" else None}
        kind, url = "sms_http", f"http://127.0.0.1:{port}/messages"
    return ProviderSettings.model_validate({**given, "kind": kind, "url": url, kind: own})


def _render(batch: Sequence[Claimed]) -> Mapping[str, Filled]:
    return {one.delivery_id: Filled({"subject": "s", "text": f"to customer {one.customer_id}"}) for one in batch}


CHECKS = Checks(
    later=lambda batch, at: {},
    forbidden=lambda batch, at: {},
    render=_render,
    confirm=lambda batch, at: {one.touch_id for one in batch},
    release=lambda connection, touches, at: None,
)
PATIENCE = Policy(
    attempts_max=25,
    backoff_first=timedelta(seconds=0.5),
    backoff_max=timedelta(seconds=5),
    lease_margin=timedelta(seconds=2),
    grace=timedelta(seconds=3),
)


@contextmanager
def simulators(folder: Path) -> Iterator[dict[str, Simulator]]:
    """One simulator per channel, each a process with a record of its own."""
    with ExitStack() as stack:
        found = {}
        for channel, (module, _) in CHANNELS.items():
            how = {**BEHAVIOUR, "idempotent": channel == "sms", "look_up": channel != "blind"}
            found[channel] = stack.enter_context(running(module, folder / f"{channel}.jsonl", misbehave=how))
        yield found


@dataclass
class Crew:
    """The workers that live now; a killed one is followed by another."""

    ground: Ground
    ports: Mapping[str, tuple[int, int]]
    living: list[BaseProcess] = field(default_factory=list)
    hired: int = 0

    def hire(self) -> None:
        """Starts one."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, "httpx", "psycopg", "cultiva.execution.channels.smtp"])
        self.hired += 1
        one = context.Process(target=serve, args=(self.ground, self.ports, f"w{self.hired}"), daemon=True)
        one.start()
        self.living.append(one)

    def kill_one(self, draw: random.Random) -> None:
        """kill -9 of one of them, whatever it is doing."""
        victim = draw.choice(self.living)
        assert victim.is_alive(), f"a worker ended by itself with {victim.exitcode}"
        victim.kill()
        victim.join()
        self.living.remove(victim)

    def dismiss(self) -> None:
        """Ends all of them."""
        for one in self.living:
            one.kill()
            one.join()


def dispatch_under_kills(
    ground: Ground, record: Path, *, kills: int, pause_seconds: tuple[float, float], workers: int = 3, seed: int = 1
) -> Outcome:
    """Sends everything with workers that are killed at random moments, and counts what came of it.

    Args:
        ground: What, and on which store; its tables are there.
        record: Folder for the simulators' records.
        kills: At least so many; they stop then, and what was left behind is finished.
        pause_seconds: Shortest and longest time between kills.
        workers: At work at the same time.
        seed: Of the moments.
    """
    database, draw, began = Database(ground.url, ground.folder), random.Random(seed), time.perf_counter()
    expected = fill(database, share_out(ground.messages))
    outcome = Outcome()
    with simulators(record) as found:
        crew = Crew(ground, {name: (one.port, one.http_port) for name, one in found.items()})
        try:
            for _ in range(workers):
                crew.hire()
            while left(database):
                time.sleep(draw.uniform(*pause_seconds))
                if outcome.kills < kills:
                    crew.kill_one(draw)
                    crew.hire()
                    outcome.kills += 1
        finally:
            crew.dismiss()
        states = fates(database)
        outcome.channels = {name: counted(keys, states, found[name].record) for name, keys in expected.items()}
    outcome.seconds = round(time.perf_counter() - began, 1)
    database.close()
    return outcome


def left(database: Database) -> int:
    """Deliveries whose fate is still open."""
    asked = select(func.count()).select_from(DELIVERY).where(DELIVERY.c.state.in_(("queued", "sending")))
    with database.reading() as connection:
        return connection.scalars(asked).one()


def fates(database: Database) -> dict[str, tuple[str, str]]:
    """State of every delivery, and what the evidence says first of an unknown one."""
    asked = select(DELIVERY.c.delivery_id, DELIVERY.c.state, DELIVERY.c.evidence)
    with database.reading() as connection:
        return {
            key: (state, evidence[-1]["kind"] if evidence else "") for key, state, evidence in connection.execute(asked)
        }


def counted(keys: Sequence[str], states: Mapping[str, tuple[str, str]], record: Path) -> Counted:
    """Counts a channel by the simulator's own record."""
    accepted: Counter[str] = counts(record)
    strangers = set(accepted) - set(keys)
    assert not strangers, f"{len(strangers)} keys that nobody has sent"
    unknown = [key for key in keys if states[key][0] == "unknown"]
    said = {key for key in keys if states[key][0] in ("sent", "delivered")}
    return Counted(
        expected=len(keys),
        accepted=len(accepted),
        lost=sum(key not in accepted and states[key][0] != "unknown" for key in keys),
        doubled=sum(count > 1 for count in accepted.values()),
        unknown=len(unknown),
        unknown_dropped=sum(states[key][1] == "sent" for key in unknown),
        unknown_killed=sum(states[key][1] == "lost" for key in unknown),
        unknown_arrived=sum(key in accepted for key in unknown),
        untrue=len(said ^ (set(accepted) - set(unknown))),
    )
