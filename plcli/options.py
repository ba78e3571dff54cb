"""Options that several commands share, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


@dataclass(slots=True)
class Shown:
    """How the user wants to see things; known as soon as the options are read, so that errors obey it too."""

    format: str | None = None
    quiet: bool = False
    verbose: bool = False
    traceback: bool = False


class Format(StrEnum):
    """Forms of output."""

    card = "card"
    text = "text"
    json = "json"
    jsonl = "jsonl"


def note(name: str) -> Any:
    """A callback that remembers an option in `Shown`, for the error boundary."""

    def remember(ctx: typer.Context, value: Any) -> Any:
        setattr(ctx.find_root().obj, name, value.value if isinstance(value, StrEnum) else value)
        return value

    return remember


Log = Annotated[
    Path | None, typer.Option("--log", metavar="FILE", help="The run log to use.", envvar="PLCLI_LOG", show_envvar=True)
]
WorkspaceRoot = Annotated[
    Path | None, typer.Option("--workspace", metavar="DIR", help="The workspace; default: found from here upwards.")
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="How to show the result.", callback=note("format")),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer.", callback=note("quiet"))]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More about what happens.", callback=note("verbose"))]
Traceback = Annotated[
    bool, typer.Option("--traceback", help="Show where in plcli an error came from.", callback=note("traceback"))
]
TrustHost = Annotated[
    list[str] | None,
    typer.Option("--trust-host", metavar="HOST", help="A host that may get the key that its model spec names."),
]
AllowPath = Annotated[
    list[Path] | None,
    typer.Option("--allow-path", metavar="PATH", help="A file or folder outside the workspace that specs may read."),
]
