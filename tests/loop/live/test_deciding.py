"""Deciding: what it rests on, what it holds, what it writes down, and what it does where something is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.servers.stores import store, store_url
from tests.strategy.conftest import offer, strategy, workspace

from cultiva.contracts.moments import HotRecord, write_hot
from cultiva.contracts.sight import EVERYBODY
from cultiva.definitions.arbitration import Arbitration, Resource
from cultiva.definitions.base import Label
from cultiva.definitions.placements import Frequency, LiveBudget, Placement, Placements
from cultiva.definitions.policy import Cap
from cultiva.definitions.review import RankBy, Review
from cultiva.execution.present.service import Present
from cultiva.execution.recipients.people import ConsentWord
from cultiva.execution.recipients.service import Recipients
from cultiva.insight.live.records import Base, Held, write_base, write_held
from cultiva.insight.live.service import Live
from cultiva.kit.errors import CultivaError
from cultiva.loop.live.asking import Asked, Report
from cultiva.loop.live.deciding import Deciding
from cultiva.loop.live.recording import DecisionRecord, Recorder, read_records
from cultiva.store import Store
from cultiva.strategy.live.paper import ENCODER, Paper

__all__ = ["store", "store_url"]
NOW = datetime(2024, 5, 2, 4, 0, tzinfo=UTC)
RUN, DAY = date(2024, 5, 1), date(2024, 5, 2)
TEXT = Label(zh="字", en="text")
SLOT = Placement(
    name="banner", label=TEXT, channel="sms", neutral="hello", rest_days_dismissed=1,
    frequency=(Frequency(per="offer", hours=24, impressions_max=1),),
)  # fmt: skip


class Hot:
    """States by customer, in memory."""

    def __init__(self) -> None:
        self.states: dict[int, bytes] = {}
        self.down = False

    def get(self, customer_ids: list[int]) -> list[bytes | None]:
        if self.down:
            raise ConnectionError("no route")
        return [self.states.get(one) for one in customer_ids]

    def close(self) -> None:
        """Holds nothing."""


@dataclass
class Ground:
    """A live desk over a store."""

    deciding: Deciding
    hot: Hot
    store: Store
    root: Path
    recorder: Recorder
    parts: Any

    def ask(self, customer: int = 1, **more: Any) -> Any:
        given = more or {"placement": "banner"}
        return self.deciding.decide(Asked(customer, **given), "app", sight=EVERYBODY)

    def proposed(self, customer: int = 1, **more: Any) -> list[str]:
        return [one.strategy for one in self.ask(customer, **more).proposals]

    def records(self) -> list[DecisionRecord]:
        self.recorder.flush()
        return list(read_records(self.root, DAY))


def space() -> Any:
    """Two strategies over one channel; the first needs text messages, of which there are two a day."""
    found = workspace(
        strategy("a", offers=("gold",), channels=("sms",), rank="20"),
        strategy("b", offers=("fund",), channels=("sms", "call"), rank="10"),
        offers=(offer("gold"),), caps=(Cap(scope="customer", days=7, contacts_max=2),), suppressions=(),
    )  # fmt: skip
    texts = Resource(name="texts", label=TEXT, strategies=("a",), channels=("sms",), at_most=9)
    money = Resource(name="money", label=TEXT, strategies=("a",), counts="cost", at_most=50)
    return replace(
        found, review=Review(rank_by=RankBy.EFFECT, exploration=0.0), arbitration=Arbitration(resources=(texts, money)),
        placements=Placements(placements=(SLOT,), budgets=(LiveBudget(resource="texts", at_most=2),)),
    )  # fmt: skip


def state(paper: Paper | None, *, known: bool = True) -> bytes:
    """A customer's record: a profile on which every rule of the bank holds."""
    live = Live(space()).program.on(DAY)
    base = write_base(Base({live.keys["aum"]: 100.0})) if known else msgspec.Raw(b"\xc0")
    profile = write_held(Held(RUN.isoformat(), RUN.toordinal(), base))
    return write_hot(HotRecord(profile, decisions=msgspec.Raw(ENCODER.encode(paper) if paper else b"\xc0")))


