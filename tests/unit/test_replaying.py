"""Which request is made of a logged run: the same, the same with a change, or the one of today."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from plcli.drawing import Drawing, Picture
from plcli.errors import NotReplayable, SetupError, SpecError, UsageError
from plcli.judging import Judge
from plcli.media import Json, MediaRef, digest_of, encode
from plcli.mediastore import MediaStore
from plcli.overrides import Overrides
from plcli.records import ExpectationRecord, Record
from plcli.redact import Redactor
from plcli.remaking import given_then, overridden_then
from plcli.replaying import Changes, Replaying
from plcli.resending import resend, wire_of
from plcli.resolve import Resolved, resolve
from plcli.snapshots import Snapshots
from plcli.sources import Medium
from plcli.workspace import Workspace, find
from tests.support.logged import logged
from tests.support.pictures import png
from tests.support.tool_loop import write_json

SPEC: dict[str, Any] = {
    "kind": "request",
    "model": "openai/m",
    "api": "chat",
    "variables": {"city": {"type": "string", "default": "Oslo"}, "n": {"type": "integer", "default": 1}},
    "messages": [{"role": "user", "content": "Where is {{ city }}, {{ n }}?"}],
}
PATH = "prompts/where.json"

Log = Callable[..., Record]
Make = Callable[..., Replaying]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "plcli.toml").touch()
    return write(find(tmp_path))


def write(workspace: Workspace, **more: Json) -> Workspace:
    """The workspace, as a command that starts now sees it, with another spec."""
    write_json(workspace.root / PATH, {**SPEC, **more})
    return find(workspace.root)


@pytest.fixture
def log(workspace: Workspace) -> Log:
    """Logs a run of the spec as it is now."""

    def make(given: dict[str, Json] | None = None, overrides: Overrides | None = None, **fields: Any) -> Record:
        now = find(workspace.root)
        file = now.root / PATH
        resolved = resolve(now, now.document(file), file, given=given or {}, overrides=overrides or Overrides())
        return logged(now, resolved, **fields)

    return make


@pytest.fixture
def replaying(workspace: Workspace) -> Iterator[Make]:
    """Makes what a command that starts now replays with."""
    opened: list[Snapshots] = []

    def make(**changes: Any) -> Replaying:
        now = find(workspace.root)
        store = MediaStore(now.media)
        opened.append(Snapshots(now, store))
        return Replaying(now, store, opened[-1], Changes(**changes))

    yield make
    for snapshots in opened:
        snapshots.__exit__(None, None, None)


def judge(workspace: Workspace) -> Judge:
    now = find(workspace.root)
    return Judge(now, MediaStore(now.media), Redactor())


def asks(resolved: Resolved) -> str:
    return str(resolved.compiled.wire["messages"][-1]["content"])


# Exactly as it was


def test_the_request_is_sent_as_it_was_whatever_its_spec_says_now(
    workspace: Workspace, log: Log, replaying: Make
) -> None:
    then = log({"city": "Rome"}, Overrides(set=(("body.new", {"deep": [1, None]}),)))
    write(workspace, messages=[{"role": "user", "content": "Other"}], model="gemini/g", api="generate_content")
    resolved = replaying().again(then)
    assert encode(resolved.compiled.wire) == then.exchanges[0].request
    assert resolved.compiled.target == ("chat.completions.create", "m")
    assert resolved.of is then


def test_what_is_expected_is_what_the_spec_says_now(workspace: Workspace, log: Log, replaying: Make) -> None:
    then = log({"city": "Rome"})
    write(workspace, expect=[{"text": "{{ city }}"}])
    (expectation,) = replaying().again(then).expectations
    assert expectation.given() == {"text": "Rome"}
    assert replaying().again(then, at=0).expectations == ()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"messages": [{"$redacted": "sha256:" + "0" * 64}]}, "secrets were taken out"),
        ({"messages": [{"$media": "sha256:" + "0" * 64, "mime": "a/b", "as": "base64"}]}, "is not in"),
        ({"messages": [{"$same": 1}]}, "it is damaged"),
        ({"messages": {"$media": "x"}}, "it is damaged"),
        ({"$redacted": "sha256:" + "0" * 64}, "it is damaged"),
        *((value, "it is damaged: its request is no object") for value in (None, 7, "x", [], [1])),
    ],
)
def test_what_is_not_whole_is_not_sent(request_: Json, message: str, log: Log, replaying: Make) -> None:
    then = log()
    sent = then.exchanges[0].model_copy(update={"request": request_})
    with pytest.raises(NotReplayable, match=message):
        replaying().again(then.model_copy(update={"exchanges": [sent]}))


@pytest.mark.parametrize("request_", [{}, {"messages": 7}, {"model": 7, "messages": [[]]}])
def test_a_request_that_is_none_of_the_api_goes_out_as_it_is(request_: Json, log: Log, replaying: Make) -> None:
    then = log()
    sent = then.exchanges[0].model_copy(update={"request": request_})
    assert replaying().again(then.model_copy(update={"exchanges": [sent]})).compiled.wire == request_


def test_an_exchange_that_is_not_there_is_none(log: Log, workspace: Workspace) -> None:
    then = log()
    with pytest.raises(NotReplayable, match="has no exchange 1"):
        wire_of(then, 1)
    with pytest.raises(NotReplayable, match="was never sent"):
        resend(workspace, then.model_copy(update={"exchanges": []}), MediaStore(workspace.media))


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"provider": "nowhere"}, SetupError), ({"model_spec": "gone"}, SetupError), ({"model_spec": "wrong"}, SpecError)],
)
def test_a_model_that_cannot_be_reached_is_told(
    fields: dict[str, str], error: type[Exception], workspace: Workspace, log: Log, replaying: Make
) -> None:
    then = log().model_copy(update=fields)
    write_json(workspace.root / "models" / "wrong.json", {"kind": "model", "nonsense": 1})
    with pytest.raises(error):
        replaying().again(then)


# Made anew


def test_defaults_are_left_to_the_spec_and_what_was_given_is_given_again(
    workspace: Workspace, log: Log, replaying: Make
) -> None:
    plain, given, same = log(), log({"city": "Rome"}), log({"city": "Oslo"})
    assert asks(replaying().today(plain)) == "Where is Oslo, 1?"
    write(workspace, variables={**SPEC["variables"], "city": {"type": "string", "default": "Bonn"}})
    assert asks(replaying().today(plain)) == "Where is Bonn, 1?"
    assert asks(replaying().today(given)) == "Where is Rome, 1?"
    # Whoever gives the default gives nothing.
    assert asks(replaying().today(same)) == "Where is Bonn, 1?"


def test_without_the_spec_of_then_everything_was_given(workspace: Workspace, log: Log, replaying: Make) -> None:
    then = log()
    for path in workspace.media.iterdir():
        path.unlink()
    write(workspace, variables={**SPEC["variables"], "city": {"type": "string", "default": "Bonn"}})
    assert asks(replaying().today(then)) == "Where is Oslo, 1?"
    now = find(workspace.root)
    store = MediaStore(now.media)
    assert given_then(now, then, store, now.document(now.root / PATH)) == {"city": "Oslo", "n": 1}


def test_what_the_command_line_said_then_holds_today(workspace: Workspace, log: Log, replaying: Make) -> None:
    overrides = Overrides(model="gemini/g", set=(("params.temperature", 0.5), ("messages[0].content", "Hi {{ n }}")))
    then = log(overrides=overrides)
    assert overridden_then(then, MediaStore(workspace.media)) == overrides
    write(workspace, params={"max_output_tokens": 7})
    resolved = replaying().today(then)
    assert (resolved.request.provider, resolved.request.model) == ("gemini", "g")
    assert resolved.request.params == {"max_output_tokens": 7, "temperature": 0.5}
    assert resolved.compiled.wire["contents"][0]["parts"] == [{"text": "Hi 1"}]


def test_changes_come_after_what_the_command_line_said_then(log: Log, replaying: Make) -> None:
    then = log({"city": "Rome"}, Overrides(set=(("params.temperature", 0.5), ("params.seed", 3))))
    resolved = replaying(set=(("params.seed", 4),), given={"n": 2}).changed(then)
    assert resolved.request.params == {"temperature": 0.5, "seed": 4}
    assert asks(resolved) == "Where is Rome, 2?"
    other = replaying(model="openai/other").changed(then)
    assert other.compiled.wire == {**wire_of(then, 0), "model": "other"}


def test_pictures_of_the_command_line_are_taken_from_the_log(workspace: Workspace, log: Log, replaying: Make) -> None:
    draws = {"kind": "model", "provider": "openai", "api": "images", "model": "i"}
    write_json(workspace.root / "models" / "draws.json", draws)
    write(workspace, model="draws", api="images")
    ref = MediaRef(digest_of(png()), "image/png", "data-url")
    drawing = Drawing((Picture(Medium(ref, {ref.digest: png()})),), None, 2)
    then = log(overrides=Overrides(drawing=drawing))
    store = MediaStore(workspace.media)
    found = overridden_then(then, store).drawing
    assert found is not None
    assert found.record() == drawing.record() == {"inputs": [ref.digest], "n": 2}
    assert replaying().today(then).compiled.wire == wire_of(then, 0)
    path = store.path(ref.digest)
    assert path is not None
    path.unlink()
    with pytest.raises(NotReplayable, match="a picture of its command line is gone"):
        overridden_then(then, store)


@pytest.mark.parametrize(
    "said",
    [
        {"model": 7},
        {"set": [1]},
        {"set": {"": 1}},
        {"set": {"a..b": 1}},
        {"set": {"chain": [1]}},
        {"image": 7},
        {"image": {"inputs": 7}},
        {"image": {"inputs": [7]}},
        {"image": {"inputs": ["x"], "n": "x"}},
        {"image": {"mask": [1]}},
        {"image": {"inputs": ["sha256:" + "0" * 64]}},
    ],
    ids=json.dumps,
)
def test_whatever_a_log_says_of_its_command_line_ends_in_words(said: Json, log: Log, replaying: Make) -> None:
    then = log().model_copy(update={"overrides": said})
    for make in (replaying().today, replaying(set=(("params.seed", 1),)).changed, replaying().again):
        with suppress(NotReplayable, SpecError, UsageError):
            assert make(then).of is then


def test_a_run_that_goes_on_is_what_it_was_and_takes_no_variables(
    workspace: Workspace, log: Log, replaying: Make
) -> None:
    then = log(parent="20261126T000000000-aaaaa")
    write(workspace, messages=[{"role": "user", "content": "Other"}])
    assert replaying().today(then).compiled.wire == wire_of(then, 0)
    changed = replaying(set=(("params.seed", 1),)).changed(then)
    assert changed.compiled.wire == {**wire_of(then, 0), "seed": 1}
    with pytest.raises(NotReplayable, match="goes on where another run left off"):
        replaying(given={"n": 2}).changed(then)


def test_a_mark_that_a_person_gives_is_a_word(log: Log, replaying: Make) -> None:
    then = log({"city": "key-of-mine-123456"}, secrets=("key-of-mine-123456",))
    with pytest.raises(NotReplayable, match="a secret was taken out of the value of variable 'city'") as caught:
        replaying(set=(("params.seed", 1),)).changed(then)
    assert caught.value.hint == "give it again: --var city=…"
    assert asks(replaying(given={"city": "[redacted]"}).changed(then)) == "Where is [redacted], 1?"


# What came of it, and where


def test_an_expectation_that_fails_has_its_line(workspace: Workspace, log: Log, replaying: Make) -> None:
    (workspace.root / PATH).write_text(json.dumps({**SPEC, "expect": [{"text": "x"}, {"state": "ok"}]}, indent=1))
    then = log()
    failed = [ExpectationRecord(path=f"expect[{n}].text", passed=not n) for n in range(2)]
    made = replaying()
    outcome = judge(workspace).outcome(then, then.model_copy(update={"expectations": failed}), made.today(then))
    text = (workspace.root / PATH).read_text().splitlines()
    assert outcome.file == PATH
    assert outcome.line is not None
    assert '"state"' in "".join(text[outcome.line - 1 : outcome.line + 1])


def test_a_spec_that_is_wrong_has_its_line_whatever_folder_one_is_in(
    workspace: Workspace, log: Log, replaying: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = log()
    (workspace.root / PATH).write_text('{\n"kind": "request",\n"prompt": 7}\n')
    monkeypatch.chdir((workspace.root / PATH).parent)
    with pytest.raises(SpecError) as caught:
        replaying().today(then)
    outcome = judge(workspace).refused(then, caught.value)
    assert (outcome.verdict, outcome.file, outcome.line) == ("failed", PATH, 3)


def test_a_reason_does_not_name_the_run_again(workspace: Workspace, log: Log, replaying: Make) -> None:
    then = log()
    (workspace.root / PATH).unlink()
    with pytest.raises(NotReplayable) as caught:
        replaying().today(then)
    outcome = judge(workspace).refused(then, caught.value)
    assert outcome.reason == f"there is no {PATH} in the workspace any more"
    assert (outcome.file, outcome.line) == (PATH, None)


def test_a_variable_that_the_recording_cannot_fill_is_told_at_its_place(
    workspace: Workspace, log: Log, replaying: Make
) -> None:
    then = log({"city": "Rome"})
    write(workspace, variables={"city": {"type": "string"}, "n": {"type": "integer"}})
    with pytest.raises(SpecError) as caught:
        replaying().today(then)
    outcome = judge(workspace).refused(then, caught.value)
    assert "the variable `n` has no value" in str(outcome.reason)
    assert (outcome.file, outcome.line is not None) == (PATH, True)
    assert outcome.now.error is not None
    assert outcome.now.error.hint == "give n a default that fits, or make a new recording"
