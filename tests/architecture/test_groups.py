"""Tests that share what is dear run in one process."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("kept_together")
def test_the_scheduler_is_told_who_belongs_together(request: pytest.FixtureRequest) -> None:
    spread = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith("@kept_together") == spread
