"""What echo answers: the steps of a script, or the words it was told, drawn if so asked, as a stream of events.

The same wire always gets the same answer. Folding the events and sending them is `echo`'s business.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from plcli.failures import CallFailed, classify, failed
from plcli.media import Json, encode
from plcli.paths import find, show
from plcli.providers.echo_picture import draw
from plcli.providers.reading import count, table
from plcli.providers.registry import Call
from plcli.specs.model import EchoError, EchoStep

PIECE = 12
"""Characters of one streamed piece of text."""

LONGEST_DELAY_MS = 86_400_000
"""A longer delay is no longer; calls end long before."""

MOST = 10
"""Pictures that are drawn at once."""

_SLICE = 0.05
"""Seconds that are slept at once, so that an interrupt is noticed soon."""


def play(wire: Mapping[str, Json], call: Call) -> Iterator[dict[str, Json]]:
    """The events of the answer: `start`, then `part` and `delta`, then `end` or `error`.

    An error or cut before the first event, or in a call that does not stream, raises `CallFailed`; so
    does a script that is none (status 400), and a delay past the call's timeout or deadline.
    """
    messages = wire.get("messages")
    answer = _Answer(wire.get("model"), messages if isinstance(messages, list) else [])
    for step, raw in _steps(wire, answer.messages):
        _wait(min(step.delay_ms or 0, LONGEST_DELAY_MS) / 1000, call)
        if step.error is not None and not _overcome(step.error, call):
            if not (answer.started and call.stream):
                raise _refusal(step.error, call)
            yield {"type": "error", "error": _told(step.error)}
            return
        if step.cut:
            if answer.started and call.stream:
                return
            raise failed("connection", "the connection closed before the answer was complete", retryable=True)
        yield from answer.take(step, raw)
    yield from answer.end()


def wanted(wire: Json) -> int:
    """How many pictures a wire asks for, as far as echo draws them."""
    image = table(wire).get("image")
    return 0 if image is None else min(max(count(table(image).get("n")) or 1, 1), MOST)


class _Answer:
    """An answer in the making: which part is open, and what was said so far."""

    def __init__(self, model: Json, messages: list[Json]) -> None:
        self.model = model
        self.messages = messages
        self.started = False
        self.open: tuple[str, str | None] | None = None
        self.earlier = sum(find(part, ("type",)) == "tool_call" for message in messages for part in _parts(message))
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
            yield from self.part(type="image", **find(raw, ("image",)))

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
            heard = sum(len(text.split()) for message in self.messages for text in _texts(message))
            usage = {"input_tokens": heard, "output_tokens": self.words, "total_tokens": heard + self.words}
        reason = self.finish or ("tool_calls" if self.calls else "stop")
        yield {"type": "end", "finish_reason": reason, "usage": usage}


def _steps(wire: Mapping[str, Json], messages: list[Json]) -> list[tuple[EchoStep, Json]]:
    """The steps of this turn, each with its JSON, which holds pictures by reference."""
    script = wire.get("script")
    if script is None and (pictures := wanted(wire)):
        return [_drawn(_last_words(messages), number) for number in range(pictures)]
    if script is None:
        return [(EchoStep(text=_last_words(messages)), None)]
    if isinstance(script, list) and script and all(isinstance(turn, list) for turn in script):
        turns = sum(find(message, ("role",)) == "assistant" for message in messages)
        script = script[min(turns, len(script) - 1)]
    if not isinstance(script, list):
        raise _invalid("script: not a list of steps")
    return [(_step(raw, number), raw) for number, raw in enumerate(script)]


def _drawn(words: str, number: int) -> tuple[EchoStep, Json]:
    """A picture of the words, another one for each number."""
    picture = base64.b64encode(draw(f"{words}\n{number}" if number else words)).decode("ascii")
    raw = {"image": {"source": f"data:image/png;base64,{picture}", "revised_prompt": words}}
    return EchoStep.model_validate(raw), raw


def _step(raw: Json, number: int) -> EchoStep:
    try:
        return EchoStep.model_validate(encode(raw, describe=lambda ref: ref.digest))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        place = show(("script", number, *first["loc"]))
        raise _invalid(f"{place}: {first['msg']}") from None


def _invalid(message: str) -> CallFailed:
    return classify(400, {"error": {"message": message, "code": "invalid_script"}}, {})


def _overcome(error: EchoError, call: Call) -> bool:
    return error.times is not None and call.tap.attempt > error.times


def _refusal(error: EchoError, call: Call) -> CallFailed:
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


def _last_words(messages: list[Json]) -> str:
    said = (message for message in reversed(messages) if find(message, ("role",)) == "user")
    return "\n".join(_texts(next(said, None)))


def _texts(message: Json) -> Iterator[str]:
    for part in _parts(message):
        match part:
            case str(text) | {"type": "text", "text": str(text)} | {"type": "tool_result", "content": str(text)}:
                yield text


def _parts(message: Json) -> list[Json]:
    content = find(message, ("content",))
    return content if isinstance(content, list) else [content]


def _wait(seconds: float, call: Call) -> None:
    now = time.monotonic()
    end = now + seconds
    limit = now + call.timeout
    if call.deadline is not None:
        limit = min(limit, call.deadline)
    while now < end:
        if now >= limit:
            raise failed("timeout", "no answer in time", "allow more with --timeout or --deadline", retryable=True)
        if call.cancel.wait(min(_SLICE, end - now, limit - now)):
            raise failed("interrupted", "interrupted")
        now = time.monotonic()
