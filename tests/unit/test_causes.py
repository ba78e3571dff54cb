"""Causes: the file, line and column that make a request another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plcli import __version__
from plcli.diffing.causes import located
from plcli.diffing.differing import Asked, of_requests
from plcli.documents import parse
from plcli.media import digest_of
from plcli.mediastore import MediaStore
from plcli.overrides import Overrides
from plcli.records import Record, Source, SpecRef
from plcli.replayrecords import Difference
from plcli.resolve import Resolved, resolve
from plcli.variables import Raw
from plcli.workspace import find

SPEC = """\
kind: request
model: mine
variables:
  city: {type: string, default: Paris}
  chat: {type: array, default: [{role: user, content: Hi}, {role: assistant, content: Hello}]}
messages:
  - role: system
    content: |
      You are terse.
      Speak plainly.
      No jokes.
  - {history: chat}
  - role: user
    content:
      - {type: text, text: "What is the weather in {{ city }}?"}
      - {type: image, source: map.png}
  - role: user
    content: {file: more.md}
tools: [get_weather, {type: web_search}, {name: here, parameters: {type: object}}]
output: {schema: answer.json}
params: {max_output_tokens: 500, temperature: 0.2}
body: {prompt_cache_key: weather}
"""
TOOL = """\
kind: tool
name: get_weather
description: The weather.
parameters:
  type: object
  properties:
    city: {type: string, description: Name of the city}
  required: [city]
