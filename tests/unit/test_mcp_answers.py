"""What servers of MCP answer: every kind of content, told as JSON, in bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plcli.handling import mcp_answers
from plcli.handling.mcp_answers import ERROR_LIMIT, McpFailed, result_of
from plcli.toolanswers import parts_of

TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
PNG = {"type": "image", "source": "data:image/png;base64,AAAA"}


def resource(**fields: str) -> dict[str, Any]:
    return {"type": "resource", "resource": fields}


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({}, None),
        ({"content": []}, None),
        ({"content": [TEXT]}, "a"),
        ({"content": [TEXT, TEXT]}, "a\na"),
        ({"content": [TEXT], "structuredContent": {"b": None}}, {"b": None}),
        ({"content": [TEXT], "structuredContent": []}, []),
        ({"content": [TEXT], "structuredContent": None}, "a"),
        ({"content": [IMAGE]}, {"content": [PNG]}),
        ({"content": [TEXT, IMAGE]}, {"content": [TEXT, PNG]}),
        ({"content": [resource(uri="note://1", text="b")]}, "b"),
        ({"content": [{"type": "resource_link", "uri": "far"}]}, '{"type":"resource_link","uri":"far"}'),
        ({"content": [{"type": "hologram"}, "what"]}, '{"type":"hologram"}\n"what"'),
    ],
)
def test_a_result_is_structured_else_text_else_parts(answer: Any, result: Any) -> None:
    assert result_of(answer) == result


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (resource(uri="file:///a/b.png", blob="AAAA", mimeType="image/png"), PNG),
        (
            resource(uri="https://example.com/a/report.pdf?key=1#2", blob="AAAA", mimeType="application/pdf"),
            {"type": "file", "source": "data:application/pdf;base64,AAAA", "filename": "report.pdf"},
        ),
        (
            resource(uri="note:", blob="AAAA"),
            {"type": "file", "source": "data:application/octet-stream;base64,AAAA", "filename": "note:"},
        ),
        (
            resource(uri="x/", blob="AAAA", mimeType="text/html;base64,evil"),
            {"type": "file", "source": "data:application/octet-stream;base64,AAAA", "filename": "x"},
        ),
        (
            {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
            {"type": "file", "source": "data:audio/wav;base64,AAAA", "filename": "audio"},
        ),
    ],
)
def test_bytes_become_pictures_or_files_with_a_name(block: Any, part: Any) -> None:
    assert result_of({"content": [block]}) == {"content": [part]}
    assert parts_of({"content": [part]}) is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([TEXT, {"type": "text", "text": "b"}], "a\nb"),
        ([], "does not say why"),
        ([{"type": "text", "text": "x" * 9999}], "x" * (ERROR_LIMIT - 1) + "…"),
    ],
)
def test_an_error_of_the_tool_is_a_failure_with_its_words(content: Any, words: str) -> None:
    with pytest.raises(McpFailed) as failure:
        result_of({"isError": True, "content": content, "structuredContent": {"a": 1}})
    assert failure.value.message.endswith(words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"content": [{"type": "text", "text": "x" * 99}, TEXT]}, "of text"),
        ({"content": [TEXT], "structuredContent": ["x" * 99]}, "of JSON"),
        ({"content": [IMAGE | {"data": "A" * 999}]}, "of pictures and files"),
    ],
)
def test_more_than_a_result_may_have_is_a_failure(answer: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_answers, "TEXT_LIMIT", 100)
    monkeypatch.setattr(mcp_answers, "MEDIA_LIMIT", 100)
    with pytest.raises(McpFailed, match=words):
        result_of(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "data", "mimeType", "resource", "uri", "blob"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(content=st.lists(JSON, max_size=4), more=st.dictionaries(st.sampled_from(["structuredContent"]), JSON))
def test_whatever_stands_in_a_list_of_content_has_a_result(content: Any, more: Any) -> None:
    result = result_of({"content": content, **more})
    if not more:
        assert result is None or isinstance(result, str) or parts_of(result) is not None
