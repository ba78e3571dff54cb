"""Streams of Chat Completions: what a person sees of them, and the body that they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plcli.exchange import Folded, WireEvent
from plcli.media import Json
from plcli.providers.answer import DONE
from plcli.providers.openai_chat_answer import CHUNK, REASONING, picture_of, text_of, thought_of
from plcli.providers.reading import count, rows, table
from plcli.providers.turns import parse_object
from plcli.response import Event, join

_SHOWN = {"content": "text", **dict.fromkeys(REASONING, "reasoning"), "refusal": "refusal"}


def progress(event: WireEvent) -> Event | None:
    """What a person sees of the first choice while it streams."""
    choices = rows(table(event.data).get("choices"))
    choice = table(choices[0]) if choices else {}
    if event.whole or count(choice.get("index")):
        return None
    delta = table(choice.get("delta"))
    for field, kind in _SHOWN.items():
        if isinstance(delta.get(field), str) and delta[field]:
            return Event(kind, delta[field])  # type: ignore[arg-type]
    pieces = rows(delta.get("content"))
    if text := join(text_of(piece) or "" for piece in pieces):
        return Event("text", text)
    if thought := join(map(thought_of, pieces)):
        return Event("reasoning", thought)
    if any(map(picture_of, (*pieces, *rows(delta.get("images"))))):
        return Event("image")
    for call in map(table, rows(delta.get("tool_calls"))):
        stated = table(call.get("function")) or table(call.get("custom"))
        # Some servers repeat the name with every piece of the arguments, but hardly any the id too.
        begins = call.get("id") or not (stated.get("arguments") or stated.get("input"))
        if begins and isinstance(stated.get("name"), str) and stated["name"]:
            return Event("tool_call", stated["name"])
    return None


def fold(events: Iterable[WireEvent]) -> Folded:
    """The body that the same call would have returned unstreamed.

    Complete is a stream with its end marker, with a reason to finish for every choice, or with an error.
    """
    body: dict[str, Json] = {}
    choices: dict[int, _Choice] = {}
    done = False
    for event in events:
        if event.whole:
            return Folded(event.data, True)
        done = done or event.data == DONE
        chunk = table(event.data)
        for key, value in chunk.items():
            if key not in ("choices", "obfuscation") and (value is not None or key not in body):
                body[key] = value
        for position, piece in enumerate(map(table, rows(chunk.get("choices")))):
            index = count(piece.get("index"))
            choices.setdefault(position if index is None else index, _Choice()).add(piece)
    finished = bool(choices) and all(choice.finished for choice in choices.values())
    complete = done or finished or bool(body.get("error"))
    if body or choices:
        body["object"] = "chat.completion" if complete else CHUNK
        body["choices"] = [{"index": index, **choices[index].body()} for index in sorted(choices)]
    return Folded(body, complete)


class _Choice:
    """One choice of a stream."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {"finish_reason": None}
        self._logprobs: dict[str, list[Json]] | None = None
        self._message: dict[str, list[Json]] = {"role": [], "content": []}
        self._calls = _Calls()

    @property
    def finished(self) -> bool:
        """Whether the server said why it stopped; some send an empty reason until they do."""
        return bool(self._fields["finish_reason"])

    def add(self, piece: Mapping[str, Json]) -> None:
        """Take one piece of this choice in."""
        for key, value in piece.items():
            if key == "logprobs" and isinstance(value, dict):
                self._logprobs = self._logprobs or {}
                for kind, entries in value.items():
                    self._logprobs.setdefault(kind, []).extend(rows(entries))
            elif key not in ("index", "delta") and (value not in (None, "", {}) or key not in self._fields):
                self._fields[key] = value
        for key, value in table(piece.get("delta")).items():
            if key == "tool_calls":
                self._calls.add(rows(value))
            else:
                self._message.setdefault(key, []).append(value)

    def body(self) -> dict[str, Json]:
        """The choice as an unstreamed answer has it; one without a single delta has no message."""
        fields = dict(self._fields)
        if self._logprobs is not None:
            fields["logprobs"] = {kind: entries or None for kind, entries in self._logprobs.items()}
        calls = self._calls.body()
        if not calls and not any(self._message.values()):
            return fields
        message = {key: _joined(key, values) for key, values in self._message.items()}
        message["role"] = message["role"] or "assistant"
        return {"message": {**message, "tool_calls": calls} if calls else message, **fields}


def _joined(key: str, values: list[Json]) -> Json:
    """One field of a message, of all its pieces: texts and lists follow one another, else the last counts.

    Some servers stream one content now as text, now as a list.
    """
    stated = [value for value in values if value is not None]
    if not stated:
        return None
    if key == "role":
        return stated[0]
    if key in ("function_call", "audio") and all(isinstance(value, dict) for value in stated):
        return _accumulated(stated)
    if all(isinstance(value, str) for value in stated):
        return join(stated)
    if all(isinstance(value, str | list) for value in stated):
        lists = (value if isinstance(value, list) else [{"type": "text", "text": value}] for value in stated if value)
        return _together(item for value in lists for item in value)
    return stated[-1]


