"""Whether what a model hands to a tool, and what the tool gives back, is as the tool says."""

from __future__ import annotations

import json
import re

from plcli.conformance import mismatch
from plcli.jsonschemas import regex_fault
from plcli.media import Json
from plcli.regexes import Undecided, search
from plcli.request import CustomTool, FunctionTool
from plcli.toolanswers import parts_of
from plcli.yaml12 import kind_of

_FLAGS_FIRST = re.compile(r"(\(\?[ims]+\))?(.*)", re.DOTALL)
"""Flags at the start of an expression, which must stay there, and the rest of it."""


def argument_fault(tool: FunctionTool | CustomTool, arguments: Json) -> str | None:
    """Why a call's arguments are not what the tool takes, in words that the model can go by; None where they are.

    Text that a Lark grammar restricts is not checked; arguments that cannot be checked are a fault too.
    """
    if isinstance(tool, CustomTool):
        return _text_fault(tool, arguments)
    if not isinstance(arguments, dict):
        return f"they are no JSON object: {_what_else(arguments)}"
    return _misfit(arguments, tool.parameters)


def result_fault(returns: Json, result: Json) -> str | None:
    """Why a result does not fit the schema that the tool's `returns` is; None where it does, or there is none.

    A result that consists of parts (texts, pictures, files) is no plain JSON, and is not held against it.
    """
    return None if parts_of(result) is not None else _misfit(result, returns)


def _misfit(value: Json, schema: Json) -> str | None:
    if schema is None:
        return None
    try:
        return mismatch(value, schema)
    except Undecided as error:
        return f"this cannot be checked: {error}"


def _what_else(arguments: Json) -> str:
    """What arguments are that are no object, and where their text ends being JSON."""
    if not isinstance(arguments, str):
        return f"this is {kind_of(arguments)}"
    try:
        value = json.loads(arguments)
    except json.JSONDecodeError as error:
        return f"{error.msg[:1].lower()}{error.msg[1:]} (character {error.pos + 1} of {len(arguments)})"
    except (RecursionError, ValueError):
        value = {}
    # An object that was left as its text.
    return "too deeply nested, or a number too large" if isinstance(value, dict) else f"this is {kind_of(value)}"


def _text_fault(tool: CustomTool, arguments: Json) -> str | None:
    if not isinstance(arguments, str):
        return f"this is {kind_of(arguments)}, and the tool takes text"
    if tool.syntax != "regex" or tool.definition is None:
        return None
    try:
        fits = _fits(tool.definition, arguments)
    except Undecided as error:
        return f"this cannot be checked: {error}"
    return None if fits else f"the text does not match {tool.definition!r} from its start to its end"


def _fits(pattern: str, text: str) -> bool:
    """Whether an expression matches the whole of a text. Raises `Undecided`."""
    if wrong := regex_fault(pattern):
        raise Undecided(wrong)
    parted = _FLAGS_FIRST.fullmatch(pattern)
    flags, rest = parted.groups() if parted else (None, pattern)
    return search(rf"{flags or ''}\A(?:{rest})\Z", text)
