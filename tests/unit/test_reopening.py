"""Back from a logged run to a spec: what a person finds in the file, and whether it is proved."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from plcli.documents import FORMATS, parse
from plcli.drawing import Drawing, Picture
from plcli.errors import NotReplayable, UsageError
from plcli.inputs import read_picture
from plcli.media import MediaRef, digest_of
from plcli.mediastore import MediaStore
from plcli.overrides import Overrides
from plcli.records import Record
from plcli.reopening import Reopened, Stand, of_run
from plcli.reopening.mediafiles import MediaFiles
from plcli.resolve import Resolved, resolve
from plcli.sources import Medium
from plcli.validate import problems_of
from plcli.workspace import Workspace, find
from tests.support.logged import ID, TIME, logged

PNG = b"\x89PNG\r\n\x1a\nrest"
SECRET = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
HEADING = f"# opened from run {ID} of {TIME}; compiles to the same wire\n"

ASK = """\
# what it is for
kind: request
model: echo/m   # answers itself
variables:
  city: {type: string, default: Paris}   # any city
  days: {type: integer}
messages:
  - {role: system, content: {file: ./system.md}}
  - role: user
    content:
      - {type: text, text: "{{ days }} days in {{ city }}?"}
      - {type: image, source: ./map.png}
tools: [get_weather]
output: {schema: ./answer.schema.json}
params: {seed: 7}
"""
WEATHER = {"kind": "tool", "name": "get_weather", "description": "then", "parameters": {"type": "object"}}
FILES: dict[str, bytes] = {
    "plcli.toml": b"",
    "prompts/ask.yaml": ASK.encode(),
    "prompts/system.md": b"Be terse about {{ city }}.\n",
    "prompts/map.png": PNG,
    "prompts/answer.schema.json": b'{"type": "object"}',
    "tools/get_weather.json": json.dumps(WEATHER).encode(),
    "models/mine.yaml": b"{kind: model, provider: openai, model: m, params: {temperature: 1}, body: {user: me}}",
}


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    for name, data in FILES.items():
        put(tmp_path, name, data)
    return find(tmp_path, tmp_path)


def put(root: Path, name: str, data: bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def asked(here: Workspace, overrides: Overrides | None = None, spec: str = "ask", **given: Any) -> Resolved:
    path = here.root / f"prompts/{spec}.yaml"
    given = given or ({"city": "Rome", "days": 3} if spec == "ask" else {})
    return resolve(here, here.document(path), path, given=given, overrides=overrides)


def opened(here: Workspace, record: Record, file: str | None = None, at: int = 0, form: str = "yaml") -> Reopened:
    """The run as a spec, in the state that the workspace has now; it always validates."""
    now = find(here.root, here.root)
    path = here.root / file if file else None
    stand = Stand(now, path, FORMATS[path.suffix if path else f".{form}"])
    found = of_run(stand, record, at, MediaStore(now.media))
    assert found.document == parse(found.text, file=found.document.file, format=stand.format)
    assert [problem for problem in problems_of(now, found.document, path) if problem.severity == "error"] == []
    return found


def test_a_spec_comes_back_with_its_comments_and_the_values_of_its_variables(here: Workspace) -> None:
    found = opened(here, logged(here, asked(here)), "prompts/again.yaml")
    changed = ASK.replace("default: Paris}", "default: Rome}").replace("{type: integer}", "{type: integer, default: 3}")
    assert found.text == HEADING + changed
    assert (found.proof.reason, found.told) == (None, ())


def test_paths_lead_to_the_same_files_from_another_folder(here: Workspace) -> None:
    found = opened(here, logged(here, asked(here)), "a/b/again.yaml")
    assert "{file: ../../prompts/system.md}" in found.text
    assert "source: ../../prompts/map.png" in found.text
    assert "schema: ../../prompts/answer.schema.json" in found.text
    found = opened(here, logged(here, asked(here)))
    assert ("{file: prompts/system.md}" in found.text, found.proof.reason) == (True, None)


def test_the_line_that_names_the_schema_leads_there_from_another_folder(here: Workspace) -> None:
    put(here.root, "schemas/request.schema.json", b"{}")
    line = "# yaml-language-server: $schema={}/schemas/request.schema.json\n"
    put(here.root, "prompts/ask.yaml", (line.format("..") + ASK).encode())
    found = opened(here, logged(here, asked(here)), "a/b/again.yaml")
    assert found.text.startswith(f"{line.format('../..')}{HEADING}# what")


@pytest.mark.parametrize(("form", "begin"), [("toml", "# opened"), ("json", "{\n")])
def test_a_spec_is_written_in_another_format(here: Workspace, form: str, begin: str) -> None:
    found = opened(here, logged(here, asked(here)), form=form)
    assert (found.text.startswith(begin), found.proof.reason) == (True, None)
    assert found.document.value["variables"]["city"] == {"type": "string", "default": "Rome"}
    assert found.told == ("left out: # what it is for", "left out: # answers itself", "left out: # any city")


Change = Callable[[Workspace], None]


def gone(name: str) -> Change:
    return lambda here: (here.root / name).unlink()


def now(name: str, data: bytes) -> Change:
    return lambda here: put(here.root, name, data)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        (gone("prompts/system.md"), "messages", "Be terse about {{ city }}.\n"),
        (now("prompts/system.md", b"Be kind."), "messages", "Be terse about {{ city }}.\n"),
        (gone("prompts/map.png"), "messages", "data:image/png;base64,iVBORw0KGgpyZXN0"),
        (now("prompts/map.png", b"other"), "messages", "data:image/png;base64,iVBORw0KGgpyZXN0"),
        (gone("prompts/answer.schema.json"), "output", {"schema": {"type": "object"}}),
        (now("prompts/answer.schema.json", b'{"type": "array"}'), "output", {"schema": {"type": "object"}}),
        (gone("tools/get_weather.json"), "tools", {"name": "get_weather", "description": "then"}),
        (now("tools/get_weather.json", json.dumps(WEATHER | {"description": "now"}).encode()), "tools",
         {"name": "get_weather", "description": "then"}),
        (now("tools/get_weather.json", b"{}"), "tools", {"name": "get_weather", "description": "then"}),
        (now("prompts/ask.yaml", b"kind: request"), "model", "echo/m"),
    ],
)  # fmt: skip
def test_what_a_file_said_then_stands_in_its_place(here: Workspace, change: Change, field: str, said: Any) -> None:
    record = logged(here, asked(here))
    change(here)
    found = opened(here, record)
    assert found.proof.reason is None
    assert not found.rendered
    assert found.document.value["variables"]["city"]["default"] == "Rome"
    values = list(leaves(found.document.value[field]))
    for wanted in leaves(said):
        assert wanted in values


def leaves(value: Any) -> Any:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def test_a_tool_that_changed_in_its_handler_alone_stays_a_name(here: Workspace) -> None:
    record = logged(here, asked(here))
    put(here.root, "tools/get_weather.json", json.dumps(WEATHER | {"stubs": [{"return": 1}]}).encode())
    assert opened(here, record).document.value["tools"] == ["get_weather"]


def test_media_whose_files_are_gone_stand_beside_the_spec(here: Workspace) -> None:
    record = logged(here, asked(here))
    (here.root / "prompts/map.png").unlink()
    found = opened(here, record, "prompts/again.yaml")
    name = f"again.media/{digest_of(PNG)[7:19]}.png"
    assert (f"source: {name}" in found.text, found.proof.reason) == (True, None)
    assert (here.root / "prompts" / name).read_bytes() == PNG


def test_media_that_moved_to_another_folder_are_found_there(here: Workspace) -> None:
    record = logged(here, asked(here))
    (here.root / "pictures").mkdir()
    (here.root / "prompts/map.png").rename(here.root / "pictures/renamed.png")
    found = opened(here, record)
    assert ("source: pictures/renamed.png" in found.text, found.proof.reason) == (True, None)


def test_nothing_is_left_beside_a_spec_that_does_not_name_it(here: Workspace) -> None:
    files = MediaFiles(here, here.root / "prompts/again.yaml", {}, lambda digest: digest.encode())
    names = [files.source_of(MediaRef(digest_of(data), "image/png")) for data in (b"a", b"b", b"a")]
    assert names[0] == names[2] == f"again.media/{digest_of(b'a')[7:19]}.png"
    files.tidy(f"source: {names[0]}")
    assert [path.name for path in (here.root / "prompts/again.media").iterdir()] == [str(names[0]).rpartition("/")[2]]
    files.tidy("")
    assert not (here.root / "prompts/again.media").exists()


def test_a_spec_outside_of_the_workspace_has_no_files_beside_it(here: Workspace, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    files = MediaFiles(here, elsewhere / "x.yaml", {}, lambda digest: digest.encode())
    assert files.source_of(MediaRef(digest_of(b"a"), "image/png")) is None


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (Overrides(set=(("params.seed", 8), ("messages[0].content", "Be kind."))), {"params": {"seed": 8}}),
        (Overrides(model="echo/other"), {"model": "echo/other"}),
        (Overrides(model="mine"), {"model": "mine"}),
        (Overrides(model="openai/x"), {"model": "openai/x"}),
        (Overrides(model="gemini/x"), {"model": "gemini/x"}),
    ],
)
def test_what_the_command_line_changed_stands_in_the_spec(here: Workspace, overrides: Overrides, said: Any) -> None:
    found = opened(here, logged(here, asked(here, overrides)))
    assert (found.proof.reason, found.rendered) == (None, False)
    assert {name: found.document.value[name] for name in said} == said


def test_fields_that_another_model_could_not_carry_are_left_out(here: Workspace) -> None:
    put(
        here.root,
        "prompts/see.yaml",
        b"""\
