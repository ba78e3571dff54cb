"""The expectations that a logged run is held against: which spec says them, and with which variables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plcli.errors import NotReplayable, SpecError
from plcli.expecting import expectations_of, held
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.observing import own_findings
from plcli.records import ExpectationRecord, Record, ResponseRecord, Source, SpecRef
from plcli.replayrecords import Replay
from plcli.response import Failure, State, TextPart
from plcli.specs import Expectation
from plcli.workspace import Workspace, find

SPEC = """
kind: request
variables:
  city: {type: string, default: Oslo}
prompt: Where is {{ city }}?
expect:
  - text: {contains: "{{ city }}"}
"""
PATH = "prompts/where.yaml"

Make = Callable[..., Record]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "plcli.toml").touch()
    (tmp_path / "prompts").mkdir()
    return find(tmp_path)


@pytest.fixture
def store(workspace: Workspace) -> MediaStore:
    return MediaStore(workspace.media)


@pytest.fixture
def a_run(store: MediaStore) -> Make:
    """Makes records of a spec that the log keeps."""

    def make(text: str = SPEC, path: str = PATH, **fields: Json) -> Record:
        digest = store.put(text.encode(), "application/yaml")
        return Record(id="x", time="t", command="run", plcli="0.1.0", spec=SpecRef(path=path, sha256=digest), **fields)

    return make


def texts(expectations: tuple[Expectation, ...]) -> list[Json]:
    return [one.given()["text"] for one in expectations]


def test_the_spec_of_today_is_filled_with_the_variables_of_the_run(
    workspace: Workspace, store: MediaStore, a_run: Make
) -> None:
    Path(PATH).write_text(SPEC + '  - text: {min: 1}\n  - text: "{{ city }}{{ city }}"\n')
    found = expectations_of(workspace, a_run(variables={"city": "Rome"}), store)
    assert texts(found) == [{"contains": "Rome"}, {"min": 1}, "RomeRome"]
    assert texts(expectations_of(workspace, a_run(), store))[0] == {"contains": "Oslo"}


def test_a_spec_that_is_gone_is_read_as_the_log_keeps_it(workspace: Workspace, store: MediaStore, a_run: Make) -> None:
    assert texts(expectations_of(workspace, a_run(variables={"city": "Rome"}), store)) == [{"contains": "Rome"}]
    assert texts(expectations_of(workspace, a_run(path="-"), store)) == [{"contains": "Oslo"}]
    as_json = '{"kind": "request", "prompt": "hi", "expect": [{"text": "hi"}]}'
    assert texts(expectations_of(workspace, a_run(as_json, path="-"), store)) == ["hi"]
    copy = store.put(SPEC.replace("Oslo", "Bonn").encode(), "application/yaml")
    redacted = a_run(sources=[Source(path=PATH, sha256="sha256:" + "0" * 64, redacted=True, kept=copy)])
    assert texts(expectations_of(workspace, redacted, store)) == [{"contains": "Bonn"}]


@pytest.mark.parametrize("path", ["../out.yaml", "/etc/hostname", ".env.yaml", "runs.jsonl", "a\0b", "prompts", ""])
def test_a_log_leads_to_no_file_that_a_spec_may_not_read(
    workspace: Workspace, store: MediaStore, a_run: Make, path: str
) -> None:
    for file in (Path(".env.yaml"), Path("../out.yaml"), Path("runs.jsonl")):
        file.write_text(SPEC.replace("Oslo", "elsewhere"))
    assert texts(expectations_of(workspace, a_run(path=path), store)) == [{"contains": "Oslo"}]


def test_what_the_command_line_set_for_the_run_counts(workspace: Workspace, store: MediaStore, a_run: Make) -> None:
    Path(PATH).write_text(SPEC)
    changed = a_run(overrides={"set": {"expect[0].text": "{{ city }}!"}})
    assert texts(expectations_of(workspace, changed, store)) == ["Oslo!"]


def test_a_run_without_a_spec_or_after_another_expects_nothing(
    workspace: Workspace, store: MediaStore, a_run: Make
) -> None:
    bare = Record(id="x", time="t", command="run", plcli="0.1.0")
    assert expectations_of(workspace, bare, store) == ()
    assert expectations_of(workspace, a_run(parent="y"), store) == ()
    assert expectations_of(workspace, a_run(replay=Replay(of="y", exchange=1, verdict="drifted")), store) == ()
    assert expectations_of(workspace, a_run(replay=Replay(of="y", verdict="drifted")), store) != ()


@pytest.mark.parametrize(
    ("spec", "fields", "message", "line"),
    [
        ("kind: request\nexpct: []\n", {}, "unknown key 'expct'", 2),
        (SPEC.replace("{{ city }}\"", "{{ town }}\""), {}, "town", 7),
        (SPEC.replace(", default: Oslo", ""), {}, "run x: the variable `city` has no value", 4),
        (SPEC, {"variables": {"city": 7}}, "run x: the variable `city` must be string, not 7", 4),
        (SPEC, {"overrides": {"set": {"expect[": 1}}}, "run x: --set expect[", None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    workspace: Workspace,
    store: MediaStore,
    a_run: Make,
    spec: str,
    fields: dict[str, Json],
    message: str,
    line: int | None,
) -> None:
    Path(PATH).write_text(spec)
    with pytest.raises(SpecError) as caught:
        expectations_of(workspace, a_run(**fields), store)
    assert message in caught.value.message
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == (PATH, line)


def test_a_spec_that_neither_the_tree_nor_the_log_has_is_gone(workspace: Workspace, store: MediaStore) -> None:
    spec = SpecRef(path=PATH, sha256="sha256:" + "0" * 64)
    record = Record(id="x", time="t", command="run", plcli="0.1.0", spec=spec)
    with pytest.raises(NotReplayable, match="its spec prompts/where") as caught:
        expectations_of(workspace, record, store)
    assert "--with" in (caught.value.hint or "")


def answered(state: State, error: str | None = None, text: str = "hi", **fields: Json) -> Record:
    return Record(
        id="x",
        time="t",
        command="run",
        plcli="0.1.0",
        response=ResponseRecord(state=state, parts=[TextPart(text=text)], text=text),
        error=Failure(kind="server", message=error) if error is not None else None,
        **fields,
    )


@pytest.mark.parametrize(
    ("record", "expected", "passed"),
    [
        (answered("ok"), {"text": "hi"}, [True]),
        (answered("ok"), {"text": "ho"}, [False]),
        (answered("blocked", "no"), {"not": {"text": "ho"}}, [True]),
        (answered("error", "no"), {"not": {"text": "ho"}}, [False]),
        (answered("error", "no"), {"state": "error"}, [True]),
        (answered("error", "no"), {"any": [{"text": "x"}, {"state": "error"}]}, [True]),
    ],
)
def test_a_run_without_an_answer_holds_nothing_unless_that_is_expected(
    record: Record, expected: dict[str, Json], passed: list[bool]
) -> None:
    found = held(record, [Expectation.model_validate(expected)])
    assert [one.passed for one in found] == passed
    assert all(one.message for one in found if not one.passed)


def test_what_a_run_found_of_its_output_stays_found() -> None:
    wrong = ExpectationRecord(path="output", passed=False, message="not valid")
    record = answered("ok", expectations=[wrong, ExpectationRecord(path="expect[0].text", passed=False)])
    assert own_findings(record) == (wrong,)
    (found,) = held(record, [Expectation.model_validate({"output": {"equals": 1}})])
    assert (found.passed, found.message) == (False, "not valid")


def test_where_nothing_is_expected_nothing_fails() -> None:
    assert held(answered("error", "no"), ()) == ()
