"""The ledger of consent: every word stays, and the last one counts as it does at the moment of sending."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest
from tests.cli.commands import cultiva, done

from cultiva import bootstrap
from cultiva.contracts.sight import EVERYBODY, Sight
from cultiva.execution.recipients.people import EVERY_CHANNEL, Closed, ConsentWord, Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.kit.errors import CultivaError
from cultiva.loop.consent_ledger import BANK, Ledger, ledger_of
from cultiva.loop.parts import Parts

DAY = date(1994, 3, 30)
LATER = datetime(1994, 4, 2, 9, tzinfo=UTC)
CUSTOMER = 2


@pytest.fixture(scope="module")
def root(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("consent") / "bank"
    shutil.copytree(bank, target)
    return target


def word(channel: str, granted: bool, minutes: int, **more: str) -> ConsentWord:
    at = LATER + timedelta(minutes=minutes)
    return ConsentWord(CUSTOMER, channel, granted, at, f"call {minutes}", recorded=at, **more)


def ledger(parts: Parts) -> Ledger:
    return ledger_of(parts, CUSTOMER, DAY, sight=EVERYBODY)


def test_every_word_is_shown_with_who_and_through_what_and_the_last_one_counts(root: Path) -> None:
    before = done("consent", root, CUSTOMER, "--json").data
    assert {one["through"] for one in before["words"]} == {BANK} and before["words"]
    with bootstrap.opened(root) as parts:
        said = Recipients(parts.store.database)
        said.speak([word("sms", False, 1, actor="app", through="api")])
        said.speak([word("sms", True, 2, actor="li", through="console"), word("sms", False, 1, actor="x", through="y")])
    after = done("consent", root, CUSTOMER, "--json").data
    assert after["words"][:-2] == before["words"], "nothing is overwritten"
    assert [(one["granted"], one["actor"], one["through"]) for one in after["words"][-2:]] == [
        (False, "app", "api"),
        (True, "li", "console"),
    ], "a word that is said twice is one"
    assert after["open"] == {**before["open"], "sms": True}
    assert "console" in done("consent", root, CUSTOMER).out


def test_the_state_of_the_ledger_is_what_sending_asks(root: Path) -> None:
    random, steps = Random(17), list(product(("sms", "app", EVERY_CHANNEL), (True, False)))
    with bootstrap.opened(root) as parts:
        people, first = Recipients(parts.store.database), ledger(parts)
        channels = tuple(one.name for one in parts.workspace.policy.channels)
        of_bank = {one.channel: one.granted for one in first.words if one.through == BANK}
        opened = tuple(name for name in channels if of_bank.get(name))
        people.put([Recipient(CUSTOMER, "Asia/Shanghai", "zh", channels=opened, business_date=DAY)])
        for minutes in range(12):
            channel, granted = random.choice(steps)
            people.speak([word(channel, granted, 10 + minutes // 2)])  # two at once: the refusal counts
            closed = people.closed([(CUSTOMER, name) for name in channels], oldest=date.min)
            assert set(closed.values()) <= {Closed.NO_CONSENT}
            assert ledger(parts).open == {name: (CUSTOMER, name) not in closed for name in channels}


def test_who_is_out_of_sight_has_no_ledger(root: Path) -> None:
    with bootstrap.opened(root) as parts, pytest.raises(CultivaError, match="no such customer"):
        ledger_of(parts, CUSTOMER, DAY, sight=Sight())
    assert cultiva("consent", root, 999_999).code == 3
