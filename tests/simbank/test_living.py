"""A living bank delivers week by week what a bank would: without a seam, to the cent, the same after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.simbank.livingbank import CHANNELS, CUSTOMERS, FIRST_DAY, OFFERS, digests, found, touches
from tests.simbank.test_sample import FILES, PARQUET

from cultiva.contracts.tables import CANONICAL
from cultiva.kit.errors import CultivaError
from cultiva.simbank import bank as bank_module
from cultiva.simbank.population import NEVER
from cultiva.simbank.service import LivingBank, nothing_asked, open_bank
from cultiva.simbank.snapshots import UNCHANGED

WEEKS = 5
LOANS = "('P_MORTGAGE', 'P_CONSUMER', 'P_CORP_LOAN')"


@dataclass(frozen=True)
class Lived:
    """A bank after some weeks, and a way to ask its deliveries."""

    bank: LivingBank
    days: tuple[date, ...]

    def rows(self, query: str, day: date | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query in which `{name}` stands for a file of a day, by default of all days lived."""
        names = {name: self._files(name, [day] if day else list(self.days[1:])) for name in FILES}
        names |= {f"first_{name}": self._files(name, [self.days[0]]) for name in FILES}
        names |= {f"every_{name}": self._files(name, list(self.days)) for name in FILES}
        return duckdb.sql(query.format_map(names)).fetchall()

    def _files(self, name: str, days: list[date]) -> str:
        ending = "parquet" if name in PARQUET else "csv"
        paths = [str(self.bank.delivery(day) / f"{name}.{ending}") for day in days]
        return f"read_parquet({paths})" if ending == "parquet" else f"read_csv({paths}, all_varchar = true)"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    bank = found(tmp_path_factory.mktemp("bank"))
    days = [FIRST_DAY]
    days += [bank.live_week(touches(week)) for week in range(WEEKS)]
    return Lived(bank, tuple(days))


def test_every_week_is_a_whole_delivery_of_its_date(lived: Lived) -> None:
    assert lived.days == tuple(FIRST_DAY + timedelta(days=7 * week) for week in range(WEEKS + 1))
    expected = {f"{name}.{'parquet' if name in PARQUET else 'csv'}" for name in FILES}
    for day in lived.days:
        assert {path.name for path in lived.bank.delivery(day).iterdir()} == expected
    for name, table in FILES.items():
        columns = {row[0] for row in lived.rows(f"DESCRIBE SELECT * FROM {{{name}}}", lived.days[-1])}
        assert columns == set(CANONICAL[table].names)


def test_facts_are_those_since_the_last_delivery(lived: Lived) -> None:
    for since, day in zip(lived.days, lived.days[1:], strict=False):
        for name, at in (("transaction", "at"), ("event", "at"), ("balance", "date"), ("contact", "at"),
                         ("outcome", "at"), ("survey_answer", "at")):  # fmt: skip
            outside = f"CAST(\"{at}\" AS DATE) <= DATE '{since}' OR CAST(\"{at}\" AS DATE) > DATE '{day}'"
            assert lived.rows(f"SELECT count(*) FROM {{{name}}} WHERE {outside}", day) == [(0,)], name
        assert lived.rows("SELECT count(*) > 500 FROM {transaction}", day) == [(True,)]


def test_movements_explain_the_change_of_every_balance_to_the_cent(lived: Lived) -> None:
    wrong = lived.rows(f"""
        WITH balances AS (SELECT DISTINCT account_id, date, balance FROM {{every_balance}}),
        ends AS (SELECT account_id, arg_max(balance, date) FILTER (date <= DATE '{FIRST_DAY}') AS first,
                 arg_max(balance, date) AS final FROM balances GROUP BY 1),
        moved AS (SELECT account_id, sum(amount) AS amount FROM (SELECT DISTINCT * FROM {{transaction}}) GROUP BY 1),
        accounts AS (SELECT DISTINCT account_id, product_id IN {LOANS} AS loan FROM {{account}})
        SELECT account_id FROM ends JOIN accounts USING (account_id) LEFT JOIN moved USING (account_id)
        WHERE coalesce(final, 0) - coalesce(first, 0) <> coalesce(amount, 0) * CASE WHEN loan THEN -1 ELSE 1 END""")
    nameless = lived.rows("SELECT count(*) FROM {transaction} WHERE account_id IS NULL")[0][0]
    assert len(wrong) <= nameless  # a movement that lost its account is missing from that account's sum
    assert nameless < 20