_GROWING = ("arguments", "input", "data", "transcript", "text", "summary")
_STREAMED = ("text", "thinking", "reasoning.text", "reasoning.summary")


def _together(pieces: Iterable[Json]) -> list[Json]:
    """A list as an unstreamed answer has it: adjacent pieces of one text are one item."""
    groups: list[list[Json]] = []
    before: Json = None
    for piece in pieces:
        stated = table(piece)
        now = (stated.get("type"), stated.get("index")) if stated.get("type") in _STREAMED else None
        if now is not None and now == before:
            groups[-1].append(piece)
        else:
            groups.append([piece])
        before = now
    return [_one(group) if len(group) > 1 else group[0] for group in groups]


def _one(group: list[Mapping[str, Json]]) -> dict[str, Json]:
    whole = _accumulated(group)
    if isinstance(whole.get("thinking"), list):
        whole["thinking"] = _together(item for piece in group for item in rows(piece.get("thinking")))
    return whole


def _accumulated(pieces: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """Objects streamed in pieces: of the texts that grow all pieces, of everything else the first that says something.

    Servers that repeat a name with every piece do not make it longer so.
    """
    whole: dict[str, Any] = {}
    growing: dict[str, list[str]] = {}
    for piece in pieces:
        for key, value in piece.items():
            if key in _GROWING and isinstance(value, str):
                growing.setdefault(key, []).append(value)
                whole.setdefault(key, None)
            elif whole.get(key) in (None, ""):
                whole[key] = value
    return {**whole, **{key: join(texts) for key, texts in growing.items()}}


class _Calls:
    """The tool calls of a choice, told apart by index, and by what they say where a server gives no good index."""

    def __init__(self) -> None:
        self._calls: list[list[Mapping[str, Json]]] = []
        self._by_index: dict[int, int] = {}
        self._ids: list[Json] = []
        self._names: list[Json] = []

    def add(self, pieces: Iterable[Json]) -> None:
        """Take the pieces of one delta in."""
        for piece in map(table, pieces):
            place = self._place(piece)
            if place == len(self._calls):
                self._calls.append([])
                self._ids.append(None)
                self._names.append(None)
            self._calls[place].append(piece)
            self._ids[place] = self._ids[place] or piece.get("id")
            self._names[place] = self._names[place] or _stated(piece).get("name")

    def _place(self, piece: Mapping[str, Json]) -> int:
        index, new = count(piece.get("index")), len(self._calls)
        known = new - 1 if index is None else self._by_index.get(index)
        place = new if known is None or known < 0 or self._begins(piece, known) else known
        if index is not None:
            self._by_index[index] = place
        return place

    def _begins(self, piece: Mapping[str, Json], known: int) -> bool:
        """Whether a piece begins another call than the known one, though a server counts both alike."""
        stated, identity = _stated(piece), piece.get("id")
        if not stated.get("name") or not self._names[known]:
            return False
        if identity and self._ids[known]:
            return bool(identity != self._ids[known])
        # Servers that give no ids send each call in one piece, and may call one tool twice.
        before = self._calls[known]
        again = len(before) == 1 and stated.get("arguments") and _is_whole(_stated(before[0]).get("arguments"))
        return bool(stated["name"] != self._names[known] or again)

    def body(self) -> list[Json]:
        """The calls as an unstreamed answer has them."""
        return [_call(pieces) for pieces in self._calls]


def _stated(piece: Mapping[str, Json]) -> Mapping[str, Json]:
    return table(piece.get("function")) or table(piece.get("custom"))


def _is_whole(arguments: Json) -> bool:
    return isinstance(arguments, dict) or (isinstance(arguments, str) and parse_object(arguments) is not None)


def _call(pieces: list[Mapping[str, Json]]) -> Json:
    """A call as an unstreamed answer has it, which always says its arguments: servers want them back."""
    fields = _accumulated({key: item for key, item in piece.items() if key != "index"} for piece in pieces)
    kind = "custom" if isinstance(fields.get("custom"), dict) else "function"
    inner = _accumulated(table(piece.get(kind)) for piece in pieces)
    said = "input" if kind == "custom" else "arguments"
    if inner.get(said) is None:
        inner[said] = ""
    texts = [text for text in (table(piece.get(kind)).get(said) for piece in pieces) if text and isinstance(text, str)]
    if kind == "function" and texts:
        inner[said] = _once(texts)
    return {**fields, "type": fields.get("type") or kind, kind: inner}


def _once(texts: list[str]) -> str:
    """The arguments that pieces add up to, where some servers send all of them, or all so far, once more."""
    whole, last = join(texts), texts[-1]
    if _is_whole(whole) or not _is_whole(last):
        return whole
    before = [text for text in texts if text != last]
    return last if join(before) == last or all(map(last.startswith, before)) else whole
