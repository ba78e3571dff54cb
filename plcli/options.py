"""Options that several commands share, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from plcli.render.screen import Screen


class Format(StrEnum):
    """Forms of output."""

    card = "card"
    text = "text"
    json = "json"
    jsonl = "jsonl"


class Report(StrEnum):
    """Forms of what was found."""

    text = "text"
    json = "json"
    github = "github"


def screen_of(ctx: typer.Context) -> Screen:
    """The screen that the error boundary and all commands of a process share."""
    return cast(Screen, ctx.find_root().obj)


def note(name: str) -> Any:
    """A callback that tells the screen of an option as soon as it is read, so that errors obey it too."""

    def tell(ctx: typer.Context, value: Any) -> Any:
        setattr(screen_of(ctx), name, value.value if isinstance(value, StrEnum) else value)
        return value

    return tell


Prompt = Annotated[str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="Run this text instead.")]
Var = Annotated[
    list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A variable: k=v, k=@file, or k=- for stdin.")
]
Rows = Annotated[
    Path | None, typer.Option("--vars", metavar="FILE", help="One run for each row of a JSONL, CSV, JSON or YAML file.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=YAML", help="Change the spec: params.temperature=0.2.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help="Runs at once; default: one for each --model.")
]
Repeat = Annotated[int, typer.Option("--repeat", metavar="N", min=1, help="Run each request so often.")]
MaxFail = Annotated[
    int | None, typer.Option("--max-fail", metavar="N", min=1, help="Start no more runs after N failures.")
]
MaxCost = Annotated[
    float | None,
    typer.Option("--max-cost", metavar="DOLLARS", min=0.0, help="Start no more runs where they would cost more."),
]
Resume = Annotated[
    str | None, typer.Option("--resume", metavar="BATCH", help="Run only what this batch has no answer to.")
]
Recorded = Annotated[
    bool, typer.Option("--recorded", help="Answer from recordings, then from the log; send and log nothing.")
]
Recordings = Annotated[
    list[Path] | None,
    typer.Option("--recordings", metavar="FILE", help="Answer from this file of recordings alone; implies --recorded."),
]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        "--tools",
        metavar="POLICY|NAME=POLICY",
        help="Who answers calls of tools: stop (nobody), stub, run, ask or history.",
    ),
]
StrictTools = Annotated[bool, typer.Option("--strict-tools", help="End at a wrong call or a failing tool.")]
RecordStubs = Annotated[bool, typer.Option("--record-stubs", help="Keep what handlers answer as stubs.")]
MaxRounds = Annotated[int, typer.Option("--max-rounds", metavar="N", min=1, help="At most so many rounds of calls.")]
MaxCalls = Annotated[int, typer.Option("--max-calls", metavar="N", min=1, help="At most so many calls of tools.")]
ToolTimeout = Annotated[
    float, typer.Option("--tool-timeout", metavar="SECONDS", min=0.001, help="Longest time for one call of a tool.")
]
Message = Annotated[
    str | None, typer.Option("--message", metavar="TEXT|@FILE|-", help="What to say next, with --continue.")
]
Answer = Annotated[
    list[str] | None,
    typer.Option("--answer", metavar="CALL=JSON|@FILE", help="The answer to a call that waits, with --continue."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse to move to a model that cannot carry everything.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print wire and target; send nothing.")]
Inline = Annotated[bool, typer.Option("--inline", help="With --dry-run: bytes instead of references.")]
NoStream = Annotated[bool, typer.Option("--no-stream", help="Wait for the whole answer.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Longest wait for one read.")
]
Deadline = Annotated[
    float | None, typer.Option("--deadline", metavar="SECONDS", min=0.001, help="Longest time for a run.")
]
Retries = Annotated[
    int | None, typer.Option("--retries", metavar="N", min=0, help="How often to try again after a failure.")
]
Tag = Annotated[list[str] | None, typer.Option("--tag", metavar="WORD", help="A word to find the run by.")]
Count = Annotated[
    int | None, typer.Option("--count", "-n", metavar="N", min=1, help="At most so many, the newest; default: 20.")
]
All = Annotated[bool, typer.Option("--all", help="All runs, however many.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Runs from then on (UTC): a date, a time, 2h, 7d, today, yesterday."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="CONDITION", help="Runs whose record says so: 'usage.output_tokens > 500 and tags = mine'."
    ),
]
NoLog = Annotated[bool, typer.Option("--no-log", help="Leave no record.")]
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
