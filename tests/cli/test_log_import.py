"""`plcli log import` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from plcli.records import Record, line, parse
from tests.support.cli import Cli, Process, Said, Write

URL = "https://api.openai.com/v1/chat/completions"
WIRE = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = {
    "created": 1795000000,
    "model": "gpt-4.1-mini-2025-04-14",
    "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}
CASSETTE = f"""interactions:
- request: {{method: POST, uri: '{URL}', headers: {{}}, body: '{json.dumps(WIRE)}'}}
  response: {{status: {{code: 200}}, headers: {{}}, body: {{string: '{json.dumps(ANSWER)}'}}}}
- request: {{method: POST, uri: 'https://api.anthropic.com/v1/messages', headers: {{}}, body: '{{}}'}}
  response: {{status: {{code: 200}}, headers: {{}}, body: {{string: '{{}}'}}}}
- request: {{method: GET, uri: 'https://api.openai.com/v1/models?key=k', headers: {{}}, body: null}}
  response: {{status: {{code: 200}}, headers: {{}}, body: {{string: '{{}}'}}}}
"""


@pytest.fixture
def files(workspace: Path, write: Write) -> None:
    """A cassette, lines of JSON and a file that is neither."""
    write("tapes/chat.yaml", CASSETTE)
    write("bodies.jsonl", json.dumps(WIRE) + "\n" + json.dumps({"contents": [{"parts": [{"text": "Hi"}]}]}) + "\n")
    write("notes.txt", "nothing of the kind\n")
    write("broken.har", '{"log": {"entries": [}')


def records() -> list[Record]:
    lines = Path("runs.jsonl").read_bytes().splitlines()
    return [record for record in map(parse, lines) if isinstance(record, Record)]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    "args",
    [
        ("tapes/chat.yaml",),
        ("tapes/chat.yaml", "--format", "json"),
        ("tapes/chat.yaml", "tapes/chat.yaml", "bodies.jsonl", "--dry-run"),
        ("bodies.jsonl", "--model", "gemini-9", "--tag", "bare", "-q"),
        ("notes.txt", "tapes/chat.yaml"),
        ("broken.har",),
        ("absent.har",),
        ("bodies.jsonl", "--as", "har"),
        ("tapes/chat.yaml", "--as", "pdf"),
        (),
    ],
    ids=" ".join,
)
def test_what_is_said_of_an_import(args: tuple[str, ...], said: Said, snapshot: SnapshotAssertion) -> None:
    assert said("log", "import", *args) == snapshot


@pytest.mark.usefixtures("files")
def test_an_imported_run_is_a_run_like_any_other(said: Said, snapshot: SnapshotAssertion) -> None:
    said("log", "import", "tapes/chat.yaml", "--tag", "tape")
    assert said("log", "list", "--tag", "tape") == snapshot(name="list")
    assert said("log", "show", "last", "--format", "text") == snapshot(name="show")
    assert said("log", "import", "tapes/chat.yaml", "-q") == snapshot(name="again")


@pytest.mark.usefixtures("files")
def test_a_dry_run_writes_nothing_and_prints_records_for_a_program(cli: Cli) -> None:
    outcome = cli("log", "import", "tapes/chat.yaml", "--dry-run", "--format", "jsonl")
    (record,) = map(json.loads, outcome.out.splitlines())
    assert record["metadata"]["import"] == {"file": "tapes/chat.yaml", "path": "interactions[0]", "line": 2}
    assert not Path("runs.jsonl").exists()


@pytest.mark.usefixtures("files")
def test_many_problems_are_told_in_part_unless_all_are_asked_for(cli: Cli, write: Write) -> None:
    write("many.jsonl", "5\n" * 30 + json.dumps(WIRE))
    for args, told in (((), 20), (("-v",), 30)):
        outcome = cli("log", "import", "many.jsonl", "--as", "jsonl", "--dry-run", *args)
        assert outcome.err.count("many.jsonl:") == told
        assert ("there is more; -v tells all of it" in outcome.err) is (told == 20)
        assert "30 left out" in outcome.err


@pytest.mark.usefixtures("files")
def test_runs_go_to_another_log_with_their_media_beside_it(cli: Cli, write: Write) -> None:
    picture = "data:image/png;base64,iVBORw0KGgo="
    wire = {**WIRE, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]}
    write("seen.jsonl", json.dumps(wire))
    assert cli("log", "import", "seen.jsonl", "--to", "kept/seen.jsonl").code == 0
    assert len(list(Path("kept/media").iterdir())) == 1
    assert not Path("runs.jsonl").exists()
    assert not Path("media").exists()


@pytest.mark.usefixtures("files")
def test_secrets_of_this_side_do_not_come_along(cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-import-canary-0a1b2c3d4e5f6071"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    said = {**ANSWER, "choices": [{"message": {"content": f"It is {key}."}, "finish_reason": "stop"}]}
    line = {"request": {**WIRE, "user": key}, "response": said, "tags": [key], "metadata": {key: key}}
    write("pair.jsonl", json.dumps(line))
    outcome = cli("log", "import", "pair.jsonl", "--model", key)
    assert outcome.code == 0
    assert key not in Path("runs.jsonl").read_text() + outcome.out + outcome.err


def test_a_log_that_is_imported_into_itself_stays_as_it_is(workspace: Path, cli: Cli) -> None:
    cli("run", "hello", "--var", "name=Ada")
    nothing = records()[0].model_copy(update={"id": "20261126T100000000-aaaaa", "exchanges": [], "response": None})
    with open("runs.jsonl", "a") as file:
        file.write(line(nothing) + "\n")
    before = Path("runs.jsonl").read_bytes()
    outcome = cli("log", "import", "runs.jsonl")
    assert (outcome.code, Path("runs.jsonl").read_bytes()) == (0, before)
    assert "0 runs imported into runs.jsonl, 2 there already" in outcome.err
    for count in (2, 0):
        outcome = cli("log", "import", "runs.jsonl", "--to", "other.jsonl")
        assert f"{count} runs imported into other.jsonl" in outcome.err


def test_a_log_that_cannot_be_written_is_said_before_anything_is_read(workspace: Path, cli: Cli) -> None:
    Path("folder").mkdir()
    assert cli("log", "import", "absent.har", "--to", "folder").code == 8


def test_many_lines_are_many_runs(workspace: Path, plcli_process: Process, write: Write) -> None:
    wire = {**WIRE, "messages": [{"role": "user", "content": "x" * 2000}]}
    lines = (json.dumps({"request": {**wire, "seed": n}, "response": ANSWER}) for n in range(300))
    write("many.jsonl", "\n".join(lines))
    outcome = plcli_process("log", "import", "many.jsonl")
    assert "300 runs imported into runs.jsonl" in outcome.err
    assert len(records()) == 300
