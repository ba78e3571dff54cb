"""Arguments that the shell completes from the workspace: requests, models, tools and runs.

A completion that fails completes nothing; the command itself will say what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

import typer

from plcli.errors import PlcliError
from plcli.records import Record
from plcli.response import STATES
from plcli.runlog import RunLog
from plcli.workspace import Kind, Workspace, find, here

RUNS = 50
"""The newest runs that are offered."""

_HARMLESS = re.compile(r"\w[\w.@+~-]*")
"""Words that no shell can take for anything else: zsh evaluates what it is offered, and files may have any name."""


def complete_spec(incomplete: str) -> list[str]:
    """Names of requests in the workspace; paths are completed by the shell."""
    return _starting(_names("request"), incomplete)


def complete_model(incomplete: str) -> list[str]:
    """Names of model specs in the workspace."""
    return _starting(_names("model"), incomplete)


def complete_tool(incomplete: str) -> list[str]:
    """Names of tool files in the workspace."""
    return _starting(_names("tool"), incomplete)


def complete_run(incomplete: str) -> list[str]:
    """`last`, and the tails and ids of the newest runs."""
    return _starting(_runs(), incomplete)


def complete_either(incomplete: str) -> list[str]:
    """Names of requests, and runs."""
    return complete_spec(incomplete) + complete_run(incomplete)


def complete_state(incomplete: str) -> list[str]:
    """States of an answer."""
    return _starting(STATES, incomplete)


def complete_tag(incomplete: str) -> list[str]:
    """Tags of the newest runs."""
    return _starting(_tags(), incomplete)


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    try:
        return [word for word in words if word.startswith(incomplete) and _HARMLESS.fullmatch(word)]
    except PlcliError:
        return []


def _workspace() -> Workspace:
    return find(here())


def _names(kind: Kind) -> Iterator[str]:
    yield from _workspace().names(kind)


def _newest() -> Iterator[Record]:
    return islice(RunLog(_workspace().log).records(reverse=True), RUNS)


def _runs() -> Iterator[str]:
    yield "last"
    for record in _newest():
        yield record.tail
        yield record.id


def _tags() -> Iterator[str]:
    yield from dict.fromkeys(tag for record in _newest() for tag in record.tags or ())


Specs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SPEC", help="Files or names of requests, as of a commit with @REV, or -.", autocompletion=complete_spec
    ),
]
Spec = Annotated[
    str | None,
    typer.Argument(metavar="SPEC", help="A file, or the name of a request.", autocompletion=complete_spec),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Another model: a name, or provider/model-id. Several are compared.",
        autocompletion=complete_model,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Another model: a name, or provider/model-id.",
        autocompletion=complete_model,
    ),
]
ModelName = Annotated[
    str, typer.Argument(metavar="NAME", help="A name, or provider/model-id.", autocompletion=complete_model)
]
ModelNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Names, or provider/model-id.", autocompletion=complete_model),
]
Continued = Annotated[
    str | None,
    typer.Option(
        "--continue", metavar="RUN", help="Go on from a logged run, its id or last.", autocompletion=complete_run
    ),
]
ToolName = Annotated[
    str, typer.Argument(metavar="NAME", help="A tool's name, or its file.", autocompletion=complete_tool)
]
ToolNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Names or files of tools.", autocompletion=complete_tool),
]
RunRef = Annotated[
    str,
    typer.Argument(metavar="RUN", help="An id, its start, its tail, last, or last~N.", autocompletion=complete_run),
]
RunRefs = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN", help="Ids, their starts or tails, last, last~N, A..B.", autocompletion=complete_run),
]
Compared = Annotated[
    str,
    typer.Argument(
        metavar="A", help="A run, or a spec: a file, a name, SPEC@REV or -.", autocompletion=complete_either
    ),
]
ComparedWith = Annotated[
    str | None,
    typer.Argument(
        metavar="B",
        help="Another one; default: today's file, of which the one of HEAD is A.",
        autocompletion=complete_either,
    ),
]
OfSpec = Annotated[
    list[str] | None,
    typer.Option("--spec", metavar="SPEC", help="Runs of this file or request.", autocompletion=complete_spec),
]
FromModel = Annotated[
    list[str] | None,
    typer.Option("--of-model", metavar="MODEL", help="Runs of this model.", autocompletion=complete_model),
]
OfModel = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Runs of this model: its name, or as it was asked or served.",
        autocompletion=complete_model,
    ),
]
OfTag = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="WORD", help="Runs with this tag.", autocompletion=complete_tag),
]
OfState = Annotated[
    list[str] | None,
    typer.Option(
        "--state", metavar="STATE", help=f"Runs that ended so: {', '.join(STATES)}.", autocompletion=complete_state
    ),
]
