"""Laws of the page: whatever a run holds, it is sound, it is UTF-8, and no mark-up but its own is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plcli.exchangerecords import ExchangeRecord, ToolResultRecord
from plcli.mediastore import MediaStore
from plcli.records import Record, ResponseRecord
from plcli.render.page import page
from plcli.response import STATES, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from tests.support.pages import Page

TEXT = st.one_of(
    st.text(),
    st.text(alphabet="<>\"'&/=-! \x00\u202e\ud800scriptlyean{}%#"),
    st.sampled_from(["</script>", "<!--", "{{ x }}", "sha256:" + "0" * 64]),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
MAYBE = st.one_of(st.none(), TEXT)
PART = st.one_of(
    st.builds(TextPart, text=TEXT, phase=MAYBE),
    st.builds(ReasoningPart, text=TEXT),
    st.builds(RefusalPart, text=TEXT),
    st.builds(ToolCallPart, id=MAYBE, name=TEXT, arguments=JSON),
    st.builds(NativePart, item=JSON),
    st.builds(ImagePart, media=MAYBE, mime=MAYBE, id=MAYBE, requested=OBJECT, served=OBJECT, url=MAYBE),
)
WIRE = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {
            name: st.one_of(JSON, st.lists(st.fixed_dictionaries({"role": TEXT, "content": JSON, "parts": JSON})))
            for name in ("messages", "input", "contents", "prompt", "tools")
        }
    ),
)
APIS = [
    ("openai", "chat"),
    ("openai", "responses"),
    ("gemini", "generate_content"),
    ("echo", "echo"),
    ("nobody", "none"),
]


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A run that may hold anything."""
    provider, api = draw(st.sampled_from(APIS))
    exchange = ExchangeRecord(
        key="k", operation=draw(TEXT), request=draw(WIRE), response=draw(JSON), started="t", duration_ms=1
    )
    parts = draw(st.lists(PART, max_size=4))
    calls = [part for part in parts if isinstance(part, ToolCallPart)]
    results: list[Any] = [
        ToolResultRecord(exchange=0, call_id=call.id, name=call.name, source="run", result=draw(JSON)) for call in calls
    ]
    return Record(
        id=draw(TEXT),
        time=draw(TEXT),
        command="run",
        plcli="0",
        provider=provider,
        api=api,
        model=draw(MAYBE),
        variables=draw(OBJECT),
        tags=draw(st.lists(TEXT, max_size=2)),
        exchanges=[exchange],
        tool_results=results,
        response=ResponseRecord(state=draw(st.sampled_from(STATES)), parts=parts, output=draw(JSON)),
    )


TAGS = {tag for tag, _ in Page("".join(page([], MediaStore(Path("nowhere")), title=""))).elements} | {
    "article", "header", "section", "details", "summary", "pre", "code", "time", "label", "table", "thead", "tbody",
    "tr", "th", "td", "b", "br", "dl", "dt", "dd", "h2", "p", "div", "span", "a", "figure", "figcaption", "img",
    "input",
}  # fmt: skip


@given(records())
def test_whatever_a_run_holds_the_page_is_sound(run: Record) -> None:
    html = "".join(page([run], MediaStore(Path("nowhere")), title="Runs"))
    shown = Page(html.encode().decode())
    assert {tag for tag, _ in shown.elements} <= TAGS
    assert len(shown.all("article")) == 1
    assert [len(shown.raw[name]) for name in ("script", "style")] == [1, 1]
    for tag, attributes in shown.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes
