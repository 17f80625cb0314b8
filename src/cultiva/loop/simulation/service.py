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
from cultiva.kit.words import Words, say
from cultiva.loop.map_kept import leave_after_run
from cultiva.loop.simulation import telling
from cultiva.loop.simulation.copying import reads_simulated
from cultiva.loop.simulation.flight import OpenParts, fly
from cultiva.loop.simulation.forecast import volumes
from cultiva.loop.simulation.likeness import (
    Likeness,
    has_lake,
    likeness,
    likeness_sheet,
    read_likeness,
    write_likeness,
)
from cultiva.loop.simulation.portrait import Portrait, portrait
from cultiva.loop.simulation.scoring import comparisons, week_truths
from cultiva.loop.simulation.setup import FIRST_DAY, Policy, Setup
from cultiva.loop.simulation.telling import Scored
from cultiva.simbank import world as worlds
from cultiva.simbank.mix import USUAL
from cultiva.simbank.world import load_world

ALL = "all"
"""Instead of a policy: each of them, one after the other, on the same customers with the same chance."""
FOLDER = Path("simulation")
"""Where simulations go unless told otherwise."""
NOT_RUN = Words(
    "该工作区尚未运行过：在通常的模拟银行上飞行；先 cultiva run，模拟银行才会像本行。",
    "the workspace has not been run yet: flown on the usual simulated bank; after a cultiva run it is like your own",
)
OTHER_SOURCES = Words(
    "该工作区的 sources/ 不读模拟银行的文件：模拟中改用起始包的 sources/、identity.yaml 与 events.yaml。",
    "the workspace's sources read other files: flown with the starter pack's sources/, identity.yaml and events.yaml",
)


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
    seeds: int = 1
    """Simulated banks that are flown, each with a seed of its own."""
    language: str | None = None
    """zh or en; None: that of the definitions."""

    def told_in(self) -> str:
        """The language in which the flight is told."""
        if self.language is not None:
            return self.language
        return load_workspace(self.strategies).settings.language if self.strategies is not None else "zh"

    def home(self) -> Path:
        """Where everything goes."""
        return self.folder or FOLDER / Path(self.world).stem

    def setups(self, like: Likeness | None = None) -> tuple[Setup, ...]:
        """One per policy and seed, the first seed of all policies first.

        Args:
            like: The bank that the simulated one shall be like; None: the usual one.

        Raises:
            CultivaError: if there is no such policy or world.
        """
        world, home = load_world(self.world), self.home()
        policies = tuple(Policy) if self.policy == ALL else (_policy(self.policy),)
        return tuple(
            Setup(
                world=world,
                policy=one,
                folder=home / (one.value if seed == self.seed else f"{one.value}-seed-{seed}"),
                weeks=self.weeks,
                customers=self.customers,
                seed=seed,
                first_day=like.own.on if like is not None else FIRST_DAY,
                definitions=self.strategies,
                mix=like.mix if like is not None else USUAL,
                language=self.language,
            )
            for seed in range(self.seed, self.seed + self.seeds)
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
    like: Likeness | None = None
    """The workspace's own bank, if it has been run."""
    simulated: Portrait | None = None
    """The simulated bank on its first day, if it is like the workspace's own."""

    def sheets(self) -> list[Sheet]:
        """How alike the banks are, the policies, the forecast, and the first flight's claims beside the truth."""
        language, sheets = self.request.told_in(), []
        scale = None
        if self.like is not None and self.simulated is not None:
            sheets.append(likeness_sheet(self.like.own, self.simulated, self._stages(language), language))
            scale = self.like.own.holders / max(self.simulated.holders, 1.0)
        once = [one for one in self.scored if one.seed == self.request.seed]
        sheets.append(telling.policies(once, self.request.home(), language))
        if self.request.strategies is not None or self.request.seeds > 1:
            flights = [one for one in self.scored if one.policy is self.scored[0].policy]
            sheets += telling.forecasts(flights, scale, language)
        sheets.append(telling.beside_truth(self.scored[0], language))
        return sheets

    def _stages(self, language: str) -> dict[str, str]:
        """Labels of the lifecycle stages."""
        assert self.request.strategies is not None, "only a workspace has a bank of its own"
        stages = load_workspace(self.request.strategies).lifecycle.stages
        return {one.name: say(one.label, language) for one in stages}

    def lines(self) -> Sequence[str]:
        """For people."""
        language, notes = self.request.told_in(), []
        if self.request.strategies is not None and self.like is None:
            notes.append(say(NOT_RUN, language))
        if self.request.strategies is not None and not reads_simulated(self.request.strategies):
            notes.append(say(OTHER_SOURCES, language))
        return (*notes, *telling.headlines(self.scored, language), *(str(path) for path in self.files))

    def data(self) -> dict[str, Any]:
        """As JSON-like data."""
        home = self.request.home()
        flown = [{**asdict(one), **one.sums(), "regret": telling.regret(one, self.scored, home)} for one in self.scored]
        like = (
            {} if self.like is None else {**asdict(self.like), "simulated": self.simulated and asdict(self.simulated)}
        )
        files = [str(path) for path in self.files]
        return {**asdict(self.request), "likeness": like or None, "flights": flown, "files": files}


def flown(request: Request, open_parts: OpenParts, *, progress: StepProgress | None = None) -> Flights:
    """Flies what is asked, or goes on where an earlier attempt stopped, and writes a report per flight.

    Args:
        request: What to fly.
        open_parts: Opens a simulation's workspace with values for its variables.
        progress: Is told how far it has come.
    """
    scored, files, simulated = [], [], None
    like = _likeness(request, open_parts)
    for setup in request.setups(like):
        done = fly(setup, open_parts, progress=progress)
        with open_parts(setup.workspace, {"data": str(done.bank.delivery(done.last).resolve())}) as parts:
            leave_after_run(parts, done.last)
            one = Scored(
                world=setup.world.name,
                policy=setup.policy,
                customers=setup.customers,
                proposals=sum(week.touches for week in done.weeks),
                weeks=week_truths(done.bank),
                strategies=comparisons(parts, done.bank, done.last),
                seed=setup.seed,
                volumes=volumes(parts, [week.on for week in done.weeks if week.touches]),
            )
            if like is not None and simulated is None:
                simulated = portrait(parts, setup.first_day, unit=like.own.aum)
            files += telling.write_flight(one, parts.root / "reports" / done.last.isoformat(), request.told_in())
            files += sorted((parts.root / "reports" / done.last.isoformat()).glob("review.html"))
        scored.append(one)
    return Flights(request, tuple(scored), tuple(dict.fromkeys(files)), like, simulated)


def _likeness(request: Request, open_parts: OpenParts) -> Likeness | None:
    """What the simulated bank shall be like: found once, then kept beside the flights."""
    if request.strategies is None:
        return None
    kept = request.home() / "likeness.json"
    if not any(request.home().glob("*/bank")):  # else a flight has begun, and goes on with what it began with
        found = None
        if has_lake(request.strategies):
            with open_parts(request.strategies, {}) as parts:
                found = likeness(parts)
        write_likeness(kept, found)
    return read_likeness(kept) if kept.exists() else None