PAPER = Paper(RUN, consent={"sms": True, "call": True})


@pytest.fixture
def ground(store: Store, tmp_path: Path) -> Iterator[Ground]:
    clock = SimpleNamespace(now=NOW)
    parts: Any = SimpleNamespace(workspace=space(), store=store, root=tmp_path, clock=lambda: clock.now, at=clock)
    hot, recorder = Hot(), Recorder(tmp_path, "test")
    hot.states = {number: state(PAPER) for number in range(1, 9)}
    deciding = Deciding(parts, Live(parts.workspace), hot, recorder)  # type: ignore[arg-type]
    yield Ground(deciding, hot, store, tmp_path, recorder, parts)
    deciding.close()


def test_a_slot_is_answered_and_every_candidates_fate_is_written_down(ground: Ground) -> None:
    answer = ground.ask(placement="banner", reasons="en", context={"page": "home"})
    assert [one.strategy for one in answer.proposals] == ["a"] and not answer.neutral
    assert {one.fate: one.text.partition(":")[0] for one in answer.reasons} == {"chosen": "chosen", "outbid": "outbid"}
    (record,) = ground.records()
    assert (record.decision_id, record.customer_id, record.placement) == (answer.decision_id, 1, "banner")
    assert record.context == {"page": "home"} and record.on == DAY and record.caller == "app"
    assert {one.strategy: one.fate for one in record.candidates} == {"a": "chosen", "b": "outbid"}
    assert {one.strategy for one in record.candidates if one.exposed} == {"a"}
    zh = ground.ask(placement="banner", reasons="zh").reasons[0].text
    assert zh.startswith("入选")


def test_what_is_withdrawn_or_complained_of_counts_at_the_next_decision(ground: Ground) -> None:
    people = Recipients(ground.store.database)
    assert ground.proposed(1) == ground.proposed(2) == ["a"]
    people.speak([ConsentWord(1, "*", False, NOW, "call")])
    people.stand_still(2, "open_complaint", NOW)
    assert ground.proposed(1) == ground.proposed(2) == []
    people.lift(2, "open_complaint", NOW)
    assert ground.proposed(2) == ["a"]


def test_impressions_count_by_their_own_rules_once_each(ground: Ground) -> None:
    answer = ground.ask()
    shown = Report(answer.decision_id, 1, "a", "gold", "shown", "banner")
    assert ground.deciding.report([shown, shown], sight=EVERYBODY) == 2
    assert ground.proposed() == ["b"], "once a day"
    ground.parts.at.now = NOW + timedelta(hours=25)
    assert ground.proposed() == ["a"]
    ground.deciding.report([Report(answer.decision_id, 1, "a", "gold", "dismissed", "banner")], sight=EVERYBODY)
    assert ground.proposed() == ["b"]
    assert ground.proposed(2) == ["a"]


def test_what_is_shown_costs_once(ground: Ground) -> None:
    answer = ground.ask()
    shown = Report(answer.decision_id, 1, "a", "gold", "shown", "banner", cost=1.5)
    ground.deciding.report([shown, shown], sight=EVERYBODY)
    ground.deciding.report([shown], sight=EVERYBODY)
    ground.deciding.report([msgspec.structs.replace(shown, kind="clicked")], sight=EVERYBODY)
    assert Present(ground.store.database).used(DAY) == {"money": 1.5}


def test_touches_are_held_charged_confirmed_and_given_back(ground: Ground) -> None:
    first = ground.ask(1, channel="sms").proposals[0]
    assert first.strategy == "a" and first.held_until == NOW + timedelta(minutes=30)
    second = ground.ask(2, channel="sms").proposals[0]
    assert second.strategy == "a"
    third = ground.ask(3, channel="sms")
    assert [one.strategy for one in third.proposals] in (["b"], []), "two text messages a day"
    assert "a" not in [one.strategy for one in third.proposals]
    ground.deciding.report([Report("x", 1, "a", "gold", "done", touch_id=first.touch_id)], sight=EVERYBODY)
    ground.deciding.report([Report("x", 2, "a", "gold", "given_back", touch_id=second.touch_id)], sight=EVERYBODY)
    assert ground.proposed(1, channel="call") == ["b"]
    assert ground.proposed(1, channel="call") == [], "two touches in seven days: one done, one held"
    ground.parts.at.now = NOW + timedelta(minutes=31)
    assert ground.proposed(1, channel="call") == ["b"], "what nobody confirmed has run out"


