"""Learns from Hillstrom's e-mail experiment (2008) who gains from a mailing, by the code that a bank's run uses.

    python examples/hillstrom/learn.py ../shared/data/hillstrom_email [leak]

With `leak`, a tag is among the features that was computed after the mailing.
"""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.empty import NO_LIFECYCLE, NO_POLICY, NO_VALUE
from cultiva.definitions.models import Models
from cultiva.definitions.offers import Offer, OfferKind
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.strategies import Objective, Strategy
from cultiva.definitions.tags import Tag
from cultiva.definitions.workspace import EngineSettings, Settings, Workspace
from cultiva.engine.open import open_engine
from cultiva.engine.parquet import write_arrow
from cultiva.strategy.models.service import TrainingInputs, explain, in_words, pin, train

MAILED = date(2008, 3, 1)
VISIT = 10.0
"""What a visit to the shop is worth, in dollars; nobody knows, so we say so."""
COST = 0.3
"""Of a mailing."""
TAGS = {
    "recency": ("months since the last purchase", DataType.INTEGER),
    "history": ("spent in the last year", DataType.NUMBER),
    "mens": ("has bought men's goods", DataType.BOOLEAN),
    "womens": ("has bought women's goods", DataType.BOOLEAN),
    "newbie": ("new within the year", DataType.BOOLEAN),
    "zip_code": ("place", DataType.TEXT),
    "channel": ("way of buying", DataType.TEXT),
    "clicks": ("clicks on the mailing", DataType.INTEGER),
}


def say(line: str) -> None:
    """One line for people."""
    sys.stdout.write(f"{line}\n")


def shop() -> Workspace:
    """A workspace with one strategy that mails one offer and leaves half of the customers alone."""
    label = Label(zh="邮件", en="mailing")
    return Workspace(
        root=Path(),
        settings=Settings(name="shop", currency="USD", language="en", engine=EngineSettings(threads=1)),
        sources=SourceFile(),
        identity=Identity(),
        events={},
        tags={
            name: Tag(name=name, label=Label(zh=said, en=said), type=kind, column=name)
            for name, (said, kind) in TAGS.items()
        },
        segments={},
        micro_segmentations={},
        lifecycle=NO_LIFECYCLE,
        value=NO_VALUE,
        offers={"womens": Offer(name="womens", label=label, kind=OfferKind.PRODUCT, prior_worth=1.0)},
        strategies={
            "mail": Strategy(name="mail", label=label, objective=Objective(metric="history"), audience="true",
                             offers=("womens",), channels=("email",), rank="history", holdout=0.5)
        },
        policy=NO_POLICY,
        models=Models(),
    )  # fmt: skip


def experiment(folder: Path, *, leak: bool) -> pd.DataFrame:
    """The women's mailing against none."""
    table = pd.read_csv(next(iter(folder.glob("*.csv.gz"))))
    mine = table[table.segment != "Mens E-Mail"].reset_index(drop=True)
    treated = mine.segment == "Womens E-Mail"
    clicks = np.where(treated, mine.visit * 2 + (mine.index % 3 == 0), 0)
    return mine.assign(customer_id=mine.index + 1, treated=treated, clicks=clicks if leak else 0)


def lay_out(table: pd.DataFrame, root: Path) -> None:
    """The tables that review and the day of enrolment leave behind: what came of it, and what was known before."""
    count = len(table)
    write_arrow(
        pa.table({
            "strategy": ["mail"] * count,
            "customer_id": table.customer_id.to_numpy(),
            "offer": ["womens"] * count,
            "channel": ["email"] * count,
            "arm": np.where(table.treated, "treated", "control").tolist(),
            "control_share": np.full(count, 0.5),
            "assigned_share": np.ones(count),
            "enrolled_on": pa.array([MAILED] * count, pa.date32()),
            "days": np.full(count, 84.0),
            "contribution": table.visit.to_numpy() * VISIT,
            "cost": np.where(table.treated, COST, 0.0),
            "taken": (table.visit * table.treated).to_numpy().astype(float),
            "touched": table.treated.to_numpy().astype(float),
        }),
        root / "panel",
    )  # fmt: skip
    known = table[["customer_id", *TAGS]].assign(**{n: table[n] == 1 for n in ("mens", "womens", "newbie")})
    profile = pa.Table.from_pandas(known, preserve_index=False)
    write_arrow(profile, root / "profile")
    for name in ("enrolled_on", "known_on"):
        profile = profile.append_column(name, pa.array([MAILED] * count, pa.date32()))
    write_arrow(profile, root / "feature_log")


def tell(card: dict[str, Any]) -> None:
    """The card of the model of effect."""
    data, learners, value = card["data"], card["learners"], card["policy_value"]
    say(f"{data['exposures']:,} exposures, {data['left_alone']:,} left alone, {data['held_back']:,} held back")
    for one in card["refused_features"]:
        say(f"left out: {one['feature']} ({one['why']}, z = {one['number']:.0f})")
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in learners["weights"].items())
    say(f"learners: {weights}; belief {learners['belief']:.2f}")
    say("\nunseen customers by what is foreseen (less than the mean, more than the mean)")
    middle = {name: np.mean([row[name] for row in card["calibration"]]) for name in ("foreseen", "measured")}
    for row in card["calibration"]:
        less = {name: row[name] - middle[name] for name in middle}
        say(f"{row['rows']:>8,}  foreseen {less['foreseen']:+.2f}  measured {less['measured']:+.2f}")
    say("\nvalue per customer held back     doubly robust          inverse probability")
    for name in ("champion", "challenger", "gain"):
        said = "   ".join(f"{value[name][way]['value']:+.3f} ({value[name][way]['low']:+.3f} to "
                          f"{value[name][way]['high']:+.3f})" for way in ("dr", "ips"))  # fmt: skip
        say(f"{ {'champion': 'touch all (prior)', 'challenger': 'the model', 'gain': 'gain'}[name]:<28}{said}")
    say("promoted" if value["promoted"] else "not promoted")


def main() -> None:
    """Trains, tells the card, and explains three customers."""
    workspace, table = shop(), experiment(Path(sys.argv[1]), leak="leak" in sys.argv[2:])
    with TemporaryDirectory() as name:
        root = Path(name)
        lay_out(table, root)
        settings = workspace.settings.engine.model_copy(update={"spill": str(root / "spill")})
        engine = open_engine(settings)
        inputs = TrainingInputs([root / "panel"], [root / "feature_log"])
        train(engine, inputs, workspace, MAILED + timedelta(days=90), root / "model")
        (card,) = (root / "model" / "files").glob("effect-*/card.json")
        tell(json.loads(card.read_text()))
        asked = engine.load(pa.table({
            "customer_id": [5, 7, 24], "strategy": ["mail"] * 3, "offer": ["womens"] * 3, "channel": ["email"] * 3,
            "prior_effect": [1.0] * 3,
        }))  # fmt: skip
        models, profile = pin([root / "model"], workspace), engine.scan([root / "profile"])
        explain(engine, asked, profile, models, on=MAILED, folder=root / "why")
        for row in pq.read_table(root / "why").to_pylist():
            say(f"\ncustomer {row['customer_id']}: effect {row['effect']:.2f}, response {row['response']:.0%}")
            for one in in_words(row["reasons"], workspace):
                say(f"  {one.en}")
        engine.close()


if __name__ == "__main__":
    main()
