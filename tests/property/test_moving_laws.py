"""The laws of moving: between any two apis, whatever is written, nothing is lost without being told."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.exchange import Target
from plcli.media import Json
from plcli.moving import Moved, move
from plcli.providers.loosening import is_native
from plcli.providers.registry import PROVIDERS, Adapter, adapter, provider
from plcli.request import FunctionTool, Loss, Message, Request
from tests.property import gemini_wires, images_wires, wires
from tests.support.accounts import STRUCTURE, unaccounted

laws = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

APIS = [(name, api) for name, maker in PROVIDERS.items() for api in maker.apis]
echo_parts: st.SearchStrategy[Json] = st.deferred(
    lambda: st.one_of(
        wires.objects({"type": wires.constant("text"), "text": wires.words}, phase=wires.words),
        wires.objects({"type": wires.constant("tool_call"), "name": wires.names, "arguments": wires.schemas}),
        wires.objects({"type": wires.constant("tool_result"), "content": st.lists(echo_parts, max_size=2)}),
    )
)
echo_messages = wires.objects({"role": st.sampled_from(["user", "tool"]), "content": st.lists(echo_parts, max_size=2)})

WIRES: dict[str, Any] = {
    "responses": wires.responses_wires,
    "chat": wires.chat_wires,
    "generate_content": gemini_wires.wires,
    "images": images_wires.wires,
    "echo": st.fixed_dictionaries(
        {"model": st.just("m"), "messages": st.lists(wires.chat_messages | echo_messages, max_size=3)}
    ),
}
"""Wires of every api; those of echo hold messages of which it understands only some."""


def of(api: tuple[str, str]) -> Adapter:
    return adapter(provider(api[0]), api[1])


def moved(request: Request, api: tuple[str, str]) -> tuple[Moved, tuple[Loss, ...], Json]:
    """The request in the api, all that was lost, and the wire that goes out."""
    made = move(request, provider(api[0]), api[1], "new")
    wire, _, losses = of(api).compile(of(api).defaults(made.request, None))
    return made, made.report(losses), wire


apis = st.sampled_from(APIS)
sources = apis.flatmap(lambda api: st.tuples(st.just(api), WIRES[api[1]]))


@laws
@given(source=sources)
def test_what_is_spelled_as_ours_stays_so(source: Any) -> None:
    api, wire = source
    once = of(api).respell(wire)
    assert of(api).respell(once) == once
    request = of(api).uncompile(once, Target("any", "m"))
    assert of(api).compile(request).wire == once


@laws
@given(source=sources, new=apis, body=st.dictionaries(wires.words, wires.json_values, max_size=3), omit=wires.words)
def test_no_wire_breaks_the_move(source: Any, new: tuple[str, str], body: Any, omit: str) -> None:
    old, wire = source
    request = of(old).uncompile(wire, Target("any", "old"))
    written = request._replace(body={**request.body, **body}, omit=(omit,))
    made, losses, _ = moved(written, new)
    assert (made.request.provider, made.request.api) == new
    alike = PROVIDERS[old[0]].shared if old[0] == new[0] else {}
    assert made.request.body.keys() <= alike.get(old[1], set()) & alike.get(new[1], set())
    assert made.request.omit == ()
    assert len(set(losses)) == len(losses)
    assert not any(map(native, made.request.messages))


@laws
@given(source=sources, new=apis, odd=st.integers(2, 6))
def test_every_text_arrives_or_is_told_to_be_lost(source: Any, new: tuple[str, str], odd: int) -> None:
    old, wire = source
    request = of(old).uncompile(marked(wire, odd), Target("any", "old"))
    _, losses, arrived = moved(request, new)
    assert unaccounted(request, arrived, losses) == []


@laws
@given(request=wires.requests("chat") | wires.requests("responses"), via=apis)
def test_a_header_that_echo_carries_comes_back_from_it(request: Request, via: tuple[str, str]) -> None:
    neutral = request._replace(messages=tuple(message for message in request.messages if not native(message)))
    there, lost, _ = moved(neutral, ("echo", "echo"))
    back, lost_again, _ = moved(there.request, (request.provider, request.api))
    assert (lost, lost_again) == ((), ())
    assert back.request == neutral._replace(model="new")


@pytest.mark.parametrize("api", APIS)
@laws
@given(data=st.data())
def test_a_header_moves_to_its_own_api_unchanged(api: tuple[str, str], data: st.DataObject) -> None:
    read = of(api).uncompile(data.draw(WIRES[api[1]]), Target("any", "new"))
    own = [tool for tool in read.tools if isinstance(tool, FunctionTool)]
    messages = tuple(message for message in read.messages if not native(message))
    request = read._replace(body={}, omit=(), tools=tuple(own), messages=messages)
    made = move(request, provider(api[0]), api[1], "new")
    if of(api).compile(request).losses == ():
        assert (made.request, made.losses) == (request, ())


def native(message: Message) -> bool:
    return any(map(is_native, message.parts))


def marked(wire: Json, odd: int) -> Json:
    """The wire with texts that occur nowhere else in place of its own; those that structure it stay.

    Every `odd`th object says one thing more, which no api knows.
    """
    numbers, objects = count(10**8), count(1)

    def walk(value: Json, key: str) -> Json:
        if isinstance(value, dict):
            more = {} if next(objects) % odd else {"more": f"x{next(numbers)}"}
            return {**{name: walk(item, name) for name, item in value.items()}, **more}
        if isinstance(value, list):
            return [walk(item, key) for item in value]
        if not isinstance(value, str) or key in STRUCTURE:
            return value
        if key == "arguments":
            return json.dumps({"a": f"x{next(numbers)}"}, separators=(",", ":"))
        return f"x{next(numbers)}"

    return walk(wire, "")
