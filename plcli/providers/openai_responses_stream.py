"""Streams of the Responses api: what a person sees of them, and the body that they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from plcli.exchange import Folded, WireEvent
from plcli.media import Json
from plcli.providers.openai_responses_waiting import call_part
from plcli.providers.reading import count, rows, table
from plcli.response import Event, join

_SHOWN = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
}

_CALL = "image_generation_call"
_DRAWING = f"response.{_CALL}."

_STARTS = ("response.created", "response.queued", "response.in_progress")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


class _Piece(NamedTuple):
    """Where the deltas of one kind belong: the item they make, its field, and the form of a piece in a list."""

    item: dict[str, Json]
    field: str
    counter: str = ""
    type: str = ""
    key: str = "text"


_PIECES = {
    "response.output_text.delta": _Piece(
        {"type": "message", "role": "assistant"}, "content", "content_index", "output_text"
    ),
    "response.refusal.delta": _Piece(
        {"type": "message", "role": "assistant"}, "content", "content_index", "refusal", "refusal"
    ),
    "response.reasoning_summary_text.delta": _Piece({"type": "reasoning"}, "summary", "summary_index", "summary_text"),
    "response.reasoning_text.delta": _Piece({"type": "reasoning"}, "content", "content_index", "reasoning_text"),
    "response.function_call_arguments.delta": _Piece({"type": "function_call"}, "arguments"),
    "response.custom_tool_call_input.delta": _Piece({"type": "custom_tool_call"}, "input"),
}

_WHOLE = {f"{name.removesuffix('delta')}done": name for name in _PIECES}
"""The events that say once more what the deltas of one kind come to; some servers send nothing else."""


def progress(event: WireEvent) -> Event | None:
    """What a person sees while it streams; a draft of a picture comes with its number, from 1."""
    data = table(event.data)
    kind = data.get("type")
    if not isinstance(kind, str) or event.whole:
        return None
    if kind in _SHOWN:
        delta = data.get("delta")
        return Event(_SHOWN[kind], delta) if isinstance(delta, str) and delta else None  # type: ignore[arg-type]
    if kind == "response.reasoning_summary_part.added":
        return Event("reasoning", "\n\n") if count(data.get("summary_index")) else None
    if kind.startswith(_DRAWING):
        return _drawing(kind.removeprefix(_DRAWING), data)
    if kind != "response.output_item.added":
        return None
    item = table(data.get("item"))
    if item.get("type") == "message":
        phase = item.get("phase")
        return Event("phase", phase if isinstance(phase, str) else "")
    if item.get("type") in ("function_call", "custom_tool_call") and isinstance(item.get("name"), str):
        return Event("tool_call", item["name"])
    waiting = call_part(item)
    return Event("tool_call", waiting.name) if waiting is not None else None


def _drawing(stage: str, data: Mapping[str, Json]) -> Event | None:
    """That a picture is being made, and what there is of it."""
    if stage != "partial_image":
        return Event("image") if stage in ("in_progress", "generating") else None
    index, draft = count(data.get("partial_image_index")), data.get("partial_image_b64")
    return Event("image", "" if index is None else str(index + 1), draft if isinstance(draft, str) else "")


def fold(events: Iterable[WireEvent]) -> Folded:
    """The body that the same call would have returned unstreamed.

    The last event of a stream holds it; items are gathered on the way for streams that are cut, and for
    servers that leave `output` empty there, or the pictures in it. An `error` event makes a failed answer.
    """
    body: dict[str, Json] = {}
    gathered = _Gathered()
    complete = False
    for event in events:
        if event.whole:
            return Folded(event.data, True)
        data = table(event.data)
        kind = data.get("type", event.name)
        if kind in _ENDS or (kind in _STARTS and not complete):
            body = table(data.get("response")) or body
            if kind in _ENDS:
                body = {"status": kind.removeprefix("response."), **body}
                complete = True
        elif kind == "error" or (not kind and data.get("error")):
            stated = {key: item for key, item in data.items() if key not in ("type", "sequence_number")}
            body = {**body, "status": "failed", "error": data.get("error") or stated}
            complete = True
        else:
            gathered.add(kind, data)
    if items := rows(body.get("output")):
        body = {**body, "output": [gathered.drawn(at, item) for at, item in enumerate(items)]}
    elif output := gathered.output():
        body = {"object": "response", **body, "output": output}
    if body and not complete:
        body = {**body, "status": "in_progress"}
    return Folded(body, complete)


class _Gathered:
    """The items of a stream, and the deltas of what they do not say themselves."""

    def __init__(self) -> None:
        self._items: dict[int, dict[str, Json]] = {}
        self._last = -1
        self._begun: dict[str, int] = {}
        self._done: set[int] = set()
        self._deltas: dict[int, dict[tuple[str, int], list[str]]] = {}

    def add(self, kind: Json, data: Mapping[str, Json]) -> None:
        """Take one event in; other kinds than items and their deltas are passed over."""
        index = count(data.get("output_index"))
        if kind in ("response.output_item.added", "response.output_item.done") and isinstance(data.get("item"), dict):
            done = kind == "response.output_item.done"
            identity = str(data["item"].get("id"))
            if index is None:
                index = self._begun.pop(identity, self._last + 1) if done else self._last + 1
            self._items[index] = data["item"]
            self._last = max(self._last, index)
            if done:
                self._done.add(index)
                self._deltas[index] = _unsaid(data["item"], self._deltas.get(index, {}))
            else:
                self._begun[identity] = index
        elif isinstance(kind, str) and (named := _WHOLE.get(kind, kind)) in _PIECES:
            if index is None:
                index = self._begun.get(str(data.get("item_id")), max(self._last, 0))
            piece = _PIECES[named]
            text = data.get("delta" if named == kind else piece.key if piece.counter else piece.field)
            if index in self._done or not isinstance(text, str) or not text:
                return
            place = count(data.get(piece.counter)) or 0
            texts = self._deltas.setdefault(index, {}).setdefault((named, place), [])
            if named != kind:
                texts.clear()
            texts.append(text)

    def drawn(self, at: int, item: Json) -> Json:
        """The item at a place of the answer; a call to draw has the picture that only its own event brought."""
        named = (each for each in self._items.values() if each.get("id") == table(item).get("id") is not None)
        mine = next(named, self._items.get(at, {}))
        bare = table(item).get("type") == mine.get("type") == _CALL and not item.get("result")
        return {**item, "result": mine["result"]} if bare and mine.get("result") else item

    def output(self) -> list[Json]:
        """The items in order, as far as they came."""
        indexes = sorted({*self._items, *self._deltas})
        return [_filled(self._items.get(index), self._deltas.get(index, {})) for index in indexes]


def _unsaid(item: Mapping[str, Json], deltas: Mapping[tuple[str, int], list[str]]) -> dict[tuple[str, int], list[str]]:
    """The deltas of a call whose item, though it is done, has nothing in their place."""
    pieces = {place: _PIECES[place[0]] for place in deltas}
    return {place: deltas[place] for place, piece in pieces.items() if not piece.counter and not item.get(piece.field)}


def _filled(item: dict[str, Json] | None, deltas: Mapping[tuple[str, int], list[str]]) -> Json:
    """An item with the deltas that came and that it does not say itself."""
    whole = dict(item or {})
    lists: dict[str, list[Json]] = {}
    for (kind, _), texts in sorted(deltas.items(), key=lambda delta: delta[0][1]):
        piece, text = _PIECES[kind], join(texts)
        for key, value in piece.item.items():
            whole.setdefault(key, value)
        if not piece.counter:
            whole[piece.field] = text
            continue
        if piece.field not in lists:
            lists[piece.field] = whole[piece.field] = [*rows(whole.get(piece.field))]
        lists[piece.field].append({"type": piece.type, piece.key: text})
    return whole
