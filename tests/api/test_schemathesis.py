"""Whatever may be asked: requests drawn from the OpenAPI document, right ones and wrong ones, on every operation.

No answer may be a fault of ours (5xx), have a status, a media type or a shape that the document does not name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.banks import DATE, NOW, Api, copy_of, opened
from tests.api.server import serving

from cultiva.api.app import document
from cultiva.execution.content.links import KEY_VARIABLE
from cultiva.execution.launching.launches import Person, Submission
from cultiva.execution.launching.service import Launches
from cultiva.execution.tasks.records import StaffRow
from cultiva.kit.clock import parse_business_date
from cultiva.kit.hashing import md5_hex
from cultiva.loop.desk import Wish, desk, make_task

EXAMPLES = 8
"""Requests per operation and mode."""
DOCUMENT = document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
ALIKE = ("/v1/page", "/v1/screen", "/v1/identify", "/v1/group")
"""Take the same body to the same handler as /v1/track."""
OPERATIONS = [
    (path, method.upper()) for path, found in DOCUMENT["paths"].items() if path not in ALIKE for method in found
]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Target:
    """A running server, and names of things that are there."""

    def __init__(self, address: str, key: str, known: dict[str, str]) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {key}"}
        self.known = known

    def aim(self, case: schemathesis.Case[Any]) -> None:
        """In two of three requests names what is there, so that more than refusals are tried."""
        if int(md5_hex(repr((case.path_parameters, case.body)))[:4], 16) % 3 == 0:
            return
        for name in case.path_parameters or {}:
            case.path_parameters[name] = self.known.get(name, case.path_parameters[name])
        if isinstance(case.body, dict):
            for name in self.known.keys() & case.body.keys():
                case.body[name] = self.known[name]


@pytest.fixture(scope="module")
def target(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server over a bank with a task and a launch."""
    root = copy_of(bank, tmp_path_factory.mktemp("drawn") / "bank")
    day = parse_business_date(DATE)
    with (root / "cultiva.toml").open("a") as settings:
        settings.write("\n[live]\nenabled = true\n")
    with opened(root) as parts:
        api = Api(None, parts)  # type: ignore[arg-type]
        desk(parts).staff([StaffRow("R1", "B0002", "lobby_manager", 100)], day, NOW)
        task = make_task(parts, 51, Wish("visit", "because"), NOW).task_id
        one = Submission("car_owner_card", "w1", day, "once", 1, {"offers": {}, "channels": {}}, {"customers": 1})
        launch = Launches(parts.store.database).submit(one, Person("Chen"), NOW).launch_id
        key = api.key()
    known = {
        "customer": "51", "segment": "borrowers", "strategy": "car_owner_card", "channel": "sms", "task": task,
        "launch": launch, "staff_id": "R1", "business_date": DATE, "staff": "R1", "scope": "channel:sms",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(KEY_VARIABLE, "k1:0123456789abcdef")
        yield from _served(root, key, known)


def _served(root: Path, key: str, known: dict[str, str]) -> Iterator[Target]:
    with serving(root) as server:
        yield Target(server.address, key, known)


def drawn(target: Target, path: str, method: str, mode: GenerationMode) -> None:
    """Asks what is drawn, and looks at every answer."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEMA[path][method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        target.aim(case)
        case.call_and_validate(
            base_url=target.address, headers=target.headers, checks=CHECKS, allow_redirects=False, timeout=60
        )

    ask()


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_right_requests_are_answered_as_the_document_says(target: Target, path: str, method: str) -> None:
    drawn(target, path, method, GenerationMode.POSITIVE)


WRONG = [(path, method) for path, method in OPERATIONS if path not in ("/health", "/ready", "/metrics", "/v1/halts")]


@pytest.mark.parametrize(("path", "method"), WRONG, ids=[f"{method} {path}" for path, method in WRONG])
def test_wrong_requests_are_refused_as_the_document_says(target: Target, path: str, method: str) -> None:
    drawn(target, path, method, GenerationMode.NEGATIVE)
