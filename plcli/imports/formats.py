"""The formats that can be imported, and which of them a file is, told by its beginning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from plcli.errors import Problem, SpecError
from plcli.imports import batches, blueprints, cassettes, har, pairs
from plcli.imports.captured import Found, Source
from plcli.imports.jsonvalues import Value, values
from plcli.imports.openfiles import opened
from plcli.media import Json

_HEAD = 1 << 16
_GZIP = b"\x1f\x8b"
_CASSETTE = re.compile(rb"(?:\A|\n)(?:http_)?interactions\s*:|\A(?:\xef\xbb\xbf)?\s*(?:---\s*\n)?request\s*:")


class Format(NamedTuple):
    """A format: what reads its files; `together` where those of one import belong together."""

    read: Callable[[Sequence[Source]], Iterator[Found]]
    together: bool = False


def _each(read: Callable[[Source], Iterator[Found]]) -> Format:
    return Format(lambda sources: chain.from_iterable(map(read, sources)))


FORMATS: Mapping[str, Format] = {
    "vcr": _each(cassettes.read),
    "openai-batch": Format(batches.read, together=True),
    "jsonl": _each(pairs.read),
    "promptlayer": _each(blueprints.read),
    "har": _each(har.read),
}
"""By the word for `--as`."""


def format_of(source: Source) -> str:
    """The format of a file. Raises `SpecError` where it is none of them."""
    with opened(source) as file:
        head = file.read(_HEAD)
    if head.startswith(_GZIP):
        raise SpecError([Problem(source.label, "it is packed with gzip", hint="unpack it first: gunzip --keep FILE")])
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        if _CASSETTE.search(head):
            return "vcr"
        raise _unknown(source)
    first = next((found.value for found in values(source) if isinstance(found, Value)), None)
    found = _shape(first) if isinstance(first, dict) else None
    if found is None:
        raise _unknown(source)
    return found


def _shape(value: dict[str, Json]) -> str | None:
    """The format that a first value tells of."""
    names = value.keys()
    if isinstance(value.get("log"), dict) and "entries" in value["log"]:
        return "har"
    if names & set(cassettes.LISTS):
        return "vcr"
    if "custom_id" in names:
        return "openai-batch"
    if blueprints.is_one(value):
        return "promptlayer"
    request = value.get("request")
    if isinstance(request, dict) and request.keys() & {"uri", "parsed_body"}:
        return "vcr"
    known = names & {"request", "wire", "messages", "input", "contents", "prompt"} or {"v", "id"} <= names
    return "jsonl" if known else None


def _unknown(source: Source) -> SpecError:
    what = "it is none of the formats that can be imported"
    return SpecError([Problem(source.label, what, hint=f"name its format: --as {', '.join(FORMATS)}")])
