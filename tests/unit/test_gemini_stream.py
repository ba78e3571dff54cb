from __future__ import annotations

from typing import Any

import pytest

from plcli.exchange import WireEvent
from plcli.media import MediaRef, digest_of
from plcli.providers.gemini_answer import read
from plcli.providers.gemini_stream import fold, progress
from plcli.response import Event

PICTURE = MediaRef(digest_of(b"x"), "image/png")


def body(*parts: Any, reason: Any = "STOP", **fields: Any) -> Any:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": reason, "index": 0, **fields}
    return {"candidates": [candidate], "modelVersion": "m-1"}


def chunk(*parts: Any, **fields: Any) -> WireEvent:
    content = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    return WireEvent({"candidates": [{**content, **fields}]})


def folded(*events: WireEvent) -> Any:
    whole = fold(events)
    assert whole.complete
    return whole.body["candidates"][0]


# fold


def test_texts_of_one_kind_are_one_part_and_signatures_stay_with_theirs() -> None:
    made = folded(
        chunk({"text": "I ", "thought": True}),
        chunk({"text": "think", "thought": True}),
        chunk({"text": "so \ud83e"}, index=0),
        chunk({"text": "\udd8a", "thought": False}),
        chunk({"text": "!", "thoughtSignature": "s1"}),
        chunk({"text": "", "thoughtSignature": "s2"}, finishReason="STOP"),
    )
    assert made["content"] == {
        "parts": [
            {"text": "I think", "thought": True},
            {"text": "so 🦊"},
            {"text": "!", "thoughtSignature": "s1"},
            {"text": "", "thoughtSignature": "s2"},
        ],
        "role": "model",
    }


