"""Erases customers everywhere: a plan, the work step by step, a certificate. Interrupted, it is resumed.

The order with everything by which the people are known, and the tombstones, are written down first: whoever resumes
knows whom it is about, and from that moment nobody brings them back. Every step finds what is left by looking, so that
doing it twice does no harm; the order is emptied by the transaction that keeps the certificate.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cultiva.execution.erasure.people import Asked, Done, Order, People, people_of
from cultiva.execution.erasure.service import Erasures
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.erasing import certificate as papers
from cultiva.loop.erasing.files import erase_beside
from cultiva.loop.erasing.finding import Found, find
from cultiva.loop.erasing.keys import erasure_key
from cultiva.loop.erasing.lake import Reached, erase_lake, plan_lake
from cultiva.loop.erasing.live import erase_identities, erase_stream
from cultiva.loop.parts import Parts
from cultiva.loop.service import MAIN_JOB
from cultiva.loop.tenure import held

CERTIFICATES = ".cultiva/erasures"
"""Where certificates are laid down, as JSON and to read."""


Settle = Callable[[], None]
"""Waits until every process that takes events has looked at who is known now."""


@dataclass(frozen=True)
class Plan:
    """What an erasure would do; nothing has been written."""

    customers: int
    records: int
    """Party records."""
    accounts: int
    """Accounts that nobody else holds."""
    visitors: int
    lake: Mapping[str, int]
    """Place -> concerned rows."""
    store: Mapping[str, int]
    """Table -> rows."""
    tombstones: Mapping[str, int]
    """Kind -> how many."""


@dataclass(frozen=True)
class Certified:
    """An erasure that is done."""

    order: Order
    files: tuple[Path, ...]
    """The certificate as JSON and to read."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for."""

    customers: Sequence[int]
    """Their numbers, as the newest run gives them."""
    by: str
    """Who asks."""
    reason: str
    """Why, e.g. the number of the customer's letter."""
    name: str = ""
    """Id of the order; asked for again under it, what was done is told and nothing is done twice. Empty: drawn."""


def plan(parts: Parts, customers: Sequence[int]) -> Plan:
    """What erasing some customers would do.

    Raises:
        CultivaError: if one is not known, or is held.
    """
    found = find(parts, customers, "of a plan, thrown away afterwards")
    erasures = Erasures(parts.store.database)
    erasures.refuse_held(found.people, parts.clock().date())
    people = found.people
    return Plan(
        customers=len(set(customers)),
        records=len(people.sources),
        accounts=len(people.accounts),
        visitors=len(people.visitors),
        lake=dict(plan_lake(parts, people)),
        store=erasures.rows(people),
        tombstones=_kinds(found),
    )


def erase(
    parts: Parts, request: Request, *, reached: Reached = lambda _: None, settle: Settle = lambda: None
) -> Certified:
    """Erases customers; first finishes what was interrupted.

    Args:
        parts: Of the workspace.
        request: Whom, why, and who asks.
        reached: Is told every place from which an interrupted erasure is resumed.
        settle: Returns when every process that takes events has surely looked at who is known now.

    Raises:
        CultivaError: if one is not known or is held, or a run is at work.
    """
    demand_whole(request)
    with held(MAIN_JOB, store=parts.store, clock=parts.clock):
        _resume_all(parts, reached, settle)
        erasures = Erasures(parts.store.database)
        if request.name and (done := erasures.find(request.name)) is not None:
            return _certified(parts, done)
        found = find(parts, request.customers, erasure_key(parts.root, make=not erasures.tombstones()))
        many, today = len(set(request.customers)), parts.clock().date()
        asked = Asked(request.by.strip(), request.reason.strip(), many, today, request.name)
        order = erasures.begin(asked, found.people, found.stones, parts.clock())
        reached("begun")
        return _carry_out(parts, order, reached, settle)


def demand_whole(request: Request) -> None:
    """Demands customers, a reason and a person.

    Raises:
        CultivaError: if one is missing.
    """
    if not request.by.strip() or not request.reason.strip() or not request.customers:
        raise CultivaError(
            "an erasure needs customers, a reason and a person",
            code="erasure.incomplete",
            seen=f"{len(request.customers)} customers, reason {request.reason!r}, by {request.by!r}",
            allowed="a reason, such as the number of the request, and who asks",
            hint="give --reason and --by" if request.customers else "name customers, or --from a file that has some",
        )


