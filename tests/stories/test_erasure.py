"""Somebody asks to be forgotten: nothing of them is left anywhere, and nothing that comes later brings them back."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.cli.commands import cultiva, done
from tests.stories.searching import Marks, traces

from cultiva import bootstrap
from cultiva.execution.erasure.service import Erasures
from cultiva.execution.recipients.people import ConsentWord, Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.erasing import service
from cultiva.loop.erasing.certificate import seal_of
from cultiva.loop.live import archive, recording

DAY, NEXT = "1994-03-29", "1994-03-30"
LIVE = '\n[live]\nenabled = true\npartitions = 2\nparity_sample = 0\n[events]\nsource_system = "core"\n'
OTHER_ID = "C99000017"
VISITOR = "visitor-of-the-browser-17"
ASKED = ("--reason", "request 17", "--by", "Chen Li", "--wait", "0")


@dataclass(frozen=True)
class Town:
    """A small bank that knows a person in every way in which it can know one."""

    root: Path
    marks: Marks
    source_id: str

    def copy(self, target: Path) -> Town:
        shutil.copytree(self.root, target)
        return Town(target, self.marks, self.source_id)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    root = tmp_path_factory.mktemp("erasure") / "bank"
    done("init", root, "--customers", 150)
    with (root / "cultiva.toml").open("a") as settings:
        settings.write(LIVE)
    done("run", root, "--date", DAY)
    marks, source_id = _person(root)
    _lives(root, marks, source_id)
    return Town(root, marks, source_id)


def _person(root: Path) -> tuple[Marks, str]:
    """Somebody with several party records, an account of their own, a phone and an e-mail that nobody else has."""
    lake = root / ".cultiva" / "lake"
    tables = {name: pl.read_parquet(lake / name / "**" / "*.parquet", hive_partitioning=False)
              for name in ("identity_map", "party", "holder", "customer", "household")}  # fmt: skip
    several = tables["identity_map"].group_by("customer_id").len().filter(pl.col("len") > 1)["customer_id"]
    known = tables["party"].join(tables["identity_map"], on=["source_system", "source_id"])
    home = tables["household"].group_by("household_id").len().filter(pl.col("len") > 1)["household_id"]
    for number in sorted(several, key=lambda one: (one not in home, one)):
        mine = known.filter(pl.col("customer_id") == number)
        shared = known.filter(pl.col("customer_id") != number)
        texts = {one for name in ("phone", "email", "name", "id_number_hash") for one in mine[name].drop_nulls()}
        accounts = tables["holder"].join(mine, on=["source_system", "source_id"], how="semi")["account_id"]
        others = tables["holder"].join(mine, on=["source_system", "source_id"], how="anti")["account_id"]
        unique = texts.isdisjoint({one for name in shared.columns for one in shared[name].cast(pl.String).drop_nulls()})
        if unique and len(accounts) and mine["email"].drop_nulls().len() and set(accounts).isdisjoint(others):
            core = mine.filter(pl.col("source_system") == "core")["source_id"].to_list()
            if core:
                found = {*texts, *accounts, *mine["source_id"], VISITOR}
                return Marks(number, frozenset(found)), core[0]
    raise AssertionError("the sample bank has nobody like that")


def _lives(root: Path, marks: Marks, source_id: str) -> None:
    """What they do online, what was decided for them, what they said, and what was handed out about them."""
    moment = {"timestamp": "1994-03-30T10:00:00+08:00", "anonymousId": VISITOR}
    said = [
        {"type": "track", "event": "app_opened", "messageId": "m1", "userId": source_id, **moment},
        {"type": "identify", "messageId": "m2", "userId": source_id, **moment},
        {"type": "track", "event": "app_opened", "messageId": "m3", **moment},
        {"type": "track", "event": "app_opened", "messageId": "m4", "anonymousId": "somebody-else",
         "timestamp": moment["timestamp"]},
    ]  # fmt: skip
    events = root.parent / "events.jsonl"
    events.write_text("".join(json.dumps(one) + "\n" for one in said))
    done("events", "replay", root, events)
    at = datetime(1994, 3, 29, 9, tzinfo=UTC)
    with bootstrap.opened(root) as parts:
        phone = next(one for one in marks.texts if one.isdecimal() and len(one) == 11)
        people = Recipients(parts.store.database)
        people.put([Recipient(marks.number, "Asia/Shanghai", "zh", phone=phone, business_date=date(1994, 3, 29))])
        people.speak([ConsentWord(marks.number, "sms", True, at, f"call from {phone}")])
    decided = root / recording.FOLDER / DAY
    decided.mkdir(parents=True)
    records = [_decision(one) for one in (marks.number, marks.number + 10_000)]
    (decided / "api-000001.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    folder = root / archive.FOLDER / DAY
    folder.mkdir(parents=True, exist_ok=True)
    row = {"event_id": "e1", "source_system": "core", "source_id": source_id, "at": datetime(1994, 3, 28), "name": "x",
           "channel": None, "properties": "{}"}  # fmt: skip
    schema = {name: kind for name, kind in archive.SCHEMA.items() if name != "customer_id"}
    rows = pl.DataFrame([row, {**row, "event_id": "e2", "source_id": "C99999999"}], schema=schema)
    rows.write_parquet(folder / "part-0099.parquet")


def _decision(customer: int) -> recording.DecisionRecord:
    at, on = datetime(1994, 3, 29, 9, tzinfo=UTC), date(1994, 3, 29)
    return recording.DecisionRecord(
        f"d{customer}", at, on, customer, "home", "app", "app", {}, DAY, "v", (), "worth", (), True, {}, []
    )


def test_nothing_is_left_and_nothing_that_comes_later_brings_them_back(town: Town, tmp_path: Path) -> None:
    here = town.copy(tmp_path / "bank")
    places = " ".join(traces(here.root, here.marks))
    for place in ("lake/party", "lake/memberships", "lists/", "store.db", "log.db", "hot.db", "decided", "events/"):
        assert place in places, f"the search would not find them in {place}"
    planned = done("erase", here.root, here.marks.number, "--plan", "--json").data
    assert planned["customers"] == 1 and planned["accounts"] >= 1 and planned["visitors"] == 1
    _demand_that_a_hold_forbids_it(here)
    certificate = done("erase", here.root, here.marks.number, *ASKED, "--json").data
    assert traces(here.root, here.marks) == []
    _demand_certificate(here, certificate, planned)
    replayed = done("events", "replay", here.root, town.root.parent / "events.jsonl", "--json").data
    assert replayed["reasons"] == {"erased": 3} and replayed["new"] == 0
    _come_again_under_another_id(here)
    run = done("run", here.root, "--date", NEXT, "--json").data
    assert traces(here.root, replace(here.marks, texts=here.marks.texts | {OTHER_ID})) == []
    counts = next(one for one in run["steps"] if one["name"] == "sources")["detail"]["tables"]
    assert counts["party"]["erased"] >= 2 and counts["holder"]["erased"] >= 1 and counts["consent"]["erased"] >= 1
    assert cultiva("erase", here.root, here.marks.number, *ASKED).code == 3, "there is nobody of that number any more"


def _come_again_under_another_id(here: Town) -> None:
    """Another system's record of the same document, and what else that system says of it."""
    for name in ("party_core", "consent"):
        path = here.root / "data" / f"{name}.csv"
        mine = [line for line in path.read_text().splitlines() if here.source_id in line]
        with path.open("a") as file:
            file.write("".join(line.replace(here.source_id, OTHER_ID) + "\n" for line in mine))


