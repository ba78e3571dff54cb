"""One run: a request asked, its answer judged and priced, and everything written down as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial

from plcli import expect, prices, retirements
from plcli.answering import Answering
from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.environment import UserSide
from plcli.errors import Exit
from plcli.failures import EXIT_OF_KIND
from plcli.loggedanswers import LoggedAnswers
from plcli.media import Json, MediaReader
from plcli.mediastore import MediaStore
from plcli.policies import ToolTerms
from plcli.providers.registry import adapter
from plcli.records import Cost, ExpectationRecord
from plcli.request import BuiltinTool, CustomTool, FunctionTool, Request
from plcli.resolve import Resolved
from plcli.response import Failure, Response, State
from plcli.rounds import Answered, Rounds, Watching, converse
from plcli.specs import Pricing
from plcli.toolanswers import Policy
from plcli.workspace import Workspace

ANSWERED_NO: tuple[State, ...] = ("refused", "blocked", "no_image")
"""States of answers that are none; an expectation that names the state decides whether that is wrong."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to. `output` is the structured answer, where one was asked for."""

    resolved: Resolved
    connection: Connection
    rounds: Rounds
    cost: Cost | None
    output: Json = None
    expectations: tuple[ExpectationRecord, ...] = ()

    @property
    def failure(self) -> Failure | None:
        """Why there is no answer, or not all of it."""
        return self.rounds.failure

    @property
    def response(self) -> Response:
        """The last answer."""
        return self.rounds.response

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies by which files could answer all calls that wait."""
        tools = [self.resolved.tools.get(call.name) for call in self.rounds.waiting if call.native is None]
        stubbed = bool(tools) and all(tool is not None and tool.stubs for tool in tools)
        handled = bool(tools) and all(tool is not None and tool.handled for tool in tools)
        ways: dict[Policy, bool] = {"stub": stubbed, "run": handled}
        return tuple(policy for policy, fits in ways.items() if fits)

    @property
    def exit(self) -> Exit:
        """The exit code that this run asks for."""
        code = Exit.DONE
        if self.response.state in ANSWERED_NO:
            code = Exit.DONE if expect.names("state", self.resolved.expectations) else Exit.REFUSED
        elif self.failure is not None:
            code = EXIT_OF_KIND.get(self.failure.kind, Exit.UNAVAILABLE)
        failed = any(not expectation.passed for expectation in self.expectations)
        return max(code, Exit.FINDING) if failed else code


def answering_of(
    resolved: Resolved, workspace: Workspace, user: UserSide, store: MediaStore, terms: ToolTerms, cancel: Cancel
) -> Answering:
    """Who answers the calls of a request."""
    before = resolved.parent or resolved.of
    return Answering(
        workspace=workspace,
        user=user,
        terms=terms,
        tools=resolved.tools,
        offered=cache(partial(_offered, resolved)),
        history=LoggedAnswers((before.tool_results or ()) if before is not None else (), store.get),
        cancel=cancel,
    )


def _offered(resolved: Resolved) -> Mapping[str, FunctionTool | CustomTool]:
    """The tools that the model is told of, those of `body` too."""
    request, (wire, target, _) = resolved.request, resolved.compiled
    read = adapter(resolved.model.provider, request.api).uncompile(wire, target)
    return {tool.name: tool for tool in (*read.tools, *request.tools) if not isinstance(tool, BuiltinTool)}


def send(
    resolved: Resolved,
    connection: Connection,
    *,
    stream: bool,
    store: MediaStore,
    watching: Watching,
    answering: Answering,
    already: Sequence[Answered] = (),
) -> Rounds:
    """Ask the provider, and answer what it calls. Failures, Ctrl-C and being cancelled end in a value too."""
    if _priced_by_package(resolved, connection):
        prices.preload()
    return converse(
        connection,
        resolved.compiled.target,
        resolved.compiled.wire,
        chain=resolved.request.chain,
        stream=stream,
        read_media=reader(resolved.media, store),
        watching=watching,
        answering=answering,
        already=already,
    )


def judged(resolved: Resolved, connection: Connection, rounds: Rounds) -> Run:
    """The run that these rounds make: its cost, its structured output, and whether its expectations held."""
    rounds = _told_of_retirement(resolved, connection, rounds)
    response, usage = rounds.response, rounds.usage
    # What is not paid for has no price, unless somebody wants to know what it was.
    paid = connection.answers is None or expect.names("cost", resolved.expectations)
    cost = prices.together(_cost(resolved, connection, turn.response) for turn in rounds.turns) if paid else None
    output: Json = None
    complaint: str | None = expect.NO_OUTPUT
    findings: list[ExpectationRecord] = []
    asked = resolved.request.output
    if asked is not None and response.state == "ok":
        output, complaint = expect.parse_output(response.text, asked.schema)
        if complaint is not None:
            findings.append(ExpectationRecord(path="output", passed=False, got=response.text, message=complaint))
    # A call that got no answer has nothing to be held against, unless that is what is expected.
    if rounds.failure is None or response.state in ANSWERED_NO or expect.names("state", resolved.expectations):
        observed = expect.Observed(
            text=response.text,
            output=output,
            output_error=complaint,
            state=response.state,
            tool_calls=rounds.calls,
            images=sum(len(turn.response.images) for turn in rounds.turns),
            cost=cost.amount if cost else None,
            latency_ms=rounds.duration_ms,
            tokens=usage.total_tokens if usage else None,
        )
        findings.extend(expect.check(resolved.expectations, observed))
    return Run(resolved, connection, rounds, cost, output, tuple(findings))


def _cost(resolved: Resolved, connection: Connection, response: Response) -> Cost | None:
    return prices.cost_of(
        response.usage,
        provider=connection.provider.name,
        model=resolved.request.model,
        served_model=response.served_model,
        pricing=_pricing(resolved),
        images=len(response.images),
        own_host=connection.own_host,
        image_model=_image_model(resolved.request),
        service_tier=response.service_tier,
    )


def _told_of_retirement(resolved: Resolved, connection: Connection, rounds: Rounds) -> Rounds:
    """The rounds; a model that its maker does not find any more may be one that is known to be gone."""
    if rounds.failure is None or rounds.failure.kind != "not_found" or not connection.own_host:
        return rounds
    request = resolved.request
    hint = retirements.hint(request.provider, request.model, datetime.now(UTC).date())
    return replace(rounds, failure=rounds.failure.model_copy(update={"hint": hint})) if hint else rounds


def _pricing(resolved: Resolved) -> Pricing | None:
    return resolved.model.spec.pricing if resolved.model.spec else None


def _priced_by_package(resolved: Resolved, connection: Connection) -> bool:
    """Whether the price data will be needed, which takes long to load."""
    sent = connection.answers is None and not connection.provider.local
    return sent and connection.own_host and _pricing(resolved) is None


def _image_model(request: Request) -> str | None:
    """The model that draws for the request, where it names one."""
    drawing = [tool.item for tool in request.tools if isinstance(tool, BuiltinTool)]
    named = (item.get("model") for item in (request.image or {}, *drawing) if isinstance(item, Mapping))
    return next((model for model in named if isinstance(model, str)), None)


def reader(media: Mapping[str, bytes], store: MediaStore) -> MediaReader:
    """Reads the files of the request from memory, older media from the store."""

    def read(digest: str) -> bytes:
        data = media.get(digest)
        return data if data is not None else store.get(digest)

    return read
