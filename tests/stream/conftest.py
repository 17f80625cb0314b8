"""What the tests of the live side share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.servers.programs import free_port


@pytest.fixture
def free_address() -> Callable[[str], str]:
    """Makes an address, with a password, at which nobody listens."""
    return lambda kind: f"{kind}://somebody:secret@127.0.0.1:{free_port()}"
