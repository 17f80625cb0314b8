"""Opens the log and the hot store that a workspace asks for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from cultiva.kit.clock import Clock, utc_now
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream.port import HotStore, Log

_FROM_ENVIRONMENT = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


class LiveChoice(Protocol):
    """What `[live]` of cultiva.toml says."""

    @property
    def log(self) -> str:
        """Address of the log."""

    @property
    def hot(self) -> str:
        """Address of the hot store."""

    @property
    def space(self) -> str:
        """What names on a shared server begin with."""

    @property
    def partitions(self) -> int:
        """Parts that customers are split into."""

    @property
    def keep_days(self) -> float:
        """How long the log keeps a record."""

    @property
    def repeated_hours(self) -> float:
        """How long NATS knows a record again."""

    @property
    def replicas(self) -> int:
        """Servers that each hold the log."""


def open_log(choice: LiveChoice, root: Path, *, clock: Clock = utc_now) -> Log:
    """Opens the log, and makes it if it is not there; close it after use.

    Args:
        choice: Which one.
        root: The workspace's folder; a relative path lies in it.
        clock: Says when a record was written, where the log does not know by itself.

    Raises:
        CultivaError: if the address is wrong, the log does not answer, or has another number of partitions.
    """
    url = _resolved(choice.log)
    if url.startswith("sqlite:///"):
        from cultiva.stream.embedded_log import EmbeddedLog

        path = root / url.removeprefix("sqlite:///")
        return EmbeddedLog(path, partitions=choice.partitions, keep_days=choice.keep_days, clock=clock)
    if url.startswith(("nats://", "tls://")):
        from cultiva.stream.nats_log import Keeping, NatsLog

        keeping = Keeping(choice.keep_days, choice.repeated_hours, choice.replicas)
        return NatsLog(url, space=choice.space, partitions=choice.partitions, keeping=keeping)
    raise _bad_address("log", url, allowed="sqlite:///path/to/log.db or nats://host:4222")


def open_hot(choice: LiveChoice, root: Path) -> HotStore:
    """Opens the hot store, and makes it if it is not there; close it after use.

    Args:
        choice: Which one.
        root: The workspace's folder; a relative path lies in it.

    Raises:
        CultivaError: if the address is wrong, the store does not answer, or has another number of partitions.
    """
    url = _resolved(choice.hot)
    if url.startswith("sqlite:///"):
        from cultiva.stream.embedded_hot import EmbeddedHotStore

        return EmbeddedHotStore(root / url.removeprefix("sqlite:///"), partitions=choice.partitions)
    if url.startswith(("redis://", "rediss://", "unix://")):
        from cultiva.stream.redis_hot import RedisHotStore

        return RedisHotStore(url, space=choice.space, partitions=choice.partitions)
    raise _bad_address("hot", url, allowed="sqlite:///path/to/hot.db or redis://host:6379/0")


def _resolved(url: str) -> str:
    """The address with what the environment says; the text itself is kept without secrets."""
    return _FROM_ENVIRONMENT.sub(lambda found: _variable(found[1]), url)


def _variable(name: str) -> str:
    found = os.environ.get(name)
    if found is None:
        raise CultivaError(
            "an address of the live side names a variable that is not set",
            code="stream.no_variable",
            seen=name,
            allowed="a variable of the environment",
            hint=f"export {name}=..., or mend [live] in cultiva.toml",
        )
    return found


def _bad_address(which: str, url: str, *, allowed: str) -> CultivaError:
    return CultivaError(
        "not an address of the live side",
        code="stream.bad_address",
        kind=ErrorKind.INVALID,
        seen=f"{which} = {url.partition('://')[0]}",
        allowed=allowed,
        hint=f"see [live] {which} in cultiva.toml",
    )