def test_units_are_returned_once_with_the_touch_that_they_were_charged_for(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cultiva.loop.live.deciding.USED_SECONDS", -1.0)  # prices of this very moment
    present = Present(ground.store.database)
    done, back = (ground.ask(who, channel="sms").proposals[0] for who in (1, 2))
    assert done.strategy == back.strategy == "a"
    assert "a" not in ground.proposed(3, channel="sms"), "two text messages a day"
    assert present.used(DAY) == {"texts": 2.0}
    told = [Report("x", 1, "a", "gold", "done", touch_id=done.touch_id),
            Report("x", 1, "a", "gold", "given_back", touch_id=done.touch_id),
            Report("x", 2, "a", "gold", "given_back", touch_id=back.touch_id)]  # fmt: skip
    for _ in range(3):
        ground.deciding.report(told, sight=EVERYBODY)
        assert present.used(DAY)["texts"] == 1.0, "what is done stays used"
    assert ground.ask(4, channel="sms").proposals[0].strategy == "a", "another may have it"
    assert present.used(DAY)["texts"] == 2.0
    later = NOW + timedelta(minutes=31)
    assert [present.settle(later), present.settle(later)] == [1, 0], "it was not reported, and has run out"
    assert present.used(DAY) == {"texts": 1.0}


def test_what_could_not_be_recorded_has_used_nothing(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground.recorder, "put", lambda record: False)
    assert ground.ask(1, channel="sms").degraded == ["unrecorded"]
    assert Present(ground.store.database).used(DAY)["texts"] == 0.0


def test_what_is_missing_makes_the_answer_neutral_and_is_said(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def degraded(customer: int = 1, **more: Any) -> list[str]:
        answer = ground.ask(customer, **(more or {"placement": "banner"}))
        assert answer.neutral and answer.proposals == []
        assert answer.content == ("" if "channel" in more else "hello")
        return list(answer.degraded)

    ground.hot.states[2] = state(None)
    ground.hot.states[3] = state(PAPER, known=False)
    ground.hot.states[4] = state(replace_on(PAPER, RUN - timedelta(days=9)))
    assert degraded(99) == degraded(2) == degraded(3) == ["no_profile"]
    assert degraded(4) == ["stale_profile"]
    with monkeypatch.context() as broken:
        broken.setattr("cultiva.execution.present.repository.Statement.ask", _refuses)
        assert degraded() == degraded(channel="sms") == ["store_down"]
    ground.hot.down = True
    assert degraded(channel="sms") == ["hot_down"]
    ground.hot.down = False
    assert ground.proposed() == ["a"]
    assert [one.degraded for one in ground.records()][-2:] == [("hot_down",), ("no_model",)]


def test_without_room_for_a_record_there_is_no_decision(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground.recorder, "_most", 0)
    assert ground.ask().degraded == ["unrecorded"]
    assert ground.ask(channel="sms").proposals == []


def test_what_does_not_exist_is_refused(ground: Ground) -> None:
    for more in ({"placement": "baner"}, {"channel": "fax"}, {"placement": "banner", "channel": "sms"}, {"n": 1}):
        with pytest.raises(CultivaError):
            ground.ask(**more)
    with pytest.raises(CultivaError, match="did you mean 'banner'"):
        ground.ask(placement="baner")


def replace_on(paper: Paper, on: date) -> Paper:
    return msgspec.structs.replace(paper, on=on)


def _refuses(*_args: object) -> None:
    raise OSError("no route")
