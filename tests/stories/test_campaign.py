"""From tonight's plan to the readout: approved by two, three waves, answers, tasks, outcomes, the next run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.cli.commands import cultiva, done
from tests.servers.stores import store_url
from tests.simulators.process import Simulator, running

from cultiva.bootstrap import opened
from cultiva.definitions.packs import init_workspace
from cultiva.execution.answers.outcome import Outcome
from cultiva.execution.answers.service import Answers
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import Logged
from cultiva.kit.progress import Unseen
from cultiva.loop import service
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.loop.simulation.flight import founded
from cultiva.loop.simulation.setup import Policy, Setup
from cultiva.loop.simulation.touches import COLUMNS
from cultiva.loop.work.service import Worker
from cultiva.simbank.service import LivingBank
from cultiva.simbank.world import load_world

__all__ = ["store_url"]

DAY = date(1994, 3, 30)
MORNING = datetime(1994, 3, 31, 1, 30, tzinfo=UTC)
"""Half past nine in Shanghai."""
CAMPAIGN = "spring_cards"
STRATEGY = f"""
- name: {CAMPAIGN}
  label: {{ zh: 春季信用卡, en: Cards in spring }}
  description: A text message, a notice in the app to those who do not answer, a call to those who still do not.
  owner: retail
  objective: {{ metric: card_count, direction: increase, target: 0.1 }}
  audience: party_type = 'person' and card_count = 0
  offers: [credit_card]
  channels: [sms]
  rank: 20 + 0.0001 * least(aum, 100000)
  holdout: 0.3
  reason: 资产 {{aum}} 元，尚无信用卡。
  play:
    steps:
      - name: message
        send: {{ channel: sms }}
      - name: answer
        wait_for: {{ on: {{ clicked: call }}, within: {{ days: 2 }}, timeout: notice }}
      - name: notice
        send: {{ channel: app }}
      - name: pause
        wait_for: {{ on: {{ clicked: call }}, within: {{ days: 2 }}, timeout: end }}
      - name: call
        task: {{ channel: phone, due: {{ business_days: 3 }} }}
"""
PROVIDER = """
- name: {name}
  label: {{ zh: {name}, en: {name} }}
  description: A gateway.
  owner: digital
  kind: sms_http
  url: {http}/messages
  sms_http: {{ look_up_url: "{http}/messages/{{key}}", reports_url: "{http}/reports?after={{cursor}}" }}
