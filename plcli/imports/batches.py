"""Files of the OpenAI Batch api: what was asked, what was answered, and what failed, joined by `custom_id`.

Of the answers only the place of each is held, so that files of any size can be joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from plcli.errors import Problem
from plcli.imports.calls import NO_CALL
from plcli.imports.captured import Captured, Found, Reply, Source, Spot, status_of
from plcli.imports.jsonvalues import Value, value_at, values
from plcli.media import Json
from plcli.providers.reading import failure_of, table
from plcli.wireshapes import guess

_ONCE = "its custom_id stands twice"
_ONE_BATCH = "import one batch at a time"


class _Place(NamedTuple):
    """Where an answer stands; `taken` once it has been joined, `twice` where its custom_id is not its own."""

    source: Source
    line: int
    offset: int
    taken: bool = False
    twice: bool = False


def read(sources: Sequence[Source]) -> Iterator[Found]:
    """The requests of these files with their answers, in the order of the requests.

    A request without an answer was never answered; an answer without its request is a problem.
    """
    answers: dict[str, _Place] = {}
    asking: list[Source] = []
    for source in sources:
        first = next((found for found in values(source) if isinstance(found, Value)), None)
        if first is not None and _answers(first.value):
            yield from _listed(source, answers)
        else:
            asking.append(source)
    for source in asking:
        for found in values(source):
            yield found if isinstance(found, Problem) else _joined(found, answers)
    for place in answers.values():
        if not place.taken:
            spot = Spot(place.source, line=place.line)
            yield spot.problem("an answer without its request", "import it with the input file of its batch")


def _answers(value: Json) -> bool:
    """Whether a line is of an output or an error file."""
    return isinstance(value, dict) and "body" not in value and ("response" in value or "error" in value)


def _listed(source: Source, answers: dict[str, _Place]) -> Iterator[Problem]:
    """Note where the answers of a file stand."""
    for found in values(source):
        if isinstance(found, Problem):
            yield found
            continue
        name = _custom_id(found.value)
        if name is None or not _answers(found.value):
            yield found.spot.problem("no answer of a batch: it needs `custom_id` and `response`")
        elif name in answers:
            answers[name] = answers[name]._replace(twice=True)
            yield found.spot.problem(_ONCE, _ONE_BATCH)
        else:
            answers[name] = _Place(source, found.spot.line or 0, found.offset)


def _joined(found: Value, answers: dict[str, _Place]) -> Found:
    spot, line = found.spot, table(found.value)
    name, path, wire = _custom_id(line), line.get("url"), line.get("body")
    if name is None or not isinstance(path, str) or not isinstance(wire, dict):
        return spot.problem("no request of a batch: it needs `custom_id`, `url` and `body`")
    asked = guess(wire, path)
    if asked is None:
        return spot.problem(f"{NO_CALL}: {line.get('method', 'POST')} {path[:200]}")
    # Neither where the batch ran nor its price stands in the file.
    captured = Captured(
        spot, wire, provider=asked.provider, api=asked.api, model=asked.model, metadata={"custom_id": name}
    )
    place = answers.get(name)
    if place is None:
        return captured
    if place.taken or place.twice:
        return spot.problem(_ONCE, _ONE_BATCH)
    answers[name] = place._replace(taken=True)
    answered = value_at(place.source, place.offset)
    if not isinstance(answered, Value) or _custom_id(answered.value) != name:
        return spot.problem(f"its answer at {place.source.label}:{place.line} has changed meanwhile")
    return _with_answer(captured, table(answered.value))


def _with_answer(captured: Captured, line: dict[str, Json]) -> Captured:
    told = table(line.get("response"))
    status = status_of(told.get("status_code"))
    if status is not None:
        identified = told.get("request_id")
        headers = {"x-request-id": identified} if isinstance(identified, str) and identified else {}
        reply = Reply(status, table(told.get("body")), headers)
        return replace(captured, reply=reply)
    return replace(captured, failure=failure_of(line.get("error")))


def _custom_id(value: Json) -> str | None:
    name = table(value).get("custom_id")
    return name if isinstance(name, str) else None
