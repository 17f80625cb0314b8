"""A small made-up bank after its first night: the one that most tests of a finished run look at."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from tests.cli.commands import Printed, done
from tests.servers.once import Once

DATE = "1994-03-30"
CUSTOMERS = 300
_NAME, _PRINTED = "mybank", "printed.json"


def first_night(once: Once, target: Path) -> Printed:
    """Puts a copy of the bank at a path; what its run has printed as JSON."""
    made = once.made(f"bank-{CUSTOMERS}", _make)
    shutil.copytree(made / _NAME, target)
    return Printed(**json.loads((made / _PRINTED).read_text("utf-8")))


def _make(folder: Path) -> None:
    done("init", folder / _NAME, "--pack", "retail-bank", "--customers", CUSTOMERS)
    printed = done("run", folder / _NAME, "--date", DATE, "--json")
    (folder / _PRINTED).write_text(json.dumps(asdict(printed)), "utf-8")
