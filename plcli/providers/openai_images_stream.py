"""Streams of the Images api: the drafts that a person sees, and the body that the events add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plcli.exchange import Folded, WireEvent
from plcli.media import Json
from plcli.providers.openai_images_answer import DRAFT
from plcli.providers.reading import count, table
from plcli.providers.roundtrip import same
from plcli.response import Event

_DRAFTS = ("image_generation.partial_image", "image_edit.partial_image")
_ENDS = ("image_generation.completed", "image_edit.completed")

_MAKES_AN_ITEM = ("b64_json", "url", "error")
_OF_AN_ITEM = (*_MAKES_AN_ITEM, "revised_prompt")
_OF_AN_EVENT = ("type", "sequence_number", "created_at")


def progress(event: WireEvent) -> Event | None:
    """The drafts of a picture, by their numbers from 1."""
    data = table(event.data)
    if event.whole or data.get("type", event.name) not in _DRAFTS:
        return None
    index, draft = count(data.get(DRAFT)), data.get("b64_json")
    return Event("image", "" if index is None else str(index + 1), draft if isinstance(draft, str) else "")


def fold(events: Iterable[WireEvent]) -> Folded:
    """The body that the same call would have returned unstreamed.

    Each event with a picture is one of `data`; what all of them say alike stands beside `data`. Some servers send a
    last event without a picture, and pictures or what went wrong with one before it, as they are done; others one
    event with the whole body. Of a stream that is cut before its first picture the last draft is kept, named as such.
    An `error` event makes a failed answer.
    """
    told: list[Mapping[str, Json]] = []
    draft: Mapping[str, Json] = {}
    complete = False
    for event in events:
        if event.whole:
            return Folded(event.data, True)
        data = table(event.data)
        kind = data.get("type", event.name)
        if kind == "error" or (not kind and data.get("error")):
            stated = {key: item for key, item in data.items() if key not in _OF_AN_EVENT}
            return Folded({**_body(told), "error": data.get("error") or stated}, True)
        if kind in _DRAFTS:
            draft = data
        elif isinstance(data.get("data"), list):
            told += [{**data, **table(item)} for item in data["data"] or [{}]]
            complete = True
        elif data:
            told.append({key: item for key, item in data.items() if key != DRAFT})
            complete = complete or kind in _ENDS
    return Folded(_body(told or ([draft] if draft else [])), complete)


def _body(told: list[Mapping[str, Json]]) -> dict[str, Json]:
    body: dict[str, Json] = {}
    for event in told:
        body |= {"created": event["created_at"]} if "created_at" in event else {}
        body |= {key: item for key, item in event.items() if key not in (*_OF_AN_ITEM, *_OF_AN_EVENT, DRAFT)}
    items = [_item(event, body) for event in told if not event.keys().isdisjoint(_MAKES_AN_ITEM)]
    return {**body, "data": sorted(items, key=lambda item: count(item.get("image_index")) or 0)} if told else {}


def _item(event: Mapping[str, Json], body: Mapping[str, Json]) -> dict[str, Json]:
    """A picture with what is said of it alone."""
    return {
        key: item
        for key, item in event.items()
        if key not in _OF_AN_EVENT and not (key in body and same(item, body[key]))
    }
