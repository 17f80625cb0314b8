"""Every route with a key that sees one branch: nothing about customers of other branches comes back, or changes.

A route that is added is named here with what is asked of it, or with the reason why it says nothing of customers.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import polars as pl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.routing import Route
from tests.api.banks import DATE, EVERYTHING, NOW, Api, copy_of

from cultiva import bootstrap
from cultiva.api.app import create_app, document
from cultiva.execution.access.service import Access, KeyRequest
from cultiva.execution.launching.launches import Person, Submission
from cultiva.execution.launching.service import Launches
from cultiva.execution.present.service import Present
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tables import SIGNAL
from cultiva.execution.tasks.records import StaffRow
from cultiva.insight.live.service import Live
from cultiva.loop.desk import Wish, desk, make_task
from cultiva.loop.live.papers import publish_papers
from cultiva.loop.live.publishing import publish
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan

ON = date.fromisoformat(DATE)
TEN = datetime(1994, 3, 31, 2, 0, tzinfo=UTC)
GONE = 987_654
"""Nobody has this id."""
GONE_TASK = "abcdef0123456789"
SLOT, SEGMENT = "app_home_banner", "borrowers"
Answer = tuple[int, Any]


@dataclass
class Walk:
    """The bank, two customers, and who asks."""

    parts: Parts
    http: httpx.Client
    narrow: str
    """A key that sees the branch of `mine`."""
    wide: str
    """A key that sees the bank."""
    branch: str
    """That branch."""
    mine: int
    other: int
    """A customer of another branch; both are borrowers with decisions and tasks."""
    tasks: dict[int, str]
    launch: str
    staff: dict[int, str]
    """Somebody at each one's branch."""
    seen: frozenset[int]
    """Everybody in sight."""
    secrets: frozenset[str] = field(repr=False)
    """Names and telephones of everybody out of sight."""

    def ask(self, method: str, path: str, *, key: str | None = None, body: Any = None) -> httpx.Response:
        """One request of the narrow key, or of another one."""
        headers = {"Authorization": f"Bearer {key or self.narrow}", "Idempotency-Key": uuid4().hex}
        return self.http.request(method, path, headers=headers, json=body)


