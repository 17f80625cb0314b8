"""Twins live the same lives with the same chance, but for the touches that they lack."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.simbank.smallbank import CHANNELS, SmallBank, small_bank

from cultiva.kit.errors import CultivaError
from cultiva.simbank.behaviour.week import advance, no_touches
from cultiva.simbank.living import State
from cultiva.simbank.truth.oracle import expected_of
from cultiva.simbank.truth.reading import (
    ALL,
    read_identity,
    read_totals,
    read_touches,
    read_twin,
    true_effect,
)
from cultiva.simbank.truth.record import LIVED, record_week, write_identity
from cultiva.simbank.truth.twins import UNTOUCHED, live_twins, without

STRATEGIES = ("welcome", "car", "never_used")
FIRST = date(1994, 4, 7)


def live(bank: SmallBank, folder: Path, weeks: int) -> State:
    """Lives some weeks with twins and their records; the second strategy begins in the third week."""
    state, twins = bank.state, dict[str, State]()
    for week in range(weeks):
        touches = bank.random_touches(700, week=week, strategies=1 if week < 2 else 2)
        draws = bank.draws(week)
        happened = advance(bank.world, bank.nature, state, touches, draws)
        others = live_twins(bank.world, bank.nature, state, twins, touches, draws, strategies=STRATEGIES)
        expected = expected_of(
            bank.world, bank.nature, state,
            who=touches.customer, offer=touches.offer, channel=touches.channel, week=week,
        )  # fmt: skip
        record_week(
            folder, FIRST + timedelta(days=7 * week), happened, others,
            nature=bank.nature, strategies=STRATEGIES, expected=expected,
        )  # fmt: skip
        state, twins = happened.after, {name: one.after for name, one in others.items()}
    return state


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallBank, Path]:
    bank, folder = small_bank(customers=1_200), tmp_path_factory.mktemp("bank")
    live(bank, folder, 5)
    return bank, folder


def test_the_untouched_twin_is_the_bank_that_nobody_touched(recorded: tuple[SmallBank, Path]) -> None:
    bank, folder = recorded
    twin = read_twin(folder, UNTOUCHED)
    state = bank.state
    for week, money in enumerate(twin.twin):
        happened = advance(bank.world, bank.nature, state, no_touches(), bank.draws(week))
        assert (money == happened.contribution.astype(np.float32)).all()
        state = happened.after
    assert (twin.lived != twin.twin).any()


def test_a_bank_without_touches_is_its_own_twin() -> None:
    bank = small_bank(customers=500)
    state, twins = bank.state, {UNTOUCHED: bank.state}
    for week in range(4):
        happened = advance(bank.world, bank.nature, state, no_touches(), bank.draws(week))
        others = live_twins(
            bank.world, bank.nature, state, twins, no_touches(), bank.draws(week), strategies=STRATEGIES
        )
        assert set(others) == {UNTOUCHED}
        assert (others[UNTOUCHED].after.balance == happened.after.balance).all()
        assert (others[UNTOUCHED].contribution == happened.contribution).all()
        state, twins = happened.after, {name: one.after for name, one in others.items()}


def test_a_twin_without_a_strategy_begins_with_its_first_touch(recorded: tuple[SmallBank, Path]) -> None:
    bank, folder = recorded
    everyone = np.arange(bank.n)
    before = FIRST + timedelta(days=7)
    assert (true_effect(folder, "car", everyone, until=before) == 0).all()
    assert (true_effect(folder, "car", everyone, since=before) != 0).any()
    assert (true_effect(folder, "never_used", everyone) == 0).all()
    alone = true_effect(folder, "welcome", everyone, until=before)
    assert np.array_equal(alone, true_effect(folder, ALL, everyone, until=before))
    assert without("welcome") == "without:welcome"


def test_effects_of_some_weeks_add_up(recorded: tuple[SmallBank, Path]) -> None:
    bank, folder = recorded
    some = np.array([5, 3, 700])
    middle = FIRST + timedelta(days=14)
    parts = true_effect(folder, ALL, some, until=middle) + true_effect(folder, ALL, some, since=middle)
    assert np.allclose(parts, true_effect(folder, ALL, some))
    assert np.array_equal(true_effect(folder, ALL, some), true_effect(folder, ALL, np.arange(bank.n))[some])


def test_time_without_records_is_an_error(recorded: tuple[SmallBank, Path]) -> None:
    with pytest.raises(CultivaError, match="no week"):
        read_twin(recorded[1], UNTOUCHED, since=date(1999, 1, 1))


def test_touches_and_totals_are_kept_with_their_costs(recorded: tuple[SmallBank, Path]) -> None:
    _, folder = recorded
    touches, totals = read_touches(folder).to_pandas(), read_totals(folder).to_pandas()
    assert len(touches) == 5 * 700
    assert touches.p_with.between(0, 1).all()
    assert set(touches.strategy) == {"welcome", "car"}
    lived = totals[totals.bank == LIVED].reset_index(drop=True)
    done = touches[touches.status != "not_done"]
    costs = done.channel.astype(str).map({channel.name: channel.unit_cost for channel in CHANNELS})
    assert costs.sum() == pytest.approx(lived.touch_cost.sum())
    assert (totals[totals.bank == UNTOUCHED].touch_cost == 0).all()
    assert (lived.reached + lived.failed + lived.not_done == lived.touches).all()
    assert lived.fatigue.is_monotonic_increasing


def test_the_same_week_written_again_leaves_the_same_files(tmp_path: Path) -> None:
    bank = small_bank(customers=300)
    live(bank, tmp_path / "one", 2)
    live(bank, tmp_path / "two", 2)
    live(bank, tmp_path / "two", 2)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet"))
    assert len(files) == 6
    again = sorted(path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*"))
    assert [path for path in again if path.suffix] == files
    assert all((tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes() for path in files)


def test_identity_is_read_as_written(tmp_path: Path) -> None:
    write_identity(tmp_path, ["core", "app"], ["C1", "A9"], np.array([1, 1]))
    assert read_identity(tmp_path).to_pylist() == [
        {"source_system": "core", "source_id": "C1", "customer": 1},
        {"source_system": "app", "source_id": "A9", "customer": 1},
    ]
