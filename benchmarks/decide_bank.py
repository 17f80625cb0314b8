"""A bank for the benchmark of live decisions: the starter pack with thirty strategies more, all open to everybody."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from benchmarks.decide_peers import fill
from cultiva import bootstrap
from cultiva.engine.parquet import part_files
from cultiva.execution.access.service import Access, KeyRequest
from cultiva.insight.live.service import Live
from cultiva.kit.clock import utc_now
from cultiva.loop.live.papers import publish_papers
from cultiva.loop.live.publishing import publish
from cultiva.loop.parts import Parts
from cultiva.strategy.models.boosting import Growth
from cultiva.strategy.models.features import usable
from cultiva.strategy.models.files import champions, read_models, write_models

CANDIDATES = 30
SLOT = "bench_slot"
ZONE = "Asia/Shanghai"
OFFERS = "".join(f"""
- name: bench_offer_{number}
  label: {{ zh: 权益{number}, en: Offer {number} }}
  kind: content
  eligible: aum >= {number} or tenure_days >= 0
  applicable: not (has_left and false)
  unit_cost: 0.{number:02}
""" for number in range(CANDIDATES))  # fmt: skip
STRATEGIES = "".join(f"""
- name: bench_{number}
  label: {{ zh: 策略{number}, en: Strategy {number} }}
  objective: {{ metric: aum, direction: increase }}
  audience: (aum >= 0 or age > {number}) and (stage in ('growing', 'mature') or stage is not null)
  eligible: days_between(last_login, today) >= {number} or true
  offers: [bench_offer_{number}]
  channels: [app]
  rank: {number} + 0.0001 * least(aum, 100000)
  holdout: 0.05
""" for number in range(CANDIDATES))  # fmt: skip
PLACEMENT = f"""placements:
  - name: {SLOT}
    label: {{ zh: 测试位, en: Slot }}
    channel: app
    slots: 3
    strategies: [{", ".join(f"bench_{number}" for number in range(CANDIDATES))}]
    frequency:
      - {{ per: offer, hours: 24, impressions_max: 3 }}
"""
GROWN = Growth(rounds=80, leaves=8, leaf_rows=20)
"""As `models.boosting.Growth` grows by default."""


def make(root: Path, customers: int) -> tuple[date, str]:
    """Makes the bank, runs yesterday, trains nothing but models that say anything, publishes; gives the date and a key.

    Args:
        root: New folder.
        customers: How many.
    """
    on = datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=1)
    _done("init", str(root), "--customers", str(customers))
    (root / "offers" / "bench.yaml").write_text(OFFERS)
    (root / "strategies" / "bench.yaml").write_text(STRATEGIES)
    _replace(root / "placements.yaml", "placements:\n", PLACEMENT)
    _replace(root / "review.yaml", "rank_by: rules", "rank_by: effect")
    _replace(root / "contact_policy.yaml", "required: true", "required: false")
    _done("run", str(root), "--date", on.isoformat())
    with bootstrap.opened(root) as parts:
        _publish_models(parts, on)
        with bootstrap.live(parts.workspace) as (log, hot):
            log.mark(on.isoformat())
            publish(parts, Live(parts.workspace), hot, log, on)
            publish_papers(parts, hot, on)
        wanted = KeyRequest("bench", ["decide"], None, 100_000_000)
        key = Access(parts.store.database).create(wanted, by="bench", at=utc_now()).text
    return on, key


def _publish_models(parts: Parts, on: date) -> None:
    """Models of the usual size; what they say is of no matter."""
    from tests.strategy.live.trained import stored

    models = stored(parts.workspace, usable(parts.workspace), growth=GROWN)
    folder = parts.lake.stage("model", on, run_id="bench")
    written = write_models(models, folder)
    snapshot = parts.lake.snapshot("model", on, folder, written, run_id="bench")
    parts.store.snapshots.publish([snapshot], step="models", at=datetime.now(UTC))


def lay_ground(root: Path, on: date, folder: Path) -> list[int]:
    """Writes what the hand-built peer needs: profiles, rules, trees; gives the customers' numbers.

    Args:
        root: The bank.
        on: Business date of its run.
        folder: New folder.
    """
    folder.mkdir()
    with bootstrap.opened(root) as parts:
        files = part_files(parts.lake.files_current("profile", on))
        models = champions(read_models(parts.lake.files_latest("model", on)))
    rows = pl.scan_parquet(files).sort("customer_id").collect().to_dicts()
    trees = [text for text in models["effect"].boosters if text.startswith("tree")][:1] * 2
    names = []
    for number, text in enumerate([*trees, models["response"].boosters[0]]):
        names.append(f"trees-{number}.txt")
        (folder / names[-1]).write_text(text)
    encoding = models["effect"].data["encoding"]
    features = [*encoding["numbers"], *(name for name, _ in encoding["levels"])]
    rules = [{"strategy": f"bench_{at}", "offer": f"bench_offer_{at}", "cost": at / 100} for at in range(CANDIDATES)]
    profiles = {row["customer_id"]: _plain(row) for row in rows}
    ground = {"profiles": profiles, "rules": rules, "features": features, "effect": names[:-1], "response": names[-1]}
    (folder / "ground.json").write_text(json.dumps(ground))
    fill(folder, profiles)
    return [row["customer_id"] for row in rows]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
        if isinstance(value, bool | int | float | str | Decimal) or value is None
    }


def _done(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("cultiva")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cultiva {' '.join(arguments)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1))