def resume(parts: Parts, *, reached: Reached = lambda _: None, settle: Settle = lambda: None) -> list[Certified]:
    """Finishes what was interrupted; see `erase`."""
    with held(MAIN_JOB, store=parts.store, clock=parts.clock):
        return _resume_all(parts, reached, settle)


def lay_down(parts: Parts, order: Order) -> tuple[Path, ...]:
    """Writes the certificate of an erasure that is done as files."""
    folder = parts.root / CERTIFICATES
    folder.mkdir(parents=True, exist_ok=True)
    said = json.dumps({**order.certificate, "sha256": order.seal}, ensure_ascii=False, indent=2)
    text = papers.readable(order.certificate, order.seal, parts.workspace.settings.language)
    files = (folder / f"{order.erasure_id}.json", folder / f"{order.erasure_id}.txt")
    for path, content in zip(files, (said + "\n", text), strict=True):
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(content, encoding="utf-8")
        beside.replace(path)
    return files


def _resume_all(parts: Parts, reached: Reached, settle: Settle) -> list[Certified]:
    return [_carry_out(parts, order, reached, settle) for order in Erasures(parts.store.database).unfinished()]


def _carry_out(parts: Parts, order: Order, reached: Reached, settle: Settle) -> Certified:
    """Every step, from the first; each finds what is left of its work."""
    erasures, people = Erasures(parts.store.database), people_of(order.work)
    keys = frozenset(erasures.delivery_ids(people))
    steps: Mapping[str, Callable[[], None]] = {
        "lake": lambda: erase_lake(parts, erasures, order, people, reached),
        "identities": lambda: _counted(erasures, order, list(erase_identities(parts))),
        "settled": settle,
        "files": lambda: _files(parts, erasures, order, people, keys),
        "stream": lambda: _counted(erasures, order, list(erase_stream(parts, people))),
        "store": lambda: erasures.remove_rows(order, people),
        "sweep": lambda: _sweep(parts, erasures),
    }
    for name, step in steps.items():
        step()
        reached(name)
    _refuse_remainder(dict(plan_lake(parts, people)), erasures.rows(people))
    return _certify(parts, erasures, order)


def _counted(erasures: Erasures, order: Order, done: Sequence[Done]) -> None:
    if done:
        erasures.count(order, done)


def _files(parts: Parts, erasures: Erasures, order: Order, people: People, keys: frozenset[str]) -> None:
    for one in erase_beside(parts, people, keys):
        erasures.count(order, [one])


def _sweep(parts: Parts, erasures: Erasures) -> None:
    """Removes the snapshots that were exchanged, and what crashes have left: nobody runs meanwhile."""
    parts.lake.sweep(at=parts.clock())
    erasures.overwrite()


def _certify(parts: Parts, erasures: Erasures, order: Order) -> Certified:
    at = parts.clock()
    made = papers.certificate_of(order, erasures.counts(order), erasures.stones_of(order), at)
    return _certified(parts, erasures.finish(order, made, papers.seal_of(made), at))


def _certified(parts: Parts, done: Order) -> Certified:
    with suppress(OSError):  # the order has it; `cultiva erasures` lays it down again
        return Certified(done, lay_down(parts, done))
    return Certified(done, ())


def _refuse_remainder(lake: Mapping[str, int], store: Mapping[str, int]) -> None:
    """Looks once more; whatever came in between is found by the next attempt.

    Raises:
        CultivaError: a conflict, if something is left.
    """
    if lake or store:
        shown = ", ".join([*lake, *(f"store/{name}" for name in store)][:10])
        raise CultivaError(
            "an erasure has left something, which came in while it was at work",
            code="erasure.remainder",
            kind=ErrorKind.CONFLICT,
            seen=shown,
            allowed="nothing",
            hint="cultiva erase WORKSPACE --resume goes on",
        )


def _kinds(found: Found) -> dict[str, int]:
    return dict(sorted(Counter(one.kind for one in found.stones.rows).items()))


def data(certified: Certified) -> dict[str, Any]:
    """A certificate as JSON-like data."""
    return {**certified.order.certificate, "sha256": certified.order.seal, "files": [*map(str, certified.files)]}
