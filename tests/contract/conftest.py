"""The servers that contract tests talk to, and runs in rounds against one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.aimock import Aimock, running
from tests.support.cli import Cli
from tests.support.loopback import Loopback
from tests.support.replays import Bench
from tests.support.tool_loop import APIS, GEMINI, TOOL, Api, Loop, write_json


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


@pytest.fixture(params=[True, False], ids=["streamed", "plain"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Whether answers are streamed."""
    return bool(request.param)


@pytest.fixture(params=APIS, ids=str)
def loop(request: pytest.FixtureRequest, stream: bool, tmp_path: Path, server: Loopback, cli: Cli) -> Loop:
    """A server that plays one of the apis, and a workspace with a request and a stubbed tool."""
    api: Api = request.param
    url = server.url if api is GEMINI else server.base_url
    write_json(
        tmp_path / "models" / "m.json", {"kind": "model", "model": "m-1", "base_url": url, "retries": 0, **api.model}
    )
    write_json(tmp_path / "tools" / "get_weather.json", TOOL)
    made = Loop(api, stream, tmp_path, server, cli)
    made.write()
    return made


@pytest.fixture
def bench(tmp_path: Path, server: Loopback, cli: Cli) -> Bench:
    """A workspace with a request of one variable, whose model is at our server."""
    made = Bench(tmp_path, server, cli)
    made.prepare()
    return made
