from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.memory_log import MemoryLog
from tests.insight.events.samples import NOW, Known, workspace

from cultiva.contracts.anteroom import Anteroom
from cultiva.execution.anteroom.service import StoredAnteroom
from cultiva.insight.events.message import Sender
from cultiva.insight.events.service import Accepted, Intake
from cultiva.store import open_store


@dataclass
class Door:
    """An intake and what stands behind it."""

    intake: Intake
    log: MemoryLog
    anteroom: Anteroom
    known: Known

    def take(self, *messages: dict[str, Any], sender: str = "app") -> Accepted:
        return self.intake.take(messages, Sender(sender), NOW)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    store = open_store("sqlite:///store.db", tmp_path)
    log, anteroom, known = MemoryLog(), StoredAnteroom(store.database), Known()
    yield Door(Intake(workspace(), known, log, anteroom=anteroom), log, anteroom, known)
    store.close()