def test_delivered_balances_are_those_of_the_books_and_never_overdrawn(lived: Lived) -> None:
    assert lived.rows("""
        SELECT count(*) FROM {every_balance} JOIN (SELECT DISTINCT account_id, product_id FROM {account})
        USING (account_id) WHERE balance < 0 AND product_id <> 'P_CREDITCARD'""") == [(0,)]
    standing = lived.bank._standing
    known: dict[str, int] = dict(lived.rows(
        "SELECT account_id, CAST(arg_max(balance, date) * 100 AS BIGINT) FROM {every_balance} GROUP BY 1"
    ))  # fmt: skip
    who, product = np.nonzero(standing.number >= 0)
    for customer, held in list(zip(who, product, strict=True))[::7]:
        sign = -1 if held == 5 else 1  # what is owed on a card is delivered as negative
        delivered = known.get(f"62{standing.number[customer, held]:012d}", 0)
        assert delivered == sign * standing.books.cents[customer, held]


def test_the_books_follow_what_the_customers_own(lived: Lived) -> None:
    """What is not booked yet is little: the bank's sight of the money is that of the simulation."""
    owned, booked = lived.bank.state.balance, lived.bank._standing.books.cents / 100
    for product in range(owned.shape[1]):
        if owned[:, product].sum() > 0:
            assert booked[:, product].sum() == pytest.approx(owned[:, product].sum(), rel=0.06)


def test_the_first_week_goes_on_where_the_history_ended(tmp_path: Path) -> None:
    bank = found(tmp_path, seed=6)
    state = bank.state
    first = Lived(bank, (FIRST_DAY,))
    held = {row[0]: float(row[1]) for row in first.rows(
        "SELECT account_id, arg_max(balance, date) FROM {first_balance} GROUP BY 1")}  # fmt: skip
    number = bank._standing.number
    who, product = np.nonzero((number >= 0) & (state.closed == NEVER) & (np.arange(13) != 5))
    delivered = np.array([held.get(f"62{number[c, p]:012d}", 0.0) for c, p in zip(who, product, strict=True)])
    assert delivered == pytest.approx(state.balance[who, product], abs=0.005)
    granted = {tuple(row) for row in first.rows(
        "SELECT DISTINCT source_id, channel FROM {first_consent} WHERE lower(granted) = 'true'")}  # fmt: skip
    agreed = {(f"C{c:08d}", CHANNELS[k].name) for c, k in zip(*np.nonzero(state.consent), strict=True)
              if bank._standing.registered[c]}  # fmt: skip
    spoiled = first.rows("SELECT count(*) FROM {first_consent} WHERE granted = 'maybe'")[0][0]
    names = {channel.name for channel in CHANNELS}
    assert len({pair for pair in granted if pair[1] in names} ^ agreed) <= spoiled
    later = first.rows(f"SELECT count(*) FROM {{first_account}} WHERE try_cast(opened_on AS DATE) > DATE '{FIRST_DAY}'")
    assert later == [(0,)]
    before = {row[0] for row in first.rows("SELECT account_id FROM {first_account}")}
    bank.live_week(nothing_asked())
    after = {row[0] for row in Lived(bank, (FIRST_DAY, bank.business_date)).rows("SELECT account_id FROM {account}")}
    assert before < after


def test_new_and_closed_accounts_are_in_the_snapshot(lived: Lived) -> None:
    state, standing = lived.bank.state, lived.bank._standing
    last = lived.days[-1]
    rows = dict(lived.rows("SELECT DISTINCT account_id, status FROM {account}", last))
    held = (standing.number >= 0) & (state.opened <= state.day)
    ids = {f"62{number:012d}": bool(open_) for number, open_ in
           zip(standing.number[held], (state.closed > state.day)[held], strict=True)}  # fmt: skip
    assert {name: status != "closed" for name, status in rows.items() if name in ids} == ids
    opened = lived.rows(f"SELECT count(DISTINCT account_id) FROM {{account}} WHERE opened_on > '{FIRST_DAY}'", last)[0][
        0
    ]
    assert opened == standing.accounts > 10
    unheld = lived.rows("SELECT count(*) FROM {account} ANTI JOIN {holder} USING (account_id)", last)
    assert unheld == [(0,)]


