"""Requests of PromptLayer, as its SDK, its api and its exports write them.

- what its SDK tracks: `function_name`, `kwargs` (the call as it was made: the wire) and `request_response`;
- what is logged by hand: `provider`, `model`, `input` and `output` as blueprints, `parameters`;
- what its api gives back: `prompt_blueprint`, which holds the conversation with its answer at the end.

A blueprint is neutral, so the wires of the last two are rebuilt from it, and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plcli.errors import Problem
from plcli.imports.captured import Captured, Found, Reply, Source, Spot
from plcli.imports.jsonvalues import values
from plcli.imports.moments import between, moment
from plcli.imports.rebuilding import Blueprint, rebuilt
from plcli.media import Json
from plcli.providers.reading import rows, table
from plcli.response import Failure

_OPTIONS = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})
"""Arguments of a call that are no part of its body; headers may hold keys."""

_KEPT = ("request_id", "prompt_name", "prompt_id", "prompt_version", "prompt_version_number", "score", "score_name",
         "group_id", "trace_id", "span_id")  # fmt: skip
"""What PromptLayer knows of a request beside its metadata."""

_KIND_OF_ERROR = {
    "PROVIDER_AUTH_ERROR": "auth",
    "PROVIDER_QUOTA_LIMIT": "quota",
    "PROVIDER_RATE_LIMIT": "rate_limit",
    "PROVIDER_TIMEOUT": "timeout",
}


def read(source: Source) -> Iterator[Found]:
    """The requests of a file: one, a list, or one a line. Raises `SpecError` for what is no JSON."""
    for found in values(source):
        yield found if isinstance(found, Problem) else _read(found.spot, found.value)


def is_one(value: Mapping[str, Json]) -> bool:
    """Whether an object is a request of PromptLayer."""
    return _tracked(value) or _logged(value) or isinstance(value.get("prompt_blueprint"), dict)


def _tracked(value: Mapping[str, Json]) -> bool:
    return "request_response" in value and ("kwargs" in value or "function_kwargs" in value)


def _logged(value: Mapping[str, Json]) -> bool:
    return {"provider", "model", "input"} <= value.keys() and isinstance(value["input"], dict)


def _read(spot: Spot, value: Json) -> Found:
    if not isinstance(value, dict):
        return spot.problem("no request of PromptLayer: it is no object")
    try:
        if _tracked(value):
            return _of_call(spot, value)
        if _logged(value):
            output = value.get("output")
            return _of_blueprint(spot, value, table(value["input"]), table(value.get("parameters")), output)
        blueprint = value.get("prompt_blueprint")
        if isinstance(blueprint, dict):
            model = table(table(blueprint.get("metadata")).get("model"))
            value = {"provider": model.get("provider"), "model": model.get("name"), **value}
            value["api_type"] = value.get("api_type", model.get("api_type"))
            template = table(blueprint.get("prompt_template"))
            return _of_blueprint(spot, value, template, table(model.get("parameters")), None)
    except ValueError as error:
        return spot.problem(str(error))
    return spot.problem("no request of PromptLayer: it has neither `kwargs`, nor `input`, nor `prompt_blueprint`")


def _of_call(spot: Spot, value: dict[str, Json]) -> Captured:
    """A call as the SDK tracked it. Raises `ValueError`."""
    name = value.get("function_name")
    if isinstance(name, str) and not name.startswith("openai."):
        raise ValueError(f"its arguments are those of {name[:80]}, not a wire that plcli knows")
    arguments = table(value.get("kwargs", value.get("function_kwargs")))
    wire = {name: item for name, item in arguments.items() if name not in _OPTIONS}
    wire |= table(arguments.get("extra_body"))
    answered = value["request_response"]
    reply = Reply(200, answered) if isinstance(answered, dict) and answered else None
    return _captured(spot, value, wire, reply)


def _of_blueprint(
    spot: Spot, value: dict[str, Json], template: dict[str, Json], parameters: dict[str, Json], output: Json
) -> Captured:
    """A request that is known by its blueprint. Raises `ValueError`."""
    provider, model, api = value.get("provider"), value.get("model"), value.get("api_type")
    if not isinstance(provider, str) or not isinstance(model, str):
        raise ValueError("it needs `provider` and `model`")
    usage = {"input": value.get("input_tokens"), "output": value.get("output_tokens")}
    made = rebuilt(
        Blueprint(provider, model, api if isinstance(api, str) else None, template, parameters, output, usage)
    )
    return _captured(spot, value, made.wire, Reply(200, made.answer) if made.answer else None, made.provider, made.api,
                     made.model, made.note)  # fmt: skip


def _captured(
    spot: Spot,
    value: dict[str, Json],
    wire: Json,
    reply: Reply | None,
    provider: str | None = None,
    api: str | None = None,
    model: str | None = None,
    note: str | None = None,
) -> Captured:
    start, end = moment(value.get("request_start_time")), moment(value.get("request_end_time"))
    variables = value.get("prompt_input_variables", value.get("input_variables"))
    known = {name: value[name] for name in _KEPT if value.get(name) not in (None, "", {})}
    failure = _failure(value)
    return Captured(
        spot,
        wire,
        provider=provider,
        api=api,
        model=model,
        reply=None if failure else reply,
        failure=failure,
        time=start,
        duration_ms=between(start, end),
        variables=variables if isinstance(variables, dict) else None,
        tags=tuple(tag for tag in rows(value.get("tags")) if isinstance(tag, str)),
        metadata={**table(value.get("metadata")), **({"promptlayer": known} if known else {})},
        note=note,
    )


def _failure(value: dict[str, Json]) -> Failure | None:
    if value.get("status") != "ERROR":
        return None
    kind, message = value.get("error_type"), value.get("error_message")
    return Failure(
        kind=_KIND_OF_ERROR.get(kind, "server") if isinstance(kind, str) else "server",
        message=message if isinstance(message, str) and message else "the request failed",
        code=kind if isinstance(kind, str) else None,
    )
