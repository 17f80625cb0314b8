"""Several processes at one port, each with a socket of its own: the kernel spreads connections over them evenly.

With one socket for all, whichever process wakes first takes every connection that waits there: of 64 opened at once one
worker of three got up to 63 (measured), and one process did the work of all of them.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

SPREADS = sys.platform == "linux"
"""Elsewhere the option exists, but the kernel does not spread."""


class OwnSocket(socket.socket):
    """A socket that holds a port and never listens; in each process that it is sent to it becomes another one there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bound, (self.family, self.getsockname())


def bound(family: int, address: Any) -> OwnSocket:
    """A socket at an address where others of ours may be too.

    Args:
        family: Of the address.
        address: As `getsockname` says it.
    """
    made = OwnSocket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(address)
    return made


def shared(alone: socket.socket) -> socket.socket:
    """A socket for many processes in the place of one that has made sure that nobody else has the port."""
    if not SPREADS or alone.family not in {socket.AF_INET, socket.AF_INET6}:
        return alone
    family, address = alone.family, alone.getsockname()
    alone.close()
    return bound(family, address)