strict: false
"""
FILES = {
    "prompts/x.yaml": SPEC,
    "prompts/more.md": "one\ntwo {{ city }}\nthree\n",
    "prompts/answer.json": '{"type": "object",\n "properties": {\n  "t": {"type": "number"}}}\n',
    "prompts/map.png": "\x89PNG\r\n\x1a\n\0one",
    "tools/get_weather.yaml": TOOL,
    "models/mine.yaml": "kind: model\nprovider: openai\nmodel: m\nparams: {verbosity: low, top_p: 0.5}\n",
}


ASKED = {"provider": "openai", "model": "n"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ws")


@pytest.fixture
def ws(root: Path) -> Path:
    for name, text in FILES.items():
        put(root, name, text)
    return root


@pytest.fixture(scope="module")
def base(root: Path) -> tuple[Resolved, Record, MediaStore]:
    """The request of the files before any of them is edited, and its record."""
    for name, text in FILES.items():
        put(root, name, text)
    then, store = plan(root), MediaStore(root / "media")
    return then, logged(then, store), store


def put(ws: Path, name: str, text: str) -> None:
    path = ws / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("latin-1"))


def edit(ws: Path, name: str, old: str, new: str) -> None:
    text = (ws / name).read_bytes().decode("latin-1")
    assert old in text
    put(ws, name, text.replace(old, new, 1))


def plan(ws: Path, given: dict[str, str] | None = None, *, spec: str = "prompts/x.yaml", **overrides: Any) -> Resolved:
    workspace = find(ws)
    variables = {name: Raw(value) for name, value in (given or {}).items()}
    return resolve(
        workspace, workspace.document(ws / spec), ws / spec, given=variables, overrides=Overrides(**overrides)
    )


def logged(then: Resolved, store: MediaStore, *, spec: str = "prompts/x.yaml", **fields: Any) -> Record:
    sources = [Source(path=one.path, sha256=store.put(one.data, one.mime)) for one in then.sources]
    known: dict[str, Any] = {
        "spec": SpecRef(path=spec, sha256=then.document.sha256 if then.document else ""),
        "sources": sources,
        "overrides": then.overrides.record(),
        "variables": then.variables,
    }
    return Record(id="1-a", time="", command="run", **{"plcli": __version__, **known, **fields})


def asked(plan: Resolved) -> Asked:
    return Asked(plan.request.provider, plan.request.api, plan.compiled.wire, plan.compiled.target)


def told(then: Resolved, now: Resolved, record: Record, store: MediaStore) -> list[str]:
    found = located(of_requests(asked(then), asked(now)), now, record, store)
    return [f"{one.path} {one.cause or place(one)}" for one in found]


def place(one: Difference) -> str:
    return ":".join(str(step) for step in (one.file, one.line, one.column) if step is not None)


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


@pytest.mark.parametrize(
    ("file", "old", "new", "told_of"),
    [
        ("prompts/x.yaml", "plainly", "loudly", ["messages[0].content prompts/x.yaml:10"]),
        ("prompts/x.yaml", "      No jokes.\n", "", ["messages[0].content prompts/x.yaml:10"]),
        ("prompts/x.yaml", "role: system", "role: developer", ["messages[0].role prompts/x.yaml:7:11"]),
        ("prompts/x.yaml", "What is", "Tell me", ["messages[3].content[0].text prompts/x.yaml:15:28"]),
        ("prompts/x.yaml", "Hello}", "Hullo}", ["messages[2].content prompts/x.yaml:5:32"]),
        (
            "prompts/x.yaml",
            "  - {history: chat}\n",
            "  - {role: user, content: Yo}\n  - {history: chat}\n",
            ["messages[1] prompts/x.yaml:12:5"],
        ),
        (
            "prompts/x.yaml",
            "  - {history: chat}\n",
            "",
            ["messages[1] prompts/x.yaml:12", "messages[2] prompts/x.yaml:12"],
        ),
        (
            "prompts/x.yaml",
            "      - {type: image, source: map.png}\n",
            "",
            ["messages[3].content[1] prompts/x.yaml:15:7"],
        ),
        (
            "prompts/x.yaml",
            "default: Paris",
            "default: Rome",
            ["messages[3].content[0].text prompts/x.yaml:4:33", "messages[4].content prompts/x.yaml:4:33"],
        ),
        ("prompts/more.md", "three", "drei", ["messages[4].content prompts/more.md:3"]),
        ("prompts/map.png", "one", "two", ["messages[3].content[1].source prompts/map.png"]),
        ("prompts/x.yaml", ", {type: web_search}", "", ["tools.web_search prompts/x.yaml:19"]),
        ("prompts/x.yaml", "web_search}", "web_search, x: 1}", ["tools.web_search.x prompts/x.yaml:19:44"]),
        (
            "prompts/x.yaml",
            "{name: here, parameters: {type: object}}",
            "{name: here, description: d, parameters: {type: object}}",
            ["tools.here.description prompts/x.yaml:19:68"],
        ),
        (
            "prompts/x.yaml",
            "[get_weather, {type: web_search}",
            "[{type: web_search}, get_weather",
            ["tools prompts/x.yaml:19:8"],
        ),
        (
            "tools/get_weather.yaml",
            "Name of the",
            "The",
            ["tools.get_weather.parameters.properties.city.description tools/get_weather.yaml:7:39"],
        ),
        (
            "tools/get_weather.yaml",
            "[city]",
            "[]",
            ["tools.get_weather.parameters.required[0] tools/get_weather.yaml:8"],
        ),
        (
            "tools/get_weather.yaml",
            "description: The weather.\n",
            "",
            ["tools.get_weather.description tools/get_weather.yaml:3"],
        ),
        ("prompts/answer.json", "number", "integer", ["output.schema.properties.t.type prompts/answer.json:3:17"]),
        ("prompts/x.yaml", "0.2", "0.3", ["params.temperature prompts/x.yaml:21:47"]),
        ("prompts/x.yaml", ", temperature: 0.2", "", ["params.temperature prompts/x.yaml:21"]),
        ("models/mine.yaml", "verbosity: low", "verbosity: high", ["params.verbosity models/mine.yaml:4:21"]),
        ("models/mine.yaml", "verbosity: low, ", "", ["params.verbosity models/mine.yaml:4"]),
        ("models/mine.yaml", "model: m\n", "model: n\n", ["model models/mine.yaml:3:8"]),
        ("models/mine.yaml", "params:", "body: {user: me}\nparams:", ["body.user models/mine.yaml:4:14"]),
        ("prompts/x.yaml", "key: weather}", "key: other}", ["body.prompt_cache_key prompts/x.yaml:22:26"]),
        ("prompts/x.yaml", "body:", "omit: [top_p]\nbody:", ["params.top_p prompts/x.yaml:22"]),
    ],
)  # fmt: skip
def test_a_difference_has_the_line_that_makes_it(
    ws: Path, base: tuple[Resolved, Record, MediaStore], file: str, old: str, new: str, told_of: list[str]
) -> None:
    then, record, store = base
    edit(ws, file, old, new)
    assert told(then, plan(ws), record, store) == told_of


def test_what_no_file_says_has_a_cause(ws: Path, store: MediaStore) -> None:
    then = plan(ws)
    record = logged(then, store)
    changed = plan(ws, set=(("params.temperature", 1), ("messages[0].content", "x")))
    assert told(then, changed, record, store) == [
        "messages[0].content --set messages[0].content",
        "params.temperature --set params.temperature",
    ]
    assert told(changed, then, logged(changed, store), store) == [
        "messages[0].content then --set messages[0].content",
        "params.temperature then --set params.temperature",
    ]
    assert told(then, plan(ws, model="openai/n"), record, store) == [
        "model --model openai/n",
        "params.top_p --model openai/n",
        "params.verbosity --model openai/n",
    ]
    assert told(then, plan(ws, {"city": "Oslo"}), record, store) == [
        "messages[3].content[0].text variable city",
        "messages[4].content variable city",
    ]
    shorter = plan(ws, {"chat": '[{"role": "user", "content": "Hi"}]'})
    assert told(then, shorter, record, store) == ["messages[2] variable chat"]


LOOP = """\
kind: request
model: {model}
messages:
  - {role: system, content: Be terse.}
  - {role: user, content: First}
  - role: assistant
    content:
      - {type: text, text: I ask.}
      - {type: tool_call, id: c1, name: get_weather, arguments: {city: Paris}}
      - {type: tool_call, id: c2, name: get_weather, arguments: {city: Rome}}
  - role: tool
    content:
      - {type: tool_result, id: c1, name: get_weather, content: "21"}
      - {type: tool_result, id: c2, name: get_weather, content: "22"}
  - {role: user, content: Last words}
