"""`plcli models`: the models of a workspace, what a run would use of them, and whether they work and last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from plcli import completion, options
from plcli.connect import Connection, Limits, connect
from plcli.documents import FORMATS
from plcli.errors import Exit, PlcliError, Problem, SetupError, SpecError, UsageError
from plcli.fence import BadReference
from plcli.modelcheck import Question, check_models, short_answer
from plcli.modelfacts import brief, facts
from plcli.modelrefs import ModelRef, load_model, model_reference
from plcli.modeluse import Survey, recorded, retiring, survey, used_model
from plcli.render.errors import error_json, error_text
from plcli.render.models import show_checked, show_model, show_models
from plcli.render.problems import show_problems
from plcli.session import Session, open_session
from plcli.workspace import Workspace

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, help="List models, show what a run would use, check them."
)


@app.command("list")
def list_models(
    ctx: typer.Context,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """List the models of the workspace: its model specs, and those that requests name as provider/model-id.

    A table on a terminal, tab-separated lines in a pipe.

    Example: plcli models list
    """
    session = open_session(options.screen_of(ctx), workspace=workspace)
    found = _survey(session)
    for problem in found.problems:
        session.screen.warn(f"{problem.where}: {problem.message}")
    if not found.models:
        _say_none(session)
    today = _today()
    show_models([brief(used, session.user, today) for used in found.models], session.screen)
    return Exit.DONE


@app.command("show")
def show(
    ctx: typer.Context,
    name: completion.ModelName,
    workspace: options.WorkspaceRoot = None,
    shape: options.FormatOption = None,
    trust_host: options.TrustHost = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Show what a run with a model would use: address, key, trust, defaults, limits, prices. Sends nothing.

    Example: plcli models show openai/gpt-6.2-sol
    """
    session = open_session(options.screen_of(ctx), workspace=workspace, trust_hosts=trust_host)
    ref = _named(session.workspace, name)
    found = _survey(session, ref)
    show_model(facts(used_model(found, ref, session.user), session.user, _today()), session.screen)
    return Exit.DONE


@app.command("check")
def check(
    ctx: typer.Context,
    names: completion.ModelNames = None,
    used: Annotated[
        bool, typer.Option("--used", help="Find specs and recordings that use a model that is gone or going.")
    ] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Ask for a short answer where the endpoint cannot tell; costs a little.")
    ] = False,
    within: Annotated[
        int, typer.Option("--within", metavar="DAYS", min=0, help="How soon a model must end to be a finding.")
    ] = 90,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Longest time for one model.")
    ] = 20.0,
    workspace: options.WorkspaceRoot = None,
    style: Annotated[
        options.Report,
        typer.Option("--format", help="How to report; github with --used.", callback=options.note("format")),
    ] = options.Report.text,
    trust_host: options.TrustHost = None,
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Ask the endpoints whether key, URL and model work, and tell when models will be shut down.

    Without a name all model specs are checked. With --used nothing is sent: a dated table tells which
    models are gone or going, and every place that uses one is named.

    Examples:

      plcli models check self-hosted openai/gpt-6.2-sol

      plcli models check --used --format github
    """
    session = open_session(options.screen_of(ctx), workspace=workspace, trust_hosts=trust_host)
    if used:
        if names or send:
            raise UsageError("--used looks at the whole workspace and sends nothing", hint="plcli models check --used")
        return _check_used(session, within, style)
    if style is options.Report.github:
        raise UsageError("--format github goes with --used", hint="plcli models check --used --format github")
    return _check_endpoints(session, names or (), within, timeout, send=send)


def _check_used(session: Session, within: int, style: options.Report) -> int:
    """Every place that uses a model that is gone or going, and what could not be read."""
    found = survey(session.workspace, session.user)
    unread = [problem._replace(severity="warning") for problem in found.problems]
    uses = [*found.uses, *recorded(session.workspace, session.user, unread.append)]
    findings = retiring(uses, _today(), within)
    problems = sorted([*findings, *unread], key=lambda one: (one.file, one.line or 0, one.column or 0, one.path))
    show_problems(problems, session.screen, style.value)
    gone = sum(finding.severity == "error" for finding in findings)
    session.screen.say(f"{len(uses)} uses of models: {gone} gone, {len(findings) - gone} going within {within} days")
    return Exit.FINDING if findings else Exit.DONE


def _check_endpoints(session: Session, names: Sequence[str], within: int, timeout: float, *, send: bool) -> int:
    """Ask about each model; problems of model specs that are wrong are told beside them."""
    problems: list[Problem] = []
    if names:
        refs = [_named(session.workspace, name) for name in names]
        found = _survey(session, *refs)
        models = list({used.name: used for used in (used_model(found, ref, session.user) for ref in refs)}.values())
    else:
        found = _survey(session)
        models = [used for used in found.models if used.ref.spec is not None]
        folder = session.workspace.label(session.workspace.folder("model"))
        problems = [problem for problem in found.problems if problem.file.startswith(f"{folder}{os.sep}")]
        if not models:
            _say_none(session)
    limits = Limits(timeout, timeout, 0)
    questions = [Question(used.name, used.ref, used.use.home, _reached(session, used.ref, limits)) for used in models]
    trial = partial(short_answer, session.workspace) if send else None
    checked = check_models(questions, _today(), timeout, trial)
    show_checked(checked, within, session.screen)
    if problems:
        screen, told = session.screen, error_json if session.screen.machine else error_text
        screen.write(screen.err, told(SpecError(problems), screen.redact) + "\n")
    return max([one.exit(within) for one in checked] + [Exit.FILE] * bool(problems), default=Exit.DONE)


def _say_none(session: Session) -> None:
    folder = session.workspace.label(session.workspace.folder("model"))
    session.screen.say(f"no models: model specs are files in {folder}/; any other is named as provider/model-id")


def _survey(session: Session, *named: ModelRef) -> Survey:
    """The models of the workspace; from now on keys for them may come from `.env`."""
    found = survey(session.workspace, session.user)
    specs = [ref.spec for ref in (*named, *(used.ref for used in found.models))]
    session.read_keys(spec.api_key_env for spec in specs if spec and spec.api_key_env)
    return found


def _reached(session: Session, ref: ModelRef, limits: Limits) -> Connection | PlcliError:
    try:
        made = connect(ref.provider, ref.api(None), ref.spec, session.user, limits)
    except PlcliError as error:
        return error
    session.protect(made.secrets)
    return made


def _named(workspace: Workspace, name: str) -> ModelRef:
    """The model of a name, of a file, or of provider/model-id. Raises `UsageError` and `SpecError`."""
    if Path(name).suffix.lower() in FORMATS:
        return load_model(workspace, Path(os.path.realpath(workspace.start / name)))
    try:
        return model_reference(workspace, name)
    except (BadReference, SetupError) as error:
        raise UsageError(error.message, hint=error.hint) from None


def _today() -> date:
    return datetime.now(UTC).date()
