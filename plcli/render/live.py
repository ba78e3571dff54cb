"""Show an answer as it streams: words to stdout, reasoning and commentary dim to stderr."""

from __future__ import annotations

from typing import TextIO

from plcli.media import encode
from plcli.plaintext import Stream as HarmlessStream
from plcli.redact import Redactor
from plcli.render.calls import show_call, show_result
from plcli.render.drafts import Drafts
from plcli.render.screen import Screen
from plcli.render.waiting import Waiting
from plcli.response import Event, Failure, ReasoningPart, Response, TextPart, ToolCallPart, join
from plcli.rounds import Answered


class Live:
    """The view of one streaming answer; call it with each event, and `finish` it once.

    Words `among_pictures` wait for these, so that all stand in their order.
    `printed` says whether any words of the answer have gone to stdout, `told` whether any others came; `called` is
    a call that was shown, and got no answer.
    """

    def __init__(self, screen: Screen, redactor: Redactor, *, among_pictures: bool = False) -> None:
        self._screen = screen
        self._among_pictures = among_pictures
        self._quiet = screen.machine
        self._phase = ""
        self._stream: TextIO | None = None
        self._line_open = False
        self._streamed = False
        self._asked = False
        self._drafts = Drafts(screen)
        self._waiting = Waiting(screen)
        self.called: ToolCallPart | None = None
        self._channels = {
            screen.out: _Channel(redactor, terminal=screen.out.isatty()),
            screen.err: _Channel(redactor, terminal=True),
        }
        self.printed = False
        self.told = False

    def begin(self) -> None:
        """Count the seconds until something comes, where a picture is made, which takes long."""
        if self._among_pictures:
            self._waiting.begin()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._streamed = True
        if event.kind == "phase":
            self._phase = event.text
        elif event.kind == "text" and self._phase != "commentary":
            if not self._among_pictures:
                self._speak(event.text)
        elif event.kind in ("text", "reasoning", "refusal"):
            self._whisper(event.text)
        elif event.kind == "image" and (event.text or event.picture):
            self._end_line()
            self._drafts.show(event)

    def wait(self, failure: Failure, seconds: float) -> None:
        """Say that a failure will be retried."""
        self._waiting.end()
        self._screen.say((f"{failure.message.rstrip('. ')}; trying again in {seconds:.1f} s", "dim"))

    def turned(self, response: Response) -> None:
        """End the line of an answer that is whole; what of it was not shown while it streamed is shown now.

        Words that stand among pictures wait for these, which get their files when the run is logged.
        """
        waiting = bool(response.images) and response.state != "tool_calls" and not self.printed
        for part in response.parts:
            if isinstance(part, TextPart) and part.phase != "commentary":
                if not waiting and (self._among_pictures or not self._streamed):
                    self._speak(part.text)
            elif isinstance(part, TextPart | ReasoningPart) and not self._streamed:
                self._whisper(part.text)
        self._streamed = False
        self._phase = ""
        self.told = True
        self.finish()

    def calling(self, call: ToolCallPart, asked: bool) -> None:
        """Show a call of a tool before it is answered, unless a person was `asked`, who has seen it."""
        if not self._quiet and not asked and call != self.called:
            show_call(call, self._screen)
        self.called, self._asked = call, asked

    def answered(self, answered: Answered) -> None:
        """Show what a call of a tool was answered, below the call."""
        if not self._quiet:
            if answered.call != self.called:
                show_call(answered.call, self._screen)
            answer = answered.answer
            # Pictures get their files when the run is logged.
            show_result(answer.source, encode(answer.result), answer.error, self._screen, lambda digest: None)
        self.called, self._asked = None, False

    def interrupted(self) -> None:
        """End the last line, which the terminal's `^C` may be; who was asked has ended that of the question."""
        counting = self._waiting.end()
        if not (self._line_open or self._asked or counting):
            self._screen.after_interrupt()
        self.finish()

    def finish(self) -> None:
        """End the last line, and take the draft of a picture away: it stands in the answer, if it came."""
        self._end_line()
        self._drafts.clear()

    def _speak(self, text: str) -> None:
        if text and not self._quiet:
            self.printed = True
            self._put(self._screen.out, text)

    def _whisper(self, text: str) -> None:
        self.told = True
        if not (self._quiet or self._screen.quiet):
            self._put(self._screen.err, text)

    def _end_line(self) -> None:
        self._waiting.end()
        if self._stream is not None:
            self._end(self._stream)

    def _put(self, stream: TextIO, text: str) -> None:
        if self._stream is not stream:
            self._end_line()
            self._stream = stream
        self._show(stream, self._channels[stream].feed(text))

    def _end(self, stream: TextIO) -> None:
        self._show(stream, self._channels[stream].flush())
        if self._line_open:
            self._screen.write(stream, "\n")
            self._line_open = False
        self._stream = None

    def _show(self, stream: TextIO, text: str) -> None:
        if text:
            self._line_open = not text.endswith("\n")
            style = "dim" if stream is self._screen.err else None
            self._screen.write(stream, self._screen.styled(text, style, stream))


class _Channel:
    """One stream's filters: halves of characters and of secrets are held back, a terminal gets harmless text."""

    def __init__(self, redactor: Redactor, *, terminal: bool) -> None:
        self._half = ""
        self._secrets = redactor.stream()
        self._harmless = HarmlessStream() if terminal else None

    def feed(self, text: str) -> str:
        text = join((self._half, text))
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        safe = self._secrets.feed(text.removesuffix(self._half))
        return self._harmless.feed(safe) if self._harmless else safe

    def flush(self) -> str:
        safe = self._secrets.feed(self._half) + self._secrets.flush()
        self._half = ""
        return self._harmless.feed(safe) + self._harmless.flush() if self._harmless else safe
