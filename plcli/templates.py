"""Texts with placeholders: which names they use, what is wrong with them, and their filled form.

Three kinds: `jinja2` (bounded, see `jinja`), `f-string` (plain names only), and `none` (the text as it
is). What is filled in is never scanned again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from plcli import jinja
from plcli.errors import Problem, SpecError
from plcli.jinja import MAX_OUTPUT
from plcli.jinja_syntax import Fault, TemplateFaults, missing_variable
from plcli.media import Json
from plcli.meter import text_of
from plcli.places import NOWHERE, Position

Kind = Literal["jinja2", "f-string", "none"]

_JINJA_MARKS = ("{{", "{%", "{#")
_MAX_FAULTS = 100
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def names(text: str, kind: Kind) -> set[str]:
    """The variables that a text uses; empty where `check` finds something wrong."""
    if kind == "f-string":
        return set(_plain_names(text))
    if not _is_jinja(text, kind):
        return set()
    try:
        program = jinja.parse(text)
    except TemplateFaults:
        return set()
    return {*program.uses, *program.guarded}


def needed(text: str, kind: Kind) -> set[str]:
    """The variables that must have a value: all but those that the text itself asks for (`is defined`, `default`)."""
    if not _is_jinja(text, kind):
        return names(text, kind)
    try:
        return set(jinja.parse(text).uses)
    except TemplateFaults:
        return set()


def check(text: str, kind: Kind) -> tuple[Fault, ...]:
    """What is wrong with a text, whatever the variables."""
    if kind == "f-string":
        return tuple(_brace_faults(text))
    if not _is_jinja(text, kind):
        return ()
    try:
        jinja.parse(text)
    except TemplateFaults as error:
        return error.faults
    return ()


def fill(
    text: str,
    variables: Mapping[str, Json],
    *,
    kind: Kind = "jinja2",
    file: str,
    path: str = "",
    locate: Callable[[int], Position] = lambda line: NOWHERE,
) -> str:
    """The text with its placeholders filled.

    Text values go in as they are; everything else as compact JSON (`true`, `null`, `["a"]`). Raises
    `SpecError` with a problem for each missing variable or fault; `locate` gives the position in
    `file` of a line of the text, counted from 1.
    """
    try:
        if kind == "f-string":
            return _fill_braces(text, variables)
        return jinja.run(jinja.parse(text), variables) if _is_jinja(text, kind) else text
    except TemplateFaults as error:
        raise SpecError(problems(error.faults, file=file, path=path, locate=locate)) from None


def problems(
    faults: Iterable[Fault], *, file: str, path: str = "", locate: Callable[[int], Position] = lambda line: NOWHERE
) -> list[Problem]:
    """Faults as problems of the file that the text stands in."""
    found = []
    for fault in faults:
        position = locate(fault.line)
        # Past the first line a reader needs the line of the text too, where the file's own cannot be told.
        inside = f" (line {fault.line} of the text)" if fault.line > 1 and position == locate(1) else ""
        found.append(Problem(file, fault.message + inside, path, *position, fault.hint))
    return found


def _is_jinja(text: str, kind: Kind) -> bool:
    return kind == "jinja2" and any(mark in text for mark in _JINJA_MARKS)


def _plain_names(text: str) -> dict[str, int]:
    """The names in braces, each with the line of its first use."""
    found: dict[str, int] = {}
    for match in _BRACES.finditer(text):
        if match[1] is not None and match[1].isidentifier() and match[1] not in found:
            found[match[1]] = text.count("\n", 0, match.start()) + 1
    return found


def _brace_faults(text: str) -> list[Fault]:
    faults = []
    for match in _BRACES.finditer(text):
        if match[0] in ("{{", "}}") or (match[1] is not None and match[1].isidentifier()):
            continue
        what = f"`{match[0][:40]}` is no plain name" if match[1] is not None else f"a single `{match[0]}`"
        hint = "only {name} can be filled; write {{ and }} for braces, or set `template: jinja2`"
        faults.append(Fault(text.count("\n", 0, match.start()) + 1, what, hint))
        if len(faults) == _MAX_FAULTS:
            break
    return faults


def _fill_braces(text: str, variables: Mapping[str, Json]) -> str:
    faults = _brace_faults(text)
    shown: dict[str, str] = {}
    for name, line in _plain_names(text).items():
        if name not in variables:
            faults.append(missing_variable(name, line, variables))
            continue
        try:
            shown[name] = text_of(variables[name])
        except (TypeError, ValueError, RecursionError):
            faults.append(Fault(line, f"the variable `{name}` cannot be written as JSON"))
    if faults:
        raise TemplateFaults(tuple(faults))
    pieces: list[str] = []
    size = end = 0
    for match in _BRACES.finditer(text):
        value = match[0][0] if match[1] is None else shown[match[1]]
        pieces += (text[end : match.start()], value)
        size += len(value)
        end = match.end()
        if size > MAX_OUTPUT:
            message = f"the filled text is longer than {MAX_OUTPUT:,} characters"
            raise TemplateFaults((Fault(text.count("\n", 0, end) + 1, message),))
    return "".join((*pieces, text[end:]))
