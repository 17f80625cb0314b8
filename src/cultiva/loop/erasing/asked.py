"""Erasures that are asked for in the console: proposed by one, confirmed by another, carried out by a worker.

The same service as the command's does it. The order bears the job's id: a worker that dies leaves it in the store, and
whoever takes the job up finishes that order and begins no second one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cultiva.contracts.sight import EVERYBODY
from cultiva.execution.jobs.job import Job
from cultiva.execution.jobs.service import CUSTOMERS, Jobs
from cultiva.kit.errors import CultivaError
from cultiva.loop.erasing import service
from cultiva.loop.lineage import customer_meant
from cultiva.loop.parts import Parts

KIND, REASON = "erasure", "reason"
"""Of the job, and of what it was asked with beside `jobs.service.CUSTOMERS`."""
HEARD_SECONDS = 5.0
"""Longer than a server takes to look again who is known."""
RUN_AT_WORK, AGAIN_SECONDS = "store.leased", 5.0
"""An erasure waits for a run to end, and looks every so often."""
WAITS = {"zh": "等待正在进行的运行结束", "en": "waits for the run at work to end"}
ERASING = {"zh": "正在删除", "en": "erasing"}
Advance = Callable[[float, Mapping[str, str]], None]
STEPS = ("begun", "lake", "identities", "settled", "files", "stream", "store", "sweep")
"""Places from which an erasure is resumed, in their order."""


def customers_meant(parts: Parts, names: Sequence[str]) -> list[int]:
    """Numbers of customers as people name them, each once.

    Args:
        parts: Of the workspace.
        names: Numbers, or SYSTEM:ID as a source system says.

    Raises:
        CultivaError: if a source system's id is not known.
    """
    day = parts.newest_date()
    plain = [int(one) for one in names if one.isdecimal()]
    others = [customer_meant(parts, one, day, sight=EVERYBODY).customer_id for one in names if not one.isdecimal()]
    return sorted({*plain, *others})


def propose(parts: Parts, customers: Sequence[int], reason: str, *, by: str, at: datetime) -> Job:
    """Asks for an erasure; a second person has to confirm it.

    Raises:
        CultivaError: if there is nobody or no reason, one is not known, or is held.
    """
    service.demand_whole(service.Request(customers, by, reason))
    service.plan(parts, customers)
    asked = {CUSTOMERS: sorted(set(customers)), REASON: reason.strip()}
    return Jobs(parts.store.database).propose(KIND, asked, by=by, at=at)


def carry_out(parts: Parts, job: Job, advance: Advance) -> dict[str, Any]:
    """Carries a confirmed erasure out, or finishes what a worker that has died had begun of it.

    Args:
        parts: Of the workspace.
        job: As it was proposed and confirmed.
        advance: Is told how far it is.
    """

    def reached(place: str) -> None:
        if place in STEPS:
            advance((STEPS.index(place) + 1) / (len(STEPS) + 1), ERASING)

    def settle() -> None:
        if parts.workspace.settings.live.enabled:
            time.sleep(HEARD_SECONDS)

    request = service.Request(job.asked[CUSTOMERS], f"{job.by}, {job.second}", job.asked[REASON], job.job_id)
    done = _alone(lambda: service.erase(parts, request, reached=reached, settle=settle), advance)
    return {"erasure": done.order.erasure_id, "sha256": done.order.seal}


def _alone(work: Callable[[], Any], advance: Advance) -> Any:
    """Does what a run must not do at the same time, after it."""
    while True:
        try:
            return work()
        except CultivaError as error:
            if error.code != RUN_AT_WORK:
                raise
        advance(0.0, WAITS)
        time.sleep(AGAIN_SECONDS)
