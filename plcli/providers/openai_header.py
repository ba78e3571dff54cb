"""What the headers of Responses and of Chat Completions share: params, strictness, the way back from a wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plcli.errors import Problem, SpecError
from plcli.exchange import Target
from plcli.media import Json
from plcli.providers.openai_strict import obstacles
from plcli.providers.roundtrip import Header, Reader, take
from plcli.request import FunctionTool, Loss, Output, Request


def uncompile(api: str, wire: Json, target: Target, header: Header, readers: Iterable[Reader]) -> Request:
    """The request of a wire. `body` keeps a model that is not the target's; `omit` says that there is none.

    Raises `SpecError` for a wire that is no object.
    """
    if not isinstance(wire, dict):
        raise SpecError([Problem("", f"the body of a {api} request must be an object")])
    request = take(wire, Request(provider="openai", api=api, model=target.model), header, readers)
    body = {key: item for key, item in request.body.items() if key != "model" or item != target.model}
    return request._replace(body=body, omit=() if "model" in wire else ("model",))


def explicit_strict(request: Request) -> Request:
    """The request with `strict` said of every function tool and of the output: true where the schema qualifies."""
    tools = tuple(
        tool._replace(strict=not obstacles(tool.parameters))
        if isinstance(tool, FunctionTool) and tool.strict is None
        else tool
        for tool in request.tools
    )
    output = request.output
    if output is not None and output.strict is None:
        output = output._replace(strict=not obstacles(output.schema))
    return request._replace(tools=tools, output=output)


def body_losses(request: Request) -> list[Loss]:
    """The transport switches that a `body` must not hold."""
    return [
        Loss(f"body.{name}", f"{name} is a transport switch", "drop it; --no-stream turns streaming off")
        for name in ("stream", "stream_options")
        if name in request.body
    ]


def read_parallel(wire: Mapping[str, Json], request: Request) -> Request | None:
    """The reader of `parallel_tool_calls`."""
    parallel = wire.get("parallel_tool_calls")
    return request._replace(parallel_tool_calls=parallel) if isinstance(parallel, bool) else None


def structure(output: Output) -> dict[str, Json]:
    """The fields of a structured output as both apis write them."""
    entry: dict[str, Json] = {"name": output.name, "schema": output.schema}
    if output.description is not None:
        entry["description"] = output.description
    if output.strict is not None:
        entry["strict"] = output.strict
    return entry


def read_structure(entry: Json, request: Request) -> Request | None:
    """The request with the output that `structure` could have written so."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or "schema" not in entry:
        return None
    strict, description = entry.get("strict"), entry.get("description")
    output = Output(
        entry["name"],
        entry["schema"],
        strict if isinstance(strict, bool) else None,
        description if isinstance(description, str) else None,
    )
    return request._replace(output=output)
