"""VCR cassettes: those of vcrpy, in YAML or JSON, and their kin of other languages.

Version 1 of vcrpy keeps `interactions`; Ruby and R `http_interactions`; some keep one call a file. Bodies are text,
bytes (`!!binary`, `base64_string`), or JSON that was parsed already (`parsed_body`).
"""

from __future__ import annotations

from collections.abc import Iterator

from plcli.errors import Problem, SpecError
from plcli.imports import openfiles, yamlitems
from plcli.imports.bodies import body_of, json_alone
from plcli.imports.calls import captured_call, reply_of
from plcli.imports.captured import Found, Source, Spot, headers_of
from plcli.imports.jsonvalues import document
from plcli.imports.moments import moment
from plcli.imports.openfiles import opened
from plcli.media import Json

LISTS = ("interactions", "http_interactions")
"""Where the calls of a cassette stand."""

_YAML = (".yaml", ".yml")
_HEAD = 1024
_NONE = "no cassette: it has neither `interactions` nor one `request` with its `response`"
_OLD = "a cassette of vcrpy before version 1"


def read(source: Source) -> Iterator[Found]:
    """The calls of a cassette, in order. Raises `SpecError` for what is none."""
    for spot, value in _interactions(source):
        yield _interaction(spot, value)


def _interactions(source: Source) -> Iterator[tuple[Spot, Json]]:
    with opened(source, openfiles.WHOLE_LIMIT) as file:
        if source.path.suffix.lower() not in _YAML and file.read(_HEAD).lstrip().startswith(b"{"):
            yield from _of_json(source)
            return
        file.seek(0)
        for item in yamlitems.items(file, source.label, LISTS):
            if item.key:
                yield Spot(source, f"{item.key}[{item.at}]", item.line), item.value
            else:
                yield from _alone(source, item.value)


def _of_json(source: Source) -> Iterator[tuple[Spot, Json]]:
    value = document(source)
    name = next((name for name in LISTS if isinstance(value, dict) and isinstance(value.get(name), list)), None)
    if name is None:
        yield from _alone(source, value)
        return
    for index, item in enumerate(value[name]):
        yield Spot(source, f"{name}[{index}]"), item


def _alone(source: Source, value: Json) -> Iterator[tuple[Spot, Json]]:
    """The one call of a file; none for a cassette into which nothing was recorded. Raises `SpecError`."""
    if isinstance(value, dict) and isinstance(value.get("request"), dict):
        yield Spot(source), value
    elif not (isinstance(value, dict) and any(value.get(name, "") in (None, []) for name in LISTS)):
        message = _OLD if isinstance(value, list) else _NONE
        raise SpecError([Problem(source.label, message, hint="name the format: --as har, jsonl, openai-batch, …")])


def _interaction(spot: Spot, value: Json) -> Found:
    if not isinstance(value, dict) or not isinstance(value.get("request"), dict):
        return spot.problem("no call: it has no `request`")
    asked = value["request"]
    url = asked.get("uri", asked.get("url"))
    try:
        sent = json_alone(asked["parsed_body"]) if "parsed_body" in asked else body_of(asked.get("body"))
        reply = reply_of(value.get("response"))
    except ValueError as error:
        return spot.problem(str(error))
    time = moment(value.get("recorded_at"))
    return captured_call(spot, asked.get("method"), url, sent, headers_of(asked.get("headers")), reply, time=time)
