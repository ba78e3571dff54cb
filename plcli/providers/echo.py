"""Echo: a provider inside this process that repeats the last words it was told, or plays a script.

It needs no key and no connection, and the same wire always gets the same answer. Its JSON is the
neutral request under its own names, so it carries everything. Scripts are played in `echo_script`,
answers read in `echo_answer`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from plcli.errors import Problem, SpecError
from plcli.exchange import Target, WireEvent
from plcli.media import Json
from plcli.providers import echo_script
from plcli.providers.echo_answer import fold, progress, read
from plcli.providers.echo_script import wanted
from plcli.providers.echo_turns import content_of, items_of, loosen, messages_of
from plcli.providers.registry import Call, Compiled
from plcli.providers.roundtrip import finish, same, take
from plcli.providers.turns import unforced
from plcli.request import BuiltinTool, CustomTool, FunctionTool, Message, Output, Part, Request, Tool, ToolChoice
from plcli.specs import ModelSpec
from plcli.specs.request import Params

__all__ = [
    "BUILTINS", "MEDIA", "cannot_return", "compile", "defaults", "fold", "loosen", "next_turn", "progress", "read",
    "respell", "send", "target_of", "uncompile", "wanted",
]  # fmt: skip

OPERATION = "echo"

MEDIA: tuple[tuple[str | None, ...], ...] = (("parts", None, "source"),)
"""Places of a response that hold pictures, as data URLs where they are not references from the start."""

BUILTINS: Mapping[str, Mapping[str, Json]] = {}
"""Echo has no tools of its own and repeats those of any api."""


def defaults(request: Request, model: ModelSpec | None = None) -> Request:
    """The request as it is: echo has no defaults."""
    return request


def compile(request: Request) -> Compiled:
    """Neutral to native; nothing is lost but paths of `omit` that are no paths."""
    wire, losses = finish({"model": request.model, **_header(request)}, request)
    return Compiled(wire, target_of(wire, request.model), losses)


def target_of(wire: Json, model: str) -> Target:
    """Where a wire goes."""
    return Target(OPERATION, model)


def uncompile(wire: Json, target: Target) -> Request:
    """Native to neutral; what is not understood stays in `body` or in native parts.

    Raises `SpecError` for a wire that is no object.
    """
    if not isinstance(wire, dict):
        raise SpecError([Problem("-", "the wire is not a JSON object")])
    readers = (_read_chain, _read_params, _read_output, _read_image, _read_script, _read_parallel, _read_tools,
               _read_choice, _read_messages)  # fmt: skip
    request = take(wire, Request("echo", "echo", target.model), _header, readers)
    body = dict(request.body)
    if "model" not in wire:
        return request._replace(omit=("model",))
    if same(wire["model"], target.model):
        del body["model"]
    return request._replace(body=body)


def respell(wire: Json) -> Json:
    """The wire as it is: nobody else writes one."""
    return wire


def cannot_return(part: Part) -> str | None:
    """Always None: echo repeats anything."""
    return None


def send(wire: Json, target: Target, call: Call) -> Iterator[WireEvent]:
    """Answer. Raises `CallFailed` as a script says, and for a script that is none."""
    events: Iterator[WireEvent] = map(WireEvent, echo_script.play(wire, call))
    if not call.stream:
        events = iter([WireEvent(fold(events).body, whole=True)])
    for event in events:
        if call.tap.first_byte is None:
            call.tap.status = 200
            call.tap.first_byte = time.monotonic()
        yield event


def next_turn(wire: Json, wire_response: Json, turns: Sequence[Message], chain: str) -> Json:
    """The old messages, the answer, and the new turns; echo keeps nothing, so `chain` makes no difference.

    Where these answer calls, none is forced any more.
    """
    old = wire.get("messages")
    match wire_response:
        case {"parts": list(parts)}:
            answer = [{"role": "assistant", "content": content_of(parts)}]
        case _:
            answer = []
    return {**unforced(wire, turns), "messages": [*(old if isinstance(old, list) else []), *answer, *items_of(turns)]}


def _header(request: Request) -> dict[str, Json]:
    header: dict[str, Json] = {
        "messages": items_of(request.messages) or None,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "chain": request.chain if request.chain == "server" else None,
        "output": _output(request.output),
        "image": None if request.image is None else dict(request.image),
        "params": dict(request.params) or None,
        "script": request.script,
    }
    return _given(header)


def _given(fields: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}


def _tool(tool: Tool) -> Json:
    if isinstance(tool, BuiltinTool):
        return tool.item
    entry: dict[str, Json] = {"name": tool.name, "description": tool.description}
    if isinstance(tool, FunctionTool):
        return _given({"type": "function", **entry, "parameters": tool.parameters, "strict": tool.strict})
    grammar = {"syntax": tool.syntax, "definition": tool.definition, "explicit_text": tool.explicit_text or None}
    return _given({"type": "custom", **entry, **grammar})


def _choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return None
    if not choice.tools and not choice.forced:
        return choice.mode
    return _given({"mode": choice.mode, "tools": list(choice.tools), "forced": choice.forced or None})


def _output(output: Output | None) -> Json:
    if output is None:
        return None
    fields = {"name": output.name, "strict": output.strict, "description": output.description}
    return {"schema": output.schema, **_given(fields)}


def _read_chain(wire: Mapping[str, Json], request: Request) -> Request:
    return request._replace(chain="server")


def _read_params(wire: Mapping[str, Json], request: Request) -> Request | None:
    params = wire.get("params")
    if not isinstance(params, dict):
        return None
    return request._replace(params={name: value for name, value in params.items() if _is_param(name, value)})


def _is_param(name: str, value: Json) -> bool:
    try:
        Params.model_validate({name: value})
    except ValidationError:
        return False
    return True


def _read_output(wire: Mapping[str, Json], request: Request) -> Request | None:
    match wire.get("output"):
        case {"name": str(name), "schema": schema, **more}:
            strict, description = more.get("strict"), more.get("description")
            output = Output(
                name,
                schema,
                strict if isinstance(strict, bool) else None,
                description if isinstance(description, str) else None,
            )
            return request._replace(output=output)
    return None


def _read_image(wire: Mapping[str, Json], request: Request) -> Request | None:
    image = wire.get("image")
    return request._replace(image=image) if isinstance(image, dict) else None


def _read_script(wire: Mapping[str, Json], request: Request) -> Request:
    return request._replace(script=wire.get("script"))


def _read_parallel(wire: Mapping[str, Json], request: Request) -> Request | None:
    parallel = wire.get("parallel_tool_calls")
    return request._replace(parallel_tool_calls=parallel) if isinstance(parallel, bool) else None


def _read_messages(wire: Mapping[str, Json], request: Request) -> Request:
    return request._replace(messages=messages_of(wire.get("messages")))


def _read_tools(wire: Mapping[str, Json], request: Request) -> Request | None:
    tools = wire.get("tools")
    if not isinstance(tools, list) or not all(isinstance(item, dict) for item in tools):
        return None
    return request._replace(tools=tuple(_read_tool(item) for item in tools))


def _read_tool(item: dict[str, Json]) -> Tool:
    def word(name: str) -> str | None:
        value = item.get(name)
        return value if isinstance(value, str) else None

    tool: Tool = BuiltinTool(item)
    match item:
        case {"type": "function", "name": str(name)}:
            strict = item.get("strict")
            tool = FunctionTool(
                name, word("description"), item.get("parameters"), strict if isinstance(strict, bool) else None
            )
        case {"type": "custom", "name": str(name)}:
            syntax = item.get("syntax")
            tool = CustomTool(
                name,
                word("description"),
                syntax if syntax in ("regex", "lark") else None,
                word("definition"),
                item.get("explicit_text") is True,
            )
    return tool if same(_tool(tool), item) else BuiltinTool(item)


def _read_choice(wire: Mapping[str, Json], request: Request) -> Request | None:
    match wire.get("tool_choice"):
        case "auto" | "none" | "required" as mode:
            choice = ToolChoice(mode)
        case {"mode": "auto" | "none" | "required" as mode, "tools": list(tools), **more} if all(
            isinstance(tool, str) for tool in tools
        ):
            choice = ToolChoice(mode, tuple(tools), more.get("forced") is True)
        case _:
            return None
    return request._replace(tool_choice=choice)
