"""Peers of live decisions: an echo, which is the limit, and what a user would build: FastAPI, a decision table, models.

The hand-built one asks a zen-engine decision table with a row per candidate which of them are open, lets LightGBM score
these with the same trees, and gives the best three. `hand_built` does what has to be done beside: it reads the
customer's profile, consent, complaints, touches and impressions of this moment with SQLAlchemy, and writes the decision
down. `bare` does nothing of that: profiles and feature vectors lie in memory, nobody is asked, nothing is kept. Neither
holds anybody out, prices anything, or says why.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

GROUND = "CULTIVA_BENCH_DECIDE"
"""Environment variable with the folder of `ground.json` and the trees."""


class Asked(BaseModel):
    """A request."""

    customer: int
    placement: str


class Proposal(BaseModel):
    """What is proposed."""

    strategy: str
    offer: str
    worth: float


class Answer(BaseModel):
    """An answer."""

    customer: int
    proposals: list[Proposal]


def echo() -> Any:
    """Starlette giving back what it gets."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def answer(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return Starlette(routes=[Route("/v1/decide", answer, methods=["POST"])])


def table(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """A decision table in zen's own form: what is open, and what it costs."""
    inputs = [{"id": f"i{at}", "name": field, "field": field, "type": "expression"}
              for at, field in enumerate(("aum", "stage", "age"))]  # fmt: skip
    outputs = [{"id": f"o{at}", "name": name, "field": name, "type": "expression"}
               for at, name in enumerate(("strategy", "offer", "cost"))]  # fmt: skip
    rows = [
        {"_id": str(at), "i0": ">= 0", "i1": "'growing', 'mature', 'honeymoon', 'first_contact', 'dormant', 'lost'",
         "i2": "", "o0": json.dumps(one["strategy"]), "o1": json.dumps(one["offer"]), "o2": str(one["cost"])}
        for at, one in enumerate(rules)
    ]  # fmt: skip
    content = {"hitPolicy": "collect", "inputs": inputs, "outputs": outputs, "rules": rows,
               "inputField": None, "outputPath": None, "executionMode": "single", "passThrough": False}  # fmt: skip
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {"id": "table", "type": "decisionTableNode", "name": "table", "position": {"x": 1, "y": 0}, "content": content},
        {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 2, "y": 0}},
    ]
    edges = [{"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
             {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"}]  # fmt: skip
    return {"nodes": nodes, "edges": edges}


@dataclass(frozen=True)
class Table:
    """The decision table and the trees, as both hand-built peers use them."""

    decision: Any
    effect: list[Any]
    response: Any
    features: list[str]
    codes: dict[str, float]
    profiles: dict[int, dict[str, Any]]

    @classmethod
    def read(cls) -> Table:
        """As `decide_bank.lay_ground` has left them."""
        import zen

        from cultiva.strategy.models.boosting import load_lightgbm

        folder = Path(os.environ[GROUND])
        ground = json.loads((folder / "ground.json").read_text())
        trees = [load_lightgbm().Booster(model_file=str(folder / name)) for name in ground["effect"]]
        return cls(
            zen.ZenEngine().create_decision(json.dumps(table(ground["rules"]))),
            trees,
            load_lightgbm().Booster(model_file=str(folder / ground["response"])),
            ground["features"],
            {one["offer"]: float(at) for at, one in enumerate(ground["rules"])},
            {int(key): value for key, value in ground["profiles"].items()},
        )

    def vector(self, row: dict[str, Any]) -> Any:
        """A profile as trees read it."""
        import numpy as np

        return np.array([float(row[one]) if isinstance(row.get(one), int | float) else np.nan for one in self.features])

    def best(self, row: dict[str, Any], vector: Any) -> list[Proposal]:
        """The best three."""
        import numpy as np

        found = self.decision.evaluate({name: row.get(name) for name in ("aum", "stage", "age")})["result"]
        if not found:
            return []
        rows = np.repeat(vector[None, :], len(found), axis=0)
        rows[:, -1] = [self.codes[one["offer"]] for one in found]
        gain = sum(0.5 * model.predict(rows, num_threads=1) for model in self.effect)
        chance = self.response.predict(rows, num_threads=1)
        worth = [float(gain[at] - chance[at] * one["cost"]) for at, one in enumerate(found)]
        first = sorted(range(len(found)), key=lambda at: -worth[at])[:3]
        return [Proposal(strategy=found[at]["strategy"], offer=found[at]["offer"], worth=worth[at]) for at in first]


def bare() -> Any:
    """FastAPI, zen-engine, LightGBM, and nothing that would have to be looked up or kept."""
    from fastapi import FastAPI

    known, app = Table.read(), FastAPI()
    vectors = {who: known.vector(row) for who, row in known.profiles.items()}

    @app.post("/v1/decide")
    async def decide(asked: Asked) -> Answer:
        proposals = known.best(known.profiles[asked.customer], vectors[asked.customer])
        return Answer(customer=asked.customer, proposals=proposals)

    return app


def hand_built() -> Any:
    """The same with the profile read, consent, complaints, touches and impressions asked for, the decision kept."""
    from fastapi import FastAPI
    from sqlalchemy import create_engine, event, text

    known, app = Table.read(), FastAPI()
    path = Path(os.environ[GROUND]) / "peer.db"
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})
    event.listen(engine, "connect", lambda one, _: [one.execute(f"PRAGMA {what}") for what in PRAGMAS])
    questions = [text(one) for one in (
        "select channel, granted from consent where customer_id = :who",
        "select name from standstill where customer_id = :who",
        "select channel, counts_on from touch where customer_id = :who and counts_on > date('now', '-30 day')",
        "select offer, at from impression where customer_id = :who and at > date('now', '-1 day')",
    )]  # fmt: skip
    profile = text("select body from profile where customer_id = :who")
    kept = text("insert into decision (customer_id, at, body) values (:who, datetime('now'), :body)")

    @app.post("/v1/decide")
    def decide(asked: Asked) -> Answer:
        who = {"who": asked.customer}
        with engine.connect() as connection:
            row = json.loads(connection.execute(profile, who).scalar_one())
            consent, standing, touches, seen = (connection.execute(one, who).all() for one in questions)
        closed = {channel for channel, granted in consent if not granted}
        open_ = not standing and len(touches) < 6 and "app" not in closed
        shown = [offer for offer, _ in seen]
        best = known.best(row, known.vector(row)) if open_ else []
        proposals = [one for one in best if shown.count(one.offer) < 3]
        with engine.begin() as connection:
            told = json.dumps([one.model_dump() for one in proposals])
            connection.execute(kept, {**who, "body": told})
        return Answer(customer=asked.customer, proposals=proposals)

    return app


PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL")
"""As people set SQLite up who want it fast."""


def fill(folder: Path, profiles: dict[int, dict[str, Any]]) -> None:
    """Makes the hand-built peer's own database."""
    with sqlite3.connect(folder / "peer.db") as connection:
        for what in PRAGMAS:
            connection.execute(f"PRAGMA {what}")
        connection.executescript(
            "create table profile (customer_id integer primary key, body text);"
            "create table consent (customer_id integer, channel text, granted integer);"
            "create index consent_of on consent (customer_id);"
            "create table standstill (customer_id integer, name text);"
            "create index standstill_of on standstill (customer_id);"
            "create table touch (customer_id integer, channel text, counts_on text);"
            "create index touch_of on touch (customer_id, counts_on);"
            "create table impression (customer_id integer, offer text, at text);"
            "create index impression_of on impression (customer_id, at);"
            "create table decision (id integer primary key, customer_id integer, at text, body text);"
        )
        rows = [(who, json.dumps(row)) for who, row in profiles.items()]
        connection.executemany("insert into profile values (?, ?)", rows)
        connection.executemany("insert into consent values (?, 'app', 1)", [(who,) for who in profiles])


def _serve(name: str, port: int, workers: int) -> None:
    """By uvicorn; connections are spread over its processes as over ours, which helps it as much as us."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from cultiva.cli.sharing import shared

    config = uvicorn.Config(
        f"{__spec__.name}:{name}", factory=True, port=port, workers=workers, access_log=False, log_level="warning"
    )
    Multiprocess(config, sockets=[shared(config.bind_socket())]).run()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
