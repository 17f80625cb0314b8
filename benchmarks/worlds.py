"""Every packaged world under every policy: what the loop is truly worth, beside simpler rankings and the oracle.

An hour or more; killed, it goes on where it stopped, with the source that it began with: all flights are of one state
of the software, whatever has been changed since. Remove the folder that it names to begin anew.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import DATA, ROOT, measure, parse_size, size_name

DESCRIPTION = "all worlds x policies, true money against customers left alone; --size 5k:12 customers:weeks (default)"
POLICIES = ("loop", "propensity", "rules", "random", "oracle")
WEEKS = 12
SEED = 1
LAST = 4
"""Weeks at the end that show the pace which has been reached; single ones hang on a few large take-ups."""
CORES_PER_FLIGHT = 2
"""More hardly make one flight shorter; two flights at once on four cores take little longer than one."""


@dataclass(frozen=True)
class Fleet:
    """What all flights have in common."""

    customers: int
    weeks: int
    folder: Path
    """Where they are flown, with the source that they run on."""

    def command(self, world: str, policy: str) -> list[str]:
        """A flight's command line."""
        command = [str(Path(sys.executable).parent / "cultiva"), "simulate", world, "--policy", policy, "--json"]
        sizes = ["--weeks", str(self.weeks), "--customers", str(self.customers), "--seed", str(SEED)]
        return [*command, *sizes, "--folder", str(self.folder / world)]

    def env(self) -> dict[str, str]:
        """The environment in which a flight runs on the fleet's source and on its share of the cores."""
        threads = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(CORES_PER_FLIGHT))
        return {"PYTHONPATH": str(self.folder / "src"), **threads}


def fleet(size: str | None) -> Fleet:
    """The fleet of a size such as `5k` or `5k:12`; the source is copied when the first flight begins.

    Examples:
        >>> one = fleet("2k:3")
        >>> one.customers, one.weeks, one.folder.name
        (2000, 3, 'worlds-2k-3w')
    """
    customers, _, weeks = (size or "5k").partition(":")
    count, long = parse_size(customers), int(weeks or WEEKS)
    return Fleet(count, long, DATA / f"worlds-{size_name(count)}-{long}w")


def run(size: str | None) -> dict[str, Any]:
    """Flies every world under every policy, as many at once as two cores each allow."""
    from cultiva.simbank.world import world_names

    one = fleet(size)
    source = one.folder / "src"
    if not source.exists():
        beside = source.with_name("src.new")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(ROOT / "src", beside, ignore=shutil.ignore_patterns("__pycache__"))
        beside.rename(source)
    print(f"flights in {one.folder}; killed, they go on from there", file=sys.stderr)
    pairs = [(world, policy) for world in world_names() for policy in POLICIES]
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // CORES_PER_FLIGHT)) as pool:
        flights = dict(zip(pairs, pool.map(lambda pair: fly(one, *pair), pairs), strict=True))
    shutil.rmtree(one.folder, ignore_errors=True)
    customers = one.customers
    rows = [_row(world, {policy: flights[world, policy] for policy in POLICIES}) for world in world_names()]
    return {
        "size": size_name(customers),
        "customers": customers,
        "weeks": one.weeks,
        "title": "The scored loop: worlds and policies",
        "note": (
            f"True net money (incremental contribution less cost, yuan) of {one.weeks} weeks on {customers:,} "
            "simulated customers, against the same customers with the same chance left alone. Regret is what the "
            "oracle, which knows every true effect but not chance and need not explore, brings beyond the loop. The "
            "holdouts are the same everywhere. The share of the oracle is of the whole flight, first weeks without "
            f"evidence included; beside it that of the last {LAST} weeks alone: the pace that the loop has reached."
        ),
        "rows": rows,
        "seconds": round(sum(flight["seconds"] for flight in flights.values())),
    }


def fly(fleet: Fleet, world: str, policy: str) -> dict[str, Any]:
    """One flight, or what an earlier attempt has kept of it; a killed one goes on by itself."""
    kept = fleet.folder / f"{world}-{policy}.json"
    if kept.exists():
        known: dict[str, Any] = json.loads(kept.read_text())
        return known
    done = measure(fleet.command(world, policy), env=fleet.env())
    shutil.rmtree(fleet.folder / world / policy, ignore_errors=True)
    print(f"{world} {policy}: {done.seconds:.0f} s", file=sys.stderr)
    found = {**json.loads(done.output)["flights"][0], "seconds": done.seconds}
    beside = kept.with_suffix(".new")
    beside.write_text(json.dumps(found))
    beside.replace(kept)
    return found


def late(flight: dict[str, Any]) -> float:
    """True net money of the last weeks of a flight."""
    return float(sum(week["incremental"] - week["cost"] for week in flight["weeks"][-LAST:]))


def _share(net: float, of: float) -> str:
    """A part of what is gained; empty where nothing is."""
    return f"{net / of:.0%}" if of > 0 else ""


def _row(world: str, flights: dict[str, dict[str, Any]]) -> dict[str, Any]:
    loop, oracle = flights["loop"], flights["oracle"]
    covers = [one for one in loop["strategies"] if one["low"] is not None and one["high"] is not None]
    held = sum(one["low"] <= one["truth"] <= one["high"] for one in covers)
    return {
        "world": world,
        **{policy: f"{one['net']:,.0f}" for policy, one in flights.items()},
        "regret of the loop": f"{oracle['net'] - loop['net']:,.0f}",
        "loop, share of the oracle": _share(loop["net"], oracle["net"]),
        f"loop, share in the last {LAST} weeks": _share(late(loop), late(oracle)),
        "loop / propensity": f"{loop['net'] / other:.1f}" if (other := flights["propensity"]["net"]) > 0 else "",
        "loop beats propensity": "yes" if loop["net"] > flights["propensity"]["net"] else "no",
        "touches, loop": f"{loop['touches']:,}",
        "touches, propensity": f"{flights['propensity']['touches']:,}",
        "extra opt-outs, loop / propensity": f"{loop['opt_outs']:.0f} / {flights['propensity']['opt_outs']:.0f}",
        "intervals with the truth": f"{held} of {len(covers)}",
    }