def _demand_that_a_hold_forbids_it(here: Town) -> None:
    number = here.marks.number
    held = done("hold", "add", here.root, f"core:{here.source_id}", "--reason", "case 4", "--by", "Li", "--json").data
    assert held["customer_id"] == number
    refused = cultiva("erase", here.root, number, *ASKED)
    assert refused.code == 5
    assert all(part in refused.err for part in ("legal hold", "case 4", "allowed", "lift"))
    assert cultiva("erase", here.root, number, "--plan").code == 5
    assert done("erasures", here.root, "--json").data == [], "nothing was begun, and nothing waits"
    done("hold", "lift", here.root, held["hold_id"], "--by", "Wang", "--remark", "closed")
    assert done("hold", "list", here.root, "--json").data == []


def _demand_certificate(here: Town, certificate: dict[str, object], planned: dict[str, object]) -> None:
    assert "sha256" in certificate and certificate["reason"] == "request 17" and certificate["left"] == {}
    sealed = {name: value for name, value in certificate.items() if name not in ("sha256", "files")}
    assert seal_of(sealed) == certificate["sha256"]
    where = {one["place"]: one["rows"] for one in certificate["where"]}  # type: ignore[attr-defined]
    assert planned["lake"].keys() <= where.keys()  # type: ignore[attr-defined]
    assert {"store/consent_change", "store/recipient", "store/visitor", "stream/log", "stream/hot"} <= where.keys()
    lines = done("audit", here.root, "--action", "erasure.done", "--json").data
    assert [one["entry"]["detail"]["certificate"] for one in lines] == [certificate["sha256"]]
    assert done("audit", here.root, "--verify").code == 0


def test_killed_anywhere_it_is_finished_by_the_next_attempt(town: Town, tmp_path: Path) -> None:
    here = town.copy(tmp_path / "bank")
    _killed(here, "lake/party/1994-03-29")
    assert traces(here.root, here.marks), "it was killed in the middle"
    stops = 0
    with bootstrap.opened(here.root) as parts:
        erasures = Erasures(parts.store.database)
        for place in ("lake/transaction/1994-03-29", "lake", "identities", "files", "stream", "store", "sweep"):
            with pytest.raises(_StopError):
                service.resume(parts, reached=_stop_at(place))
            stops += len(erasures.unfinished())
        (certified,) = service.resume(parts)
        counted = {one["place"]: one["rows"] for one in certified.order.certificate["where"]}
        assert erasures.unfinished() == [] == service.resume(parts)
        assert not any(erasures.order(certified.order.erasure_id).work)
    assert stops == 7
    assert traces(here.root, here.marks) == []
    whole = town.copy(tmp_path / "whole")
    at_once = done("erase", whole.root, here.marks.number, *ASKED, "--json").data
    expected = {one["place"]: one["rows"] for one in at_once["where"]}
    assert counted == expected, "what was done is counted once, however often it was interrupted"


class _StopError(BaseException):
    """The machine stops here."""


def _stop_at(place: str) -> Callable[[str], None]:
    def reached(found: str) -> None:
        if found == place:
            raise _StopError

    return reached


_KILLED = """
import os, signal, sys
from pathlib import Path
from cultiva import bootstrap
from cultiva.loop.erasing import service

def reached(place):
    if place == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

with bootstrap.opened(Path(sys.argv[1])) as parts:
    service.erase(parts, service.Request([int(sys.argv[2])], "Chen Li", "request 17"), reached=reached)
"""


def _killed(here: Town, place: str) -> None:
    asked = [sys.executable, "-c", _KILLED, str(here.root), str(here.marks.number), place]
    assert subprocess.run(asked, check=False).returncode == -signal.SIGKILL
