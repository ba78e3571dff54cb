"""Request specs: what a person writes to ask a model something."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue

from plcli.specs.closed import Closed, Integer, Items, JsonObject, Positive
from plcli.specs.expectations import Expectation
from plcli.specs.tool import InlineTool

Source = Annotated[str, Field(min_length=1)]
"""A path relative to the file, an https URL, or a data URL; filled by the template."""


VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)")]


class TextFile(Closed):
    """Text that stands in a file of its own; filled by the template like any text."""

    file: str
    """Path relative to this file."""


class TextPart(Closed):
    """Words."""

    type: Literal["text"]
    """What this part is."""
    text: str | TextFile
    """The words, or the file that holds them."""
    phase: str | None = None
    """`commentary` or `final_answer`, on turns of a model that marks them."""


class ImagePart(Closed):
    """A picture for the model to look at."""

    type: Literal["image"]
    """What this part is."""
    source: Source
    """Path, https URL or data URL."""
    detail: str | None = None
    """How closely to look, in the provider's words (`auto`, `low`, `high`)."""


class FilePart(Closed):
    """A document such as a PDF."""

    type: Literal["file"]
    """What this part is."""
    source: Source
    """Path, https URL or data URL."""
    filename: str | None = None
    """The name that the model sees; default: the name of the file."""


class AudioPart(Closed):
    """A sound."""

    type: Literal["audio"]
    """What this part is."""
    source: Source
    """Path or data URL."""
    format: str | None = None
    """The provider's word for the format (`wav`, `mp3`); default: by the file's name."""


class ToolCallPart(Closed):
    """A call that the model made earlier in the conversation."""

    type: Literal["tool_call"]
    """What this part is."""
    id: str
    """The call's id; its result names the same."""
    name: str
    """The tool."""
    arguments: JsonObject | str = Field(default_factory=dict)
    """The arguments as an object, or their exact text."""


class ToolResultPart(Closed):
    """The answer to a call."""

    type: Literal["tool_result"]
    """What this part is."""
    id: str
    """The id of the call."""
    content: str | Items[Annotated[TextPart | ImagePart | FilePart, Field(discriminator="type")]]
    """The answer: words, or parts where the api takes them."""
    name: str | None = None
    """The tool; Gemini pairs results by it."""


class NativePart(Closed):
    """A provider's own item, sent verbatim to the api that knows it."""

    type: Literal["native"]
    """What this part is."""
    item: JsonObject
    """The item."""


ContentPart = Annotated[
    TextPart | ImagePart | FilePart | AudioPart | ToolCallPart | ToolResultPart | NativePart,
    Field(discriminator="type"),
]


class Message(Closed):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    """Who speaks."""
    content: str | TextFile | Items[ContentPart]
    """What is said: words, a file of words, or parts."""


class History(Closed):
    """The turns that a variable holds, put here."""

    history: str
    """Name of a variable that holds a list of messages."""


class BuiltinTool(Closed):
    """A tool that the provider itself runs; its other keys are the provider's own, sent untouched."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    type: str
    """The provider's name of the tool (`web_search`, `code_interpreter`, …)."""


class ForcedTool(Closed):
    """The model must call this tool."""

    tool: str
    """Name of the tool, or type of a built-in one."""


class AllowedTools(Closed):
    """The model may call only these tools."""

    tools: Annotated[Items[str], Field(min_length=1)]
    """Names of tools."""
    mode: Literal["auto", "required"] = "auto"
    """Whether it must call one."""


class Output(Closed):
    """The structure of the answer."""

    schema_: str | JsonObject = Field(alias="schema")
    """JSON Schema of the answer: a path relative to this file, or the schema itself."""
    strict: bool | None = None
    """Hold the model to the schema exactly; default: when the schema qualifies."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)")] | None = None
    """Name of the structure; default: by the schema's file, else `answer`."""
    description: str | None = None
    """What the structure is for; the model reads this."""


class Params(Closed):
    """Parameters that several providers share. Anything else goes into `body`."""

    temperature: float | None = None
    """How freely to choose words."""
    top_p: float | None = None
    """Choose among the most likely words that sum up to this probability."""
    top_k: Integer | None = None
    """Choose among so many most likely words."""
    max_output_tokens: Positive | None = None
    """The longest answer, in tokens, reasoning included."""
    stop: str | Items[str] | None = None
    """Text at which the answer ends."""
    seed: Integer | None = None
    """Asks for the same answer each time, as far as the provider can."""
    presence_penalty: float | None = None
    """Discourages words that have occurred."""
    frequency_penalty: float | None = None
    """Discourages words the more often they have occurred."""
    reasoning_effort: str | None = None
    """How hard to think, in the provider's words."""
    verbosity: str | None = None
    """How much to say, in the provider's words."""
    service_tier: str | None = None
    """The provider's class of service."""


class RequestSpec(Closed):
    """A request to a model, as a file."""

    kind: Literal["request"]
    """What this file is."""
    description: str | None = None
    """What the request is for; for people, never sent."""
    model: str | None = None
    """The name of a model spec in `models/`, else `provider/model-id`; default: the workspace's."""
    api: str | None = None
    """The interface of the provider (`responses`, `chat`, `echo`, …); default: the provider's first."""
    template: Literal["jinja2", "f-string", "none"] = "jinja2"
    """How text is filled: `{{ name }}`, `{name}`, or not at all."""
    variables: dict[VariableName, JsonObject] = Field(default_factory=dict)
    """Variables of the text, each a JSON Schema property with a `type` and perhaps a `default`."""
    messages: Items[Message | History] = ()
    """The conversation so far."""
    prompt: str | None = None
    """Short for one user message."""
    tools: Items[str | InlineTool | BuiltinTool] = ()
    """Tools that the model may call: names of tool specs, tools written here, built-in tools by `type`."""
    tool_choice: Literal["auto", "none", "required"] | ForcedTool | AllowedTools | None = None
    """Whether and which tools the model must call."""
    parallel_tool_calls: bool | None = None
    """Whether the model may call several tools in one turn."""
    chain: Literal["echo", "server"] = "echo"
    """How later turns continue: `echo` resends the conversation, `server` refers to the provider's copy."""
    output: Output | None = None
    """The structure of the answer."""
    params: Params | None = None
    """Parameters that several providers share."""
    image: JsonObject | None = None
    """Parameters of pictures to make, by the api's own names."""
    omit: Items[str] = ()
    """Dotted paths of compiled keys that are not sent."""
    body: JsonObject = Field(default_factory=dict)
    """Merged into the wire last: objects deep, everything else replaces, null is sent."""
    expect: Items[Expectation] = ()
    """Checks on the answer."""
    tags: Items[str] = ()
    """Words to find runs by; never sent."""
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    """Anything worth keeping with the run; never sent."""

    alone: ClassVar[tuple[str, ...]] = ("messages", "prompt")
