"""Model specs: a name for a model, where it is served, and what goes with it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plcli.specs.closed import Closed, Count, Items, JsonObject, Positive, Seconds
from plcli.specs.request import Params, Source


class Azure(Closed):
    """An Azure OpenAI resource with deployments in its addresses (the legacy form)."""

    endpoint: str
    """`https://RESOURCE.openai.azure.com`."""
    deployment: str | None = None
    """Name of the deployment; default: the model."""
    auth: Literal["key", "token"] = "key"
    """What `api_key_env` holds: a key of the resource, or a token of Microsoft Entra ID."""


class Vertex(Closed):
    """Gemini on Google Cloud."""

    project: str | None = None
    """Project id; without one `api_key_env` must name a key (express mode)."""
    location: str | None = None
    """Region; default: `global`."""


class Stream(Closed):
    """What a server's streams can do."""

    usage: bool = True
    """Whether to ask for usage in streams (`stream_options`), which some servers refuse."""


class Limits(Closed):
    """What an endpoint bears; batches keep within it."""

    concurrency: Positive | None = None
    """Requests at once."""
    rpm: Positive | None = None
    """Requests a minute."""
    tpm: Positive | None = None
    """Tokens a minute."""


Price = Annotated[float, Field(ge=0)]


class Pricing(Closed):
    """Prices in US dollars, per million tokens unless said otherwise."""

    input: Price | None = None
    """Input tokens."""
    cached_input: Price | None = None
    """Cached input tokens; default: as input."""
    output: Price | None = None
    """Output tokens."""
    image_input: Price | None = None
    """Input tokens of pictures; default: as input."""
    image_output: Price | None = None
    """Output tokens of pictures; default: as output."""
    per_image: Price | None = None
    """One picture, instead of tokens."""


class EchoCall(Closed):
    """A tool call of a script."""

    name: str
    """The tool."""
    arguments: JsonObject | str = Field(default_factory=dict)
    """The arguments, or the text of a free-form tool."""
    id: str | None = None
    """The call's id; default: `call_1`, `call_2`, …"""


class EchoImage(Closed):
    """A picture of a script."""

    source: Source
    """Path or data URL."""
    revised_prompt: str | None = None
    """The prompt that the picture is said to be made from."""
    served: JsonObject | None = None
    """The parameters that are said to have been used."""


class EchoError(Closed):
    """A failure of a script."""

    status: Annotated[Count, Field(ge=400, le=599)] = 500
    """HTTP status."""
    message: str = "scripted error"
    """The provider's words."""
    code: str | None = None
    """The provider's code."""
    retry_after: Seconds | None = None
    """Seconds to wait before the next try."""
    times: Positive | None = None
    """Fail only so often in one run, then go on; default: always."""


class EchoStep(Closed):
    """One step of a scripted answer; exactly one key, and perhaps a delay before it."""

    text: str | None = None
    """Words."""
    commentary: str | None = None
    """Words that are not yet the answer."""
    reasoning: str | None = None
    """Thoughts."""
    refusal: str | None = None
    """Words of refusal."""
    tool_call: EchoCall | None = None
    """A call of a tool."""
    image: EchoImage | None = None
    """A picture."""
    error: EchoError | None = None
    """A failure: before anything was sent it is an HTTP status, later a failing stream."""
    cut: bool | None = None
    """The stream ends here without its end marker."""
    finish: str | None = None
    """The reason for the end (`stop`, `length`, `content_filter`, …)."""
    usage: dict[str, Count] | None = None
    """Tokens that the answer is said to have used (`input_tokens`, `output_tokens`, …)."""
    delay_ms: Count | None = None
    """Wait before this step; alone, only wait."""

    alone: ClassVar[tuple[str, ...]] = (
        "text",
        "commentary",
        "reasoning",
        "refusal",
        "tool_call",
        "image",
        "error",
        "cut",
        "finish",
        "usage",
    )


class ModelSpec(Closed):
    """A model by a name of your own: where it is served, its defaults, its limits and its prices."""

    kind: Literal["model"]
    """What this file is."""
    description: str | None = None
    """What the model is for; for people, never sent."""
    provider: str
    """Who serves it (`openai`, `gemini`, `echo`, …)."""
    api: str | None = None
    """The interface it is served through; default: the provider's first."""
    model: Annotated[str, Field(min_length=1)]
    """The provider's id of the model."""
    base_url: str | None = None
    """Address of a compatible or dedicated server; default: the provider's own."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key for `base_url`."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers to send; `${NAME}` is filled from variables that your side lists."""
    params: Params | None = None
    """Defaults under the request's `params`."""
    body: JsonObject = Field(default_factory=dict)
    """Defaults under the request's `body`."""
    omit: Items[str] = ()
    """Dotted paths of compiled keys that this server must not get."""
    api_version: str | None = None
    """Version of the provider's api; on Azure in the legacy form it must be said."""
    azure: Azure | None = None
    """An Azure OpenAI resource in the legacy form."""
    vertex: Vertex | None = None
    """Gemini on Google Cloud."""
    edits: Literal["json", "multipart"] = "json"
    """How edits of pictures are sent."""
    stream: Stream = Field(default_factory=Stream)
    """What the server's streams can do."""
    timeout: Seconds | None = None
    """Longest wait for one read, in seconds."""
    deadline: Seconds | None = None
    """Longest time for a whole run, retries included, in seconds."""
    retries: Count | None = None
    """How often to try again after a failure that may pass."""
    limits: Limits | None = None
    """What the endpoint bears."""
    pricing: Pricing | None = None
    """What it costs."""
    script: Items[EchoStep] | Items[Items[EchoStep]] | None = None
    """Echo only: the steps of its answer, or a list of answers, one for each turn of the model."""
