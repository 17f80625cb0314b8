from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.days import AT, later
from tests.store.racers import NAME, PROCESSES, compete, take_and_die

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.processes import Process, surely_dead, this_process
from cultiva.store import Store
from cultiva.store.repositories.leases import TERM


def test_of_processes_that_race_exactly_one_gets_the_lease(store: Store, store_url: str, tmp_path: Path) -> None:
    together = PROCESSES.Barrier(6)
    racers = [PROCESSES.Process(target=compete, args=(store_url, tmp_path, together)) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert sorted(racer.exitcode or 0 for racer in racers) == [0, 4, 4, 4, 4, 4]


def test_a_killed_owner_is_replaced_at_once(store: Store, store_url: str, tmp_path: Path) -> None:
    owner = PROCESSES.Process(target=take_and_die, args=(store_url, tmp_path))
    owner.start()
    owner.join(60)
    assert owner.exitcode == -signal.SIGKILL
    assert store.leases.holder(NAME, at=AT) is None
    assert store.leases.acquire(NAME, this_process(), at=AT).owner == this_process()


def test_a_living_owner_is_not_replaced_and_is_named(store: Store) -> None:
    mine = store.leases.acquire(NAME, this_process(), at=AT)
    with pytest.raises(CultivaError) as caught:
        store.leases.acquire(NAME, this_process(), at=later(1))
    assert caught.value.kind is ErrorKind.CONFLICT
    assert str(os.getpid()) in str(caught.value)
    assert store.leases.holder(NAME, at=AT) == mine.owner


def test_an_owner_on_another_machine_is_replaced_when_its_term_is_over(store: Store) -> None:
    far = replace(this_process(), machine="another/boot", pid=1)
    lease = store.leases.acquire(NAME, far, at=AT)
    renewed = store.leases.renew(lease, at=later(30))
    assert renewed.expires == later(30) + TERM
    with pytest.raises(CultivaError):
        store.leases.acquire(NAME, this_process(), at=later(61))
    taken = store.leases.acquire(NAME, this_process(), at=renewed.expires)
    with pytest.raises(CultivaError) as caught:
        store.leases.renew(lease, at=renewed.expires)
    assert caught.value.code == "store.lease_lost"
    assert store.leases.renew(taken, at=renewed.expires).token == taken.token


def test_a_released_lease_is_free_and_a_lost_one_is_not_released(store: Store) -> None:
    first = store.leases.acquire(NAME, this_process(), at=AT)
    store.leases.release(first)
    second = store.leases.acquire(NAME, this_process(), at=AT)
    store.leases.release(first)
    assert store.leases.holder(NAME, at=AT) == second.owner


def test_different_names_do_not_exclude_each_other(store: Store) -> None:
    store.leases.acquire(NAME, this_process(), at=AT)
    store.leases.acquire("run:1994-03-31", this_process(), at=AT)


def test_a_process_number_used_again_is_not_the_dead_process() -> None:
    me = this_process()
    assert not surely_dead(me)
    assert surely_dead(replace(me, born="1"))


def test_a_process_of_another_machine_is_never_surely_dead() -> None:
    assert not surely_dead(Process(machine="another", pid=2**22 - 1, born="1"))


def test_a_zombie_is_dead() -> None:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    living = replace(
        this_process(), pid=child, born=Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[19]
    )
    assert not surely_dead(living)
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # ended, and not yet buried
    assert surely_dead(living)
    os.waitpid(child, 0)
    assert surely_dead(living)
