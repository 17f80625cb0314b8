"""A port of several processes: connections reach all of them, and nobody else gets the port."""

from __future__ import annotations

import pickle
import socket
from contextlib import ExitStack

import pytest

from cultiva.cli import sharing


def alone() -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


def test_each_process_has_a_socket_of_its_own_and_connections_reach_all_of_them() -> None:
    with ExitStack() as stack:
        held = stack.enter_context(sharing.shared(alone()))
        sent = pickle.dumps(held)  # as it goes to a process
        workers = [stack.enter_context(pickle.loads(sent)) for _ in range(2)]
        for one in workers:
            one.listen(256)
            one.setblocking(False)
        assert {one.getsockname() for one in workers} == {held.getsockname()}
        for _ in range(200):  # that all go to one: 2 ** -199
            stack.enter_context(socket.create_connection(held.getsockname()))
        assert all(stack.enter_context(one.accept()[0]) for one in workers)


def test_another_server_does_not_get_the_port() -> None:
    with ExitStack() as stack:
        held = stack.enter_context(sharing.shared(alone()))
        worker = stack.enter_context(pickle.loads(pickle.dumps(held)))
        worker.listen()
        other = stack.enter_context(socket.socket())
        with pytest.raises(OSError, match="in use"):
            other.bind(held.getsockname())


def test_where_the_kernel_does_not_spread_one_socket_is_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SPREADS", False)
    with alone() as made:
        assert sharing.shared(made) is made