@pytest.fixture(scope="module")
def walk(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    root = copy_of(bank, tmp_path_factory.mktemp("walk") / "bank")
    with bootstrap.opened(root) as opened:
        parts = replace(opened, clock=lambda: TEN)
        with bootstrap.live(parts.workspace) as (log, hot):
            log.mark(DATE)
            publish(parts, Live(parts.workspace), hot, log, ON)
            publish_papers(parts, hot, ON)
        app = create_app(parts)
        with TestClient(app, raise_server_exceptions=False) as http:
            yield made(Api(app, parts), parts, http)


def made(api: Api, parts: Parts, http: httpx.Client) -> Walk:
    party = scan(parts.lake.files_current("customer", ON)).collect()
    decided = set(scan(parts.lake.files_current("decisions", ON)).collect()["customer_id"])
    borrowers = {one for one in api.client().members(SEGMENT) if one in decided}
    homes = dict(party.filter(pl.col("branch_id").is_not_null()).select("customer_id", "branch_id").iter_rows())
    mine = min(one for one in borrowers if one in homes)
    other = min(one for one in borrowers if one in homes and homes[one] != homes[mine])
    staff = {one: f"R{one}" for one in (mine, other)}
    desk(parts).staff([StaffRow(name, homes[one], "lobby_manager", 100) for one, name in staff.items()], ON, TEN)
    tasks = {one: make_task(parts, one, Wish("visit", "because"), TEN).task_id for one in (mine, other)}
    samples = [{"customer_id": one, "name": "*"} for one in (mine, other)]
    body: dict[str, Any] = {"offers": {}, "channels": {}}
    one = Submission("car_owner_card", "w1", ON, "once", 1, body, {"customers": 2, "samples": samples})
    launch = Launches(parts.store.database).submit(one, Person("Chen"), TEN).launch_id
    wanted = KeyRequest("branch", EVERYTHING, None, 1_000_000, branches=[homes[mine]])
    narrow = Access(parts.store.database).create(wanted, by="test", at=NOW).text
    hidden = party.filter(pl.col("branch_id").ne_missing(homes[mine]))
    texts = {str(one) for name in ("name", "phone") for one in hidden[name].drop_nulls()}
    shown = party.filter(pl.col("branch_id") == homes[mine])
    own = {str(one) for name in ("name", "phone") for one in shown[name].drop_nulls()}
    return Walk(
        parts, http, narrow, api.key(), homes[mine], mine, other, tasks, launch, staff, frozenset(shown["customer_id"]),
        frozenset(texts - own),
    )  # fmt: skip


@dataclass(frozen=True)
class About:
    """A request about one customer: out of sight answered as if there were none, in sight answered otherwise."""

    path: Callable[[Walk, int], str]
    body: Callable[[Walk, int], Any] = lambda _walk, _who: None


@dataclass(frozen=True)
class Listing:
    """A request for many customers: ids of some come back, all of them in sight; the bank's key gets others too."""

    path: Callable[[Walk], str]
    ids: Callable[[httpx.Response], set[int]]


@dataclass(frozen=True)
class Silent:
    """Says nothing of single customers; with the reason, and what to ask of it if it can be asked harmlessly."""

    why: str
    path: str = ""


def task_of(walk: Walk, who: int) -> str:
    return walk.tasks.get(who, GONE_TASK)


def tasks_about(action: str, **more: str) -> About:
    return About(
        lambda walk, who: f"/v1/tasks/{task_of(walk, who)}/{action}",
        lambda walk, _who: {"staff_id": walk.staff[walk.mine], **more},
    )


def customer(rest: str = "", body: Any = None) -> About:
    return About(lambda _walk, who: f"/v1/customers/{who}{rest}", lambda _walk, _who: body)


def of_csv(found: httpx.Response) -> set[int]:
    rows = pl.read_csv(io.BytesIO(found.content))
    return {int(one) for one in rows["customer_id"]}


def outcome(who: int) -> dict[str, Any]:
    return {"outcome_id": f"walk-{who}", "customer": str(who), "name": "converted", "at": TEN.isoformat()}


BANK = "a launch is the bank's: it names no customer but the samples of its explanation"
TAKES_IN = "takes in what is sent; whose it is, is found out later and not told"
STAFF = "tells of the bank's staff"
SUMS = "sums over the whole bank"
NO_KEY = "is asked without a key"

ROUTES: dict[str, About | Listing | Silent] = {
    "GET /v1/customers/{customer}": customer(),
    "GET /v1/customers/{customer}/profile": customer("/profile"),
    "GET /v1/customers/{customer}/track": customer("/track"),
    "GET /v1/customers/{customer}/decisions": customer("/decisions"),
    "GET /v1/customers/{customer}/segments/{segment}": customer(f"/segments/{SEGMENT}"),
    "GET /v1/customers/{customer}/consent": customer("/consent"),
    "PUT /v1/customers/{customer}/consent/{channel}": customer("/consent/sms", {"granted": True}),
    "POST /v1/customers/{customer}/consent/withdraw": customer("/consent/withdraw", {}),
    "GET /v1/segments/{segment}/members": Listing(
        lambda _walk: f"/v1/segments/{SEGMENT}/members?limit=1000", lambda found: set(found.json()["items"])
    ),
    "GET /v1/exports/segments/{segment}": Listing(lambda _walk: f"/v1/exports/segments/{SEGMENT}?tags=aum", of_csv),
    "GET /v1/exports/decisions": Listing(lambda _walk: "/v1/exports/decisions", of_csv),
    "GET /v1/tasks": Listing(
        lambda _walk: "/v1/tasks?role=lobby",
        lambda found: {one["task"]["customer_id"] for one in found.json()["items"]},
    ),
    "GET /v1/tasks/{task}": About(lambda walk, who: f"/v1/tasks/{task_of(walk, who)}"),
    "POST /v1/tasks/{task}/accept": tasks_about("accept"),
    "POST /v1/tasks/{task}/result": tasks_about("result", result="reached"),
    "POST /v1/tasks/{task}/transfer": tasks_about("transfer"),
    "POST /v1/tasks/{task}/hand-over": tasks_about("hand-over", role="lobby"),
    "POST /v1/tasks/{task}/decline": tasks_about("decline"),
    "POST /v1/arrivals": About(
        lambda _walk, _who: "/v1/arrivals",
        lambda walk, who: {"customer": str(who), "branch_id": walk.branch},
    ),
    "POST /v1/outcomes": About(lambda _walk, _who: "/v1/outcomes", lambda _walk, who: outcome(who)),
    "POST /v1/outcomes/batch": About(
        lambda _walk, _who: "/v1/outcomes/batch", lambda _walk, who: {"outcomes": [outcome(who)]}
    ),
    "POST /v1/decide": About(lambda _walk, _who: "/v1/decide", lambda _walk, who: {"customer": who, "placement": SLOT}),
    "POST /v1/decide/batch": About(
        lambda _walk, _who: "/v1/decide/batch",
        lambda _walk, who: {"asked": [{"customer": who, "placement": SLOT, "reasons": "en"}]},
    ),
    "GET /v1/launches/{launch}": Listing(
        lambda walk: f"/v1/launches/{walk.launch}",
        lambda found: {one["customer_id"] for one in found.json()["explanation"]["samples"]},
    ),
    "POST /v1/launches/{launch}/test-sends": About(
        lambda walk, _who: f"/v1/launches/{walk.launch}/test-sends", lambda _walk, who: {"customer": str(who)}
    ),
    "GET /v1/segments": Silent("sizes over those in sight: a test of their own", "/v1/segments"),
    "GET /v1/segments/{segment}": Silent("sizes over those in sight: a test of their own", f"/v1/segments/{SEGMENT}"),
    "POST /v1/counts": Silent("a number over those in sight: a test of its own"),
    "POST /v1/decide/reports": Silent("says how many were sent: a test of its own"),
    "GET /v1/strategies": Silent(SUMS, "/v1/strategies"),
    "GET /v1/strategies/{strategy}": Silent(SUMS, "/v1/strategies/car_owner_card"),
    "GET /v1/launches": Silent(BANK, "/v1/launches"),
    "POST /v1/launches": Silent(BANK),
    "POST /v1/launches/{launch}/judgements/{verdict}": Silent(BANK),
    "POST /v1/launches/{launch}/throttle": Silent(BANK),
    "POST /v1/launches/{launch}/{act}": Silent(BANK),
    "GET /v1/launches/{launch}/consequences": Silent("counts over the launch"),
    "GET /v1/halts": Silent("emergency stops stop the bank", "/v1/halts"),
    "POST /v1/halts": Silent("emergency stops stop the bank"),
    "POST /v1/halts/lift": Silent("emergency stops stop the bank"),
    "GET /v1/staff": Silent(STAFF, "/v1/staff"),
    "GET /v1/absences": Silent(STAFF, "/v1/absences"),
    "POST /v1/absences": Silent(
        "tells of the bank's staff; of people elsewhere nothing can be said: a test of its own"
    ),
    "POST /v1/absences/{staff}/{first_day}/take-back": Silent(STAFF),
    "GET /v1/events/counts": Silent("counts of messages", "/v1/events/counts"),
    "GET /v1/events/quarantine": Silent("the shape of messages without their values", "/v1/events/quarantine"),
    "POST /v1/events": Silent(TAKES_IN),
    "POST /v1/batch": Silent(TAKES_IN),
    "POST /v1/track": Silent(TAKES_IN),
    "POST /v1/page": Silent(TAKES_IN),
    "POST /v1/screen": Silent(TAKES_IN),
    "POST /v1/identify": Silent(TAKES_IN),
    "POST /v1/group": Silent(TAKES_IN),
    "POST /v1/alias": Silent(TAKES_IN),
    "GET /v1/webhooks/{provider}": Silent(NO_KEY),
    "POST /v1/webhooks/{provider}": Silent(NO_KEY),
    "GET /l/{token}": Silent(NO_KEY),
    "GET /u/{token}": Silent(NO_KEY),
    "POST /u/{token}": Silent(NO_KEY),
    "GET /openapi.json": Silent("the same for every bank"),
    "GET /health": Silent(NO_KEY),
    "GET /ready": Silent(NO_KEY),
    "GET /metrics": Silent(NO_KEY),
}
"""Every route and what is asked of it."""


def of_kind(kind: type) -> list[str]:
    return sorted(name for name, what in ROUTES.items() if isinstance(what, kind))


def test_every_route_of_the_api_is_known_here(walk: Walk) -> None:
    written = {f"{method.upper()} {path}" for path, found in document()["paths"].items() for method in found}
    served = set(_served(walk.http.app.routes))  # type: ignore[attr-defined]
    assert served == set(ROUTES)
    assert written <= served


def test_the_two_differ_in_nothing_but_their_branch(walk: Walk) -> None:
    whole = {one["customer_id"] for one in walk.ask("GET", f"/v1/launches/{walk.launch}", key=walk.wide).json()[
        "explanation"]["samples"]}  # fmt: skip
    assert whole == {walk.mine, walk.other}
    assert walk.ask("GET", f"/v1/customers/{walk.other}", key=walk.wide).status_code == 200
    assert walk.mine in walk.seen and walk.other not in walk.seen and len(walk.secrets) > 100


@pytest.mark.parametrize("name", of_kind(About))
def test_a_customer_out_of_sight_is_answered_like_one_who_does_not_exist(walk: Walk, name: str) -> None:
    method, what = name.split(" ", maxsplit=1)[0], ROUTES[name]
    assert isinstance(what, About)
    answers = {
        who: walk.ask(method, what.path(walk, who), body=what.body(walk, who)) for who in (walk.other, GONE, walk.mine)
    }
    hidden, none, shown = (_plain(found, walk, who) for who, found in answers.items())
    assert hidden == none
    assert shown != none, "the probe asks for nothing that is there"
    assert hidden[0] < 500 and shown[0] < 500
    assert not _leaks(walk, answers[walk.other])


@pytest.mark.parametrize("name", of_kind(Listing))
def test_a_list_holds_customers_in_sight_only(walk: Walk, name: str) -> None:
    method, what = name.split(" ", maxsplit=1)[0], ROUTES[name]
    assert isinstance(what, Listing)
    found, whole = (walk.ask(method, what.path(walk), key=key) for key in (walk.narrow, walk.wide))
    assert found.status_code == whole.status_code == 200
    ids, all_ids = what.ids(found), what.ids(whole)
    assert walk.mine in ids and ids <= walk.seen
    assert ids == all_ids & walk.seen and walk.other in all_ids
    assert not _leaks(walk, found)


@pytest.mark.parametrize("name", [one for one in of_kind(Silent) if getattr(ROUTES[one], "path", "")])
def test_what_says_nothing_of_customers_says_nothing_of_them(walk: Walk, name: str) -> None:
    what = ROUTES[name]
    assert isinstance(what, Silent)
    found = walk.ask(name.split(" ", maxsplit=1)[0], what.path)
    assert found.status_code in (200, 409)
    assert not _leaks(walk, found)


def test_counts_and_sizes_are_over_those_in_sight(walk: Walk) -> None:
    members = set(walk.ask("GET", f"/v1/segments/{SEGMENT}/members?limit=1000").json()["items"])
    one = walk.ask("GET", f"/v1/segments/{SEGMENT}").json()
    assert (one["customers"], one["share"]) == (len(members), len(members) / len(walk.seen))
    assert one["entered"] is one["left"] is None
    assert one in walk.ask("GET", "/v1/segments?limit=1000").json()["items"]
    rule = str(walk.parts.workspace.segments[SEGMENT].rule)
    counted = walk.ask("POST", "/v1/counts", body={"rule": rule}).json()
    assert (counted["count"], counted["customers"]) == (len(members), len(walk.seen))
    window = walk.ask("POST", "/v1/counts", body={"rule": "event_count('app_opened', 13) >= 0"}).json()
    assert window["count"] <= len(walk.seen)  # a window that no definition has used


def test_nothing_is_written_about_customers_out_of_sight(walk: Walk) -> None:
    database, who = walk.parts.store.database, (walk.mine, walk.other, GONE)
    reports = [
        {"decision": f"d{one}", "customer": one, "strategy": "s", "offer": "o", "kind": "shown", "placement": SLOT}
        for one in who
    ]
    assert walk.ask("POST", "/v1/decide/reports", body={"reports": reports}).json() == {"taken": 3}
    shown = Present(database).reported(datetime(1994, 3, 1, tzinfo=UTC), datetime(1994, 4, 30, tzinfo=UTC))
    assert {one.customer_id for one in shown} == {walk.mine}
    for path, body in (
        ("consent/withdraw", {}),
        ("consent/sms", {"granted": False}),
    ):
        method = "POST" if path.endswith("withdraw") else "PUT"
        for one in who:
            walk.ask(method, f"/v1/customers/{one}/{path}", body=body)
    words = Recipients(database)
    assert words.words_of(walk.mine) and not words.words_of(walk.other) and not words.words_of(GONE)
    for one in who:
        walk.ask("POST", "/v1/outcomes", body=outcome(one))
    with database.reading() as connection:
        told = set(connection.scalars(select(SIGNAL.c.customer_id).where(SIGNAL.c.name == "converted")))
    assert told == {walk.mine}


def test_people_elsewhere_cannot_be_sent_away_to_get_at_their_work(walk: Walk) -> None:
    away = {"staff_id": walk.staff[walk.other], "first_day": "1994-03-31", "last_day": "1994-04-30",
            "cover_id": walk.staff[walk.mine]}  # fmt: skip
    assert walk.ask("POST", "/v1/absences", body=away).status_code == 404
    assert desk(walk.parts).absences() == []
    mine = {**away, "staff_id": walk.staff[walk.mine], "cover_id": ""}
    assert walk.ask("POST", "/v1/absences", body=mine).status_code == 201
    assert walk.ask("POST", f"/v1/absences/{walk.staff[walk.mine]}/1994-03-31/take-back", body={}).status_code == 200


def test_the_ids_of_source_systems_and_of_tasks_open_nothing_either(walk: Walk) -> None:
    records = scan(walk.parts.lake.files_current("identity_map", ON)).collect()
    named = records.filter(pl.col("customer_id") == walk.other).row(0, named=True)
    hidden = walk.ask("GET", f"/v1/customers/{named['source_system']}:{named['source_id']}")
    none = walk.ask("GET", f"/v1/customers/{named['source_system']}:nobody")
    assert (hidden.status_code, hidden.json()["code"]) == (none.status_code, none.json()["code"]) == (
        404, "track.unknown_customer",
    )  # fmt: skip
    listed = walk.ask("GET", f"/v1/tasks?staff={walk.staff[walk.other]}")
    assert walk.other not in {one["task"]["customer_id"] for one in listed.json()["items"]}


def _served(routes: Iterable[Any]) -> Iterator[str]:
    """Every route that is really there, however it was included; whatever is no route of a known kind fails."""
    for one in routes:
        if (router := getattr(one, "original_router", None)) is not None:
            yield from _served(router.routes)
        else:
            assert isinstance(one, Route), f"{one!r}: a kind of route that is not walked"
            yield from (f"{method} {one.path}" for method in one.methods or () if method != "HEAD")


def _plain(found: httpx.Response, walk: Walk, who: int) -> Answer:
    """An answer without what differs from request to request, and without what was asked for."""
    body = found.json() if found.content else None
    text = json.dumps(_without(body, {"instance", "decision_id", "request_id"}), sort_keys=True, ensure_ascii=False)
    asked = rf"(?<!\w)({who}|{task_of(walk, who)}|walk-{who})(?!\w)"
    return found.status_code, re.sub(asked, "#", text)


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, names) for key, one in value.items() if key not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value


def _leaks(walk: Walk, found: httpx.Response) -> list[str]:
    """Names and telephones of customers out of sight, and ids under names that mean customers."""
    text = found.text
    words = [one for one in walk.secrets if len(one) > 2 and one in text]
    if "json" not in found.headers["content-type"]:
        return words
    ids = {one for one in _customers(found.json()) if one not in walk.seen}
    return [*words, *map(str, ids)]


def _customers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "customer_id" and isinstance(one, int):
                yield one
            yield from _customers(one)
    elif isinstance(value, list):
        for one in value:
            yield from _customers(one)
