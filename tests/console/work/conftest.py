from __future__ import annotations

import pytest
from tests.console.desks import ConsoleUnderTest
from tests.console.work.shift import Shift, shift_of


@pytest.fixture
def shift(own_console: ConsoleUnderTest) -> Shift:
    """An adviser in a bank of the test's own."""
    return shift_of(own_console)
