"""A server that plays one api, answers with calls of tools, and a workspace whose runs answer them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plcli.exchangerecords import ToolResultRecord
from plcli.records import Record, parse
from tests.support.cli import Cli
from tests.support.gemini_streams import gemini_events
from tests.support.loopback import Loopback
from tests.support.openai_streams import chat_events, responses_events

Json = Any

Call = tuple[str, str, str]
"""A call as the server makes it: its id, the tool, the arguments as text."""

TOOL = {
    "kind": "tool",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "stubs": [
        {"when": {"city": "Oslo"}, "return": {"t": 3}},
        {"when": {"city": "Rome"}, "return": {"t": 19}},
        {"when": {"city": "Gotham"}, "error": "no such city"},
    ],
}
DRAWN = base64.b64encode(b"\x89PNG\r\n\x1a\n\xfb\xff" + bytes(90)).decode()
"""A picture that a model draws on the way, which the log keeps elsewhere."""

OSLO, ROME, GOTHAM = (json.dumps({"city": city}) for city in ("Oslo", "Rome", "Gotham"))


def completion(message: Json, reason: str) -> Json:
    """An answer of Chat Completions."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "served",
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", **message}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def chat_calls(round_: int, calls: tuple[Call, ...]) -> Json:
    """An answer of Chat Completions that speaks and calls."""
    made = [
        {"id": named, "type": "function", "function": {"name": name, "arguments": text}} for named, name, text in calls
    ]
    return completion({"content": f"Step {round_}.", "tool_calls": made}, "tool_calls")


def response(round_: int, *output: Json) -> Json:
    """An answer of Responses with these items."""
    return {
        "id": f"resp_{round_}",
        "object": "response",
        "status": "completed",
        "model": "served",
        "output": list(output),
        "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
    }


def message(phase: str, content: Json) -> Json:
    """What a model says on Responses, as an item."""
    return {
        "type": "message", "id": f"msg_{phase}", "role": "assistant", "status": "completed", "phase": phase,
        "content": [content],
    }  # fmt: skip


def words(text: str) -> Json:
    """Words in a message of Responses."""
    return {"type": "output_text", "text": text, "annotations": []}


def response_calls(round_: int, calls: tuple[Call, ...]) -> Json:
    """An answer of Responses that thinks, speaks, draws and calls."""
    return response(
        round_,
        {"type": "reasoning", "id": f"rs_{round_}", "summary": [], "encrypted_content": f"gAAA{round_}"},
        message("commentary", words(f"Step {round_}.")),
        {
            "type": "image_generation_call", "id": f"ig_{round_}", "status": "completed", "result": DRAWN,
            "output_format": "png",
        },
        *(
            {
                "type": "function_call", "id": f"fc_{named}", "call_id": named, "name": name, "arguments": text,
                "status": "completed",
            }
            for named, name, text in calls
        ),
    )  # fmt: skip


def candidate(*parts: Json, reason: str = "STOP") -> Json:
    """An answer of Gemini with these parts."""
    return {
        "candidates": [{"index": 0, "finishReason": reason, "content": {"role": "model", "parts": list(parts)}}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": "served",
    }


def gemini_calls(round_: int, calls: tuple[Call, ...]) -> Json:
    """An answer of Gemini that thinks, speaks, draws and calls."""
    made = [{"functionCall": {"id": named, "name": name, "args": json.loads(text)}} for named, name, text in calls]
    signed = {**made[0], "thoughtSignature": f"Cs{round_}"}
    drawn = {"inlineData": {"mimeType": "image/png", "data": DRAWN}, "thoughtSignature": f"Ds{round_}"}
    return candidate({"text": "Hm.", "thought": True}, {"text": f"Step {round_}."}, drawn, signed, *made[1:])


@dataclass(frozen=True)
class Api:
    """How one api answers, and where the turns of a conversation stand in its wire.

    `results` gives the ids of calls and what was answered, from the turns that follow an answer.
    """

    name: str
    model: Mapping[str, Json]
    place: str
    calls: Callable[[int, tuple[Call, ...]], Json]
    says: Callable[[str], Json]
    refuses: Json
    events: Callable[[Json, int], list[Json]]
    echoed: Callable[[Json], list[Json]]
    results: Callable[[list[Json]], list[tuple[str, Json]]]
    refused: str = "refused"

    def __str__(self) -> str:
        return self.name


CHAT = Api(
    "chat",
    {"provider": "openai", "api": "chat"},
    "messages",
    chat_calls,
    lambda text: completion({"content": text}, "stop"),
    completion({"content": None, "refusal": "I cannot."}, "stop"),
    lambda body, chunk: list(chat_events(body, chunk)),
    lambda body: [choice["message"] for choice in body["choices"]],
    lambda turns: [(turn["tool_call_id"], json.loads(turn["content"])) for turn in turns],
)
RESPONSES = Api(
    "responses",
    {"provider": "openai", "api": "responses"},
    "input",
    response_calls,
    lambda text: response(9, message("final_answer", words(text))),
    response(9, message("final_answer", {"type": "refusal", "refusal": "I cannot."})),
    lambda body, chunk: list(responses_events(body, chunk)),
    lambda body: list(body["output"]),
    lambda turns: [(turn["call_id"], json.loads(turn["output"])) for turn in turns],
)
GEMINI = Api(
    "gemini",
    {"provider": "gemini", "api": "generate_content"},
    "contents",
    gemini_calls,
    lambda text: candidate({"text": text}),
    {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 10}},
    lambda body, chunk: list(gemini_events(body, chunk)),
    lambda body: [candidate["content"] for candidate in body["candidates"]],
    lambda turns: [
        (part["functionResponse"]["id"], part["functionResponse"]["response"])
        for turn in turns
        for part in turn["parts"]
    ],
    refused="blocked",
)
APIS = [CHAT, RESPONSES, GEMINI]


