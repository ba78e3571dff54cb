"""Requests and answers as PromptLayer's prompt blueprints, and what these have no place for."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from plcli.errors import LogError
from plcli.media import Json, MediaMissing, MediaRef
from plcli.mediastore import MediaStore
from plcli.providers.turns import arguments_text
from plcli.request import (
    Audio,
    File,
    FunctionTool,
    Image,
    Message,
    Part,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from plcli.response import ImagePart, ReasoningPart, RefusalPart, Response, TextPart, ToolCallPart
from plcli.response import Part as AnswerPart

Block = dict[str, Json]


class Blueprints:
    """Writes the blueprints of one exchange, its media inline; `lost` names what found no place, in order.

    The Images api has completions, every other api conversations.
    """

    def __init__(self, store: MediaStore, *, completion: bool) -> None:
        self.lost: list[str] = []
        self._store = store
        self._completion = completion

    def asked(self, request: Request) -> Block:
        """The blueprint of a request."""
        messages = [each for at, message in enumerate(request.messages) for each in self._messages(message, at)]
        for name in request.image or {}:
            if name in ("mask", "markup"):
                self.lost.append(f"image.{name}")
        blueprint = self._blueprint(messages)
        if tools := [made for at, tool in enumerate(request.tools) if (made := self._tool(tool, at))]:
            blueprint["tools"] = tools
        if request.tool_choice is not None:
            blueprint["tool_choice"] = self._choice(request.tool_choice)
        return {name: value for name, value in blueprint.items() if value is not None}

    def answered(self, response: Response | None) -> Block:
        """The blueprint of an answer; an empty one where there is none."""
        if response is None or not response.parts:
            return self._blueprint([])
        content: list[Block] = []
        calls: list[Block] = []
        for at, part in enumerate(response.parts):
            if isinstance(part, ToolCallPart) and part.native is None:
                calls.append(_call(part.id, part.name, part.arguments, at))
            elif block := self._made(part):
                content.append(block)
            else:
                self.lost.append(f"response.parts[{at}] ({part.type})")
        message: Block = {"role": "assistant", "content": content}
        return self._blueprint([{**message, "tool_calls": calls} if calls else message])

    def _blueprint(self, messages: list[Block]) -> Block:
        if not self._completion:
            return {"type": "chat", "messages": messages}
        return {"type": "completion", "content": [block for message in messages for block in message["content"]]}

    def _messages(self, message: Message, at: int) -> Iterator[Block]:
        """A turn: a message for each result of a tool in it, and one for the rest."""
        content: list[Block] = []
        calls: list[Block] = []
        for index, part in enumerate(message.parts):
            place = f"messages[{at}].content[{index}]"
            if isinstance(part, ToolResult):
                inner = (Text(part.content),) if isinstance(part.content, str) else part.content
                told = list(self._blocks(inner, place))
                named = {"name": part.name} if part.name else {}
                yield {"role": "tool", "tool_call_id": part.id or "", **named, "content": told}
            elif isinstance(part, ToolCall):
                calls.append(_call(part.id, part.name, part.arguments, index))
            else:
                content += self._blocks((part,), place)
        if content or calls:
            rest: Block = {"role": message.role, "content": content}
            yield {**rest, "tool_calls": calls} if calls else rest

    def _blocks(self, parts: Iterable[Part], place: str) -> Iterator[Block]:
        for part in parts:
            if (block := self._said(part)) is not None:
                yield block
            else:
                self.lost.append(place)

    def _said(self, part: Part) -> Block | None:
        match part:
            case Text(text):
                return {"type": "text", "text": text}
            case Image(source):
                url = self._url(source)
                return {"type": "image_url", "image_url": {"url": url}} if url else None
            case File(source, filename):
                url = self._url(source)
                mime = source.mime if isinstance(source, MediaRef) else None
                return _media(filename or "file", mime, url) if url else None
            case Audio(source, form):
                url = self._url(source)
                return _media(f"audio.{form}", source.mime, url) if url else None
        return None

    def _made(self, part: AnswerPart) -> Block | None:
        match part:
            case TextPart() | RefusalPart():
                return {"type": "text", "text": part.text}
            case ReasoningPart():
                return {"type": "thinking", "thinking": part.text}
            case ImagePart():
                mime = part.mime or "image/png"
                url = self._url(MediaRef(part.media, mime)) if part.media else part.url
                made = {"type": "output_media", "url": url, "mime_type": mime, "media_type": "image"}
                more = {"provider_metadata": part.served} if part.served else {}
                return {**made, **more} if url else None
        return None

    def _url(self, source: MediaRef | str) -> str | None:
        """The address of a medium, as a data URL where its bytes are here; None where they are gone."""
        if isinstance(source, str):
            return source
        try:
            data = self._store.get(source.digest)
        except (MediaMissing, LogError):
            return None
        return f"data:{source.mime};base64,{base64.b64encode(data).decode('ascii')}"

    def _tool(self, tool: Tool, at: int) -> Block | None:
        if not isinstance(tool, FunctionTool):
            self.lost.append(f"tools[{at}]")
            return None
        function = {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": tool.strict,
        }
        stated = {name: value for name, value in function.items() if value is not None}
        return {"type": "function", "function": stated}

    def _choice(self, choice: ToolChoice) -> Json:
        if choice.forced and len(choice.tools) == 1:
            return {"type": "function", "function": {"name": choice.tools[0]}}
        if choice.tools:
            self.lost.append("tool_choice.tools")
        return choice.mode


def _call(id: str | None, name: str, arguments: Json, at: int) -> Block:
    function = {"name": name, "arguments": arguments_text(arguments)}
    return {"id": id or f"call_{at + 1}", "type": "function", "function": function}


def _media(title: str, mime: str | None, url: str) -> Block:
    form = "base64" if url.startswith("data:") else "url"
    return {"type": "media", "media": {"title": title, "type": mime, "url": url, "format": form}}
