"""`plcli open`: a logged run, or a bare wire, as a spec file again."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from plcli import completion, disk, options
from plcli.connect import Limits
from plcli.documents import FORMATS, Document, Format, parse
from plcli.editing import edited
from plcli.errors import Exit, Problem, SpecError, UsageError
from plcli.fence import MEDIA_LIMIT, BadReference, Opened, read_regular
from plcli.orders import Order, Together, carry_out
from plcli.policies import ToolTerms
from plcli.redact import MARK
from plcli.render.differences import told
from plcli.reopening import SAME, Reopened, Stand, of_run, of_wire
from plcli.reopening.barewires import bare_wire
from plcli.resolve import resolve
from plcli.running import Running
from plcli.session import Session, open_session
from plcli.toolterms import tool_terms
from plcli.validate import problems_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_TOLD = 5
"""Differences that are told one by one."""


class Target(StrEnum):
    """Formats of spec files."""

    yaml = "yaml"
    toml = "toml"
    json = "json"


@app.command(name="open")
def open_(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|WIRE.json",
            help="A run (its id, tail, last, last~N), a file with a request body, or -.",
            autocompletion=completion.complete_run,
        ),
    ],
    exchange: Annotated[
        int | None, typer.Option("--exchange", metavar="N", min=0, help="A later request of the run, from 0.")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="The last request of the run.")] = False,
    form: Annotated[Target | None, typer.Option("--as", help="The format; default: that of --out, else yaml.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A new file; its media stand beside.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    editing: Annotated[bool, typer.Option("--edit", help="Change it first, in $VISUAL or $EDITOR.")] = False,
    run: Annotated[bool, typer.Option("--run", help="Run it, as plcli run does.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Of WIRE.json: the model that it is for, a name or provider/model-id.",
            autocompletion=completion.complete_model,
        ),
    ] = None,
    api: Annotated[
        str | None, typer.Option("--api", metavar="API", help="Of WIRE.json: the api that it is for.")
    ] = None,
    log: options.Log = None,
    workspace: options.WorkspaceRoot = None,
    trust_host: options.TrustHost = None,
    allow_path: options.AllowPath = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    traceback: options.Traceback = False,
) -> int:
    """Turn a logged run, or a request body, back into a spec file.

    The spec of the run comes back as it was, comments and templates included, with the values of its variables as
    defaults. Where a file that it names has changed since, what it said then stands in the spec. What has no spec is
    written in the words of one. Each time the spec is compiled and held against what was sent; it exits with 1 where
    that is not proved.

    Examples:

      plcli open last --out prompts/again.yaml

      plcli open last --edit --run

      plcli open body.json --model gemini/gemini-flash-latest
    """
    session = open_session(
        options.screen_of(ctx), workspace=workspace, log=log, trust_hosts=trust_host, allow_paths=allow_path
    )
    stand = Stand(session.workspace, *_place(session, out, form, force))
    if exchange is not None and last:
        raise UsageError("--exchange and --last exclude each other", hint="leave one of them out")
    reopened = _reopened(session, stand, source, -1 if last else exchange, model, api)
    for line in reopened.told:
        session.screen.say((line, "dim"))
    _tell(session, reopened)
    if editing:
        changed = _edited(session, stand, reopened)
        if changed is None:
            reopened.files.tidy("")
            session.screen.say("nothing was changed" + (": nothing is written or run" if out or run else ""))
            return Exit.DONE
        reopened = changed
    if out is not None and stand.file is not None:
        _write(stand.file, reopened, out, force)
        session.screen.say(f"written: {out}")
    if run:
        return _run(session, stand, reopened.document)
    if out is None:
        session.screen.write(session.screen.out, session.screen.clean(reopened.text, session.screen.out))
    return Exit.DONE if editing or reopened.proof.reason is None else Exit.FINDING


def _place(session: Session, out: Path | None, form: Target | None, force: bool) -> tuple[Path | None, Format]:
    """Where the spec will stand, and its format. Raises `UsageError`."""
    if out is None:
        return None, form.value if form is not None else "yaml"
    format = FORMATS.get(out.suffix.lower())
    if format is None:
        raise UsageError(f"--out {out}: unknown format", hint=f"end its name with one of {', '.join(FORMATS)}")
    if form is not None and form.value != format:
        raise UsageError(f"--as {form.value} and --out {out} are two formats", hint="leave out --as")
    path = Path(os.path.abspath(session.workspace.start / out))
    if os.path.lexists(path) and not force:
        raise _taken(out)
    return Path(os.path.realpath(path.parent)) / path.name, format


def _taken(out: Path) -> UsageError:
    return UsageError(f"{out} is there already", hint="name another file, or add --force")


def _reopened(
    session: Session, stand: Stand, source: str, exchange: int | None, model: str | None, api: str | None
) -> Reopened:
    """The spec of a run or of a file."""
    path = Path(os.path.realpath(session.workspace.start / source))
    if source == "-" or os.path.isfile(path) or path.suffix.lower() == ".json":
        if exchange is not None:
            raise UsageError("--exchange and --last are for runs", hint=f"plcli open {source}")
        return _of_file(session, stand, source, path, model, api)
    record = session.log.find(source)
    if model is not None or api is not None:
        option = "--model" if model is not None else "--api"
        hint = f"plcli open {source} --edit, or plcli replay {source} --model MODEL"
        raise UsageError(f"{option} is for WIRE.json: a run knows what it asked", hint=hint)
    at = len(record.exchanges) - 1 if exchange == -1 else exchange or 0
    return of_run(stand, record, max(at, 0), session.store)


def _of_file(session: Session, stand: Stand, source: str, path: Path, model: str | None, api: str | None) -> Reopened:
    try:
        data = sys.stdin.buffer.read(MEDIA_LIMIT) if source == "-" else read_regular(path, source, MEDIA_LIMIT)
        text = Opened(path, data).text
    except BadReference as error:
        raise SpecError([Problem(source, error.message, hint=error.hint)]) from None
    wire = bare_wire(session.workspace, text, source, model, api)

    def read(digest: str) -> bytes:
        return wire.media[digest] if digest in wire.media else session.store.get(digest)

    return of_wire(stand, wire.wanted, wire.model, read, "standard input" if source == "-" else source)


def _tell(session: Session, reopened: Reopened) -> None:
    """Whether the spec was proved, and why not."""
    screen, proof = session.screen, reopened.proof
    if proof.reason is None:
        screen.say((f"proved: {SAME}", "dim"))
        return
    screen.warn(f"not proved: {proof.reason}")
    for difference in proof.differences[:_TOLD]:
        screen.say(f"  {told(difference)}")
    if len(proof.differences) > _TOLD:
        screen.say(f"  … and {len(proof.differences) - _TOLD} more")
    if places := reopened.redacted:
        screen.say(("hint:", "cyan"), f" write what {MARK} stands for at {', '.join(places[:_TOLD])}")


def _edited(session: Session, stand: Stand, reopened: Reopened) -> Reopened | None:
    """The spec as a person changed it; None where they did not. Raises `SpecError`, `SetupError`."""
    name = stand.file.name if stand.file is not None else f"spec.{stand.format}"

    def problems(draft: str) -> Sequence[Problem]:
        try:
            return problems_of(session.workspace, _parsed(stand, draft), stand.file)
        except SpecError as error:
            return error.problems

    text = edited(reopened.text, name, problems, session.screen)
    if text is None:
        return None
    if reopened.heading:
        text = text.replace(reopened.heading, f"{reopened.heading.partition(';')[0]}, then changed", 1)
    return reopened._replace(text=text, document=_parsed(stand, text))


def _parsed(stand: Stand, text: str) -> Document:
    shown = stand.workspace.label(stand.file) if stand.file is not None else "-"
    return parse(text, file=shown, format=stand.format)


def _write(file: Path, reopened: Reopened, out: Path, force: bool) -> None:
    """Raises `UsageError` where the file is there, or cannot be written."""
    try:
        if not os.path.lexists(file):
            disk.make_folder(file.parent)
        (disk.replace if force else disk.create)(file, reopened.text.encode())
    except (OSError, ValueError) as error:
        reopened.files.tidy("")
        if isinstance(error, FileExistsError) and os.path.lexists(file):
            raise _taken(out) from None
        reason = (error.strerror if isinstance(error, OSError) else None) or "no file can have this name"
        raise UsageError(f"--out {out}: {reason.lower()}", hint="name a file that can be written") from None
    reopened.files.tidy(reopened.text)


def _run(session: Session, stand: Stand, document: Document) -> int:
    """Run the spec, and log that."""
    terms = tool_terms(session, ToolTerms())
    running = Running(session, "run", Limits(None, None, None), stream=True, keep=True, terms=terms)
    resolved = resolve(session.workspace, document, stand.file, given={})
    return carry_out(running, [Order(resolved, None, None)], Together())
