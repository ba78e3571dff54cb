"""The Images api: requests to and from its JSON, sending, and going on from a picture.

A request with input pictures, a mask or a markup is an edit. What is asked of a picture stands under the api's own
names, as in a spec. Streams are gathered in `openai_images_stream`, answers read in `openai_images_answer`; an edit
becomes a form in `openai_images_form`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from plcli.exchange import Target, WireEvent
from plcli.failures import CallFailed, failed
from plcli.media import Json, MediaRef, lower, references
from plcli.providers import loosening, openai_header
from plcli.providers.loosening import Loose
from plcli.providers.openai_client import post, post_form
from plcli.providers.openai_images_answer import read
from plcli.providers.openai_images_form import form_of
from plcli.providers.openai_images_stream import fold, progress
from plcli.providers.openai_spellings import respell_images as respell
from plcli.providers.openai_turns import data_url
from plcli.providers.reading import count, rows, table
from plcli.providers.registry import Call, Compiled, Loosened
from plcli.providers.roundtrip import finish, same
from plcli.providers.turns import turn_losses
from plcli.request import Audio, File, Image, Loss, Message, Native, Part, Request, Text, ToolCall, ToolResult
from plcli.specs import ModelSpec

__all__ = [
    "BUILTINS", "MEDIA", "cannot_return", "compile", "defaults", "fold", "loosen", "next_turn", "progress", "read",
    "respell", "send", "target_of", "uncompile", "wanted",
]  # fmt: skip

GENERATE, EDIT = "images.generate", "images.edit"

MEDIA: tuple[tuple[str | None, ...], ...] = (("data", None, "b64_json"),)
"""Places of a response that hold base64, however short."""

BUILTINS: Mapping[str, Mapping[str, Json]] = {}
"""The api has no tools."""

MOST = 100
"""Pictures that a request is taken to want at the most; OpenAI makes up to 10 at once."""

_OVERLAYS = ("mask", "markup")
_INPUTS = ("images", "image", *_OVERLAYS)
"""What makes a wire an edit; `image` stands in wires of compatible servers."""

_NOT_A_PARAMETER = {
    "model": "name it as the `model` of the request",
    "prompt": "write it as a message, or as `prompt` of the request",
    "images": "write them as image parts of a message",
    "image": "write it as an image part of a message",
    "stream": "drop it; pictures stream where `partial_images` asks for drafts",
    "action": "drop it; a request with pictures is an edit",
    "input_image_mask": "write it as `mask`",
}
"""Names that an `image` header cannot have here: what they say stands elsewhere, or is said by other apis."""

_ELSEWHERE = {*_NOT_A_PARAMETER, *_OVERLAYS, "user", "safety_identifier", "stream_options"}
"""Fields of a wire that are no parameters of a picture, or not as they stand there."""

_GENERATION_ONLY = ("moderation", "style")

_WANTS_A_FORM = re.compile(
    r"multipart|form.?data|content.type|\b(?:image|prompt)\W{0,3} (?:is |field )?required"
    r"|(?:missing|required)\b[\w :]{0,30}\W\b(?:image|prompt)\b",
    re.IGNORECASE,
)
_FORM_HINT = "this server may take edits as forms only: write `edits: multipart` in the model spec"

_UNFIT = {File: "files", Audio: "sound", ToolCall: "calls of tools", ToolResult: "results of tools"}
_NO_TOOLS = "the images api takes no tools"
_TOOLLESS = "drop it, or use `api: responses`"


def defaults(request: Request, model: ModelSpec | None = None) -> Request:
    """The request as it is: nothing is stored, and whatever is not said is the model's business."""
    return request


def compile(request: Request) -> Compiled:
    """Neutral to native; adds nothing that the request does not say."""
    wire, unknown_paths = finish({"model": request.model, **_header(request)}, request)
    return Compiled(wire, target_of(wire, request.model), (*_losses(request), *unknown_paths))


