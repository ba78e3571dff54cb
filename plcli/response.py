"""The neutral answer: state, ordered parts, usage, and the events of a streaming one.

The values are pydantic models because the run log keeps them as they are and their JSON Schema is
published with the record's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

State = Literal["ok", "tool_calls", "incomplete", "refused", "blocked", "no_image", "error"]

STATES: tuple[State, ...] = ("ok", "tool_calls", "incomplete", "refused", "blocked", "no_image", "error")


class Kept(BaseModel):
    """A value that the run log keeps: frozen, unknown fields of later versions ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        defer_build=True,
        populate_by_name=True,
        ser_json_inf_nan="constants",
    )


class TextPart(Kept):
    """Words of the answer."""

    type: Literal["text"] = "text"
    """What this part is."""
    text: str
    """The words."""
    phase: str | None = None
    """`commentary` or `final_answer`, where the model marks them."""


class ReasoningPart(Kept):
    """What the provider shows of the model's reasoning (often a summary)."""

    type: Literal["reasoning"] = "reasoning"
    """What this part is."""
    text: str
    """The words."""


class ToolCallPart(Kept):
    """A call of a tool that the model asks for."""

    type: Literal["tool_call"] = "tool_call"
    """What this part is."""
    id: str | None = None
    """The call's id; its result names the same."""
    name: str
    """The tool."""
    arguments: Any = None
    """The arguments as an object; the exact text of a free-form tool, or of arguments that are no JSON."""
    native: str | None = None
    """Where a tool of the provider asks its client to act (an approval, a shell command): the type of that item."""


class ImagePart(Kept):
    """A picture of the answer."""

    type: Literal["image"] = "image"
    """What this part is."""
    media: str | None = None
    """Digest of the bytes, `sha256:…`."""
    mime: str | None = None
    """Type of the bytes, `image/png`."""
    id: str | None = None
    """The provider's id of the call that made it."""
    requested: dict[str, Any] | None = None
    """The parameters as asked."""
    served: dict[str, Any] | None = None
    """The parameters that the provider says it used."""
    revised_prompt: str | None = None
    """The prompt that the provider made the picture from."""
    url: str | None = None
    """Where the provider has put the bytes, if it sent an address instead of them."""
    width: int | None = None
    """Pixels, as the bytes say."""
    height: int | None = None
    """Pixels, as the bytes say."""
    faults: list[str] | None = None
    """What is wrong with the bytes: not fetched, cut off, of another type than their label, too large to draw."""


class RefusalPart(Kept):
    """The words with which the model refused."""

    type: Literal["refusal"] = "refusal"
    """What this part is."""
    text: str
    """The words."""


class NativePart(Kept):
    """An item of the answer that plcli does not interpret (a web search, a citation list)."""

    type: Literal["native"] = "native"
    """What this part is."""
    item: Any = None
    """The item, as the provider sent it."""


Part = Annotated[
    TextPart | ReasoningPart | ToolCallPart | ImagePart | RefusalPart | NativePart, Field(discriminator="type")
]


class Usage(Kept):
    """Tokens of one or several exchanges; None means that the provider did not say."""

    input_tokens: int | None = None
    """All input tokens, cached ones included."""
    cached_input_tokens: int | None = None
    """Input tokens read from the provider's cache."""
    cache_write_tokens: int | None = None
    """Input tokens written to the provider's cache."""
    image_input_tokens: int | None = None
    """Input tokens of pictures, which `input_tokens` counts too."""
    output_tokens: int | None = None
    """All output tokens, reasoning included."""
    reasoning_tokens: int | None = None
    """Output tokens of reasoning."""
    image_output_tokens: int | None = None
    """Output tokens of pictures, which `output_tokens` counts too."""
    total_tokens: int | None = None
    """Input and output together, as the provider counts."""
    images: int | None = None
    """Pictures delivered."""
    tools: dict[str, Any] | None = None
    """What the provider's own tools used beside all that, in its own words: `image_gen` are the tokens of the model
    that drew, `svg_usage` those of the one that wrote a vector drawing."""


class Failure(Kept):
    """Why a call gave no answer, in plcli's words and in the provider's."""

    kind: str
    """One of auth, permission, not_found, invalid, safety, rate_limit, quota, timeout, connection,
    server, protocol, interrupted; or the kind of a plcli error (file, setup, offline, tool, log, bug)."""
    message: str
    """What happened."""
    status: int | None = None
    """HTTP status, where there was one."""
    code: str | None = None
    """The provider's own code."""
    type: str | None = None
    """The provider's own type of error."""
    param: str | None = None
    """The parameter that the provider blames."""
    request_id: str | None = None
    """The provider's id of the call."""
    retry_after: float | None = None
    """Seconds that the provider asks to wait."""
    hint: str | None = None
    """What to do about it."""


class Response(Kept):
    """What `read` makes of a wire response. It is derived and can be rebuilt from the wire."""

    state: State
    parts: tuple[Part, ...] = Field(default=(), strict=False)
    finish_reason: str | None = None
    """The provider's own word for why it stopped."""
    usage: Usage | None = None
    served_model: str | None = None
    service_tier: str | None = None
    missing: int | None = None
    """Pictures that were asked for and did not come, where others did."""
    failure: Failure | None = None
    """Set where the provider says, with HTTP 200, that it failed or blocked."""

    @property
    def text(self) -> str:
        """The words of the answer, without commentary unless there is nothing else."""
        texts = [part for part in self.parts if isinstance(part, TextPart)]
        final = [part for part in texts if part.phase != "commentary"]
        return join(part.text for part in final or texts)

    @property
    def tool_calls(self) -> tuple[ToolCallPart, ...]:
        """The calls that the model asks for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart))

    @property
    def whole(self) -> bool:
        """Whether a conversation can go on after this answer: it did not fail, and was not cut off at a call."""
        return self.failure is None and (self.state == "tool_calls" or not self.tool_calls)

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The pictures of the answer, in order."""
        return tuple(part for part in self.parts if isinstance(part, ImagePart))


class Event(NamedTuple):
    """A neutral piece of a streaming answer, for the screen.

    `phase` events say which phase the text after them belongs to (`text` holds the phase, or "").
    A `tool_call` event names the tool; an `image` event a picture that is being made: its number among the
    drafts, from 1, and in `picture` the draft itself as base64, where one came.
    """

    kind: Literal["text", "reasoning", "refusal", "phase", "tool_call", "image"]
    text: str = ""
    picture: str = ""


def join(pieces: Iterable[str]) -> str:
    """Put streamed pieces of text together, mending characters whose surrogate pair was split."""
    text = "".join(pieces)
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