def test_whoever_joins_becomes_known_to_the_core_system(tmp_path: Path) -> None:
    bank = found(tmp_path, customers=6_000)
    strangers = ~bank._standing.registered
    days = [FIRST_DAY, *(bank.live_week(nothing_asked()) for _ in range(4))]
    joined = np.flatnonzero(strangers & bank._standing.registered)
    assert joined.size >= 3
    lived = Lived(bank, tuple(days))
    known = dict(lived.rows("SELECT source_id, opened_on FROM {party_core}", days[-1]))
    assert {f"C{number:08d}" for number in joined} <= set(known)
    assert all(known[f"C{number:08d}"] > str(FIRST_DAY) for number in joined)
    agreed = {row[0] for row in lived.rows("SELECT source_id FROM {consent}", days[-1])}
    wanted = {f"C{number:08d}" for number in joined if bank.state.consent[number].any()}
    assert wanted <= agreed


def test_contacts_are_what_was_asked_with_what_became_of_them(lived: Lived) -> None:
    for week, day in enumerate(lived.days[1:]):
        asked = touches(week)
        rows = lived.rows("SELECT source_id, strategy, offer, channel, status FROM {contact}", day)
        assert len(rows) == asked.num_rows
        assert {row[4] for row in rows} <= {"delivered", "failed", "not_done", "refused"}
        assert sorted(row[1:4] for row in rows) == sorted(
            zip(*(asked.column(name).to_pylist() for name in ("strategy", "offer", "channel")), strict=True)
        )
    assert {row[0] for row in lived.rows("SELECT DISTINCT status FROM {contact} WHERE channel = 'phone'")} == {
        "delivered", "failed", "not_done", "refused"}  # fmt: skip
    twice = lived.rows("SELECT count(*) - count(DISTINCT touch_id) FROM {contact}")
    assert twice == [(0,)]


def test_outcomes_have_the_names_and_amounts_of_their_kind(lived: Lived) -> None:
    rows = lived.rows("SELECT name, count(amount), count(*) FROM {outcome} GROUP BY ALL")
    found_names = {name: (amounts, count) for name, amounts, count in rows}
    assert set(found_names) == {"product_opened", "benefit_used", "responded"}
    assert found_names["product_opened"][0] == found_names["product_opened"][1]
    assert found_names["benefit_used"][0] == found_names["responded"][0] == 0


def test_sessions_begin_with_opening_the_app_and_some_applications_are_broken_off(lived: Lived) -> None:
    first = lived.rows("""
        SELECT first, count(*) FROM (
            SELECT arg_min(coalesce(name, 'nameless'), "at") AS first FROM {event}
            WHERE source_system = 'app' AND channel = 'app' GROUP BY source_id, CAST("at" AS DATE)) GROUP BY 1""")
    assert {name for name, _ in first} <= {"app_opened", "nameless"}  # a few names get lost
    assert dict(first)["app_opened"] > 1_000
    started, submitted = lived.rows("""
        SELECT count(*) FILTER (name = 'loan_started'), count(*) FILTER (name = 'loan_submitted') FROM {event}""")[0]
    assert 0 < submitted < started


def test_a_consent_withdrawn_is_an_event_and_a_changed_consent(tmp_path: Path) -> None:
    bank = found(tmp_path, world="strong_fatigue")
    before = bank.state.consent.copy()
    day = FIRST_DAY
    for week in range(3):
        day = bank.live_week(touches(week, rows=1_400))
    lost = before & ~bank.state.consent & bank._standing.registered[:, None]
    assert lost.sum() >= 3
    lived = Lived(bank, tuple(FIRST_DAY + timedelta(days=7 * week) for week in range(4)))
    said = dict(lived.rows("SELECT source_id || channel, lower(granted) FROM {consent}", day))
    for who, channel in zip(*np.nonzero(lost), strict=True):
        assert said[f"C{who:08d}{CHANNELS[channel].name}"] in ("false", "maybe")
    refused = lived.rows("""SELECT count(*), count(properties->>'channel') FROM {event}
                            WHERE name = 'marketing_refused'""")  # fmt: skip
    assert refused[0][0] == refused[0][1] >= lost.sum()