def target_of(wire: Json, model: str) -> Target:
    """Where a wire goes: to edits where there is something to edit, else to generations."""
    stated = table(wire)
    return Target(EDIT if any(stated.get(name) for name in _INPUTS) else GENERATE, model)


def wanted(wire: Json) -> int:
    """How many pictures a wire asks for: `n`, or one."""
    return min(max(count(table(wire).get("n")) or 1, 1), MOST)


def uncompile(wire: Json, target: Target) -> Request:
    """Native to neutral: one message of the user, and everything that is asked of the picture under `image`.

    What has no place there stays in `body`, a picture by the id of a file in a native part. Raises `SpecError` for a
    wire that is no object.
    """
    return openai_header.uncompile("images", wire, target, _header, (_read_image, _read_messages))


def send(wire: Json, target: Target, call: Call) -> Iterator[WireEvent]:
    """Send the wire; raises `CallFailed`, and `MediaMissing` for bytes that are gone.

    It streams only where drafts are asked for. An edit that travels as a form takes bytes only.
    """
    body = {key: item for key, item in table(wire).items() if key not in ("stream", "stream_options")}
    if call.stream and (count(body.get("partial_images")) or 0) > 0:
        body["stream"] = True
    if target.operation == GENERATE:
        return post("/images/generations", lower(body, call.read_media), call)
    if call.edits == "multipart":
        form = form_of(body, call.read_media)
        return post_form("/images/edits", form.fields, form.files, call)
    events = post("/images/edits", lower(body, call.read_media), call)
    return _hinted(events) if body.get("prompt") else events


def cannot_return(part: Part) -> str | None:
    """Why a part cannot stand in the result of a tool: nothing can."""
    return _NO_TOOLS


def loosen(message: Message) -> Loosened:
    """A turn with the provider's own pictures in neutral words, as far as these go."""
    return loosening.loosen(message, _loosened, _loosened)


def next_turn(wire: Json, wire_response: Json, turns: Sequence[Message], chain: str) -> Json:
    """The wire that goes on from the pictures of an answer: an edit of them, as the new turns say.

    It asks for what the old wire asked, as far as an edit takes that; what was drawn over the old input is gone.
    Before anything was said, it begins. Raises `CallFailed` where there is no picture to go on from.
    """
    said = _conversation(turns)
    if wire_response is None and table(wire).keys().isdisjoint(("prompt", *_INPUTS)):
        return {**table(wire), **said}
    made = [_picture(one) for item in rows(table(wire_response).get("data")) if (one := _made(table(item))) is not None]
    # Without an answer there may be what others drew before the conversation came here.
    made = made or (rows(table(wire).get("images")) if wire_response is None else [])
    if not made:
        raise failed(
            "invalid",
            "the images api has no picture to go on from",
            'begin with one: plcli image --input FILE --prompt "…"',
        )
    dropped = ("prompt", *_INPUTS, *_GENERATION_ONLY)
    kept = {key: item for key, item in table(wire).items() if key not in dropped}
    return {**kept, **said, "images": [*made, *said.get("images", [])]}


def _hinted(events: Iterator[WireEvent]) -> Iterator[WireEvent]:
    """The events of an edit as JSON; a server that reads only forms there misses what it was sent."""
    try:
        yield from events
    except CallFailed as error:
        told = error.failure
        missed = _WANTS_A_FORM.search(told.message) if told.hint is None else "`images`" in told.hint
        if told.kind == "invalid" and missed:
            raise CallFailed(told.model_copy(update={"hint": _FORM_HINT}), retryable=error.retryable) from error
        raise


def _made(item: Mapping[str, Json]) -> MediaRef | str | None:
    """A picture of an answer as the source of another one, or None where there is none."""
    bytes_of = item.get("b64_json")
    return bytes_of if isinstance(bytes_of, MediaRef) else _address(item.get("url"))


def _address(value: Json) -> MediaRef | str | None:
    return value if isinstance(value, MediaRef | str) and value else None


