"""Show one run: the line before the answer, what the stream did not show, and the line after it."""

from __future__ import annotations

from plcli.exchangerecords import ToolResultRecord
from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.render.calls import call_line, show_call, show_result, with_results
from plcli.render.findings import findings
from plcli.render.held import show_wanted
from plcli.render.pictures import image_line, show_picture
from plcli.render.runfacts import cost, duration, model_name, run_name, tokens
from plcli.render.screen import Screen
from plcli.response import ImagePart, ReasoningPart, TextPart, ToolCallPart, join

_COLOURS = {"ok": "green", "tool_calls": "cyan", "incomplete": "yellow"}


def show_header(name: str | None, model: str, screen: Screen) -> None:
    """The line above an answer on a terminal: what is asked of whom."""
    if screen.shape == "card":
        screen.say((" · ".join(filter(None, (name, model))), "bold"))


def show_answer(
    record: Record,
    store: MediaStore,
    screen: Screen,
    *,
    printed: bool,
    told: bool,
    called: ToolCallPart | None = None,
    cards: bool | None = None,
) -> None:
    """What an answer consists of, in order: words, pictures and waiting calls to stdout, the rest to stderr.

    `printed` and `told` say that the words, and what stands between them, have streamed by already; `called` is
    a waiting call that did. A call counts only where the answer is whole: of a failed one it may be half. Pictures
    are `cards`, by default where the format is, else the paths of their files.
    """
    response = record.response
    if response is None:
        return
    spoken = any(isinstance(part, TextPart) and part.phase != "commentary" for part in response.parts)
    final = spoken or response.state == "tool_calls"
    words: list[str] = []
    for part, result in with_results(response.parts, record.tool_results or ()):
        if isinstance(part, TextPart) and not (final and part.phase == "commentary"):
            words.append(part.text)
        elif isinstance(part, ReasoningPart | TextPart):
            if not told:
                screen.say((part.text, "dim"))
        elif result is not None:
            _say_words(words, screen, printed=printed)
            if not told:
                call = part if isinstance(part, ToolCallPart) else _call_of(result)
                show_call(call, screen)
                show_result(result.source, result.result, result.error, screen, store.path)
        elif isinstance(part, ToolCallPart) and response.state == "tool_calls":
            _say_words(words, screen, printed=printed)
            if called is not None and (part.id, part.name) == (called.id, called.name):
                called = None
            else:
                screen.print(call_line(part))
        elif isinstance(part, ImagePart):
            _say_words(words, screen, printed=printed)
            if cards or (cards is None and screen.shape == "card" and not screen.quiet):
                show_picture(part, record, store, screen)
            else:
                screen.print(image_line(part, store))
    _say_words(words, screen, printed=printed)


def _say_words(words: list[str], screen: Screen, *, printed: bool) -> None:
    """The words up to here, unless they have streamed by, on lines of their own."""
    text = screen.clean(join(words), screen.out)
    words.clear()
    if text and not printed:
        screen.write(screen.out, text if text.endswith("\n") else text + "\n")


def _call_of(result: ToolResultRecord) -> ToolCallPart:
    return ToolCallPart(id=result.call_id, name=result.name, arguments=result.arguments)


def show_footer(record: Record, screen: Screen) -> None:
    """The line below an answer (state, model, tokens, cost, time, run); then what went wrong, and what to do."""
    state = record.response.state if record.response else "error"
    facts = filter(None, (model_name(record), tokens(record), cost(record), duration(record), run_name(record)))
    screen.say((state, _COLOURS.get(state, "red")), " ", (f"· {' · '.join(facts)}", "dim"))
    show_findings(record, screen)


def show_findings(record: Record, screen: Screen, of: str | None = None) -> None:
    """What a person must know of a run that is not simply good; shown with `--quiet` too.

    `of` names the run where several are told of.
    """
    name = f"{of}: " if of else ""
    for finding in findings(record):
        if finding.severity == "error":
            screen.error(name + finding.message, finding.hint)
        else:
            screen.warn(name + finding.message)
    for expectation in record.expectations or ():
        if not expectation.passed:
            screen.warn(f"{name}expectation failed: {expectation.path}: {expectation.message or 'not as wanted'}")
            show_wanted(expectation, screen)
