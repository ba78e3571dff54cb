"""What tools and workspaces must keep beyond their format: each rule with its place.

A file that breaks its format does not come here; requests, models and stubs have rules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from plcli import paths
from plcli.documents import Document
from plcli.errors import Problem, SetupError, SpecError
from plcli.fence import BadReference
from plcli.jsonschemas import faults, regex_fault
from plcli.keyshapes import pattern_problems
from plcli.media import Json
from plcli.modelrefs import model_reference
from plcli.paths import Parts
from plcli.specs import ToolSpec, WorkspaceSpec, is_matcher
from plcli.specs.tool import Format
from plcli.workspace import Workspace

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def tool_problems(document: Document, spec: ToolSpec) -> list[Problem]:
    """The rules of tools, but for their stubs."""
    found = schema_problems(document, ("parameters",), spec.parameters)
    found += schema_problems(document, ("returns",), spec.returns)
    found += format_problems(document, ("format",), spec.format)
    if spec.parameters is not None and spec.format is not None:
        found.append(
            document.problem(("format",), "'parameters' and 'format' exclude each other", "keep one of them", of="key")
        )
    for n, name in enumerate(spec.env):
        if not _VARIABLE.fullmatch(name):
            found.append(document.problem(("env", n), f"{name!r} is no name of an environment variable"))
    if spec.command == ():
        found.append(document.problem(("command",), "the command is empty", "write [program, argument, …]"))
    if spec.python is not None and not _FUNCTION.fullmatch(spec.python):
        found.append(document.problem(("python",), f"{spec.python!r} names no function", "write module:function"))
    return found


def workspace_problems(document: Document, spec: WorkspaceSpec, workspace: Workspace) -> list[Problem]:
    """The rules of `plcli.toml`; that its paths stay inside is seen when the workspace is found."""
    found = []
    for n, source in enumerate(spec.redact):
        if wrong := regex_fault(source):
            found.append(document.problem(("redact", n), wrong))
    if not found:
        # A run takes fewer patterns than Python does, since they read hostile texts.
        for problem in pattern_problems(spec.redact, document.file):
            found.append(problem.at(*document.position(paths.parse(problem.path))))
    if spec.model is not None:
        try:
            model_reference(workspace, spec.model)
        except (BadReference, SetupError) as error:
            found.append(document.problem(("model",), error.message, error.hint))
        except SpecError as error:
            found.extend(error.problems)
    return found


def schema_problems(document: Document, place: Parts, schema: Json) -> list[Problem]:
    """What is wrong with a JSON Schema at a place of a document; None is no schema and no problem."""
    return [
        document.problem((*place, *fault.path), fault.message, fault.hint, severity=fault.severity)
        for fault in (faults(schema) if schema is not None else ())
    ]


def format_problems(document: Document, place: Parts, written: Format | None) -> list[Problem]:
    """Whether the format of a free-form tool says what its type needs."""
    if written is None:
        return []
    if written.type != "text" and written.definition is None:
        return [document.problem(place, f"missing key 'definition': the {written.type} that the text must fit")]
    if written.type == "text" and written.definition is not None:
        return [document.problem((*place, "definition"), "a format of type text has no definition", of="key")]
    if written.type == "regex" and (wrong := regex_fault(written.definition or "")):
        hint = "providers may know it; plcli cannot check what a model writes"
        return [document.problem((*place, "definition"), wrong, hint, severity="warning")]
    return []


def matcher_problems(
    document: Document, place: Parts, written: Json, is_fixed: Callable[[str], bool] = lambda text: True
) -> list[Problem]:
    """What is wrong with a matcher or plain value as the file holds it.

    `is_fixed` says whether a text is used as it stands; others are filled before they mean something.
    """
    if not is_matcher(written) or not isinstance(written, dict):
        return []
    found = schema_problems(document, (*place, "schema"), written.get("schema"))
    pattern = written.get("matches")
    if isinstance(pattern, str) and is_fixed(pattern) and (wrong := regex_fault(pattern)):
        found.append(document.problem((*place, "matches"), wrong))
    least, most = written.get("min"), written.get("max")
    if least is not None and most is not None and least > most:
        found.append(document.problem((*place, "min"), f"no number is at least {least} and at most {most}", of="key"))
    return found