def _header(request: Request) -> dict[str, Json]:
    image = {key: item for key, item in (request.image or {}).items() if key not in _NOT_A_PARAMETER}
    for name in _OVERLAYS:
        if isinstance(image.get(name), MediaRef | str):
            image[name] = _picture(image[name])
    return {**_conversation(request.messages), **image}


def _conversation(messages: Sequence[Message]) -> dict[str, Json]:
    """What the user says in words, and the pictures to begin with."""
    parts = [part for message in messages if message.role == "user" for part in message.parts]
    header: dict[str, Json] = {}
    if texts := [part.text for part in parts if isinstance(part, Text)]:
        header["prompt"] = "\n\n".join(texts)
    pictures = [part for part in parts if isinstance(part, Image | Native)]
    if pictures:
        header["images"] = [_picture(part.source) if isinstance(part, Image) else part.item for part in pictures]
    return header


def _picture(source: MediaRef | str) -> Json:
    return {"image_url": data_url(source)}


def _losses(request: Request) -> Iterator[Loss]:
    yield from turn_losses(request.messages, _unfit, ids=False)
    for at, message in enumerate(request.messages):
        for index, part in enumerate(message.parts):
            if message.role == "user" and isinstance(part, Image) and part.detail is not None:
                yield Loss(f"messages[{at}].content[{index}].detail", "the images api has no detail", "drop it")
    for index in range(len(request.tools)):
        yield Loss(f"tools[{index}]", _NO_TOOLS, _TOOLLESS)
    for name in ("tool_choice", "parallel_tool_calls"):
        if getattr(request, name) is not None:
            yield Loss(name, _NO_TOOLS, _TOOLLESS)
    if request.chain == "server":
        yield Loss("chain", "the images api keeps no conversation", "drop it, or use `api: responses`")
    if request.output is not None:
        yield Loss("output", "the images api answers with pictures alone", "drop it, or use `api: responses`")
    for name in request.params:
        yield Loss(f"params.{name}", f"the images api has no {name}", "drop it")
    for name, hint in _NOT_A_PARAMETER.items():
        if name in (request.image or {}):
            yield Loss(f"image.{name}", f"{name} is no parameter of a picture on the images api", hint)
    yield from openai_header.body_losses(request)


def _unfit(role: str, part: Part) -> str | None:
    if role != "user":
        return f"the images api takes no {role} messages"
    return None if isinstance(part, Text | Image | Native) else f"the images api takes no {_UNFIT[type(part)]}"


def _read_image(wire: Mapping[str, Json], request: Request) -> Request:
    """Everything that is no word, no input picture and nobody's name is asked of the picture."""
    image = {key: item for key, item in wire.items() if key not in _ELSEWHERE and not any(references(item))}
    overlays = ((name, _source_of(wire.get(name))) for name in _OVERLAYS)
    return request._replace(image={**image, **{name: source for name, source in overlays if source is not None}})


def _read_messages(wire: Mapping[str, Json], request: Request) -> Request:
    prompt, pictures = wire.get("prompt"), rows(wire.get("images"))
    words: tuple[Part, ...] = (Text(prompt),) if isinstance(prompt, str) else ()
    parts = (*words, *map(_part, pictures))
    return request._replace(messages=(Message("user", parts),) if parts else ())


def _part(item: Json) -> Part:
    source = _source_of(item)
    return Native(item) if source is None else Image(source)


def _source_of(item: Json) -> MediaRef | str | None:
    """The source that `_picture` writes so, or None where there is none."""
    source = _address(table(item).get("image_url"))
    return source if source is not None and same(_picture(source), item) else None


def _loosened(item: Json) -> Loose:
    source = _address(table(item).get("image_url", item))
    if source is not None:
        return Loose((Image(source),), loosening.extras(table(item), ("image_url",), "images"))
    named = "file_id" in table(item)
    return loosening.dropped(item, "images", loosening.KEPT_FILE if named else None)
