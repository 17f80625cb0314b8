"""Every packaged world under every policy: what the loop is truly worth, beside simpler rankings and the oracle."""

from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.harness import DATA, measure, parse_size, size_name

DESCRIPTION = "all worlds x policies, true money against customers left alone; --size 5k (default) customers"
POLICIES = ("loop", "propensity", "rules", "random", "oracle")
WEEKS = 6
SEED = 1


def run(size: str | None) -> dict[str, Any]:
    """Flies every world under every policy, as many at once as there are cores but one."""
    from cultiva.simbank.world import world_names

    customers = parse_size(size or "5k")
    folder = DATA / f"worlds-{size_name(customers)}"
    pairs = [(world, policy) for world in world_names() for policy in POLICIES]
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) - 1)) as pool:
        flights = dict(zip(pairs, pool.map(lambda pair: _fly(folder, customers, *pair), pairs), strict=True))
    shutil.rmtree(folder, ignore_errors=True)
    rows = [_row(world, {policy: flights[world, policy] for policy in POLICIES}) for world in world_names()]
    return {
        "size": size_name(customers),
        "customers": customers,
        "weeks": WEEKS,
        "title": "The scored loop: worlds and policies",
        "note": (
            f"True net money (incremental contribution less cost, yuan) of {WEEKS} weeks on {customers:,} simulated "
            "customers, against the same customers with the same chance left alone. Regret is what the oracle, which "
            "knows every true effect but not chance, brings beyond the loop. The holdouts are the same everywhere."
        ),
        "rows": rows,
        "seconds": round(sum(one["seconds"] for one in flights.values())),
    }


def _fly(folder: Path, customers: int, world: str, policy: str) -> dict[str, Any]:
    place, kept = folder / world, folder / f"{world}-{policy}.json"
    if kept.exists():  # an earlier attempt has flown it
        known: dict[str, Any] = json.loads(kept.read_text())
        return known
    command = [str(Path(sys.executable).parent / "cultiva"), "simulate", world, "--policy", policy, "--json"]
    options = ["--weeks", str(WEEKS), "--customers", str(customers), "--seed", str(SEED), "--folder", str(place)]
    done = measure([*command, *options])
    shutil.rmtree(place / policy, ignore_errors=True)
    print(f"{world} {policy}: {done.seconds:.0f} s", file=sys.stderr)
    found = {**json.loads(done.output)["flights"][0], "seconds": done.seconds}
    kept.write_text(json.dumps(found))
    return found


def _row(world: str, flights: dict[str, dict[str, Any]]) -> dict[str, Any]:
    loop, oracle = flights["loop"], flights["oracle"]
    covers = [one for one in loop["strategies"] if one["low"] is not None and one["high"] is not None]
    held = sum(one["low"] <= one["truth"] <= one["high"] for one in covers)
    return {
        "world": world,
        **{policy: f"{one['net']:,.0f}" for policy, one in flights.items()},
        "regret of the loop": f"{oracle['net'] - loop['net']:,.0f}",
        "loop beats propensity": "yes" if loop["net"] > flights["propensity"]["net"] else "no",
        "touches, loop": f"{loop['touches']:,}",
        "touches, propensity": f"{flights['propensity']['touches']:,}",
        "extra opt-outs, loop / propensity": f"{loop['opt_outs']:.0f} / {flights['propensity']['opt_outs']:.0f}",
        "intervals with the truth": f"{held} of {len(covers)}",
    }
