"""What echo answers: the steps of a script, or the words it was told, as a stream of events.

The same wire always gets the same answer. Folding the events and sending them is `echo`'s business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from plcli.failures import classify, failed
from plcli.media import Json, encode
from plcli.paths import find
from plcli.providers.echo_turns import messages_of
from plcli.providers.registry import Call
from plcli.request import Message, Text, ToolCall, ToolResult
from plcli.specs.model import EchoError, EchoStep

PIECE = 12
"""Characters of one streamed piece of text."""

_SLICE = 0.05
"""Seconds that are slept at once, so that an interrupt is noticed soon."""


def play(wire: Mapping[str, Json], call: Call) -> Iterator[dict[str, Json]]:
    """The events of the answer: `start`, then `part` and `delta`, then `end` or `error`.

    An error before the first event, or of a call that does not stream, raises the `CallFailed` of its
    HTTP status; so does a script that is none (400), and a delay past the call's timeout or deadline.
    A cut raises only where the call does not stream.
    """
    answer = _Answer(wire.get("model"), messages_of(wire.get("messages")))
    for step, raw in _steps(wire, answer.messages):
        _wait((step.delay_ms or 0) / 1000, call)
        if step.error is not None and not _overcome(step.error, call):
            if not (answer.started and call.stream):
                raise _refusal(step.error, call)
            yield {"type": "error", "error": _told(step.error)}
            return
        if step.cut:
            if call.stream:
                return
            raise failed("connection", "the connection closed before the answer was complete", retryable=True)
        yield from answer.take(step, raw)
    yield from answer.end()


class _Answer:
    """An answer in the making: which part is open, and what was said so far."""

    def __init__(self, model: Json, messages: tuple[Message, ...]) -> None:
        self.model = model
        self.messages = messages
        self.started = False
        self.open: tuple[str, str | None] | None = None
        self.earlier = sum(isinstance(part, ToolCall) for message in messages for part in message.parts)
        self.calls = 0
        self.words = 0
        self.finish: str | None = None
        self.usage: dict[str, int] | None = None

    def take(self, step: EchoStep, raw: Json) -> Iterator[dict[str, Json]]:
        """The events of one step; `raw` is its JSON."""
        self.finish = step.finish or self.finish
        self.usage = self.usage if step.usage is None else step.usage
        spoken = _spoken(step)
        if spoken is not None:
            yield from self.speak(*spoken)
        if step.tool_call is not None:
            self.calls += 1
            identity = step.tool_call.id or f"call_{self.earlier + self.calls}"
            arguments = find(raw, ("tool_call", "arguments"), {})
            yield from self.part(type="tool_call", id=identity, name=step.tool_call.name, arguments=arguments)
        if step.image is not None:
            prompt = step.image.revised_prompt
            told = {} if prompt is None else {"revised_prompt": prompt}
            yield from self.part(type="image", source=find(raw, ("image", "source")), **told)

    def speak(self, kind: str, phase: str | None, text: str) -> Iterator[dict[str, Json]]:
        """Words in pieces; they go on with the open part if it is of their kind."""
        if self.open != (kind, phase):
            yield from self.part(type=kind, text="", **({} if phase is None else {"phase": phase}))
            self.open = (kind, phase)
        self.words += len(text.split())
        for at in range(0, len(text), PIECE):
            yield {"type": "delta", "kind": kind, "text": text[at : at + PIECE]}

    def part(self, **part: Json) -> Iterator[dict[str, Json]]:
        """A new part, after the start of the answer."""
        yield from self.start()
        self.open = None
        yield {"type": "part", "part": part}

    def start(self) -> Iterator[dict[str, Json]]:
        """The first event, once."""
        if not self.started:
            self.started = True
            yield {"type": "start", "model": self.model}

    def end(self) -> Iterator[dict[str, Json]]:
        """The last event; words stand for tokens where the script names none."""
        yield from self.start()
        usage = self.usage
        if usage is None:
            heard = sum(map(_words, self.messages))
            usage = {"input_tokens": heard, "output_tokens": self.words, "total_tokens": heard + self.words}
        reason = self.finish or ("tool_calls" if self.calls else "stop")
        yield {"type": "end", "finish_reason": reason, "usage": usage}


def _steps(wire: Mapping[str, Json], messages: tuple[Message, ...]) -> list[tuple[EchoStep, Json]]:
    """The steps of this turn, each with its JSON, which holds pictures by reference."""
    script = wire.get("script")
    if script is None:
        return [(EchoStep(text=_last_words(messages)), None)]
    if isinstance(script, list) and script and all(isinstance(turn, list) for turn in script):
        items = wire.get("messages")
        turns = sum(find(item, ("role",)) == "assistant" for item in items) if isinstance(items, list) else 0
        script = script[min(turns, len(script) - 1)]
    if not isinstance(script, list):
        raise _invalid("script: not a list of steps")
    return [(_step(raw, number), raw) for number, raw in enumerate(script)]


def _step(raw: Json, number: int) -> EchoStep:
    try:
        return EchoStep.model_validate(encode(raw, describe=lambda ref: ref.digest))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        place = ".".join(["script", str(number), *map(str, first["loc"])])
        raise _invalid(f"{place}: {first['msg']}") from None


def _invalid(message: str) -> Exception:
    return classify(400, {"error": {"message": message, "code": "invalid_script"}}, {})


def _overcome(error: EchoError, call: Call) -> bool:
    return error.times is not None and call.tap.attempt > error.times


def _refusal(error: EchoError, call: Call) -> Exception:
    call.tap.status = error.status
    if error.retry_after is not None:
        call.tap.headers["retry-after"] = f"{error.retry_after:g}"
    return classify(error.status, {"error": _told(error)}, call.tap.headers)


def _told(error: EchoError) -> dict[str, Any]:
    told: dict[str, Any] = {"status": error.status, "message": error.message}
    return told if error.code is None else {**told, "code": error.code}


def _spoken(step: EchoStep) -> tuple[str, str | None, str] | None:
    """The kind, phase and words of a step that speaks."""
    if step.text is not None:
        return "text", None, step.text
    if step.commentary is not None:
        return "text", "commentary", step.commentary
    if step.reasoning is not None:
        return "reasoning", None, step.reasoning
    return None if step.refusal is None else ("refusal", None, step.refusal)


def _last_words(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            return "\n".join(part.text for part in message.parts if isinstance(part, Text))
    return ""


def _words(message: Message) -> int:
    count = 0
    for part in message.parts:
        match part:
            case Text(text) | ToolResult(_, str(text)):
                count += len(text.split())
    return count


def _wait(seconds: float, call: Call) -> None:
    now = time.monotonic()
    end = now + seconds
    limit = now + call.timeout
    if call.deadline is not None:
        limit = min(limit, call.deadline)
    while now < end:
        if now >= limit:
            raise failed("timeout", "no answer in time", "allow more with --timeout or --deadline", retryable=True)
        time.sleep(min(_SLICE, end - now, limit - now))
        now = time.monotonic()