kind: request
model: openai/m
variables: {x: {default: words}}
messages:
  - {role: user, content: [{type: text, text: "{{ x }}"}, {type: image, source: map.png, detail: low}]}
params: {verbosity: low}
body: {truncation: auto}
""",
    )
    found = opened(here, logged(here, asked(here, Overrides(model="gemini/g"), "see")))
    assert (found.proof.reason, found.rendered) == (None, False)
    assert found.document.value["messages"][0]["content"][1] == {"type": "image", "source": "prompts/map.png"}
    assert "body.truncation" not in found.text


def test_pictures_of_the_command_line_stand_in_the_spec(here: Workspace) -> None:
    put(here.root, "prompts/draw.yaml", b"{kind: request, model: echo/m, prompt: Draw}")
    picture = read_picture(here, "prompts/map.png", "--input")
    bare = b"GIF89a" + b"\0" * 20
    ref = MediaRef(digest_of(bare), "image/gif", "data-url")
    far = Picture(Medium("https://example.com/a.png", {}))
    drawing = Drawing((picture, Picture(Medium(ref, {ref.digest: bare})), far), picture, 2)
    found = opened(here, logged(here, asked(here, Overrides(drawing=drawing), "draw")))
    assert found.proof.reason is None
    assert found.document.value["image"] == {"n": 2, "mask": "prompts/map.png"}
    text, *pictures = found.document.value["messages"][0]["content"]
    assert text == {"type": "text", "text": "Draw"}
    assert [part["source"][:20] for part in pictures] == [
        "prompts/map.png", "data:image/gif;base6", "https://example.com/",
    ]  # fmt: skip


def test_a_variable_that_is_not_declared_is_declared_where_it_is_used(here: Workspace) -> None:
    put(here.root, "prompts/ask.yaml", b"{kind: request, model: echo/m, prompt: '{{ a }} {{ b }}'}")
    found = opened(here, logged(here, asked(here, a=[1], b=None, c="unused")))
    assert found.document.value["variables"] == {
        "a": {"type": "array", "default": [1]},
        "b": {"type": "null", "default": None},
    }


def test_what_a_model_spec_said_then_stands_in_the_request(here: Workspace) -> None:
    record = logged(here, asked(here, Overrides(model="mine")))
    put(here.root, "models/mine.yaml", b"{kind: model, provider: openai, model: m, params: {temperature: 0, top_p: 1}}")
    found = opened(here, record)
    assert (found.proof.reason, found.rendered, found.document.value["model"]) == (None, False, "mine")
    assert (found.document.value["params"]["temperature"], found.document.value["body"]) == (1, {"user": "me"})
    (here.root / "models/mine.yaml").unlink()
    found = opened(here, record)
    assert (found.proof.reason, found.rendered, found.document.value["model"]) == (None, False, "openai/m")
    assert any(
        line.startswith("as it was sent, because the spec would say something else now: model") for line in found.told
    )


def test_the_model_of_the_workspace_is_named_where_it_is_another_now(here: Workspace) -> None:
    put(here.root, "plcli.toml", b'model = "echo/then"')
    put(here.root, "prompts/ask.yaml", b"{kind: request, prompt: x}")
    then = find(here.root, here.root)
    record = logged(then, asked(then, x=1))
    assert "model" not in opened(here, record).document.value
    put(here.root, "plcli.toml", b'model = "echo/now"')
    assert opened(here, record).document.value["model"] == "echo/then"


def test_without_its_spec_a_run_is_told_by_its_wire(here: Workspace) -> None:
    resolved = asked(here)._replace(document=None, file=None, sources=())
    found = opened(here, logged(here, resolved, tags=["smoke"], metadata={"owner": "me"}))
    assert (found.proof.reason, found.rendered, found.told) == (None, True, ())
    assert found.document.value["messages"][0] == {"role": "system", "content": "Be terse about Rome.\n"}
    assert (found.document.value["tags"], found.document.value["metadata"]) == (["smoke"], {"owner": "me"})


def test_text_of_a_wire_that_looks_like_a_template_is_none(here: Workspace) -> None:
    resolved = asked(here, city="{{ x }}", days=1)._replace(document=None, file=None, sources=())
    assert opened(here, logged(here, resolved)).document.value["template"] == "none"


def test_values_that_look_like_templates_are_values(here: Workspace) -> None:
    found = opened(here, logged(here, asked(here, city="{{ x }} {% if", days=1)))
    assert (found.proof.reason, found.rendered) == (None, False)


def test_a_later_exchange_holds_the_conversation_so_far(here: Workspace) -> None:
    record = logged(here, asked(here))
    first = record.exchanges[0]
    later = {**first.request, "messages": [{"$same": 2}, {"role": "user", "content": "And then?"}]}
    record = record.model_copy(update={"exchanges": [first, first.model_copy(update={"request": later})]})
    found = opened(here, record, at=1)
    assert [turn["role"] for turn in found.document.value["messages"]] == ["system", "user", "user"]
    assert found.heading.startswith(f"# opened from exchange 1 of run {ID} of {TIME}; ")
    with pytest.raises(UsageError, match="has no exchange 2"):
        opened(here, record, at=2)


def test_secrets_stay_out_and_their_places_are_told(here: Workspace) -> None:
    put(here.root, "prompts/system.md", f"The key is {SECRET}.".encode())
    record = logged(here, asked(here, city=f"at {SECRET}", days=1), secrets=(SECRET,))
    (here.root / "prompts/system.md").unlink()
    found = opened(here, record)
    assert SECRET not in found.text
    assert "The key is [redacted]." in found.text
    assert found.document.value["variables"]["city"]["default"] == "at [redacted]"
    assert found.redacted == ("variables.city.default", "messages[0].content")
    assert found.proof.secrets == ("messages[0].content", "messages[1].content[0].text")
    assert found.proof.reason is not None
    assert found.proof.reason.endswith("taken out of it at messages[0].content, messages[1].content[0].text")
    assert (found.proof.differences, found.rendered) == ((), False)


@pytest.mark.parametrize(("count", "ending"), [(3, "messages[2].content"), (4, "messages[2].content and 1 more place")])
def test_three_places_of_secrets_are_told_and_the_others_counted(here: Workspace, count: int, ending: str) -> None:
    turns = "".join(f"\n  - {{role: user, content: '{n} {SECRET}'}}" for n in range(count))
    put(here.root, "prompts/kept.yaml", f"kind: request\nmodel: echo/any\nmessages:{turns}\n".encode())
    found = opened(here, logged(here, asked(here, spec="kept"), secrets=(SECRET,)))
    assert str(found.proof.reason).endswith(f"messages[0].content, messages[1].content, {ending}")


def test_a_secret_that_a_file_still_holds_is_proved_through_the_file(here: Workspace) -> None:
    put(here.root, "prompts/system.md", f"The key is {SECRET}.".encode())
    found = opened(here, logged(here, asked(here), secrets=(SECRET,)))
    assert (found.proof.reason, SECRET in found.text) == (None, False)


def test_a_log_that_was_changed_is_told(here: Workspace) -> None:
    record = logged(here, asked(here))
    other = record.exchanges[0].model_copy(update={"key": f"sha256:{'0' * 64}"})
    found = opened(here, record.model_copy(update={"exchanges": [other]}))
    assert found.proof.reason == "it compiles to the wire in the log, whose key is that of another: the log was changed"


def test_a_run_that_sent_nothing_comes_back_unproved(here: Workspace) -> None:
    found = opened(here, logged(here, asked(here), exchanges=[]))
    assert (found.proof.reason, "default: Rome" in found.text) == ("nothing was sent", True)
    with pytest.raises(NotReplayable, match="nothing was sent, and its spec is not kept"):
        opened(here, logged(here, asked(here), exchanges=[], spec=None, sources=None))


def test_a_run_whose_media_are_gone_cannot_be_told(here: Workspace) -> None:
    record = logged(here, asked(here))
    for path in here.media.iterdir():
        path.unlink()
    (here.root / "prompts/map.png").unlink()
    with pytest.raises(NotReplayable, match=f"{digest_of(PNG)} is gone"):
        opened(here, record)


@pytest.mark.parametrize(
    "request_",
    [{"$media": 7}, {"messages": [{"$same": 1}]}, {"$literal": 7}, None, [], "x", {"messages": 7, "model": []}],
)
def test_a_damaged_log_is_no_trap(here: Workspace, request_: Any) -> None:
    record = logged(here, asked(here), spec=None, sources=None)
    first = record.exchanges[0].model_copy(update={"request": request_})
    with suppress(NotReplayable):
        assert opened(here, record.model_copy(update={"exchanges": [first]})).proof.reason is not None


@pytest.mark.parametrize(
    "overrides",
    [
        {"set": {"": 1}}, {"set": {"a[": 1}}, {"set": 7}, {"model": 7}, {"image": 7},
        {"image": {"inputs": [7], "mask": []}}, {"image": {"inputs": ["sha256:" + "0" * 64]}},
        {"model": "nobody/x"}, {"set": {"messages": 7}},
    ],
)  # fmt: skip
def test_overrides_that_fit_nowhere_leave_the_wire(here: Workspace, overrides: dict[str, Any]) -> None:
    assert opened(here, logged(here, asked(here), overrides=overrides)).proof.reason is None


def test_a_heading_says_one_thing_on_one_line(here: Workspace) -> None:
    record = logged(here, asked(here), time="now\nkind: tool\x1b[2J")
    found = opened(here, record, "prompts/again.yaml")
    assert found.text.startswith("# opened from run ")
    assert found.text.splitlines()[1] == "# what it is for"
    put(here.root, "prompts/ask.yaml", found.text.encode())
    again = opened(here, logged(here, asked(here, city="Oslo", days=3)), "prompts/again.yaml")
    assert again.text.count("# opened from") == 1


def test_a_server_side_chain_is_stated_again(here: Workspace) -> None:
    put(here.root, "prompts/ask.yaml", b"{kind: request, model: openai/m, prompt: x, chain: server}")
    record = logged(here, asked(here, x=1))
    assert opened(here, record).document.value["chain"] == "server"
    assert opened(here, record.model_copy(update={"parent": ID})).document.value["chain"] == "server"
