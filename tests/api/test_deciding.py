"""Decisions over HTTP on a bank after a run: published, asked, reported, and taken into the lake by the next run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.api.banks import DATE, Api, copy_of

from cultiva import bootstrap
from cultiva.api.app import create_app
from cultiva.client import Client
from cultiva.client.problems import ApiProblem
from cultiva.contracts.moments import HotRecord, read_hot, write_hot
from cultiva.insight.live.service import Live
from cultiva.loop.following import Followed
from cultiva.loop.live.decided import ANSWERS, DECISIONS, Taking
from cultiva.loop.live.papers import publish_papers
from cultiva.loop.live.publishing import publish
from cultiva.loop.parts import Parts
from cultiva.loop.steps import StepContext
from cultiva.strategy.live.paper import DECODER
from cultiva.stream import HotStore, Log

ON = date.fromisoformat(DATE)
NEXT = date(1994, 3, 31)
TEN = datetime(1994, 3, 31, 2, 0, tzinfo=UTC)
SLOT = "app_home_banner"


@dataclass(frozen=True)
class Decided:
    """A bank that decides."""

    api: Api
    client: Client
    parts: Parts


@pytest.fixture(scope="module")
def bank_that_decides(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    root = copy_of(bank, tmp_path_factory.mktemp("deciding") / "bank")
    with bootstrap.opened(root) as opened:
        parts = replace(opened, clock=lambda: TEN)
        with bootstrap.live(parts.workspace) as (log, hot):
            log.mark(DATE)
            publish(parts, Live(parts.workspace), hot, log, ON)
            done = publish_papers(parts, hot, ON)
            assert done.written == done.customers > 250
            assert publish_papers(parts, hot, ON).written == 0, "what is the same is not written again"
        app = create_app(parts)
        with TestClient(app) as http:
            api = Api(app, parts)
            yield Decided(api, Client("", api.key(["decide"]), http=http, repeats=0), parts)


class Watched:
    """A hot store that remembers of whom it was asked."""

    def __init__(self, hot: HotStore) -> None:
        self._hot, self.asked = hot, set[int]()

    def get(self, customer_ids: Sequence[int]) -> list[bytes | None]:
        self.asked |= {one for one in customer_ids if one > 0}
        return self._hot.get(customer_ids)

    def put(self, states: Mapping[int, tuple[bytes | None, bytes]]) -> list[int]:
        self.asked |= {one for one in states if one > 0}
        return self._hot.put(states)


def test_who_has_not_changed_is_neither_read_nor_written_unless_the_store_is_another(
    bank_that_decides: Decided,
) -> None:
    parts, ids = bank_that_decides.parts, everybody(bank_that_decides.parts)
    live = Live(parts.workspace)

    def asked_of(hot: HotStore, log: Log) -> tuple[set[int], int]:
        watched: Any = Watched(hot)
        written = publish(parts, live, watched, log, ON).written + publish_papers(parts, watched, ON).written
        return watched.asked, written

    with bootstrap.live(parts.workspace) as (log, hot):
        assert asked_of(hot, log) == (set(), 0)
        stamps = {place: state for place in range(-300, 0) if (state := hot.get([place])[0]) is not None}
        assert len(stamps) == 2 * log.partitions
        place, state = next(iter(stamps.items()))
        assert hot.put({place: (state, write_hot(HotRecord()))}) == []  # as if it had come back younger
        assert asked_of(hot, log) == (set(ids), 0), "everybody is compared, and stands as published"
        assert asked_of(hot, log) == (set(), 0)


def everybody(parts: Parts) -> list[int]:
    rows = pl.scan_parquet(parts.lake.files_current("profile", ON)[0] / "*.parquet").select("customer_id").collect()
    return sorted(rows["customer_id"])


def test_papers_say_what_the_nights_desk_says(bank_that_decides: Decided) -> None:
    parts, ids = bank_that_decides.parts, everybody(bank_that_decides.parts)
    with bootstrap.live(parts.workspace) as (_, hot):
        papers = {who: DECODER.decode(read_hot(found).decisions) for who, found in zip(ids, hot.get(ids), strict=True)}
    party = pl.scan_parquet(parts.lake.files_current("customer", ON)[0] / "*.parquet").collect()
    for row in party.iter_rows(named=True):
        paper = papers[row["customer_id"]]
        assert (paper.on, paper.branch_id, paper.adviser_id) == (ON, row["branch_id"], row["adviser_id"])
        assert (paper.risk_rating, paper.birth_date) == (row["risk_rating"], row["birth_date"])
    assert sum(len(one.touches) for one in papers.values()) > 10
    assert {granted for one in papers.values() for granted in one.consent.values()} == {True, False}


def test_slots_are_answered_reported_and_taken_into_the_lake(bank_that_decides: Decided) -> None:
    client, parts = bank_that_decides.client.decide, bank_that_decides.parts
    answers = client.several([{"customer": one, "placement": SLOT, "reasons": "en"} for one in range(1, 151)])
    proposed = [one for one in answers if one.proposals]
    assert len(proposed) > 20 and not any(one.neutral for one in answers)
    first = proposed[0]
    reports = [
        {"decision": first.decision_id, "customer": first.customer, "strategy": first.proposals[0].strategy,
         "offer": first.proposals[0].offer, "kind": kind, "placement": SLOT}
        for kind in ("shown", "clicked", "clicked", "dismissed")
    ]  # fmt: skip
    assert client.report(reports) == 4
    again = client.one({"customer": first.customer, "placement": SLOT})
    assert first.proposals[0].strategy not in {one.strategy for one in again.proposals}, "it was dismissed"
    nobody = client.one({"customer": 10**9, "placement": SLOT})
    assert nobody.neutral and nobody.degraded == ["no_profile"]
    bank_that_decides.api.app.state.desk.deciding.flush()
    context = StepContext("test", NEXT, "decided", TEN, {}, lambda *_: None)
    found = {one.table: parts.lake.folder(one) for one in Taking(parts, NEXT).run(context).outputs}
    rows = pl.read_parquet(found[DECISIONS] / "*.parquet")
    taken = rows.filter(pl.col("decision_id") == first.decision_id)
    assert set(taken["fate"]) >= {"chosen"} and set(taken["customer_id"]) == {first.customer}
    assert rows["decision_id"].n_unique() >= 152
    kinds = pl.read_parquet(found[ANSWERS] / "*.parquet")["kind"].to_list()
    assert sorted(kinds) == ["clicked", "dismissed", "shown"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"customer": 1, "placement": "banner"}, "decide.no_slot"),
        ({"customer": 1}, "decide.bad_request"),
        ({"customer": "x", "placement": SLOT}, "api.bad_body"),
        ({"customer": 1, "placement": SLOT, "offer": "x"}, "api.bad_body"),
    ],
)
def test_what_cannot_be_decided_is_refused(bank_that_decides: Decided, body: dict[str, object], code: str) -> None:
    with pytest.raises(ApiProblem) as caught:
        bank_that_decides.client.decide.one(body)
    assert caught.value.code == code


def test_another_scope_does_not_decide(bank_that_decides: Decided) -> None:
    other = Client("", bank_that_decides.api.key(["customers"]), http=bank_that_decides.client._api.http, repeats=0)
    with pytest.raises(ApiProblem) as caught:
        other.decide.one({"customer": 1, "placement": SLOT})
    assert caught.value.status == 403


def test_a_slot_that_is_defined_meanwhile_is_decided_on_without_beginning_anew(bank_that_decides: Decided) -> None:
    app, parts = bank_that_decides.api.app, bank_that_decides.parts
    before = app.state.desk.deciding
    app.state.desk = replace(app.state.desk, followed=Followed(parts, look_seconds=0.0))
    asked = {"customer": 10**9, "placement": "meanwhile"}
    with pytest.raises(ApiProblem) as caught:
        bank_that_decides.client.decide.one(asked)
    assert caught.value.code == "decide.no_slot"
    file = parts.root / "placements.yaml"
    slot = "  - { name: meanwhile, label: { zh: 新, en: new }, owner: digital, channel: app, slots: 1 }\n"
    file.write_text(
        file.read_text(encoding="utf-8").replace("placements:\n", f"placements:\n{slot}", 1), encoding="utf-8"
    )
    assert app.state.desk.parts.workspace.version != parts.workspace.version
    until = time.monotonic() + 60
    while app.state.desk.opened_deciding is before and time.monotonic() < until:
        time.sleep(0.02)
    assert bank_that_decides.client.decide.one(asked).degraded == ["no_profile"]
