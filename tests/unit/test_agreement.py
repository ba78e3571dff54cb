"""Agreement of the runs of one request."""

from __future__ import annotations

import pytest

from plcli.agreement import Agreement
from plcli.media import Json
from plcli.records import Record, ResponseRecord
from plcli.response import Failure, ImagePart, Part, State, ToolCallPart


def a_run(text: str | None = None, *parts: Part, state: State = "ok", output: Json = None) -> Record:
    return Record(
        id="",
        time="t",
        command="run",
        plcli="0.1.0",
        response=ResponseRecord(state=state, parts=list(parts), text=text, output=output),
        error=Failure(kind="server", message="") if state == "error" else None,
    )


def called(name: str, id: str) -> ToolCallPart:
    return ToolCallPart(id=id, name=name, arguments={"a": 1})


def picture(media: str, width: int = 64) -> ImagePart:
    return ImagePart(media=media, mime="image/png", width=width, height=64)


@pytest.mark.parametrize(
    ("runs", "line"),
    [
        ([a_run("a")] * 2, "2 of 2 the same answer; states 2 ok"),
        ([a_run(text) for text in ("a", " a", "b", "a\n", "c")], "3 of 5 the same answer, 3 distinct; states 5 ok"),
        (
            [a_run('{"x": 1}', output={"x": 1}), a_run('{"x":1.0}', output={"x": 1.0}), a_run("x: 1")],
            "2 of 3 the same answer, 2 distinct; states 3 ok",
        ),
        ([a_run(output={"x": x}) for x in (1.5, 1.25)], "1 of 2 the same answer, 2 distinct; states 2 ok"),
        (
            [a_run(None, called("f", "1"), state="tool_calls"), a_run(None, called("f", "2"), state="tool_calls")],
            "2 of 2 the same answer; calls 2 of 2 the same; states 2 tool_calls",
        ),
        (
            [a_run(None, called("f", "1"), state="tool_calls"), a_run("no"), a_run("no")],
            "2 of 3 the same answer, 2 distinct; calls 2 of 3 the same, 2 distinct; states 2 ok, 1 tool_calls",
        ),
        (
            [a_run(None, picture("x")), a_run(None, picture("y")), a_run(None, picture("y", 65))],
            "2 of 3 the same answer, 2 distinct; states 3 ok",
        ),
        ([a_run("a"), a_run(state="error")], "1 of 1 the same answer; states 1 ok, 1 error"),
        ([a_run(state="error")] * 2, "states 2 error"),
    ],
    ids=str,
)
def test_distinct_answers_calls_and_states_are_told(runs: list[Record], line: str) -> None:
    agreement = Agreement()
    for run in runs:
        agreement.count(run)
    assert agreement.lines() == (f"agreement: {line}",)


def test_one_run_agrees_with_nothing() -> None:
    agreement = Agreement()
    assert agreement.lines() == ()
    agreement.count(a_run("a"))
    assert agreement.lines() == ()
