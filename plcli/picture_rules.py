"""What the makers' own services take of pictures: a dated table of models, parameters and values.

The table may be older than the truth, so it only ever warns, and says nothing of what it does not know. It
does not hold for clouds and other servers, which have rules of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import NamedTuple

from plcli import paths, retirements
from plcli.brevity import cut
from plcli.media import Json
from plcli.paths import Parts
from plcli.picture_table import Drawn, Named, is_one_of, table
from plcli.request import BuiltinTool, Image, Request
from plcli.specs import ModelSpec
from plcli.spelling import did_you_mean

SOON = 90
"""Days before the end of a model from which it is told."""

LONGEST = 100
"""Characters of a model's id that are looked at and shown; no model has a longer one."""

MOST = 100
"""Parameters that are looked at; no api has as many."""

MAY_DRAW = ("dall-e", "image")
"""Words that stand in the id of every model that an api does not serve."""

_TOOL = "image_generation"


class Advice(NamedTuple):
    """What is gone or wrong at a place of a request spec, and what to write instead."""

    place: Parts
    message: str
    hint: str

    @property
    def told(self) -> str:
        """In one line, as a run tells it: `image.quality: … (write quality: high)`."""
        return f"{paths.show(self.place)}: {self.message} ({self.hint})"


def hold_for(spec: ModelSpec | None) -> bool:
    """Whether the rules hold where a model is served: by its maker, not by a cloud or another server."""
    return spec is None or (spec.base_url is None and spec.azure is None and spec.vertex is None)


def of_request(request: Request, *, streamed: bool, today: date | None) -> list[Advice]:
    """What there is to say of a request before it is sent, where the rules hold."""
    return warnings(
        request.provider,
        request.api,
        request.model,
        request.image,
        tools=[tool.item if isinstance(tool, BuiltinTool) else None for tool in request.tools],
        edit=any(isinstance(part, Image) for message in request.messages for part in message.parts),
        streamed=streamed,
        today=today,
    )


def warnings(
    provider: str,
    api: str,
    model: str,
    image: Mapping[str, Json] | None,
    *,
    tools: Iterable[Json] = (),
    edit: bool,
    streamed: bool,
    today: date | None,
) -> list[Advice]:
    """What is gone or wrong of the pictures that a request asks for, in the order of its fields.

    `image` is the field of that name; `tools` are all tools, of which those that draw are held against the same
    rules. `edit` says that input pictures are among the messages. Without `today` the end of models is not told.
    """
    place, drawn, model = f"{provider}/{api}", Drawn(edit, streamed), cut(model, LONGEST)
    asked: list[tuple[Parts, Mapping[str, Json]]] = [(("image",), image)] if image is not None else []
    written = [(("tools", n), tool) for n, tool in enumerate(tools) if _draws(tool)]
    if not (asked or written or api == "images" or any(word in model for word in MAY_DRAW)):
        # The table takes a while to read, and most requests are about words.
        return []
    known = table().named.get(place)
    # Where a tool draws, it names the model that does; elsewhere the one that is asked draws itself.
    itself = known is not None and "model" not in known.names
    found = list(_of_model(place, model, today, draws=itself and (bool(asked) or api == "images")))
    if known is None:
        return found
    if not itself:
        asked += written
    for at, stated in asked:
        said = {name: value for name, value in stated.items() if value is not None}
        drawing = model if itself else said.get("model", known.defaults["model"])
        if not isinstance(drawing, str):
            continue
        drawing = cut(drawing, LONGEST)
        if not itself:
            found += _end(provider, drawing, (*at, "model"), today)
        found += _of_parameters(known, said, at, drawing, drawn)
    return found


def _draws(tool: Json) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == _TOOL


def _of_model(place: str, model: str, today: date | None, *, draws: bool) -> Iterator[Advice]:
    """What there is to say of the model that is asked."""
    misplaced = next((one for one in table().misplaced if place in one.apis and is_one_of(model, one.models)), None)
    if misplaced is None and not draws:
        return
    provider = place.partition("/")[0]
    yield from _end(provider, model, ("model",), today)
    # Of a model that is gone it does not matter where it was served.
    if misplaced is not None and not (today is not None and retirements.hint(provider, model, today)):
        yield Advice(("model",), f"{model} {misplaced.message}", misplaced.hint)


def _end(provider: str, model: str, place: Parts, today: date | None) -> Iterator[Advice]:
    """That a model is gone, or soon will be."""
    known = retirements.of(provider, model, today) if today is not None else None
    if known is not None and known.days <= SOON:
        yield Advice(place, known.end, known.way_out)


def _of_parameters(known: Named, said: Mapping[str, Json], at: Parts, model: str, drawn: Drawn) -> Iterator[Advice]:
    """What there is to say of each parameter of pictures that a model draws."""
    of_api = [rule for rule in table().rules if known.api in rule.apis and (at[0] == "tools" or not rule.in_tools)]
    effective = {**known.defaults, **said}
    rules = [rule for rule in of_api if is_one_of(model, rule.models) and rule.concerns(effective, drawn)]
    familiar = {*known.names, *(name for rule in of_api for name in rule.parameters)}
    for name, value in islice(said.items(), MOST):
        complaints = (
            rule.complaint(known.who if "*" in rule.models else model, name, value)
            for rule in rules
            if name in rule.parameters
        )
        if complaint := next(filter(None, complaints), None):
            yield Advice((*at, name), *complaint)
        elif name not in familiar and (meant := did_you_mean(name, known.names)):
            yield Advice((*at, name), f"{known.who} knows no {name}", f"did you mean {meant!r}?")
