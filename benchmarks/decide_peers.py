"""Peers of live decisions: an echo, which is the limit, and what a user would build: FastAPI, a decision table, models.

The hand-built one holds every customer's profile in memory, asks a zen-engine decision table with a row per candidate
which of them are open, lets LightGBM score these with the same trees, and gives the best three. It asks nobody for
consent or caps of this moment, holds nobody out, prices nothing, and writes nothing down.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

GROUND = "CULTIVA_BENCH_DECIDE"
"""Environment variable with the folder of `ground.json` and the trees."""


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


def hand_built() -> Any:
    """FastAPI, zen-engine, LightGBM."""
    import numpy as np
    import zen
    from fastapi import FastAPI
    from pydantic import BaseModel

    from cultiva.strategy.models.boosting import load_lightgbm

    folder = Path(os.environ[GROUND])
    ground = json.loads((folder / "ground.json").read_text())
    profiles: dict[int, dict[str, Any]] = {int(key): value for key, value in ground["profiles"].items()}
    features: list[str] = ground["features"]
    decision = zen.ZenEngine().create_decision(json.dumps(table(ground["rules"])))
    lightgbm = load_lightgbm()
    effect = [lightgbm.Booster(model_file=str(folder / name)) for name in ground["effect"]]
    response = lightgbm.Booster(model_file=str(folder / ground["response"]))
    codes = {one["offer"]: float(at) for at, one in enumerate(ground["rules"])}
    vectors = {
        who: np.array([float(row[name]) if isinstance(row.get(name), int | float) else np.nan for name in features])
        for who, row in profiles.items()
    }

    class Asked(BaseModel):
        customer: int
        placement: str

    class Proposal(BaseModel):
        strategy: str
        offer: str
        worth: float

    class Answer(BaseModel):
        customer: int
        proposals: list[Proposal]

    app = FastAPI()

    @app.post("/v1/decide")
    async def decide(asked: Asked) -> Answer:
        known = profiles[asked.customer]
        found = decision.evaluate({name: known.get(name) for name in ("aum", "stage", "age")})["result"]
        if not found:
            return Answer(customer=asked.customer, proposals=[])
        rows = np.repeat(vectors[asked.customer][None, :], len(found), axis=0)
        rows[:, -1] = [codes[one["offer"]] for one in found]
        gain = sum(0.5 * model.predict(rows, num_threads=1) for model in effect)
        chance = response.predict(rows, num_threads=1)
        worth = [float(gain[at] - chance[at] * one["cost"]) for at, one in enumerate(found)]
        best = sorted(range(len(found)), key=lambda at: -worth[at])[:3]
        told = [Proposal(strategy=found[at]["strategy"], offer=found[at]["offer"], worth=worth[at]) for at in best]
        return Answer(customer=asked.customer, proposals=told)

    return app
