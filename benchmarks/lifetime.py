"""BG/NBD and Gamma-Gamma on drawn customers, beside `lifetimes` on the same arrays in the same run; CDNOW by the way.

Wall clock suffers where others use the machine (ours has four threads, `lifetimes` one): processor time is beside it.

Ours begins with one row per customer in Parquet and ends with parameters: the engine groups equal histories, then the
likelihood is maximised over the groups. `lifetimes` (0.11.3, the last release) is given its arrays in memory, and no
group at all, as its documentation shows it; it is also given our groups as weights, which it takes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from examples.cdnow.forecast import PUBLISHED, fit, forecast, read

from benchmarks.harness import DATA, ROOT, best_of, parse_size, size_name
from cultiva.engine.open import open_engine
from cultiva.engine.parquet import write_arrow
from cultiva.insight.lifetime.histories import compressed_amounts, compressed_histories
from cultiva.insight.lifetime.outlook import Horizon, look_ahead
from cultiva.insight.lifetime.purchases import fit_purchases
from cultiva.insight.lifetime.spending import fit_spending

DESCRIPTION = "lifetime value: fit of 1m (default) customers beside lifetimes; CDNOW; --size 0.1m, 10m"
DAYS = 7.0
"""Days per week; parameters are per week, histories are in days."""
TRUE = {"r": 0.243, "alpha": 4.414 * DAYS, "a": 0.793, "b": 2.426}
TRUE_SPENDING = {"p": 6.25, "q": 3.74, "gamma": 15.44}
"""What customers are drawn from: the published parameters of CDNOW, time in days."""
WATCHED_DAYS = (27 * 7, 39 * 7)
"""Customers came in over a quarter of a year, and were watched for so many days."""
HORIZON_DAYS = 365.0
REPEATS = 3
CDNOW = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data")) / "cdnow"


def run(size: str | None) -> dict[str, Any]:
    """Draws the customers, fits them with both, and compares parameters and times."""
    customers = parse_size(size or "1m")
    columns = drawn(customers, np.random.default_rng(2005))
    folder = DATA / f"lifetime-{size_name(customers)}"
    if not folder.exists():
        write_arrow(pa.table(columns), folder)
    ours = _ours(folder)
    theirs = _theirs(columns, ours.pop("groups_held"))
    fit, peer = ours["seconds"], theirs["lifetimes_seconds"]
    processor, theirs_processor = ours["cpu_seconds"], theirs["lifetimes_cpu_seconds"]
    apart = {name: abs(ours[name] / theirs[f"lifetimes_{name}"] - 1) for name in ("r", "alpha", "a", "b")}
    return {
        "size": size_name(customers),
        "customers": customers,
        **ours,
        **theirs,
        "speedup_vs_lifetimes": round(peer / fit, 1),
        "speedup_vs_lifetimes_purchases_only": round(
            theirs["lifetimes_purchases_seconds"] / (ours["compress_seconds"] + ours["purchases_seconds"]), 1
        ),
        "speedup_vs_lifetimes_in_cpu": round(theirs_processor / processor, 1),
        "speedup_vs_lifetimes_once_grouped": round(peer / (ours["purchases_seconds"] + ours["spending_seconds"]), 1),
        "goal_speedup": 100.0,
        "parameters_apart_at_most": float(f"{max(apart.values()):.2e}"),
        "true": {**TRUE, **TRUE_SPENDING},
        "cdnow": _cdnow(),
    }


def drawn(customers: int, chance: np.random.Generator) -> dict[str, Any]:
    """Histories in whole days, as `purchase_histories` writes them."""
    rate = chance.gamma(TRUE["r"], 1 / TRUE["alpha"], customers)
    leaving = chance.beta(TRUE["a"], TRUE["b"], customers)
    watched = chance.integers(*WATCHED_DAYS, customers, endpoint=True)
    x, last = np.zeros(customers, np.int64), np.zeros(customers)
    alive = np.arange(customers)
    while alive.size:
        with np.errstate(divide="ignore"):
            at = last[alive] + chance.exponential(1.0, alive.size) / rate[alive]
        bought = at < watched[alive]
        alive, at = alive[bought], at[bought]
        x[alive] += 1
        last[alive] = at
        alive = alive[chance.random(alive.size) >= leaving[alive]]
    level = TRUE_SPENDING["gamma"] * TRUE_SPENDING["p"] / chance.gamma(TRUE_SPENDING["q"], 1.0, customers)
    total = chance.gamma(np.maximum(TRUE_SPENDING["p"] * x, 1e-9)) * level / TRUE_SPENDING["p"]
    cents = np.where(x > 0, np.maximum(np.round(total * 100), 1), 0).astype(np.int64)
    t_x = np.where(x > 0, np.minimum(np.ceil(last).astype(np.int64), watched), 0)
    return {"customer_id": np.arange(1, customers + 1), "x": x, "t_x": t_x, "t": watched, "cents": cents}


def _ours(folder: Path) -> dict[str, Any]:
    engine = open_engine(SimpleNamespace(name="duckdb", threads=None, memory_gb=None, spill=str(DATA / "spill")))
    rows = engine.scan([folder])

    def compress() -> Any:
        return compressed_histories(engine, rows), compressed_amounts(engine, rows)

    def fit() -> Any:
        histories, amounts = compress()
        return fit_purchases(histories), fit_spending(amounts)

    histories, amounts = compress()
    purchases, spending = fit()
    processor = min(_cpu(fit) for _ in range(REPEATS))
    times = {
        "seconds": best_of(REPEATS, fit),
        "compress_seconds": best_of(REPEATS, compress),
        "purchases_seconds": best_of(REPEATS, lambda: fit_purchases(histories)),
        "spending_seconds": best_of(REPEATS, lambda: fit_spending(amounts)),
        "outlook_seconds": best_of(
            REPEATS, lambda: look_ahead(purchases, histories, Horizon(HORIZON_DAYS, 0.08 / HORIZON_DAYS))
        ),
    }
    engine.close()
    return {
        **{name: round(seconds, 4) for name, seconds in times.items()},
        "cpu_seconds": round(processor, 3),
        "groups": int(histories.x.size),
        "groups_of_amounts": int(amounts.x.size),
        **{name: round(getattr(purchases, name), 6) for name in TRUE},
        **{name: round(getattr(spending, name), 6) for name in TRUE_SPENDING},
        "groups_held": histories,
    }


def _theirs(columns: dict[str, Any], groups: Any) -> dict[str, Any]:
    import lifetimes

    x, t_x, t = (columns[name].astype(np.float64) for name in ("x", "t_x", "t"))
    some = x > 0
    mean = columns["cents"][some] / 100.0 / x[some]
    before = _cpu_now()
    bought, purchases = _timed(lambda: lifetimes.BetaGeoFitter().fit(x, t_x, t))
    spent, spending = _timed(lambda: lifetimes.GammaGammaFitter().fit(x[some], mean))
    processor = _cpu_now() - before
    weighted, _ = _timed(
        lambda: lifetimes.BetaGeoFitter().fit(groups.x.astype(np.float64), groups.t_x, groups.T, weights=groups.weight)
    )
    return {
        "lifetimes_version": lifetimes.__version__,
        "lifetimes_seconds": round(bought + spent, 2),
        "lifetimes_cpu_seconds": round(processor, 2),
        "lifetimes_purchases_seconds": round(bought, 2),
        "lifetimes_spending_seconds": round(spent, 2),
        "lifetimes_purchases_on_our_groups_seconds": round(weighted, 2),
        **{f"lifetimes_{name}": round(float(value), 6) for name, value in purchases.params_.items()},
        "lifetimes_p": round(float(spending.params_["p"]), 6),
        "lifetimes_q": round(float(spending.params_["q"]), 6),
        "lifetimes_gamma": round(float(spending.params_["v"]), 6),
        "threads": os.cpu_count(),
    }


def _cdnow() -> dict[str, Any] | None:
    """Parameters beside the published ones, and the forecast of 39 weeks; None without the data."""
    if not CDNOW.exists():
        return None
    engine = open_engine(SimpleNamespace(name="duckdb", threads=None, memory_gb=None, spill=str(DATA / "spill")))
    purchases = read(CDNOW)
    found = fit(engine, purchases)
    engine.close()
    ahead = forecast(found, purchases)
    return {
        "customers": ahead.height,
        "published": PUBLISHED,
        "found": {name: round(value, 4) for name, value in found.parameters.items()},
        "furthest_from_published": round(max(abs(v / PUBLISHED[name] - 1) for name, v in found.parameters.items()), 5),
        "expected_purchases_of_39_weeks": round(float(ahead["expected"].sum()), 1),
        "actual_purchases_of_39_weeks": int(ahead["actual"].sum()),
        "correlation_per_customer": round(float(np.corrcoef(ahead["expected"], ahead["actual"])[0, 1]), 4),
    }


def _cpu_now() -> float:
    """User and system time of this process so far: what others do on the machine matters less to it."""
    used = os.times()
    return used.user + used.system


def _cpu(work: Callable[[], Any]) -> float:
    before = _cpu_now()
    work()
    return _cpu_now() - before


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found