@dataclass(frozen=True)
class Loop:
    """A server that plays one api, streamed or plain, and a workspace that asks it."""

    api: Api
    stream: bool
    folder: Path
    server: Loopback
    cli: Cli

    def answer(self, *bodies: Json, chunk: int = 7) -> None:
        for body in bodies:
            if self.stream:
                self.server.stream(self.api.events(body, chunk), names=self.api is RESPONSES)
            else:
                self.server.answer(json=body)

    def run(self, *args: str, policy: str = "stub") -> Any:
        return self.cli("run", "ask", "--model", "m", "--tools", policy, *self._plain, *args)

    def go_on(self, *args: str) -> Any:
        return self.cli("run", "--continue", "last", *self._plain, *args)

    @property
    def _plain(self) -> list[str]:
        return [] if self.stream else ["--no-stream"]

    def turns(self, at: int) -> list[Json]:
        """The turns of the conversation that a request held."""
        return list(self.server.received[at].json[self.api.place])

    def added(self, at: int, body: Json) -> list[tuple[str, Json]]:
        """The results that a request brought, after the turns of the one before and the answer to it as it came."""
        before = [*self.turns(at - 1), *self.api.echoed(body)]
        turns = self.turns(at)
        assert turns[: len(before)] == before
        return self.api.results(turns[len(before) :])

    @property
    def record(self) -> Record:
        return self.records[-1]

    @property
    def records(self) -> list[Record]:
        lines = (self.folder / "runs.jsonl").read_bytes().splitlines()
        return [record for record in map(parse, lines) if isinstance(record, Record)]

    @property
    def results(self) -> list[ToolResultRecord]:
        return list(self.record.tool_results or [])

    def read(self, digest: str) -> bytes:
        """The bytes of a medium that the log keeps."""
        return next((self.folder / "media").rglob(f"{digest.removeprefix('sha256:')}.*")).read_bytes()

    def state(self) -> str:
        assert self.record.response is not None
        return self.record.response.state

    def write(self, **fields: Json) -> None:
        spec = {
            "kind": "request", "tools": ["get_weather"],
            "messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Weather?"}],
        }  # fmt: skip
        write_json(self.folder / "prompts" / "ask.json", {**spec, **fields})


def write_json(path: Path, value: Json) -> None:
    """Write a file, and its folder."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))


def said(api: Api, value: Json) -> Json:
    """What a model is told of a result; a failure stands alone on every api."""
    return value if api is not GEMINI or value.keys() == {"error"} else {"output": value}


def free_form_call(api: Api) -> Json:
    """An answer that calls the free-form tool `sql` with `select 1`; on Gemini it is a function with one string."""
    free = {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    return {
        "chat": completion({"content": None, "tool_calls": [free]}, "tool_calls"),
        "responses": response(1, {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "select 1"}),
        "gemini": gemini_calls(1, (("c1", "sql", '{"input":"select 1"}'),)),
    }[api.name]  # fmt: skip
