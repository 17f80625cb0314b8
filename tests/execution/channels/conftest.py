"""Providers opened on simulators, each in a process of its own; closed and stopped after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.simulators.process import Simulator, running

from cultiva.contracts.delivery import Message, Provider
from cultiva.definitions.providers import ProviderSettings
from cultiva.execution.channels.service import open_provider

Start = Callable[..., Simulator]
Open = Callable[..., Provider]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


@pytest.fixture
def start(tmp_path: Path, stack: ExitStack) -> Start:
    """Starts a simulator: `start("smtp", "--tls", refuse=1)`."""

    def started(name: str, *options: str, **misbehave: Any) -> Simulator:
        record = tmp_path / f"{name}.jsonl"
        return stack.enter_context(running(name, record, misbehave=misbehave, options=["--keep", *options]))

    return started


@pytest.fixture
def opened(tmp_path: Path, stack: ExitStack) -> Open:
    """Opens a provider: `opened("webhook", url, webhook={...}, timeout_seconds=2)`."""

    def made(kind: str, url: str, *, clock: Callable[[], datetime] | None = None, **more: Any) -> Provider:
        given = {"name": kind, "label": {"zh": kind, "en": kind}, "kind": kind, "url": url, **more}
        settings = ProviderSettings.model_validate({"timeout_seconds": 5, **given})
        now = clock or (lambda: datetime.now(UTC))
        return stack.enter_context(closing(open_provider(settings, root=tmp_path, clock=now)))

    return made


def mail(key: str = "k1", address: str = "fang@example.com", **content: str) -> Message:
    """An e-mail."""
    return Message(key, address, {"subject": "您好", "text": "一行\n.\n两行", **content})


def text(key: str = "k1", address: str = "13800000001", said: str = "您好") -> Message:
    """A text message."""
    return Message(key, address, {"text": said})
