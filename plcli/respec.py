"""A request as a spec again: what a header can say of it stands there, and the rest in `body`.

`resolve` is the judge of each draft: what it refuses, or makes something else of, is said in plainer
words in the next one. So a spec is what it is for, whatever the wire was that it came from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from plcli import paths
from plcli.documents import parse
from plcli.drafts import MASKS, WAYS, Draft, SourceOf, header
from plcli.errors import SpecError
from plcli.media import Json, MediaReader, lower
from plcli.modelrefs import ModelRef
from plcli.providers.registry import Adapter, adapter
from plcli.providers.roundtrip import rest, same
from plcli.request import BuiltinTool, FunctionTool, Message, Request, Tool
from plcli.resolve import Resolved, resolve
from plcli.workspace import Workspace


def respec(
    workspace: Workspace,
    request: Request,
    model: ModelRef,
    *,
    read: MediaReader,
    source_of: SourceOf = lambda ref: None,
    file: Path | None = None,
    exact: bool = False,
) -> dict[str, Json]:
    """The document of a request spec, its keys in the order of the format.

    Law: resolved, it compiles to the wire that the request compiles to with its defaults explicit; where it is to be
    `exact`, without them. The spec names `model`, whose own `body` must be in the request. `file` is where it will
    stand, `read` gives the bytes of media that `source_of` knows no file of.

    Raises `SpecError` for what no spec can say (a transport switch, half a character, more than a file may hold),
    `MediaMissing` for bytes that are gone and `ValueError` for redacted ones.
    """
    made = adapter(model.provider, request.api)
    whole = made.defaults(request, model.spec)
    meant = request if exact else whole
    wanted = lower(made.compile(meant).wire, read)
    silent = _without_usual_strict(whole, model, made)._replace(messages=meant.messages)
    draft = Draft(workspace, file, model, made, silent, read, source_of, Counter())
    said = header(draft)
    while (plan := _judged(draft, said)) is None:
        said = header(draft)
    own = _lowered(draft, plan, made.compile(plan.request._replace(body={})).wire)
    omit = [paths.show(path) for path in _extra(own, wanted)]
    for path in omit:
        own = paths.remove(own, path)
    body = rest(wanted, own)
    usual = lower(dict(plan.request.body), read)
    unusual = {name: item for name, item in body.items() if name not in usual or not same(usual[name], item)}
    spec = _with_rest(said, omit, unusual)
    while not same(wire := _wire(draft, spec), wanted):
        # One default may bring another along.
        more = next((path for path in map(paths.show, _extra(wire, wanted)) if path not in omit), None)
        if more is None:
            return _with_rest(said, omit, body)
        omit.append(more)
        spec = _with_rest(said, omit, unusual)
    return spec


def _judged(draft: Draft, said: Mapping[str, Json]) -> Resolved | None:
    """The plan of a header, or None where parts of it are to be said in another way."""
    try:
        plan = _resolved(draft, said)
    except SpecError as error:
        blamed = {_item(paths.parse(problem.path)) for problem in error.problems}
        if () in blamed or not blamed <= {_item(place) for place in _places(said)}:
            raise
    else:
        blamed = set(_differing(draft, plan))
        if not blamed:
            return plan
    for place in blamed:
        draft.tried[place] += 1
        if draft.tried[place] >= WAYS.get(str(place[0]), 1):
            draft.tried[place[:1]] += 1
    return None


def _item(place: paths.Parts) -> paths.Parts:
    return place[:2] if place and place[0] in WAYS else place[:1]


def _places(said: Mapping[str, Json]) -> Iterator[paths.Parts]:
    """The places of a header that can be said otherwise, or not at all."""
    for name, value in said.items():
        if name in ("kind", "model", "api", "template"):
            continue
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, key) for key in value)
        elif isinstance(value, list):
            yield from ((name, at) for at in range(len(value)))


def _differing(draft: Draft, plan: Resolved) -> Iterator[paths.Parts]:
    """What of a header was read as something else than the request says."""
    said, meant = plan.request, draft.made.defaults(draft.request, draft.model.spec)
    pictures = (dict(said.image or {}), dict(meant.image or {}))
    if not draft.tried["messages",]:
        for at, (one, other) in enumerate(zip(said.messages, draft.request.messages, strict=True)):
            if one != other and not same(*(_lowered(draft, plan, _alone(draft, turn)) for turn in (one, other))):
                yield "messages", at
    if not draft.tried["tools",]:
        for at, (mine, theirs) in enumerate(zip(said.tools, meant.tools, strict=True)):
            if mine != theirs and not isinstance(theirs, BuiltinTool):
                yield "tools", at
    for name, value in meant.params.items():
        if not (draft.tried["params",] or draft.tried["params", name]) and not same(said.params.get(name), value):
            yield "params", name
    for name in MASKS:
        if not draft.tried["image",] and not same(*(_lowered(draft, plan, each.get(name)) for each in pictures)):
            yield "image", name
    for field in ("tool_choice", "output"):
        if not draft.tried[field,] and getattr(said, field) != getattr(meant, field):
            yield (field,)


def _alone(draft: Draft, turn: Message) -> Json:
    return draft.made.compile(draft.request._replace(messages=(turn,), body={}, omit=())).wire


def _resolved(draft: Draft, spec: Mapping[str, Json]) -> Resolved:
    document = parse(json.dumps(spec), file=draft.file.name if draft.file else "-", format="json")
    return resolve(draft.workspace, document, draft.file, given={})


def _lowered(draft: Draft, plan: Resolved, wire: Json) -> Json:
    return lower(wire, lambda digest: plan.media[digest] if digest in plan.media else draft.read(digest))


def _wire(draft: Draft, spec: Mapping[str, Json]) -> Json:
    plan = _resolved(draft, spec)
    return _lowered(draft, plan, plan.compiled.wire)


def _extra(made: Json, wanted: Json, at: paths.Parts = ()) -> Iterator[paths.Parts]:
    """The paths of what a header makes beyond a wire, for `omit`: a body cannot take anything away."""
    if isinstance(made, dict) and isinstance(wanted, dict):
        for name, item in made.items():
            if name not in wanted:
                yield (*at, name)
            else:
                yield from _extra(item, wanted[name], (*at, name))
    elif isinstance(made, list) and isinstance(wanted, list) and _covers(made, wanted):
        for n, item in enumerate(made):
            yield from _extra(item, wanted[n], (*at, n))


def _covers(made: Json, wanted: Json) -> bool:
    """Whether nothing but keys of objects has to be taken away for one value to become the other."""
    if isinstance(made, dict) and isinstance(wanted, dict):
        return all(name in made and _covers(made[name], item) for name, item in wanted.items())
    if isinstance(made, list) and isinstance(wanted, list):
        return len(made) == len(wanted) and all(map(_covers, made, wanted))
    return same(made, wanted)


def _with_rest(said: Mapping[str, Json], omit: list[str], body: Mapping[str, Json]) -> dict[str, Json]:
    return {**said, **({"omit": omit} if omit else {}), **({"body": dict(body)} if body else {})}


def _without_usual_strict(request: Request, model: ModelRef, made: Adapter) -> Request:
    """The request without the `strict` that the defaults would say of a tool, or of the output."""

    def bare(tool: Tool) -> Tool:
        return tool._replace(strict=None) if isinstance(tool, FunctionTool) else tool

    output = request.output._replace(strict=None) if request.output else None
    silent = request._replace(tools=tuple(map(bare, request.tools)), output=output)
    usual = made.defaults(silent, model.spec)
    tools = (bare(tool) if tool == theirs else tool for tool, theirs in zip(request.tools, usual.tools, strict=True))
    return request._replace(tools=tuple(tools), output=output if usual.output == request.output else request.output)
