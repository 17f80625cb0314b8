"""What others may rely on changes only on purpose: the public names are kept in a text file.

To change it on purpose: `.venv/bin/python -m tools.public_api > tests/goldens/public_api.txt`.
"""

from __future__ import annotations

from pathlib import Path

from tools.public_api import listing

GOLDEN = Path(__file__).parents[1] / "goldens" / "public_api.txt"


def test_public_names_are_as_agreed() -> None:
    assert listing().splitlines() == GOLDEN.read_text().splitlines()
