"""The OpenAPI document: as agreed, complete, kept by the server and known by the client."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from cultiva.api.app import document
from cultiva.client import decide, events, shapes
from cultiva.execution.access.keys import Scope

GOLDEN = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT = document()
OPERATIONS = [
    (path, method, operation) for path, found in DOCUMENT["paths"].items() for method, operation in found.items()
]
NAMES = {
    "Tag": "TagShape", "Task": "TaskShape", "TaskStory": "TaskStoryShape", "LaunchStory": "LaunchStoryShape",
    "OutcomeReport": "OutcomeReport", "OutcomeTaken": "OutcomeTaken", "OutcomesTaken": "OutcomesTaken",
    "Ready": "Ready", "ResultReport": "ResultReport", "ArrivalTasks": "ArrivalTasks",
    "EventsTaken": "EventsTaken", "Taken": "TakenShape",
}  # fmt: skip
"""Shapes of the client -> schemas, where it is not the name with `Shape` behind it."""
SHAPES = [
    (name, shape)
    for module in (shapes, events, decide)
    for name, shape in inspect.getmembers(module, inspect.isclass)
    if issubclass(shape, shapes.Shape) and shape not in (shapes.Shape, shapes.Page) and "[" not in name
]


def test_the_document_is_as_agreed() -> None:
    """To change it on purpose: `.venv/bin/python -m tools.reference`."""
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == DOCUMENT


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_operation_says_what_it_does_needs_and_may_answer(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["description"]
    guarded = path.startswith("/v1/") and "/webhooks/" not in path
    assert ("x-cultiva-scope" in operation) == guarded
    if guarded:
        assert operation["x-cultiva-scope"] in {scope.value for scope in Scope}
        assert operation["security"]
        assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys()
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
    named_by_message = operation["tags"][0] in {"events", "decide"}  # a message's or decision's id does it there
    changes = method == "post" and guarded and path != "/v1/counts" and not named_by_message
    names = {one["name"] for one in operation.get("parameters", ())}
    assert ("Idempotency-Key" in names) == changes == bool(operation.get("x-cultiva-once"))


def test_operations_and_parameters_have_examples_where_a_guess_would_not_do() -> None:
    for path, method, operation in OPERATIONS:
        for one in operation.get("parameters", ()):
            if one["in"] == "path" and path.startswith("/v1"):
                assert one.get("schema", {}).get("examples") or one.get("description"), f"{method} {path} {one['name']}"


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=[name for name, _ in SHAPES])
def test_the_client_knows_every_member(name: str, shape: type[shapes.Shape]) -> None:
    schema = DOCUMENT["components"]["schemas"][NAMES.get(name, f"{name}Shape")]
    assert set(shape.model_fields) == set(schema["properties"])
    required = {field for field, info in shape.model_fields.items() if info.is_required()}
    assert required == set(schema.get("required", ())) or name in ("Ready",)


def test_the_client_asks_every_path() -> None:
    from cultiva.client import calls

    text = inspect.getsource(calls) + inspect.getsource(events) + inspect.getsource(decide)
    tags = {operation["tags"][0] for _, _, operation in OPERATIONS} - {"webhooks", "links", "operation"}
    assert tags == {
        "customers",
        "consent",
        "segments",
        "strategies",
        "launches",
        "tasks",
        "outcomes",
        "exports",
        "events",
        "decide",
    }
    for path in DOCUMENT["paths"]:
        if path.startswith("/v1/") and "/webhooks/" not in path:
            last = [part for part in path.split("/") if not part.startswith("{")][-1]
            assert last in text, path


def test_the_client_is_a_package_of_its_own() -> None:
    folder = Path(inspect.getfile(shapes)).parent
    imported = [line for one in folder.glob("*.py") for line in one.read_text().splitlines() if "cultiva" in line]
    assert all("cultiva.client" in line for line in imported if line.startswith(("import ", "from ")))
