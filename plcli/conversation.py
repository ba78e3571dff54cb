"""From the messages of a spec to those of a request: texts filled, files read, histories put in.

Problems are collected, not raised, so that all are reported at once. What a request consists of
besides its messages is the business of `resolve`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from plcli.documents import Document
from plcli.errors import Problem, SpecError
from plcli.fence import MEDIA_LIMIT, TEXT_LIMIT, BadReference, Opened, is_path
from plcli.media import Json, Media, MediaRef, lift
from plcli.paths import Parts
from plcli.places import Step
from plcli.request import Audio, File, Image, Message, Native, Part, Text, ToolCall, ToolResult
from plcli.sources import in_file, mime_of, stated
from plcli.specs import request as spec
from plcli.specs.closed import Items
from plcli.workspace import Workspace

FORMAT_OF_MIME = {"audio/wav": "wav", "audio/mpeg": "mp3", "audio/ogg": "ogg"}


Fill = Callable[[str, Document | str, Parts], str]
"""Fills a text; it is told the document, or the name of the file, that the text stands in, and its place there."""


class SourceFile(NamedTuple):
    """A file that a request was made of: its path as records name it, and its bytes."""

    path: str
    data: bytes

    @property
    def mime(self) -> str:
        """The type of the file, by its name or else its first bytes."""
        return mime_of(self.path, self.data)


class Reading:
    """What is gathered while a spec is resolved: problems, source files and media.

    `fill` fills the texts of the spec and raises `SpecError`.
    """

    def __init__(self, workspace: Workspace, document: Document, file: Path, fill: Fill) -> None:
        self.workspace = workspace
        self.document = document
        self.file = file
        self.problems: list[Problem] = []
        self.sources: dict[str, SourceFile] = {}
        self.media: Media = {}
        self._fill = fill

    def problem(self, place: Sequence[Step], message: str, hint: str | None = None) -> None:
        """Note a problem at a place of the spec."""
        self.problems.append(self.document.problem(place, message, hint))

    def note_spec(self) -> None:
        """Remember the spec itself, also where it came from standard input."""
        if self.document.file == "-":
            self.sources["-"] = SourceFile("-", self.document.text)
        elif self.file.name != "-":
            self.note(self.file, self.document.text)

    def note(self, path: Path, data: bytes) -> None:
        """Remember a file that the request is made of."""
        shown = self.workspace.shown(path)
        self.sources[shown] = SourceFile(shown, data)

    def of(self, document: Document, file: Path) -> Reading:
        """A reading of another file that this one depends on."""
        return Reading(self.workspace, document, file, self._fill)

    def gather(self, other: Reading) -> None:
        """Take over what another reading has gathered."""
        self.problems += other.problems
        self.sources |= other.sources
        self.media |= other.media

    def open(self, source: str, place: Parts, limit: int = TEXT_LIMIT) -> Opened | None:
        """Read a file that the spec names; None after a problem."""
        try:
            opened = self.workspace.read(source, self.file, limit)
        except BadReference as error:
            self.problem(place, error.message, error.hint)
            return None
        self.note(opened.path, opened.data)
        return opened

    def fill(self, text: str, place: Parts) -> str:
        """Fill a text that stands in the spec itself."""
        return self._filled(text, self.document, place)

    def text(self, value: str | spec.TextFile, place: Parts) -> str:
        """The words of a text, filled; from its file where it names one."""
        if isinstance(value, str):
            return self.fill(value, place)
        opened = self.open(value.file, (*place, "file"))
        try:
            return self._filled(opened.text, self.workspace.label(opened.path), ()) if opened else ""
        except BadReference as error:
            self.problem((*place, "file"), error.message, error.hint)
            return ""

    def lifted(self, value: Json) -> Json:
        """JSON of the spec with its media taken out."""
        return self._lifted(lift(value))

    def lifted_at(self, places: Iterable[tuple[str | None, ...]], wire: Json) -> Json:
        """A wire with the media at these places taken out; see `media.lift`. Words stay words, whatever they say."""
        return self._lifted(lift(wire, places, elsewhere=False))

    def _lifted(self, found: tuple[Json, Media]) -> Json:
        self.media |= found[1]
        return found[0]

    def medium(self, source: str, place: Parts, encoding: Literal["base64", "data-url"]) -> MediaRef | str:
        """What a `source` stands for: bytes by reference, or an https URL as it is."""
        try:
            medium = stated(source)
        except BadReference as error:
            self.problem(place, error.message, error.hint)
            return ""
        if medium is None:
            opened = self.open(source, place, MEDIA_LIMIT)
            if opened is None:
                return ""
            medium = in_file(opened, encoding)
        self.media |= medium.media
        return medium.source

    def _filled(self, text: str, where: Document | str, place: Parts) -> str:
        try:
            return self._fill(text, where, place)
        except SpecError as error:
            self.problems.extend(error.problems)
            return ""


@functools.cache
def _history_type() -> TypeAdapter[tuple[spec.Message, ...]]:
    return TypeAdapter(Items[spec.Message])


def messages(reading: Reading, written: spec.RequestSpec, variables: dict[str, Json]) -> tuple[Message, ...]:
    """The conversation of a request spec."""
    if written.prompt is not None:
        return (Message("user", (Text(reading.fill(written.prompt, ("prompt",))),)),)
    turns: list[Message] = []
    for n, item in enumerate(written.messages):
        place: Parts = ("messages", n)
        if isinstance(item, spec.History):
            turns.extend(_history(reading, item.history, variables, place))
        else:
            turns.append(_message(reading, item, place, lambda text, at: reading.text(text, at)))
    return tuple(turns)


def _history(reading: Reading, name: str, variables: dict[str, Json], place: Parts) -> Iterable[Message]:
    """The turns that a variable holds. They are values, so nothing in them is filled."""
    try:
        turns = _history_type().validate_python(variables.get(name))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        reading.problem(
            (*place, "history"),
            f"variable {name!r} holds no list of messages: {name}{at}: {first['msg'].lower()}",
            "each message is an object with `role` and `content`",
        )
        return

    def verbatim(value: str | spec.TextFile, at: Parts) -> str:
        if isinstance(value, str):
            return value
        reading.problem(place, "a message of a history cannot name a file", "put its text into the message")
        return ""

    for turn in turns:
        yield _message(reading, turn, place, verbatim)


def _message(
    reading: Reading, written: spec.Message, place: Parts, text: Callable[[str | spec.TextFile, Parts], str]
) -> Message:
    content = written.content
    if not isinstance(content, tuple):
        return Message(written.role, (Text(text(content, (*place, "content"))),))
    parts = (_part(reading, part, (*place, "content", n), text) for n, part in enumerate(content))
    return Message(written.role, tuple(part for part in parts if part is not None))


def _part(
    reading: Reading,
    part: spec.TextPart
    | spec.ImagePart
    | spec.FilePart
    | spec.AudioPart
    | spec.ToolCallPart
    | spec.ToolResultPart
    | spec.NativePart,
    place: Parts,
    text: Callable[[str | spec.TextFile, Parts], str],
) -> Part | None:
    match part:
        case spec.TextPart():
            return Text(text(part.text, (*place, "text")), part.phase)
        case spec.ImagePart():
            return Image(_source(reading, part.source, place, text), part.detail)
        case spec.FilePart():
            source = _source(reading, part.source, place, text)
            named = part.filename or (Path(part.source).name if is_path(part.source) else None)
            return File(source, named)
        case spec.AudioPart():
            return _audio(reading, part, place, text)
        case spec.ToolCallPart():
            return ToolCall(part.id, part.name, part.arguments)
        case spec.ToolResultPart():
            if isinstance(part.content, str):
                return ToolResult(part.id, part.content, part.name)
            inner = (_part(reading, item, (*place, "content", n), text) for n, item in enumerate(part.content))
            return ToolResult(part.id, tuple(item for item in inner if item is not None), part.name)
        case spec.NativePart():
            return Native(reading.lifted(part.item))


def _source(
    reading: Reading, source: str, place: Parts, text: Callable[[str | spec.TextFile, Parts], str]
) -> MediaRef | str:
    return reading.medium(text(source, (*place, "source")), (*place, "source"), "data-url")


def _audio(
    reading: Reading, part: spec.AudioPart, place: Parts, text: Callable[[str | spec.TextFile, Parts], str]
) -> Audio | None:
    source = reading.medium(text(part.source, (*place, "source")), (*place, "source"), "base64")
    if isinstance(source, str):
        if source:
            reading.problem((*place, "source"), "no api fetches sounds from a URL", "use a path or a data URL")
        return None
    ref = MediaRef(source.digest, source.mime, "base64")
    audio_format = part.format or FORMAT_OF_MIME.get(ref.mime)
    if audio_format is None:
        reading.problem(place, "the format of the sound is not known", "add format: wav")
        return None
    return Audio(ref, audio_format)
