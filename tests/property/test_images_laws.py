"""The laws of the adapter of OpenAI's Images api, on generated wires, requests, answers and streams."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed
from plcli.media import Json, MediaRef
from plcli.providers import openai_images
from plcli.providers.roundtrip import same
from plcli.request import Image, Message, Request, Text
from tests.property import images_wires
from tests.property.wires import json_values, words
from tests.support.image_streams import image_events

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@laws
@given(wire=images_wires.wires | st.dictionaries(words, json_values, max_size=4), model=st.sampled_from(["m", "other"]))
def test_a_wire_comes_back_from_its_request(wire: Json, model: str) -> None:
    target = openai_images.target_of(wire, model)
    compiled = openai_images.compile(openai_images.uncompile(wire, target))
    assert same(compiled.wire, wire)
    assert compiled.target == target


@laws
@given(request=images_wires.requests)
def test_a_request_comes_back_from_its_wire(request: Request) -> None:
    compiled = openai_images.compile(request)
    assert compiled.losses == ()
    assert openai_images.uncompile(compiled.wire, compiled.target) == normal(request)


@laws
@given(body=images_wires.bodies, drafts=st.integers(0, 2), edit=st.booleans())
def test_a_stream_reads_like_the_plain_answer(body: Json, drafts: int, edit: bool) -> None:
    folded = openai_images.fold(map(WireEvent, image_events(body, drafts=drafts, edit=edit)))
    assert folded == (body, True)


@laws
@given(body=images_wires.bodies, drafts=st.integers(0, 2), data=st.data())
def test_a_cut_stream_is_an_error_that_keeps_the_last_draft(body: Json, drafts: int, data: st.DataObject) -> None:
    came = image_events(body, drafts=drafts)[: data.draw(st.integers(0, drafts))]
    folded = openai_images.fold(map(WireEvent, came))
    assert not folded.complete
    if came:
        answer = openai_images.read(folded.body)
        assert answer.state == "error"
        assert folded.body["data"][0]["partial_image_index"] == len(came) - 1


@laws
@given(events=st.lists(images_wires.hostile_events, max_size=5))
def test_no_stream_breaks_fold_progress_or_read(events: list[Json]) -> None:
    for event in map(WireEvent, events):
        openai_images.progress(event)
    read_or_fail(openai_images.fold(map(WireEvent, events)).body)


@laws
@given(body=images_wires.hostile_bodies, wire=images_wires.wires)
def test_no_body_breaks_read_or_the_next_turn(body: Json, wire: Json) -> None:
    read_or_fail(body)
    with suppress(CallFailed):
        following = openai_images.next_turn(wire, body, (Message("user", (Text("more"),)),), "echo")
        assert openai_images.target_of(following, "m") == Target("images.edit", "m")
        assert openai_images.uncompile(following, Target("images.edit", "m"))


@laws
@given(wire=images_wires.wires)
def test_a_number_of_pictures_is_wanted_that_can_be(wire: Json) -> None:
    assert 1 <= openai_images.wanted(wire) <= openai_images.MOST


def read_or_fail(body: Json) -> None:
    with suppress(CallFailed):
        openai_images.read(body).model_dump_json()


def normal(request: Request) -> Request:
    """The request as its own wire reads: one message, its words first, and pictures by data URL."""
    parts = [part for message in request.messages for part in message.parts]
    said = [part.text for part in parts if isinstance(part, Text)]
    told = (
        *([Text("\n\n".join(said))] if said else ()),
        *(Image(data_url(p.source)) for p in parts if isinstance(p, Image)),
    )
    image = {key: data_url(item) for key, item in (request.image or {}).items()}
    return request._replace(messages=(Message("user", told),) if told else (), image=image)


def data_url(source: Any) -> Any:
    if not isinstance(source, MediaRef) or source.encoding == "data-url":
        return source
    return MediaRef(source.digest, source.mime, "data-url")
