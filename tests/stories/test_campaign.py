"""From tonight's plan to the readout: approved by two, three waves, answers, tasks, outcomes, the next run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest
from tests.cli.commands import done
from tests.servers.stores import store_url
from tests.stories.town import CAMPAIGN, DAY, MORNING, Town, approved, customer_of, town

from cultiva.bootstrap import opened
from cultiva.contracts.sight import EVERYBODY
from cultiva.execution.answers.outcome import Outcome
from cultiva.execution.answers.service import Answers
from cultiva.execution.recipients.service import Recipients
from cultiva.execution.tasks.records import Logged
from cultiva.loop import service
from cultiva.loop.desk import desk
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.loop.simulation.touches import COLUMNS
from cultiva.loop.trials import send_trials

__all__ = ["store_url", "town"]


@pytest.mark.slow
def test_a_campaign_goes_round_the_whole_loop(town: Town) -> None:
    with opened(town.root, overrides=town.settings()) as parts:
        service.run(parts, DAY)
    launch = approved(town)
    with opened(town.root, overrides=town.settings()) as parts:
        chosen = people_chosen(parts)
        send_trials(parts, launch, MORNING, sight=EVERYBODY)
        first = town.work(parts, MORNING)
        assert first["entered"] == len(chosen) > 30
        keys = town.written()
        assert town.tested() == 1
        assert len({customer_of(parts, key) for key in keys}) == len(keys) == first["sent"] - town.tested()
        assert first["message"] == len(keys) + first["cancelled"]  # some have no telephone
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
    ends_in_the_readout(town, launch, len(keys) + len(noticed) + len(warm))


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
        sent = [(customer_of(parts, key), "sms") for key in town.written()]
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
