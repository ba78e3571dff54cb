"""The laws of a request as a spec again: whatever stood in the wire, the spec sends it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.documents import parse
from plcli.errors import SpecError
from plcli.exchange import Target
from plcli.media import Json, Media, MediaRef, digest_of, lower
from plcli.modelrefs import model_reference
from plcli.providers.registry import PROVIDERS, adapter, provider
from plcli.providers.roundtrip import same
from plcli.request import Request
from plcli.resolve import resolve
from plcli.respec import respec
from plcli.workspace import Workspace, find
from plcli.writing import write
from tests.property import gemini_wires, images_wires, wires
from tests.property.test_moving_laws import WIRES

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

APIS = [(name, api) for name, maker in PROVIDERS.items() for api in maker.apis]
REQUESTS: dict[str, Any] = {
    "responses": wires.requests("responses"),
    "chat": wires.requests("chat"),
    "generate_content": gemini_wires.requests,
    "images": images_wires.requests,
}


@pytest.fixture
def here(workspace: Any) -> Workspace:
    """The examples: a workspace with tools of its own."""
    return find(workspace)


@pytest.mark.parametrize("api", APIS, ids="/".join)
@laws
@given(data=st.data())
def test_a_wire_is_sent_again_by_its_spec(here: Workspace, api: tuple[str, str], data: st.DataObject) -> None:
    wire, media = known(data.draw(WIRES[api[1]]))
    made = adapter(provider(api[0]), api[1])
    holds(here, made.uncompile(wire, Target("any", "m")), media)


@pytest.mark.parametrize("api", [api for api in APIS if api[1] in REQUESTS], ids="/".join)
@laws
@given(data=st.data())
def test_a_request_is_sent_again_by_its_spec(here: Workspace, api: tuple[str, str], data: st.DataObject) -> None:
    request = data.draw(REQUESTS[api[1]])
    made = adapter(provider(api[0]), api[1])
    compiled = made.compile(request)
    wire, media = known(compiled.wire)
    holds(here, made.uncompile(wire, compiled.target), media)


def holds(here: Workspace, request: Request, media: Media) -> None:
    """The law, for a request that is sent at all: its spec can be written, and sends the same."""
    made = adapter(provider(request.provider), request.api)
    explicit = made.defaults(request, None)
    wanted, _, losses = made.compile(explicit)
    model = model_reference(here, f"{request.provider}/{request.model}")
    try:
        spec = respec(here, request, model, read=media.__getitem__)
    except SpecError:
        assert losses
        return
    again = resolve(here, parse(write(spec, "yaml"), file="spec.yaml", format="yaml"), None, given={})
    assert same(lower(again.compiled.wire, again.media.__getitem__), lower(wanted, media.__getitem__))


def known(wire: Json) -> tuple[Json, Media]:
    """The wire with bytes that are known in place of those that were drawn."""
    media: Media = {}

    def walk(value: Json) -> Json:
        if isinstance(value, MediaRef):
            data = json.dumps(value.digest[-4:]).encode()
            media[digest_of(data)] = data
            return replace(value, digest=digest_of(data))
        if isinstance(value, dict):
            return {name: walk(item) for name, item in value.items()}
        return [walk(item) for item in value] if isinstance(value, list) else value

    return walk(wire), media
