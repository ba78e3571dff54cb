"""The servers that contract tests talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aimock import Aimock, running
from tests.support.loopback import Loopback


@pytest.fixture
def server() -> Iterator[Loopback]:
    """Our own server, fresh for each test."""
    with Loopback() as loopback:
        yield loopback


@pytest.fixture(scope="session")
def aimock() -> Iterator[Aimock]:
    """One aimock for each worker."""
    with running() as started:
        yield started
