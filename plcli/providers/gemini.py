"""Gemini's generateContent: requests to and from its JSON, sending, and the next turn.

Its streams are gathered in `gemini_stream`, its answers read in `gemini_answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from plcli.errors import Problem, SpecError
from plcli.exchange import Target, WireEvent
from plcli.media import Json, lower
from plcli.paths import find, merge, place, remove
from plcli.providers import gemini_tools, params
from plcli.providers.gemini_answer import read
from plcli.providers.gemini_client import post
from plcli.providers.gemini_contents import (
    contents_losses,
    contents_of,
    instruction_of,
    messages_of,
    unfit,
    with_signatures,
)
from plcli.providers.gemini_loose import loosen
from plcli.providers.gemini_spellings import respell
from plcli.providers.gemini_stream import fold, progress
from plcli.providers.gemini_tools import BUILTINS
from plcli.providers.reading import rows, table
from plcli.providers.registry import Call, Compiled
from plcli.providers.roundtrip import finish, same, take
from plcli.request import Loss, Message, Output, Part, Request
from plcli.specs import ModelSpec

__all__ = [
    "BUILTINS", "MEDIA", "cannot_return", "compile", "defaults", "fold", "loosen", "next_turn", "progress", "read",
    "respell", "send", "target_of", "uncompile", "wanted",
]  # fmt: skip

OPERATION = "generateContent"

_BLOBS: tuple[tuple[str | None, ...], ...] = (("inlineData", "data"), ("inline_data", "data"))
_IN_PARTS: tuple[tuple[str | None, ...], ...] = (
    *_BLOBS,
    *((result, "parts", None, *blob) for result in ("functionResponse", "function_response") for blob in _BLOBS),
)

MEDIA: tuple[tuple[str | None, ...], ...] = tuple(
    (*parts, None, *place)
    for parts in (("candidates", None, "content", "parts"), ("contents", None, "parts"))
    for place in _IN_PARTS
)
"""Places of a wire that hold base64, however short."""

_CONFIG = "generationConfig"
_STOP, _LEVEL, _BUDGET = (
    f"{_CONFIG}.{path}" for path in ("stopSequences", "thinkingConfig.thinkingLevel", "thinkingConfig.thinkingBudget")
)

_PARAMS = {
    "temperature": f"{_CONFIG}.temperature",
    "top_p": f"{_CONFIG}.topP",
    "top_k": f"{_CONFIG}.topK",
    "max_output_tokens": f"{_CONFIG}.maxOutputTokens",
    "seed": f"{_CONFIG}.seed",
    "presence_penalty": f"{_CONFIG}.presencePenalty",
    "frequency_penalty": f"{_CONFIG}.frequencyPenalty",
    "service_tier": "serviceTier",
}

_EFFORTS = ("minimal", "low", "medium", "high", "xhigh")

_MODALITIES = f"{_CONFIG}.responseModalities"
_PICTURES = ("TEXT", "IMAGE")
"""The modalities of an answer with pictures, which most models give with words only."""

_JSON = "application/json"
_NOT_IN_THE_CONFIG = {
    "mask": "drop it, and say in words what to change",
    "markup": "drop it, and say in words what to change",
    "n": "drop it, and ask for more: plcli image --count N",
}


def defaults(request: Request, model: ModelSpec | None = None) -> Request:
    """The request with signatures on its calls, and what the Developer API wants to be told: to store nothing,
    and to run its own tools beside functions, unless it omits that. Vertex knows neither switch.
    """
    request = request._replace(messages=with_signatures(request.messages))
    if model is not None and model.vertex is not None:
        return request
    body: dict[str, Json] = {"store": False}
    if gemini_tools.are_mixed(request.tools):
        body["toolConfig"] = {"includeServerSideToolInvocations": True}
    for path in request.omit:
        with suppress(ValueError):
            body = remove(body, path)
    return request._replace(body=merge(body, request.body))


def compile(request: Request) -> Compiled:
    """Neutral to native; adds nothing that the request does not say."""
    wire, unknown_paths = finish(_header(request), request)
    return Compiled(wire, target_of(wire, request.model), (*_losses(request), *unknown_paths))


def target_of(wire: Json, model: str) -> Target:
    """Where a wire goes."""
    return Target(OPERATION, model)


def wanted(wire: Json) -> int:
    """How many pictures a wire asks for: one where they are among the modalities."""
    modalities = rows(find(wire, _MODALITIES))
    return int(any(isinstance(each, str) and each.upper() == "IMAGE" for each in modalities))


def uncompile(wire: Json, target: Target) -> Request:
    """Native to neutral; what is not understood stays in `body` or in native parts.

    Raises `SpecError` for a wire that is no object.
    """
    if not isinstance(wire, dict):
        raise SpecError([Problem("", "the body of a gemini request must be an object")])
    readers = (params.params_reader(_PARAMS), _read_stop, _read_effort, _read_output, _read_image,
               _read_tools, _read_choice, _read_messages)  # fmt: skip
    # Where pictures are wanted, other modalities beside them are a change that `body` makes.
    drawing = bool(wanted(wire))
    usual = place(wire, _MODALITIES, [*_PICTURES]) if drawing else wire
    request = take(usual, Request("gemini", "generate_content", target.model), _header, readers)
    modalities = find(wire, _MODALITIES)
    if not drawing or same(modalities, [*_PICTURES]):
        return request
    return request._replace(body=place(request.body, _MODALITIES, modalities))


def send(wire: Json, target: Target, call: Call) -> Iterator[WireEvent]:
    """Send the wire; raises `CallFailed`, and `MediaMissing` for bytes that are gone."""
    return post(target.model, lower(wire, call.read_media), call)


def cannot_return(part: Part) -> str | None:
    """Why a part cannot stand in the result of a tool, or None."""
    return unfit("tool", part)


def next_turn(wire: Json, wire_response: Json, turns: Sequence[Message], chain: str) -> Json:
    """The wire of the next turn: the old contents, the answer's first one as it came, and the new turns.

    An answer without parts cannot be sent back. Where the new turns answer calls, none is forced any more.
    """
    candidates = rows(table(wire_response).get("candidates"))
    said = table(table(candidates[0]).get("content")) if candidates else {}
    answer = [said if "role" in said else {"role": "model", **said}] if said.get("parts") else []
    before = [*rows(wire.get("contents")), *answer]
    following = {**gemini_tools.unforced(wire, turns), "contents": [*before, *contents_of(turns, before)]}
    if (added := instruction_of(turns)) is not None:
        old = table(wire.get("systemInstruction"))
        following["systemInstruction"] = {**old, "parts": [*rows(old.get("parts")), *added["parts"]]}
    return following


def _header(request: Request) -> dict[str, Json]:
    header: dict[str, Json] = {}
    if (instruction := instruction_of(request.messages)) is not None:
        header["systemInstruction"] = instruction
    if contents := contents_of(request.messages):
        header["contents"] = contents
    if tools := gemini_tools.write_tools(request.tools):
        header["tools"] = tools
    if (choice := gemini_tools.write_choice(request)) is not None:
        header["toolConfig"] = {"functionCallingConfig": choice}
    config: dict[str, Json] = {}
    if request.output is not None:
        config |= {"responseMimeType": _JSON, "responseJsonSchema": request.output.schema}
    if request.image is not None:
        image = {name: item for name, item in request.image.items() if name not in _NOT_IN_THE_CONFIG}
        config |= {"responseModalities": [*_PICTURES], **({"imageConfig": image} if image else {})}
    if config:
        header[_CONFIG] = config
    return _put_own_params(params.put_params(header, request, _PARAMS), request)


def _put_own_params(header: dict[str, Json], request: Request) -> dict[str, Json]:
    """The params that Gemini writes in another form than a spec."""
    stop, effort = request.params.get("stop"), request.params.get("reasoning_effort")
    wire: Json = header
    if stop is not None:
        wire = place(wire, _STOP, [stop] if isinstance(stop, str) else stop)
    if effort in _EFFORTS:
        wire = place(wire, _LEVEL, effort.upper())
    elif effort == "none":
        wire = place(wire, _BUDGET, 0)
    return dict(wire)


def _losses(request: Request) -> Iterator[Loss]:
    yield from contents_losses(request.messages)
    yield from gemini_tools.tool_losses(request)
    if request.chain == "server":
        yield Loss("chain", "generateContent keeps no conversation", "write `chain: echo`")
    if request.output is not None and request.output.description is not None:
        yield Loss("output.description", "the gemini api takes none", "write it as `description` in the schema")
    if "verbosity" in request.params:
        yield Loss("params.verbosity", "the gemini api has no verbosity", "drop it, and say it in words")
    effort = request.params.get("reasoning_effort")
    if effort is not None and effort not in (*_EFFORTS, "none"):
        known = ", ".join(("none", *_EFFORTS))
        hint = f"use one of {known}, or write body.generationConfig.thinkingConfig"
        yield Loss("params.reasoning_effort", f"the gemini api has no effort {effort!r}", hint)
    for name, hint in _NOT_IN_THE_CONFIG.items():
        if name in (request.image or {}):
            yield Loss(f"image.{name}", f"the gemini api has no {name}", hint)
    several = find(request.body, f"{_CONFIG}.candidateCount")
    if isinstance(several, int) and several > 1:
        hint = "drop it, and run the request several times"
        yield Loss("body.generationConfig.candidateCount", "more than one candidate is not supported", hint)


def _read_stop(wire: Mapping[str, Json], request: Request) -> Request | None:
    stop = find(wire, _STOP)
    if not isinstance(stop, list) or not all(isinstance(text, str) for text in stop):
        return None
    return request._replace(params={**request.params, "stop": stop})


def _read_effort(wire: Mapping[str, Json], request: Request) -> Request | None:
    level = find(wire, _LEVEL)
    effort = "none" if level is None else next((effort for effort in _EFFORTS if level == effort.upper()), None)
    return None if effort is None else request._replace(params={**request.params, "reasoning_effort": effort})


def _read_output(wire: Mapping[str, Json], request: Request) -> Request | None:
    schema = table(wire.get(_CONFIG)).get("responseJsonSchema")
    return None if schema is None else request._replace(output=Output("answer", schema))


def _read_image(wire: Mapping[str, Json], request: Request) -> Request:
    stated = table(find(wire, f"{_CONFIG}.imageConfig"))
    return request._replace(image={name: item for name, item in stated.items() if name not in _NOT_IN_THE_CONFIG})


def _read_tools(wire: Mapping[str, Json], request: Request) -> Request:
    return request._replace(tools=gemini_tools.read_tools(rows(wire.get("tools"))))


def _read_choice(wire: Mapping[str, Json], request: Request) -> Request | None:
    return gemini_tools.read_choice(table(find(wire, "toolConfig.functionCallingConfig")), request)


def _read_messages(wire: Mapping[str, Json], request: Request) -> Request:
    return request._replace(messages=messages_of(rows(wire.get("contents")), wire.get("systemInstruction")))
