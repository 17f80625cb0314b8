"""A simulated bank with a campaign of three waves, and the gateways that its messages go to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.cli.commands import cultiva, done
from tests.simulators.process import Simulator, running

from cultiva.definitions.packs import init_workspace
from cultiva.execution.tables import DELIVERY
from cultiva.kit.progress import Unseen
from cultiva.loop.parts import Parts
from cultiva.loop.simulation.flight import founded
from cultiva.loop.simulation.setup import Policy, Setup
from cultiva.loop.work.service import Worker
from cultiva.simbank.service import LivingBank
from cultiva.simbank.world import load_world

DAY = date(1994, 3, 30)
MORNING = datetime(1994, 3, 31, 1, 30, tzinfo=UTC)
"""Half past nine in Shanghai."""
TESTER_PHONE = "13800000000"
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

    def written(self) -> list[str]:
        """Keys of the text messages that customers got."""
        return [one["key"] for one in self.sms.accepted() if one["address"] != TESTER_PHONE]

    def tested(self) -> int:
        """Text messages that the tester got."""
        return len(self.sms.accepted()) - len(self.written())

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
    approval = definitions / "approval.yaml"
    testers = f"testers: [{{ name: Li, addresses: {{ sms: '{TESTER_PHONE}' }} }}]"
    approval.write_text(re.sub(r"(?m)^testers:.*$", testers, approval.read_text(encoding="utf-8")), encoding="utf-8")
    with ExitStack() as gateways:
        sms, app = (gateways.enter_context(running("sms_http", tmp_path / f"{name}.jsonl")) for name in ("sms", "app"))
        both = [PROVIDER.format(name=name, http=one.http) for name, one in (("sms_files", sms), ("app_files", app))]
        (definitions / "providers.yaml").write_text("".join(both), encoding="utf-8")
        done("check", definitions)
        setup = Setup(load_world("ordinary"), Policy.LOOP, tmp_path, weeks=1, customers=800, definitions=definitions)
        yield Town(setup, founded(setup, Unseen()), store_url, sms, app)


def approved(town: Town, enrols: str = "--once") -> str:
    """Put forward by one, approved by another, launched."""
    given = ("--set", f"store.url={town.store_url}")
    done("submit", town.root, CAMPAIGN, "--date", DAY, enrols, "--author", "Ana", *given)
    launch = str(done("launches", town.root, "--json", *given).data["launches"][0]["launch_id"])
    own = cultiva("approve", town.root, launch, "--by", "Ana", "--role", "campaign_lead", *given)
    assert own.code != 0 and "second person" in own.err
    early = cultiva("launch", town.root, launch, "--by", "Ana", *given)
    assert early.code != 0
    done("test-send", town.root, launch, *given)
    done("approve", town.root, launch, "--by", "Bo", "--role", "product_head", *given)
    done("launch", town.root, launch, "--by", "Ana", *given)
    return launch


def customer_of(parts: Parts, key: str) -> int:
    """Whom a message went to; its id tells nobody, the store knows."""
    with parts.store.database.reading() as connection:
        asked = select(DELIVERY.c.customer_id).where(DELIVERY.c.delivery_id == key)
        return int(connection.execute(asked).scalar_one())
