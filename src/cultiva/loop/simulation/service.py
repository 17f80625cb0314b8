"""The flight simulator as a use case: fly one policy or all of them, score them, tell what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cultiva.definitions.loading import load_workspace
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.progress import StepProgress
from cultiva.kit.sheet import Sheet
from cultiva.loop.simulation import telling
from cultiva.loop.simulation.flight import OpenParts, fly
from cultiva.loop.simulation.scoring import comparisons, week_truths
from cultiva.loop.simulation.setup import Policy, Setup
from cultiva.loop.simulation.telling import Scored
from cultiva.simbank import world as worlds
from cultiva.simbank.world import load_world

ALL = "all"
"""Instead of a policy: each of them, one after the other, on the same customers with the same chance."""
FOLDER = Path("simulation")
"""Where simulations go unless told otherwise."""


@dataclass(frozen=True)
class Request:
    """What somebody wants to see flown."""

    world: str
    """Name of a packaged world, or a file."""
    policy: str = Policy.LOOP.value
    weeks: int = 12
    customers: int = 20_000
    seed: int = 1
    strategies: Path | None = None
    """A workspace whose definitions are flown; None: the starter pack."""
    folder: Path | None = None

    def language(self) -> str:
        """In which the flight is told: that of the definitions."""
        return load_workspace(self.strategies).settings.language if self.strategies is not None else "zh"

    def setups(self) -> tuple[Setup, ...]:
        """One per policy.

        Raises:
            CultivaError: if there is no such policy or world.
        """
        world, folder = load_world(self.world), self.folder or FOLDER / Path(self.world).stem
        policies = tuple(Policy) if self.policy == ALL else (_policy(self.policy),)
        return tuple(
            Setup(
                world=world,
                policy=one,
                folder=folder / one.value,
                weeks=self.weeks,
                customers=self.customers,
                seed=self.seed,
                definitions=self.strategies,
            )
            for one in policies
        )


def _policy(name: str) -> Policy:
    names = [*(one.value for one in Policy), ALL]
    if name not in names:
        raise CultivaError(
            "there is no such policy",
            code="simulation.unknown_policy",
            kind=ErrorKind.NOT_FOUND,
            seen=name,
            allowed=", ".join(names),
            hint=did_you_mean(name, names) or "choose one of these",
        )
    return Policy(name)


def world_names() -> Sequence[tuple[str, str]]:
    """The packaged worlds with one sentence each."""
    return [(name, load_world(name).description) for name in worlds.world_names()]


@dataclass(frozen=True)
class Flights:
    """What was flown, and what it was worth."""

    request: Request
    scored: tuple[Scored, ...]
    files: tuple[Path, ...]
    """Reports to open."""

    def sheets(self) -> list[Sheet]:
        """Policies beside each other, then the claims of the first beside the truth."""
        language, sheets = self.request.language(), []
        if len(self.scored) > 1:
            sheets.append(telling.policies(self.scored, language))
        sheets.append(telling.beside_truth(self.scored[0], language))
        return sheets

    def lines(self) -> Sequence[str]:
        """For people."""
        return (*telling.headlines(self.scored, self.request.language()), *(str(path) for path in self.files))

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        flown = [{**asdict(one), **one.sums(), "regret": telling.regret(one, self.scored)} for one in self.scored]
        return {**asdict(self.request), "flights": flown, "files": [str(path) for path in self.files]}


def flown(request: Request, open_parts: OpenParts, *, progress: StepProgress | None = None) -> Flights:
    """Flies what is asked, or goes on where an earlier attempt stopped, and writes a report per flight.

    Args:
        request: What to fly.
        open_parts: Opens a simulation's workspace with values for its variables.
        progress: Is told how far it has come.
    """
    scored, files = [], []
    for setup in request.setups():
        done = fly(setup, open_parts, progress=progress)
        with open_parts(setup.workspace, {"data": str(done.bank.delivery(done.last).resolve())}) as parts:
            one = Scored(
                world=setup.world.name,
                policy=setup.policy,
                customers=setup.customers,
                proposals=sum(week.touches for week in done.weeks),
                weeks=week_truths(done.bank),
                strategies=comparisons(parts, done.bank, done.last),
            )
            files += telling.write_flight(one, parts.root / "reports" / done.last.isoformat(), request.language())
            files += sorted((parts.root / "reports" / done.last.isoformat()).glob("review.html"))
        scored.append(one)
    return Flights(request, tuple(scored), tuple(dict.fromkeys(files)))