def test_complaints_are_opened_and_closed_as_the_state_says(lived: Lived) -> None:
    opened, closed = lived.rows("""
        SELECT count(*) FILTER (name = 'complaint_opened'), count(*) FILTER (name = 'complaint_closed')
        FROM {every_event}""")[0]
    open_now = int(lived.bank._standing.complaints.sum())
    year_ago = f"WHERE \"at\" <= TIMESTAMP '{FIRST_DAY}' - INTERVAL 365 DAY"
    old = lived.rows(f"""
        SELECT count(*) FILTER (name = 'complaint_opened') - count(*) FILTER (name = 'complaint_closed')
        FROM {{first_event}} {year_ago}""")[0][0]
    assert abs(opened - closed - open_now - old) <= 6  # lost names, repeated rows, complaints over the border
    waiting = lived.bank.state.complaint != NEVER
    assert ((lived.bank._standing.complaints > 0) == waiting).mean() > 0.999


def test_answers_follow_the_mood() -> None:
    from cultiva.simbank.bookings import Week
    from cultiva.simbank.doings_weekly import survey_columns

    scores = []
    for mood in (-0.8, 0.8):
        week, standing = _a_week_in_mood(mood, 40_000)
        columns = survey_columns(np.random.default_rng(1), standing, week, 0)
        score = columns["score"].to_numpy()
        nps = np.asarray(columns["survey"].indices) == 0
        assert isinstance(week, Week)
        scores.append(float(score[nps].mean()))
    assert scores[1] - scores[0] > 3


def _a_week_in_mood(mood: float, n: int) -> tuple[Any, Any]:
    from types import SimpleNamespace

    from cultiva.simbank.bookings import Week

    state = SimpleNamespace(mood=np.full(n, mood), left=np.full(n, NEVER), day=454)
    people = SimpleNamespace(organisation=np.zeros(n, dtype=np.bool_))
    happened = SimpleNamespace(before=state, after=state)
    standing = SimpleNamespace(registered=np.ones(n, dtype=np.bool_), __len__=lambda: n)
    week = Week(people, np.full(n, 5), FIRST_DAY, happened, np.zeros((n, 13)))  # type: ignore[arg-type]
    return week, _Sized(standing.registered)


class _Sized:
    def __init__(self, registered: Any) -> None:
        self.registered = registered

    def __len__(self) -> int:
        return int(self.registered.size)


def test_equal_banks_deliver_equal_files_whatever_the_order_of_the_touches(tmp_path: Path, lived: Lived) -> None:
    again = found(tmp_path)
    assert digests(again.delivery(FIRST_DAY)) == digests(lived.bank.delivery(FIRST_DAY))
    for week in range(2):
        asked = touches(week)
        again.live_week(asked.take(pa.array(np.random.default_rng(week).permutation(asked.num_rows))))
        assert digests(again.delivery(lived.days[week + 1])) == digests(lived.bank.delivery(lived.days[week + 1]))