def test_counts_are_those_of_the_last_chunk_that_counts() -> None:
    events = [
        WireEvent({"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 21, "totalTokenCount": 30}}),
        chunk({"text": "a"}, finishReason="STOP"),
        WireEvent({"usageMetadata": {"promptTokenCount": 87, "thoughtsTokenCount": 78, "totalTokenCount": 165}}),
        WireEvent({"usageMetadata": {"trafficType": "x"}}),
    ]
    usage = {"promptTokenCount": 87, "thoughtsTokenCount": 78, "totalTokenCount": 165, "trafficType": "x"}
    assert fold(events).body["usageMetadata"] == usage


def test_what_comes_with_the_chunks_adds_up_to_one_body() -> None:
    events = [
        WireEvent({"usageMetadata": {"promptTokenCount": 4, "trafficType": "x"}, "responseId": "r", "candidates": []}),
        chunk({"text": "a"}, citationMetadata={"citationSources": [1]}, groundingMetadata={}),
        chunk(citationMetadata={"citationSources": [2]}, groundingMetadata={"queries": ["q"]}, safetyRatings=[]),
        chunk(groundingMetadata={"chunks": []}, finishReason="STOP"),
        WireEvent({"usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 9}, "modelVersion": "m"}),
        WireEvent("[DONE]"),
    ]
    whole = fold(events)
    assert whole.complete
    assert whole.body == {
        "candidates": [
            {
                "content": {"parts": [{"text": "a"}], "role": "model"},
                "groundingMetadata": {"queries": ["q"], "chunks": []},
                "safetyRatings": [],
                "finishReason": "STOP",
                "citationMetadata": {"citationSources": [1, 2]},
            }
        ],
        "usageMetadata": {"promptTokenCount": 4, "trafficType": "x", "totalTokenCount": 9},
        "responseId": "r",
        "modelVersion": "m",
    }


def test_several_candidates_are_told_apart_by_their_index() -> None:
    events = [
        WireEvent({"candidates": [{"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]}),
        WireEvent({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}),
    ]
    assert not fold(events).complete
    whole = fold([*events, chunk(finishReason="STOP")])
    assert [candidate["content"]["parts"] for candidate in whole.body["candidates"]] == [
        [{"text": "a"}],
        [{"text": "b"}],
    ]
    assert whole.complete


@pytest.mark.parametrize(
    ("events", "complete", "state"),
    [
        ([chunk({"text": "a"})], False, "error"),
        ([WireEvent({"usageMetadata": {"promptTokenCount": 1}})], False, "error"),
        ([WireEvent({"promptFeedback": {"blockReason": "SAFETY"}})], True, "blocked"),
        ([chunk({"text": "a"}), WireEvent({"error": {"code": 500, "status": "INTERNAL"}})], True, "error"),
        ([WireEvent(body({"text": "a"}), whole=True)], True, "ok"),
        ([WireEvent(body({"text": "a"}, reason=None), whole=True)], True, "error"),
    ],
)
def test_only_an_answer_with_its_end_is_complete(events: list[WireEvent], complete: bool, state: str) -> None:
    whole = fold(events)
    assert whole.complete is complete
    assert read(whole.body).state == state


def piece(*partial: Any, more: bool | None = True, **fields: Any) -> WireEvent:
    call = {**fields, **({"partialArgs": list(partial)} if partial else {})}
    return chunk({"functionCall": call if more is None else {**call, "willContinue": more}})


def at(path: str, *, more: bool = False, **value: Any) -> Any:
    return {"jsonPath": path, **value, **({"willContinue": True} if more else {})}


END = chunk(finishReason="STOP")


def test_a_call_streamed_in_pieces_is_put_together() -> None:
    begun = WireEvent({"candidates": [{"content": {"role": "model", "parts": [
        {"functionCall": {"id": "f1", "name": "book", "willContinue": True}, "thoughtSignature": "s"}]}}]})  # fmt: skip
    made = folded(
        begun,
        piece(at("$.city", stringValue="Os", more=True), at("$.nights", numberValue=2)),
        piece(at("$.city", stringValue="lo", more=True)),
        piece(at("$.city"), at("$.guests[0].name", stringValue="Ada"), at("$.guests[1]['age \\'a']", nullValue="X")),
        piece(at('$["vip"]', boolValue=False), name="book"),
        piece(more=None),
        chunk({"functionCall": {"name": "add", "args": {"a": 1}}}),
        END,
    )
    arguments = {"city": "Oslo", "nights": 2, "guests": [{"name": "Ada"}, {"age 'a": None}], "vip": False}
    assert made["content"]["parts"] == [
        {"functionCall": {"id": "f1", "name": "book", "args": arguments}, "thoughtSignature": "s"},
        {"functionCall": {"name": "add", "args": {"a": 1}}},
    ]


def test_a_name_begins_another_call() -> None:
    made = folded(
        piece(name="add"),
        piece(at("$.a", numberValue=1), more=False),
        piece(name="add"),
        piece(at("$.a", numberValue=2), more=False),
        END,
    )
    assert [part["functionCall"] for part in made["content"]["parts"]] == [
        {"name": "add", "args": {"a": 1}},
        {"name": "add", "args": {"a": 2}},
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(name="f")],
        [piece(name="f"), piece(at("$.a", numberValue=1), at("$.a.b", numberValue=1), more=False)],
        [piece(name="f"), piece(at("$.a[3]", numberValue=1), more=False)],
        [piece(name="f"), piece(at("$..a", numberValue=1), more=False)],
        [piece(name="f"), piece(at("$" + ".a" * 101, numberValue=1), more=False)],
        [piece(name="f"), piece(at("$.a", numberValue=[1]), more=False)],
        [piece(name="f"), piece(at("$.a"), more=False)],
        [piece(name="f"), piece("odd", more=False)],
    ],
)
def test_a_call_whose_pieces_do_not_add_up_is_an_error(pieces: list[WireEvent]) -> None:
    whole = fold([*pieces, END])
    answer = read(whole.body)
    assert answer.state == "error"
    assert answer.failure is not None
    assert "not complete" in answer.failure.message


# progress


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (chunk({"text": "a"}, {"text": "b"}), Event("text", "ab")),
        (chunk({"text": "a", "thought": True}), Event("reasoning", "a")),
        (chunk({"functionCall": {"name": "f", "args": {}}}), Event("tool_call", "f")),
        (piece(at("$.a", numberValue=1), name="f"), None),
        (piece(at("$.a", numberValue=1)), None),
        (chunk({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}), Event("image")),
        (chunk({"inline_data": {"mime_type": "image/png", "data": "AAAA"}}), Event("image")),
        (chunk({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}}), Event("image")),
        (chunk({"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": True}), None),
        (chunk({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}), None),
        (chunk({"text": "a"}, index=1), None),
        (chunk({"text": 3}), None),
        (END, None),
        (WireEvent(body({"text": "a"}), whole=True), None),
        (WireEvent("[DONE]"), None),
    ],
)
def test_progress_shows_what_comes(event: WireEvent, shown: Event | None) -> None:
    assert progress(event) == shown
