"""Runs as bodies of PromptLayer's `POST /log-request`, one a line: prompt blueprints with what is known of the call."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from plcli.brevity import cut
from plcli.errors import PlcliError
from plcli.exchange import Target
from plcli.exports.blueprints import Blueprints
from plcli.exports.connections import Surroundings
from plcli.exports.losses import TOO_DEEP, LeftOut, Losses
from plcli.exports.sending import encoded, provider_of, wire_of
from plcli.media import Json, decode, encode
from plcli.providers.registry import Adapter, adapter
from plcli.records import Record
from plcli.redact import marked
from plcli.request import Message, Request
from plcli.response import Response

BEGINNING = r'\{"metadata":\{"plcli_run":"'
"""A pattern of how every export of this form begins."""

_PROVIDERS = {"openai": "openai", "gemini": "google"}
_CLOUDS = {"openai.azure.com": "openai.azure", "aiplatform.googleapis.com": "vertexai"}
_APIS = {"responses": "responses", "chat": "chat-completions", "images": "images"}
_ERRORS = {
    "auth": "PROVIDER_AUTH_ERROR",
    "permission": "PROVIDER_AUTH_ERROR",
    "quota": "PROVIDER_QUOTA_LIMIT",
    "rate_limit": "PROVIDER_RATE_LIMIT",
    "timeout": "PROVIDER_TIMEOUT",
    "interrupted": "UNKNOWN_ERROR",
}
_PARTIAL = ("incomplete", "refused", "blocked", "no_image")

_CONVERSATION = frozenset((
    "contents", "image", "images", "input", "instructions", "markup", "mask", "messages", "model", "prompt",
    "systemInstruction", "system_instruction", "toolConfig", "tool_choice", "tool_config", "tools",
))  # fmt: skip
"""Fields of wires that are no parameters."""

_LONGEST_TAG, _LONGEST_ERROR = 512, 1024


def promptlayer(records: Iterable[Record], around: Surroundings, which: int | None, losses: Losses) -> Iterator[str]:
    """The bodies, one for each exchange, or for exchange `which` alone.

    What a blueprint has no place for is told by its path in the request or answer, once for each run.
    """
    for record in records:
        for at in range(max(len(record.exchanges), 1)) if which is None else (which,):
            try:
                text = encoded(around.redactor.plain(_body(record, at, around, losses)))
            except LeftOut as why:
                losses.leave_out(record, why)
            except RecursionError:
                losses.leave_out(record, LeftOut(TOO_DEEP))
            else:
                losses.exported += 1
                yield f"{text}\n"


def _body(record: Record, at: int, around: Surroundings, losses: Losses) -> dict[str, Json]:
    wire = marked(wire_of(record, at))
    exchange = record.exchanges[at]
    made = _adapter(record)
    blueprints = Blueprints(around.store, completion=record.api == "images")
    request = _request(made, wire, Target(exchange.operation, record.model or ""), blueprints.lost)
    response = _response(made, exchange.response)
    started, ended = _times(exchange.started, exchange.duration_ms)
    usage = response.usage if response else None
    spec = record.spec.path if record.spec else None
    known = {
        "plcli_run": record.id,
        "plcli_exchange": str(at),
        **({"plcli_spec": spec} if spec else {}),
    }
    body: dict[str, Json] = {
        "metadata": known | {name: _word(value) for name, value in (record.metadata or {}).items()},
        "provider": _provider(record),
        "model": record.model,
        "api_type": _APIS.get(record.api or ""),
        "function_name": f"{record.provider}.{exchange.operation}",
        # A description or a schema may hold a medium too, as far as a log can say.
        "input": encode(blueprints.asked(request)),
        "output": encode(blueprints.answered(response)),
        "request_start_time": started,
        "request_end_time": ended,
        "parameters": encode({name: item for name, item in wire.items() if name not in _CONVERSATION}),
        "prompt_input_variables": record.variables,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "price": record.cost.amount if record.cost and len(record.exchanges) == 1 else None,
        "tags": [cut(tag, _LONGEST_TAG) for tag in record.tags or ()] or None,
        **_status(record, at, response),
    }
    if blueprints.lost:
        losses.lost(record, f"exchange {at} without {cut(', '.join(blueprints.lost), 300)}")
    return {name: value for name, value in body.items() if value is not None}


def _adapter(record: Record) -> Adapter:
    try:
        return adapter(provider_of(record), record.api or "")
    except PlcliError as error:
        raise LeftOut(error.message) from None


def _request(made: Adapter, wire: Json, target: Target, lost: list[str]) -> Request:
    """The neutral request, without the provider's own items; what is none of it is added to `lost`."""
    messages: list[Message] = []
    if not isinstance(wire, dict):
        raise LeftOut("its request is no JSON object")
    try:
        request = made.uncompile(made.respell(wire), target)
        for at, message in enumerate(request.messages):
            loosened = made.loosen(message)
            messages += loosened.messages
            lost += (f"messages[{at}].{loss.path}" for loss in loosened.losses)
    except (PlcliError, ValueError) as error:
        raise LeftOut(f"its request cannot be read: {error}") from None
    lost += (name for name in request.body if name in _CONVERSATION)
    return request._replace(messages=tuple(messages))


def _response(made: Adapter, body: Json) -> Response | None:
    """The answer of an exchange; None where there is none, or none that can be read."""
    if body is None:
        return None
    try:
        return made.read(marked(decode(body)))
    except (PlcliError, ValueError):
        return None


def _times(started: str, duration_ms: int) -> tuple[str, str]:
    """When a call began and ended. Raises `LeftOut` for a time that is none."""
    try:
        begun = datetime.fromisoformat(started).astimezone(UTC)
        ended = begun + timedelta(milliseconds=duration_ms)
    except (ValueError, OverflowError):
        raise LeftOut("when it was sent is not known") from None
    return begun.isoformat(timespec="milliseconds"), ended.isoformat(timespec="milliseconds")


def _provider(record: Record) -> str | None:
    """The provider by PromptLayer's name."""
    try:
        host = urlsplit((record.endpoint.base_url if record.endpoint else None) or "").hostname or ""
    except ValueError:
        host = ""
    cloud = next((name for end, name in _CLOUDS.items() if host.endswith(end)), None)
    return cloud or _PROVIDERS.get(record.provider or "", record.provider)


def _status(record: Record, at: int, response: Response | None) -> dict[str, Json]:
    """How the call ended, in PromptLayer's words."""
    attempts = record.exchanges[at].attempts
    failure = attempts[-1].error if attempts else None
    if at == len(record.exchanges) - 1:
        failure = failure or record.error
    if response is not None and response.state in _PARTIAL:
        said = failure.message if failure else response.finish_reason or response.state
        return _ended("WARNING", "PROVIDER_PARTIAL_RESPONSE", said)
    if failure is not None:
        return _ended("ERROR", _ERRORS.get(failure.kind, "PROVIDER_ERROR"), failure.message)
    return {"status": "SUCCESS"}


def _ended(status: str, kind: str, message: str) -> dict[str, Json]:
    return {"status": status, "error_type": kind, "error_message": cut(message, _LONGEST_ERROR)}


def _word(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