def test_a_week_that_failed_at_its_end_is_lived_again_alike(
    tmp_path: Path, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = found(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(bank_module, "write_charter", _die)
        with pytest.raises(_DiedError):
            bank.live_week(touches(3))  # other touches than those of the second attempt
    bank = open_bank(tmp_path)
    assert bank.business_date == FIRST_DAY
    assert [path.name for path in (tmp_path / "deliveries").iterdir()] == [FIRST_DAY.isoformat()]
    day = bank.live_week(touches(0))
    assert digests(bank.delivery(day)) == digests(lived.bank.delivery(day))


def test_a_founding_that_failed_leaves_no_bank_or_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bank_module, "write_charter", _die)
        with pytest.raises(_DiedError):
            found(tmp_path, customers=200)
    assert not (tmp_path / "truth").exists()
    with pytest.raises(CultivaError, match="no simulated bank"):
        open_bank(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(bank_module, "_finish_founding", _die)
        with pytest.raises(_DiedError):
            found(tmp_path, customers=200)
    assert open_bank(tmp_path).business_date == FIRST_DAY
    assert {path.name for path in (tmp_path / "truth").iterdir()} == {"identity.parquet", "links"}
    assert not (tmp_path / ".founding").exists()


def test_a_reopened_bank_lives_like_one_that_stayed_open(tmp_path: Path, lived: Lived) -> None:
    """Twins are kept as their difference from the bank: truth and deliveries stay the same."""
    found(tmp_path)
    for week in range(3):
        open_bank(tmp_path).live_week(touches(week))
    for day in lived.days[1:4]:
        assert digests(open_bank(tmp_path).delivery(day)) == digests(lived.bank.delivery(day))
        for kind in ("weeks", "totals", "touches"):
            name = f"truth/{kind}/{day.isoformat()}.parquet"
            assert (tmp_path / name).read_bytes() == (lived.bank.folder / name).read_bytes()


class _DiedError(Exception):
    pass


def _die(*_: object) -> None:
    raise _DiedError


_LIVE = """
import os, signal, sys
from pathlib import Path
from cultiva.simbank.service import open_bank
from tests.simbank.livingbank import touches
bank, weeks, left = open_bank(Path(sys.argv[1])), int(sys.argv[2]), [int(sys.argv[3])]
inside = str(bank.folder)
def die(event, given):
    if event in TOUCHING and any(isinstance(one, (str, os.PathLike)) and str(one).startswith(inside) for one in given):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
TOUCHING = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.listdir", "os.scandir"}
sys.addaudithook(die)
while bank.week < weeks:
    bank.live_week(touches(bank.week))
"""
"""Lives on, and is killed as it touches a file of the bank for the n-th time; 0: never."""
KILLED_AT = (1, 4, 9, 23, 41, 67, 0)


def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path: Path, lived: Lived) -> None:
    found(tmp_path)
    killed, weeks = 0, set()
    for number in KILLED_AT:
        child = subprocess.run([sys.executable, "-c", _LIVE, str(tmp_path), str(WEEKS), str(number)],
                               cwd=Path(__file__).parents[2], check=False)  # fmt: skip
        killed += child.returncode == -signal.SIGKILL
        weeks.add(open_bank(tmp_path).week)
    assert killed == len(KILLED_AT) - 1
    assert len(weeks) > 2, "killed within one week only"
    assert open_bank(tmp_path).week == WEEKS
    for day in lived.days:
        assert digests(open_bank(tmp_path).delivery(day)) == digests(lived.bank.delivery(day))


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [("source_id", "C99999999", "simbank.party"), ("source_id", "X1", "simbank.party"),
     ("offer", "gold_bar", "simbank.offer"), ("channel", "pigeon", "simbank.channel"),
     ("strategy", "third", "simbank.strategy")],
)  # fmt: skip
def test_touches_that_name_what_is_not_there_are_refused(lived: Lived, column: str, value: str, code: str) -> None:
    asked = touches(0, rows=3)
    place = asked.column_names.index(column)
    wrong = asked.set_column(place, column, pa.array([value, *asked.column(column).to_pylist()[1:]]))
    before = lived.bank.business_date
    with pytest.raises(CultivaError) as caught:
        lived.bank.live_week(wrong)
    assert caught.value.code == code
    assert caught.value.allowed
    assert caught.value.hint
    assert lived.bank.business_date == before


def test_touches_without_their_columns_and_folders_without_a_bank_are_refused(tmp_path: Path, lived: Lived) -> None:
    with pytest.raises(CultivaError, match="lack columns"):
        lived.bank.live_week(touches(0).drop_columns(["offer"]))
    with pytest.raises(CultivaError, match="no simulated bank"):
        open_bank(tmp_path)


def test_both_systems_ids_lead_to_the_same_customer(lived: Lived) -> None:
    numbers = np.arange(0, CUSTOMERS, 37)
    core = lived.bank.customers(pa.array(["core"] * numbers.size), pa.array([f"C{n:08d}" for n in numbers]))
    app = lived.bank.customers(
        pa.array(["app"] * numbers.size), pa.array([f"A{(n * 7_919 + 17) % 10**8:08d}" for n in numbers])
    )
    assert core.tolist() == app.tolist() == numbers.tolist()


def test_what_does_not_change_is_delivered_as_it_was(lived: Lived) -> None:
    first, last = (digests(lived.bank.delivery(lived.days[place])) for place in (0, -1))
    assert all(first[f"{name}.csv"] == last[f"{name}.csv"] for name in UNCHANGED)
    assert first["account.csv"] != last["account.csv"]


def test_offers_are_found_by_their_names(lived: Lived) -> None:
    assert [offer.name for offer in lived.bank.naming.offers] == [offer.name for offer in OFFERS]
    reopened = open_bank(lived.bank.folder)
    assert reopened.naming == lived.bank.naming
    assert reopened.world == lived.bank.world
    assert reopened.week == WEEKS
