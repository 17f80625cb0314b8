from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.commands import done
from tests.servers.once import Once
from tests.stories.berka_oracle import BerkaFacts, berka_facts
from tests.stories.workspaces import BERKA, DAY, berka_workspace


@pytest.fixture(scope="session")
def berka(tmp_path_factory: pytest.TempPathFactory, once: Once) -> Path:
    """The Berka example after the run of 30 March 1994; no test changes it."""
    if not BERKA.exists():
        pytest.skip(f"the public data sets are not at {BERKA}")
    return once.copied("berka", _make, tmp_path_factory.mktemp("berka") / "berka")


def _make(root: Path) -> None:
    done("run", berka_workspace(root), "--date", DAY, "--set", f"data={BERKA}")


@pytest.fixture(scope="session")
def oracle(berka: Path) -> BerkaFacts:
    """The same day worked out with pandas from the raw files."""
    assert berka.exists()
    return berka_facts(BERKA, DAY)
