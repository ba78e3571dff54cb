"""The neutral request: a spec resolved, frozen and complete, with no secret in it.

Adapters compile these values to a provider's JSON and read them back. Nothing here knows files,
templates or the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from plcli.media import Json, MediaRef

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words. `phase` is `commentary` or `final_answer` on turns of a model that marks them."""

    text: str
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: bytes by reference, or an https URL that the provider fetches."""

    source: MediaRef | str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A document such as a PDF: bytes by reference, or an https URL that the provider fetches."""

    source: MediaRef | str
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """A sound; `format` is the provider's word for it (`wav`, `mp3`)."""

    source: MediaRef
    format: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's call of a tool.

    `arguments` is an object, or the exact text where that text is not the compact JSON of an object
    (so that nothing of a foreign wire is lost).
    """

    id: str | None
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to a call: words, or parts where the api takes them."""

    id: str | None
    content: str | tuple[Part, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Native:
    """A provider's own item, echoed verbatim."""

    item: Json


Part = Text | Image | File | Audio | ToolCall | ToolResult | Native


class Message(NamedTuple):
    """One turn of the conversation."""

    role: Role
    parts: tuple[Part, ...]


class FunctionTool(NamedTuple):
    """A tool whose arguments follow a JSON Schema. `strict` None leaves the provider's default."""

    name: str
    description: str | None = None
    parameters: Json = None
    strict: bool | None = None


class CustomTool(NamedTuple):
    """A tool that takes free text; `syntax` and `definition` restrict it (None: any text)."""

    name: str
    description: str | None = None
    syntax: Literal["regex", "lark"] | None = None
    definition: str | None = None
    explicit_text: bool = False


class BuiltinTool(NamedTuple):
    """A provider's own tool, sent untouched; its `type` says which."""

    item: Json


Tool = FunctionTool | CustomTool | BuiltinTool


class ToolChoice(NamedTuple):
    """How the model must choose: `mode`, and the `tools` it is limited to (empty: all).

    One tool with mode `required` and `forced` True is "call exactly this tool".
    """

    mode: Literal["auto", "none", "required"]
    tools: tuple[str, ...] = ()
    forced: bool = False


class Output(NamedTuple):
    """The structure that the answer must have: a JSON Schema with a name."""

    name: str
    schema: Json
    strict: bool | None = None
    description: str | None = None


class Request(NamedTuple):
    """Everything that decides the wire of one run.

    `params` holds only the closed list of section "params" of the request format; `image` the api's
    own names of picture parameters; `body` merges over the compiled wire last, after the paths of
    `omit` are removed. `script` belongs to the echo provider.
    """

    provider: str
    api: str
    model: str
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    chain: Literal["echo", "server"] = "echo"
    output: Output | None = None
    params: Mapping[str, Json] = MappingProxyType({})
    image: Mapping[str, Json] | None = None
    omit: tuple[str, ...] = ()
    body: Mapping[str, Json] = MappingProxyType({})
    script: Json = None


class Loss(NamedTuple):
    """A header field that an api cannot carry.

    A problem on a plain run; a loss, which is reported and accepted, when a request moves to another
    model. `path` is dotted with `[n]`, as in the spec; `kind` says what becomes of the field.
    """

    path: str
    message: str
    hint: str | None = None
    kind: Literal["dropped", "changed", "approximated"] = "dropped"

    @property
    def told(self) -> str:
        """How a person is told of a move: `params.seed: dropped: the responses api has no seed`."""
        return f"{self.path}: {self.kind}: {self.message}"