"""
PICTURE = """\
kind: request
model: {model}
messages:
  - {role: user, content: A house}
  - {role: user, content: at night}
"""


@pytest.mark.parametrize(
    ("text", "model", "old", "new", "line"),
    [
        *(
            (LOOP, model, *edited)
            for model in ("openai/m", "gemini/m", "echo/any")
            for edited in (("Last", "Final", 15), ("Rome", "Oslo", 10), ("terse", "brief", 4), ("I ask", "We ask", 8))
        ),
        (PICTURE, "openai/gpt-image-x", "night", "noon", 5),
        (PICTURE, "openai/gpt-image-x", "house", "home", 4),
    ],
)
def test_turns_that_an_api_takes_apart_or_puts_together_are_found_again(
    ws: Path, store: MediaStore, text: str, model: str, old: str, new: str, line: int
) -> None:
    spec = "prompts/loop.yaml"
    put(ws, spec, text.replace("{model}", model))
    then = plan(ws, spec=spec)
    record = logged(then, store, spec=spec)
    edit(ws, spec, old, new)
    now = plan(ws, spec=spec)
    found = located(of_requests(asked(then), asked(now)), now, record, store)
    assert {(one.file, one.line) for one in found} == {(spec, line)}


def test_what_another_plcli_makes_otherwise_is_not_put_on_a_line(ws: Path, store: MediaStore) -> None:
    then, now = plan(ws), plan(ws, {"city": "Rome"})
    unstored = Difference(path="body.store", kind="changed", old=None, new=False)

    def cause(version: str) -> str:
        (found,) = located([unstored], now, logged(then, store, plcli=version), store)
        return found.cause or ""

    assert cause("0.0.9") == f"plcli {__version__}, then 0.0.9"
    assert cause(__version__) == ""


def test_what_follows_of_the_only_change_has_its_line(ws: Path, store: MediaStore) -> None:
    then = plan(ws)
    record = logged(then, store)
    edit(ws, "tools/get_weather.yaml", "strict: false", "strict: true")
    (found,) = located([Difference(path="body.x", kind="added")], plan(ws), record, store)
    assert place(found) == "tools/get_weather.yaml:9"
    edit(ws, "prompts/x.yaml", "plainly", "loudly")
    (found,) = located([Difference(path="body.x", kind="added")], plan(ws), record, store)
    assert (found.file, found.cause) == (None, None)


def test_a_picture_that_changed_has_no_line(ws: Path, store: MediaStore) -> None:
    record = logged(plan(ws), store)
    put(ws, "prompts/map.png", "\x89PNG\r\n\x1a\n\0two\n")
    (found,) = located([Difference(path="body.x", kind="added")], plan(ws), record, store)
    assert place(found) == "prompts/map.png"


def test_a_model_that_the_spec_names_no_more_is_gone_from_there(ws: Path, store: MediaStore) -> None:
    put(ws, "plcli.toml", 'model = "openai/n"\n')
    put(ws, "models/mine.yaml", "kind: model\nprovider: openai\nmodel: m\n")
    then = plan(ws)
    edit(ws, "prompts/x.yaml", "model: mine\n", "")
    now = plan(ws)
    assert told(then, now, logged(then, store), store) == ["model prompts/x.yaml:2"]
    put(ws, "plcli.toml", 'model = "openai/o"\n')
    assert told(now, plan(ws), logged(now, store, **ASKED), store) == ["model the default model of plcli.toml"]
    (ws / "plcli.toml").unlink()


def test_a_prompt_of_the_command_line_is_its_own_cause(ws: Path, store: MediaStore) -> None:
    def prompted(text: str) -> Resolved:
        document = parse(f"kind: request\nmodel: openai/m\nprompt: {text}\n", file="--prompt", format="yaml")
        return resolve(find(ws), document, None, given={})

    then, now = prompted("one"), prompted("two")
    assert told(then, now, logged(then, store, spec=""), store) == ["messages[0].content --prompt"]


def test_where_nothing_of_then_is_kept_the_places_of_today_are_told(ws: Path, store: MediaStore) -> None:
    then = plan(ws)
    record = logged(then, store, sources=None)
    edit(ws, "prompts/x.yaml", "plainly", "loudly")
    edit(ws, "tools/get_weather.yaml", "Name of the", "The")
    edit(ws, "prompts/x.yaml", ", temperature: 0.2", "")
    assert told(then, plan(ws), record, store) == [
        "messages[0].content prompts/x.yaml:8:14",
        "tools.get_weather.parameters.properties.city.description tools/get_weather.yaml:7:39",
        "params.temperature prompts/x.yaml:21:9",
    ]


def test_a_copy_without_secrets_tells_the_lines_that_changed_beside_them(ws: Path, store: MediaStore) -> None:
    edit(ws, "prompts/x.yaml", "You are terse.", "You are secret-word.")
    then = plan(ws)
    copy = (ws / "prompts/x.yaml").read_bytes().replace(b"secret-word", b"[redacted]")
    spec, *others = logged(then, store).sources or []
    kept = spec.model_copy(update={"redacted": True, "kept": store.put(copy, "application/yaml")})
    (store.path(spec.sha256) or Path()).unlink()
    edit(ws, "prompts/x.yaml", "plainly", "loudly")
    record = logged(then, store, sources=[kept, *others])
    assert told(then, plan(ws), record, store) == ["messages[0].content prompts/x.yaml:10"]


def test_toml_keeps_no_places_and_has_the_line_of_the_key(ws: Path, store: MediaStore) -> None:
    put(
        ws,
        "prompts/y.toml",
        'kind = "request"\nmodel = "openai/m"\nprompt = """\nOne\ntwo\n"""\n[params]\ntemperature = 1\ntop_p = 0.5\n',
    )
    then = plan(ws, spec="prompts/y.toml")
    record = logged(then, store, spec="prompts/y.toml")
    edit(ws, "prompts/y.toml", "top_p = 0.5", "top_p = 0.6")
    edit(ws, "prompts/y.toml", "temperature = 1\n", "")
    now = plan(ws, spec="prompts/y.toml")
    assert told(then, now, record, store) == ["params.temperature prompts/y.toml:8", "params.top_p prompts/y.toml:8"]


def test_a_run_of_another_spec_is_held_against_that(ws: Path, store: MediaStore) -> None:
    put(ws, "prompts/a.yaml", "kind: request\nmodel: openai/m\nprompt: Hello\n")
    put(ws, "prompts/b.yaml", "kind: request\nmodel: openai/m\nparams: {top_p: 1}\nprompt: |\n  Hello\n  you\n")
    then, now = plan(ws, spec="prompts/a.yaml"), plan(ws, spec="prompts/b.yaml")
    assert told(then, now, logged(then, store, spec="prompts/a.yaml"), store) == [
        "messages[0].content prompts/b.yaml:4:9",
        "params.top_p prompts/b.yaml:3:17",
    ]


@pytest.mark.parametrize(
    "path", ["", "messages", "messages[99].content[3]", "tools", "tools.x[7].y", "a..b", "expect[0]"]
)
def test_any_difference_can_be_asked_about(ws: Path, store: MediaStore, path: str) -> None:
    now = plan(ws)
    record = logged(now, store)
    for kind in ("added", "removed", "changed"):
        (found,) = located([Difference(path=path, kind=kind)], now, record, store)
        assert found.path == path


def test_a_damaged_store_is_no_reason_to_fail(ws: Path, store: MediaStore) -> None:
    then = plan(ws)
    record = logged(then, store)
    (store.path(digest_of(SPEC.encode())) or Path()).write_bytes(b"other")
    edit(ws, "prompts/x.yaml", "0.2", "0.3")
    assert told(then, plan(ws), record, store) == ["params.temperature prompts/x.yaml:21:47"]