"""


@dataclass(frozen=True)
class Town:
    """A simulated bank, its workspace, and the gateways that its messages go to."""

    setup: Setup
    bank: LivingBank
    store_url: str
    sms: Simulator
    app: Simulator

    @property
    def root(self) -> Path:
        return self.setup.workspace

    def settings(self, on: date = DAY) -> dict[str, str]:
        return {"data": str(self.bank.delivery(on).resolve()), "store.url": self.store_url}

    def options(self) -> list[str]:
        return ["--set", f"store.url={self.store_url}"]

    def work(self, parts: Parts, at: datetime) -> Counter[str]:
        """A worker that works until nothing is due."""
        worker, sent = Worker(replace(parts, clock=lambda: at), "story"), Counter[str]()
        while not (did := worker.round(at)).idle:
            sent.update({"entered": did.entered, "tasks": did.tasks, **did.moves.waves, **did.moves.exits})
            sent.update({"sent": did.sent.sent, "cancelled": did.sent.cancelled})
        return sent


@pytest.fixture
def town(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("CULTIVA_LINK_KEY", "k1:only-for-this-story")
    definitions = tmp_path / "definitions"
    init_workspace(definitions)
    (definitions / "strategies" / "spring.yaml").write_text(STRATEGY, encoding="utf-8")
    policy = definitions / "contact_policy.yaml"
    text = policy.read_text(encoding="utf-8")
    for channel, provider in (("app", "notices"), ("sms", "messages")):
        text = text.replace(f"  - name: {channel}\n", f"  - name: {channel}\n    provider: {provider}\n")
    policy.write_text(text, encoding="utf-8")
    with ExitStack() as gateways:
        sms, app = (gateways.enter_context(running("sms_http", tmp_path / f"{name}.jsonl")) for name in ("sms", "app"))
        both = [PROVIDER.format(name=name, http=one.http) for name, one in (("messages", sms), ("notices", app))]
        (definitions / "providers.yaml").write_text("".join(both), encoding="utf-8")
        done("check", definitions)
        setup = Setup(load_world("ordinary"), Policy.LOOP, tmp_path, weeks=1, customers=800, definitions=definitions)
        yield Town(setup, founded(setup, Unseen()), store_url, sms, app)


@pytest.mark.slow
def test_a_campaign_goes_round_the_whole_loop(town: Town) -> None:
    with opened(town.root, overrides=town.settings()) as parts:
        service.run(parts, DAY)
    launch = approved(town)
    with opened(town.root, overrides=town.settings()) as parts:
        chosen = people_chosen(parts)
        first = town.work(parts, MORNING)
        assert first["entered"] == len(chosen) > 30
        written = town.sms.accepted()
        keys = [one["key"] for one in written]
        assert len({customer_of(parts, key) for key in keys}) == len(keys) == first["sent"]
        assert first["message"] == first["sent"] + first["cancelled"]  # some have no telephone
        warm = may_be_called(parts, keys)[:5]
        cross, sure = [key for key in keys if key not in warm][:3], [key for key in keys if key not in warm][3:6]
        answer(town, warm, cross)
        bought(parts, sure, MORNING + timedelta(hours=6))
        second = town.work(parts, MORNING + timedelta(days=1))
        assert second["opted_out"] == len(cross)
        assert second["converted"] == len(sure)
        assert second["call"] == second["tasks"] == len(warm)
        called(parts, MORNING + timedelta(days=1, hours=1))
        third = town.work(parts, MORNING + timedelta(days=2))
        heard = {customer_of(parts, key) for key in [*warm, *cross, *sure]}
        noticed = {customer_of(parts, one["key"]) for one in town.app.accepted()}
        assert noticed and not noticed & heard
        assert third["sent"] == len(noticed)
        town.work(parts, MORNING + timedelta(days=5))
    ends_in_the_readout(town, launch, len(written) + len(noticed) + len(warm))


def approved(town: Town) -> str:
    """Put forward by one, approved by another, launched."""
    given = ("--set", f"store.url={town.store_url}")
    done("submit", town.root, CAMPAIGN, "--date", DAY, "--once", "--author", "Ana", *given)
    launch = str(done("launches", town.root, "--json", *given).data["launches"][0]["launch_id"])
    own = cultiva("approve", town.root, launch, "--by", "Ana", "--role", "campaign_lead", *given)
    assert own.code != 0 and "second person" in own.err
    early = cultiva("launch", town.root, launch, "--by", "Ana", *given)
    assert early.code != 0
    done("approve", town.root, launch, "--by", "Bo", "--role", "product_head", *given)
    done("launch", town.root, launch, "--by", "Ana", *given)
    return launch


def people_chosen(parts: Parts) -> set[int]:
    rows = scan(parts.lake.files_current("decisions", DAY)).filter(
        (pl.col("strategy") == CAMPAIGN) & (pl.col("fate") == "chosen")
    )
    return set(rows.collect()["customer_id"].to_list())


def answer(town: Town, warm: list[str], cross: list[str]) -> None:
    at = (MORNING + timedelta(hours=5)).isoformat()
    for key in warm:
        town.sms.tell(kind="clicked", key=key, at=at)
    for key in cross:
        town.sms.tell(kind="opted_out", key=key, at=at)


def customer_of(parts: Parts, key: str) -> int:
    """Whom a message went to: the id is made of it."""
    return int(key.split("-")[1], 16)


def may_be_called(parts: Parts, keys: list[str]) -> list[str]:
    """Messages to customers who have agreed to calls."""
    people = Recipients(parts.store.database).of([customer_of(parts, key) for key in keys])
    return [key for key in keys if "phone" in people[customer_of(parts, key)].channels]


def bought(parts: Parts, keys: list[str], at: datetime) -> None:
    """Another system reports that customers took the card."""
    answers = [Outcome(f"card-{key}", customer_of(parts, key), "converted", at, "cards") for key in keys]
    Answers(parts.store.database).take(answers, at=at)


def called(parts: Parts, at: datetime) -> None:
    """Advisers call; one customer refuses."""
    tasks = desk(replace(parts, clock=lambda: at))
    results = iter(["refused", *["interested"] * 100])
    for person, _ in tasks.people(at):
        for listed in tasks.ranked(person.staff_id, at):
            assert listed.task.reason.startswith("资产 ")
            tasks.accept(listed.task.task_id, person.staff_id, at)
            tasks.log(listed.task.task_id, person.staff_id, Logged(next(results)), at)


def answered(town: Town) -> None:
    """The simulated bank lives a week in which its customers get what was really sent, and answer as they are.

    Its own campaign system, which would report the same touches once more, is switched off.
    """
    with opened(town.root, overrides=town.settings()) as parts:
        records = scan(parts.lake.files_current("identity_map", DAY)).filter(pl.col("source_system") == "core")
        sent = [(customer_of(parts, one["key"]), "sms") for one in town.sms.accepted()]
        sent += [(customer_of(parts, one["key"]), "app") for one in town.app.accepted()]
        rows = pl.DataFrame(sent, schema={"customer_id": pl.Int64, "channel": pl.String}, orient="row").lazy()
        named = rows.join(records.unique("customer_id"), on="customer_id")
        touches = named.with_columns(strategy=pl.lit(CAMPAIGN), offer=pl.lit("credit_card")).select(COLUMNS).collect()
    assert touches.height > 100
    contact = town.bank.delivery(town.bank.live_week(touches)) / "contact.csv"
    told = pl.read_csv(contact, infer_schema=False)
    assert CAMPAIGN in set(told["strategy"])
    told.filter(pl.col("strategy") != CAMPAIGN).write_csv(contact)


def ends_in_the_readout(town: Town, launch: str, contacts: int) -> None:
    """A week later: what Cultiva did is in the lake like any delivery, and the review counts it."""
    answered(town)
    later = DAY + timedelta(days=7)
    with opened(town.root, overrides=town.settings(later)) as parts:
        service.run(parts, later)
        own = scan(parts.lake.files_current("contact", later)).filter(pl.col("strategy") == CAMPAIGN).collect()
        assert own.height == contacts
        assert set(own["channel"]) == {"sms", "app", "phone"}
        assert own["touch_id"].n_unique() == own.height
        outcomes = scan(parts.lake.files_current("outcome", later)).collect()
        assert {"clicked", "opted_out", "converted"} <= set(outcomes["name"])
        readouts = scan(parts.lake.files_current("readout", later)).filter(pl.col("strategy") == CAMPAIGN).collect()
        assert readouts.height > 0
    audit = done("audit", town.root, "--verify", "--json", *town.options()).data
    assert audit
