"""What the expectations of a request must keep beyond their format."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from plcli import paths
from plcli.documents import Document
from plcli.errors import Problem
from plcli.media import Json
from plcli.paths import Parts
from plcli.response import STATES
from plcli.spec_rules import matcher_problems
from plcli.spelling import did_you_mean


def expectation_problems(
    document: Document, tools: Collection[str] | None, is_fixed: Callable[[str], bool]
) -> Iterator[Problem]:
    """The rules of every expectation of a request.

    `tools` are the names that the model can call, None where they are not known; `is_fixed` says
    whether a text is used as it stands.
    """
    for place, key, value in _checks(document.value.get("expect"), ("expect",)):
        here = (*place, key)
        if key == "tool_called" and isinstance(value, dict):
            yield from unlisted(document, (*here, "name"), value["name"], tools, is_fixed)
            for name, wanted in (value.get("arguments") or {}).items():
                yield from matcher_problems(document, (*here, "arguments", name), wanted, is_fixed)
        elif key in ("tool_called", "tool_not_called") and isinstance(value, str):
            yield from unlisted(document, here, value, tools, is_fixed)
        elif key == "output" and isinstance(value, dict):
            yield from _output(document, here, value, is_fixed)
        else:
            yield from matcher_problems(document, here, value, is_fixed)
        if key == "state":
            yield from _state(document, here, value, is_fixed)


def unlisted(
    document: Document, place: Parts, name: str, tools: Collection[str] | None, is_fixed: Callable[[str], bool]
) -> Iterator[Problem]:
    """The problem of a name that no tool of the request has."""
    if tools is None or name in tools or not is_fixed(name):
        return
    meant = did_you_mean(name, tools)
    hint = f"did you mean {meant!r}?" if meant else f"its tools are: {', '.join(tools) or 'none'}"
    yield document.problem(place, f"{name!r} is not among the tools of this request", hint)


def strings(value: Json, place: Parts) -> Iterator[tuple[str, Parts]]:
    """Every text inside a value, with its place; keys are none."""
    if isinstance(value, str):
        yield value, place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(item, (*place, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from strings(item, (*place, n))


def _output(
    document: Document, place: Parts, value: dict[str, Any], is_fixed: Callable[[str], bool]
) -> Iterator[Problem]:
    matcher = {key: item for key, item in value.items() if key != "path"}
    yield from matcher_problems(document, place, matcher, is_fixed)
    path = value.get("path") or ""
    if is_fixed(path):
        try:
            paths.parse(path)
        except ValueError as error:
            yield document.problem((*place, "path"), str(error))


def _state(document: Document, place: Parts, value: Json, is_fixed: Callable[[str], bool]) -> Iterator[Problem]:
    if isinstance(value, dict) and "equals" in value:
        value, place = value["equals"], (*place, "equals")
    if isinstance(value, str) and value not in STATES and is_fixed(value):
        meant = did_you_mean(value, STATES)
        hint = f"did you mean {meant!r}?" if meant else f"the states are: {', '.join(STATES)}"
        yield document.problem(place, f"no answer has the state {value!r}", hint)


def _checks(expectations: Json, place: Parts) -> Iterator[tuple[Parts, str, Json]]:
    """Every check with its place, those inside `any` and `not` too."""
    for n, item in enumerate(expectations or ()):
        yield from _check(item, (*place, n))


def _check(expectation: dict[str, Json], place: Parts) -> Iterator[tuple[Parts, str, Json]]:
    for key, value in expectation.items():
        if key == "any":
            yield from _checks(value, (*place, "any"))
        elif key == "not":
            yield from _check(value or {}, (*place, "not"))
        else:
            yield place, key, value
