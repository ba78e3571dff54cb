"""Laws of exports: whatever a run holds, each form is sound, and says exactly what stands in the log."""

from __future__ import annotations

import ast
import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plcli import workspace
from plcli.environment import UserSide
from plcli.exchangerecords import ExchangeRecord
from plcli.exports import batch, curl, jsonl, promptlayer, python, table
from plcli.exports.connections import Surroundings
from plcli.exports.literals import literal
from plcli.exports.losses import Losses
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.providers.outgoing import encode
from plcli.records import Cost, Endpoint, Record, ResponseRecord, Source, parse
from plcli.redact import Redactor
from plcli.response import STATES, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart, ToolCallPart, Usage

TEXT = st.one_of(
    st.text(),
    st.text(alphabet="'\"`$\\!%{}()&|;<>*?~# \n\r\t\x00\x1b\u202e\udc80\U0001f600=+-@,ab"),
    st.sampled_from(["EOF", "$(id)", "${HOME}", "-d @/etc/passwd", "=1+1", "../../x", "sha256:" + "0" * 64]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
MAYBE = st.none() | TEXT
PART = st.one_of(
    st.builds(TextPart, text=TEXT),
    st.builds(ReasoningPart, text=TEXT),
    st.builds(RefusalPart, text=TEXT),
    st.builds(ToolCallPart, id=MAYBE, name=TEXT, arguments=JSON),
    st.builds(NativePart, item=JSON),
    st.builds(ImagePart, media=MAYBE, mime=MAYBE, url=MAYBE),
)
NAMES = ("model", "messages", "input", "contents", "prompt", "images", "tools", "tool_choice", "generationConfig")
MARKED = st.sampled_from(
    [
        {"$media": "sha256:" + "0" * 64, "mime": "image/png", "as": "data-url"},
        {"$redacted": "sha256:" + "0" * 64},
        {"$same": 3},
        {"$literal": {"$media": 7}},
        {"$media": 7},
    ]
)
WIRE = OBJECT | st.fixed_dictionaries({}, optional={name: JSON | st.lists(JSON | MARKED, max_size=2) for name in NAMES})
OPERATIONS = {
    "responses": ("openai", "responses.create"),
    "chat": ("openai", "chat.completions.create"),
    "images": ("openai", "images.edit"),
    "generate_content": ("gemini", "generateContent"),
    "echo": ("echo", "echo"),
    "none": ("nobody", "nothing"),
}
URLS = st.none() | st.sampled_from(["https://api.openai.com/v1", "http://127.0.0.1:1", "https://x.example/a"]) | TEXT


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A run that may hold anything."""
    api = draw(st.sampled_from(sorted(OPERATIONS)))
    provider, operation = OPERATIONS[api]
    exchange = st.builds(
        ExchangeRecord,
        key=st.just("k"),
        operation=st.just(operation) | TEXT,
        request=WIRE | JSON,
        response=JSON,
        started=st.just("2026-11-26T09:00:00.000Z") | TEXT,
        duration_ms=st.integers(0, 2**60),
    )
    return Record(
        id=draw(TEXT),
        time=draw(TEXT),
        command="run",
        plcli="0",
        provider=provider,
        api=api,
        model=draw(st.just("m-1") | MAYBE),
        model_spec=draw(MAYBE),
        sources=draw(st.none() | st.lists(st.builds(Source, path=TEXT, sha256=TEXT), max_size=1)),
        endpoint=draw(st.none() | st.builds(Endpoint, base_url=URLS, api_version=MAYBE)),
        variables=draw(st.none() | OBJECT),
        metadata=draw(st.none() | OBJECT),
        tags=draw(st.none() | st.lists(TEXT, max_size=2)),
        usage=draw(st.none() | st.builds(Usage, input_tokens=st.none() | st.integers(-1, 9))),
        cost=draw(st.none() | st.builds(Cost, amount=st.floats(0, 9), source=st.just("user"), complete=st.booleans())),
        exchanges=draw(st.lists(exchange, max_size=2)),
        response=draw(
            st.builds(
                ResponseRecord,
                state=st.sampled_from(STATES),
                parts=st.lists(PART, max_size=3),
                text=MAYBE,
                output=JSON,
            )
        ),
    )


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    folder = tmp_path_factory.mktemp("laws")
    user = UserSide({}, folder / "config.toml")
    return Surroundings(workspace.find(folder), MediaStore(folder / "media"), user, Redactor())


def written(form: Callable[..., Iterator[str]], record: Record, around: Surroundings) -> tuple[str, Losses]:
    told: list[str] = []
    losses = Losses(told.append)
    text = "".join(form([record], around, None, losses))
    assert not any("\n" in line for line in told)
    assert losses.exported + losses.left_out > 0
    return text.encode().decode(), losses


@given(records())
def test_every_form_of_any_run_is_sound(around: Surroundings, record: Record) -> None:
    for form in (batch.batch, promptlayer.promptlayer):
        text, losses = written(form, record, around)
        assert len(text.splitlines()) >= losses.exported == len(list(map(json.loads, text.split("\n")[:-1])))
    text, _ = written(python.python, record, around)
    compile(text, "export.py", "exec")
    text, _ = written(jsonl.jsonl, record, around)
    assert parse(text) == record


@given(records())
def test_every_table_reads_back_and_no_cell_is_a_formula(around: Surroundings, record: Record) -> None:
    text, _ = written(table.table, record, around)
    (row,) = csv.DictReader(io.StringIO(text.replace("\0", "\\0"), newline=""))
    assert None not in row
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r", "\n")) for cell in row.values())
    assert all(json.loads(cell) is not None for cell in row.values() if cell.startswith("-"))
    values = {name.partition(".")[2]: cell for name, cell in row.items() if name.startswith("variables.")}
    assert {name for name in values if name in (record.variables or {})} == {
        name for name, value in (record.variables or {}).items() if value is not None and name == clean(name)
    }


def clean(name: str) -> str:
    """A name as a table of UTF-8 without NUL says it."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def of(wire: Json, operation: str, model: str = "m-1") -> Record:
    api = next(api for api, (_, known) in OPERATIONS.items() if known == operation)
    exchange = ExchangeRecord(key="k", operation=operation, request=wire, started="t", duration_ms=1)
    return Record(
        id="x", time="t", command="run", plcli="0", provider=OPERATIONS[api][0], api=api, model=model,
        exchanges=[exchange],
    )  # fmt: skip


PLAIN = st.dictionaries(TEXT.filter(lambda name: not name.startswith("$")), JSON, max_size=4)


def plain(value: Json) -> bool:
    """Whether no mark of a log is in it, and no switch of the transport."""
    if isinstance(value, dict):
        return all(not name.startswith("$") and plain(item) for name, item in value.items())
    return all(map(plain, value)) if isinstance(value, list) else True


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@given(PLAIN.filter(plain))
@example({"input": "'" * 25_000})
@example({"input": "\udc80"})
def test_bash_gives_curl_the_very_bytes_of_the_wire(around: Surroundings, wire: dict[str, Json]) -> None:
    wire = {name: item for name, item in wire.items() if name not in ("stream", "stream_options")}
    text, losses = written(curl.curl, of(wire, "responses.create"), around)
    assert losses.exported == 1
    told = 'curl() { printf \'%s\\0\' "$@"; case "$*" in *--data-binary*) cat;; esac; }\n'
    done = subprocess.run(["bash"], input=(told + text).encode(), capture_output=True, check=True, timeout=60)
    *words, rest = done.stdout.split(b"\0")
    assert words[:3] == [b"-sS", b"--fail-with-body", b"https://api.openai.com/v1/responses"]
    assert words[3:7:2] == [b"-H", b"-H"]
    assert (words[-1] if words[-2] == b"--data-raw" else rest) == encode(wire)


@given(JSON)
@example({"a": [[[[["deep"]]]]], "lines": "one\ntwo\n" * 20, "'": '"'})
def test_the_source_text_of_a_value_is_that_value(value: Json) -> None:
    def of_media(_: Any) -> str:
        raise AssertionError("there are no media")

    source = literal(value, of_media)
    assert ast.literal_eval(source) == value
    assert json.dumps(ast.literal_eval(source)) == json.dumps(value)


def test_nothing_of_a_stranger_leaves_its_place_in_a_comment(around: Surroundings, tmp_path: Path) -> None:
    record = of({"input": "x"}, "responses.create", model="m\nimport os").model_copy(update={"id": "x\ntouch here\n#"})
    for form in (curl.curl, python.python):
        text, _ = written(form, record, around)
        assert "\ntouch" not in text
        assert "\nimport os" not in text
