"""Reports that a simulator gives later: delivered or failed, late, out of order, twice."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.simulators.misbehaviour import Moods


@dataclass
class Reports:
    """What is to be reported of accepted messages, by a number that only grows."""

    moods: Moods
    waiting: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    """(when it may be seen in seconds of the monotonic clock, report)."""

    def accepted(self, key: str, reference: str, address: str) -> None:
        """Puts a message's report into the queue."""
        report = {
            "id": f"e-{reference}",
            "key": key,
            "reference": reference,
            "address": address,
            "kind": "failed" if self.moods.reported_failed(key) else "delivered",
            "at": datetime.now(UTC).isoformat(),
        }
        due = time.monotonic() + self.moods.now.report_seconds
        self.waiting += [(due, dict(report)) for _ in range(2 if self.moods.reported_twice(key) else 1)]

    def tell(self, **report: Any) -> None:
        """Puts any other report into the queue: opened, clicked, replied, opted_out."""
        at = datetime.now(UTC).isoformat()
        body = {"id": f"x-{len(self.waiting)}", "key": "", "reference": "", "address": "", "at": at, **report}
        self.waiting.append((time.monotonic(), body))

    def after(self, cursor: int, limit: int = 1000) -> tuple[list[dict[str, Any]], int]:
        """The due reports from a cursor on, and the next cursor; one that is not due holds back those behind it."""
        now, found = time.monotonic(), []
        for due, report in self.waiting[cursor : cursor + limit]:
            if due > now:
                break
            found.append(report)
        return found, cursor + len(found)
