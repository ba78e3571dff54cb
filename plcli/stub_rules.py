"""What stubs must keep beyond their format: conditions that can hold, and answers that the tool could give."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plcli.conformance import mismatch
from plcli.documents import Document
from plcli.errors import Problem
from plcli.media import Json
from plcli.paths import Parts
from plcli.regexes import Undecided
from plcli.spec_rules import matcher_problems, schema_problems
from plcli.specs import ToolSpec
from plcli.specs.tool import Stub
from plcli.spelling import did_you_mean
from plcli.toolanswers import parts_of
from plcli.toolresults import BadResult, taken
from plcli.workspace import Workspace

SECONDS = 5.0
"""Longest time that the answers of one file of stubs are checked."""

_EVERY_CALL = json.dumps([None, None])
"""The condition of a stub without one."""


def stub_problems(
    workspace: Workspace, document: Document, stubs: Sequence[Stub], base: Path, tool: ToolSpec | None = None
) -> list[Problem]:
    """The rules of the stubs of a document.

    Paths in answers start from the folder `base`; `tool` is the tool that the stubs are of, where that one
    is sound.
    """
    found: list[Problem] = []
    conditions: dict[str, int] = {}
    for n, stub in enumerate(stubs):
        place: Parts = ("stubs", n)
        written: Mapping[str, Any] = document.value["stubs"][n]
        found += _condition_problems(document, place, written, tool)
        if stub.return_in_turn == ():
            hint = "write [first, second, …]; the last one repeats"
            found.append(document.problem((*place, "return_in_turn"), "no answers in turn", hint))
        condition = json.dumps([written.get("when"), written.get("when_schema")], sort_keys=True)
        if _EVERY_CALL in conditions:
            message = "this stub never answers: one before it answers every call"
            hint = "put the stub without `when` last"
            found.append(document.problem(place, message, hint, severity="warning"))
        elif condition in conditions:
            message = f"this stub never answers: stubs[{conditions[condition]}] has the same condition"
            found.append(document.problem(place, message, "remove one of the two", severity="warning"))
        conditions.setdefault(condition, n)
    return [*found, *_answer_problems(workspace, document, stubs, base, tool.returns if tool else None)]


def _condition_problems(
    document: Document, place: Parts, written: Mapping[str, Any], tool: ToolSpec | None
) -> Iterator[Problem]:
    yield from schema_problems(document, (*place, "when_schema"), written.get("when_schema"))
    when = written.get("when")
    if when is not None and tool is not None and tool.format is not None:
        hint = "write when_schema: {const: …} or {pattern: …}"
        message = "this never holds: the tool takes text, which has no members"
        yield document.problem((*place, "when"), message, hint, of="key", severity="warning")
    for name, wanted in (when or {}).items():
        here = (*place, "when", name)
        yield from matcher_problems(document, here, wanted)
        yield from _argument_problems(document, here, name, tool)


def _argument_problems(document: Document, place: Parts, name: str, tool: ToolSpec | None) -> Iterator[Problem]:
    """Whether a condition is about an argument that the tool has; an error where it takes no others."""
    parameters = (tool.parameters if tool else None) or {}
    closed = parameters.get("additionalProperties") is False and "patternProperties" not in parameters
    known = parameters.get("properties", {} if closed else None)
    if not isinstance(known, dict) or name in known:
        return
    meant = did_you_mean(name, known)
    hint = f"did you mean {meant!r}?" if meant else f"its arguments are: {', '.join(known) or 'none'}"
    message = f"the tool has no argument {name!r}"
    yield document.problem(place, message, hint, of="key", severity="error" if closed else "warning")


def _answer_problems(
    workspace: Workspace, document: Document, stubs: Sequence[Stub], base: Path, returns: Json
) -> Iterator[Problem]:
    """Which answers cannot be handed on, or do not fit what the tool says that it returns."""
    end = time.monotonic() + SECONDS
    for place, answer in _answers(stubs):
        if time.monotonic() > end:
            message = f"checking took longer than {SECONDS:g} s; from here on no answer was checked"
            yield document.problem(place, message, severity="warning")
            return
        try:
            taken(workspace, answer, base)
            reason = mismatch(answer, returns) if returns is not None and parts_of(answer) is None else None
        except BadResult as error:
            yield document.problem(place, str(error))
        except Undecided:
            # A schema that cannot be used is a problem where it stands.
            returns = None
        else:
            if reason is not None:
                yield document.problem(place, f"does not fit `returns`: {reason}")


def _answers(stubs: Sequence[Stub]) -> Iterator[tuple[Parts, Json]]:
    for n, stub in enumerate(stubs):
        if "return_" in stub.model_fields_set:
            yield ("stubs", n, "return"), stub.return_
        for m, answer in enumerate(stub.return_in_turn or ()):
            yield ("stubs", n, "return_in_turn", m), answer
