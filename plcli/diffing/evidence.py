"""Where files say what stands in a request: the places in them, today and then, by which a difference is found."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from plcli import __version__, paths
from plcli.diffing.deltas import rows_of, same_json
from plcli.diffing.differing import MODEL, request_of
from plcli.diffing.linechanges import Changed
from plcli.diffing.precedents import Precedent, source_path, spec_path
from plcli.diffing.specplaces import tool_place, turn_place
from plcli.media import Json
from plcli.outlines import outline
from plcli.paths import Parts
from plcli.places import Position
from plcli.resolve import Resolved


class Spot(NamedTuple):
    """A place in a file of today, and that of the same in the file of then (None: not known)."""

    file: Changed
    place: Parts
    before: Parts | None

    @property
    def exact(self) -> bool:
        """Whether something stands at the place today."""
        return not self.place or self.file.depth(self.place) == len(self.place)

    @property
    def vanished(self) -> bool:
        """Whether something stood at the place then, and nothing does today."""
        before = self.before if self.file.known and not self.exact else None
        return bool(before) and self.file.depth(before or (), then=True) == len(before or ())

    def found(self, *, gone: bool) -> Position | None:
        """The changed line that says it, or where what is `gone` stood; None where none has changed."""
        if (gone or self.vanished) and self.before is not None:
            return self.file.gone(self.before)
        return self.file.changed(self.place) if not self.place or self.file.depth(self.place) else None

    def uses(self, variable: str) -> bool:
        """Whether the text at the place names a variable."""
        return re.search(rf"\b{re.escape(variable)}\b", self.file.text(self.place)) is not None


class Evidence:
    """What is known of then and of today."""

    def __init__(self, resolved: Resolved, then: Precedent) -> None:
        self.resolved = resolved
        self.then = then
        self._spec_path = spec_path(resolved)

    @cached_property
    def files(self) -> dict[str, Changed]:
        """The files of today's request, by the names that records give them."""
        return {
            one.path: Changed(one.path, one.data, self.then.bytes_of(self._named_then(one.path), one.data))
            for one in self.resolved.sources
        }

    def _named_then(self, path: str) -> str:
        """What a file was named then: the spec may be another one."""
        return self.then.spec if path == self._spec_path and self.then.spec is not None else path

    @property
    def spec(self) -> Changed | None:
        """The file of the spec; None for a prompt of the command line."""
        return self.files.get(self._spec_path) if self._spec_path is not None else None

    @cached_property
    def model(self) -> Changed | None:
        """The file of the model spec."""
        path = self.resolved.model.path
        return self._file(path) if path is not None else None

    @cached_property
    def only_change(self) -> tuple[Changed, Position] | None:
        """The file and place of the one change there is; None where there are none, or several, or plcli is another."""
        if self.then.plcli != __version__ or not all(file.known for file in self.files.values()):
            return None
        changes = [(file, start) for file in self.files.values() for start in file.starts]
        return changes[0] if len(changes) == 1 else None

    def spots(self, path: Parts) -> Iterator[Spot]:
        """Where files say what stands at a path of the request, the likeliest first."""
        spec, model = self.spec, self.model
        match path:
            case ("messages", *rest) if spec is not None:
                yield from self._of_message(spec, tuple(rest))
            case ("tools", *rest) if spec is not None:
                yield from self._of_tool(spec, tuple(rest))
            case ("output", *rest) if spec is not None:
                yield from self._of_output(spec, tuple(rest))
            case (name, *_) if name in MODEL:
                if spec is not None and self.resolved.overrides.model is None:
                    yield from (Spot(spec, (each,), (each,)) for each in dict.fromkeys(("model", name)))
                if model is not None:
                    yield Spot(model, (name,), (name,))
            case _:
                yield from (Spot(file, path, path) for file in (spec, model) if file is not None)
                if spec is not None:
                    yield Spot(spec, ("model",), None)

    def changed_variables(self) -> Iterator[str]:
        """The variables that have another value than then."""
        was, is_ = self.then.variables, self.resolved.variables
        for name in {**is_, **was}:
            if (name in was) != (name in is_) or not same_json(was.get(name), is_.get(name)):
                yield name

    def _of_message(self, spec: Changed, rest: Parts) -> Iterator[Spot]:
        """The turn in the spec, the file that it names, and the defaults of variables in it."""
        if not rest or not isinstance(rest[0], int):
            yield Spot(spec, ("messages",), ("messages",))
            return
        today, then = self.spec_value, spec.before.value if spec.before is not None else {}
        at = self._order[rest[0]] if rest[0] < len(self._order) else rest[0]
        place = turn_place(today, self.resolved.variables, at, rest[1:])
        # Of what went inside a turn only today's index is known.
        before = turn_place(then, self.then.variables, rest[0], ()) if len(rest) == 1 else None
        spot = Spot(spec, place, before)
        if (file := self._named(today, place)) is not None:
            spot = Spot(file, (), None)
            yield spot
        yield Spot(spec, place, before)
        for name in filter(spot.uses, self.changed_variables()):
            yield Spot(spec, ("variables", name, "default"), ("variables", name, "default"))
        if self._order != sorted(set(self._order)):
            yield Spot(spec, ("messages",), None)

    def _of_tool(self, spec: Changed, rest: Parts) -> Iterator[Spot]:
        """The tool in its file, or in the spec."""
        name, inner = str(rest[0]) if rest else "", rest[1:]
        today, then = self.spec_value, spec.before.value if spec.before is not None else {}
        if inner and (tool := self.resolved.tools.get(name)) and (file := self._file(tool.path)):
            yield Spot(file, inner, inner)
        yield Spot(spec, tool_place(today, name, inner), tool_place(then, name, inner))

    def _of_output(self, spec: Changed, rest: Parts) -> Iterator[Spot]:
        """The schema in its file, or in the spec."""
        place: Parts = ("output", *rest)
        named = paths.find(self.spec_value, ("output", "schema"))
        if rest[:1] == ("schema",) and isinstance(named, str):
            if (file := self._beside(named)) is not None:
                yield Spot(file, rest[1:], rest[1:])
            place = ("output", "schema")
        yield Spot(spec, place, place)

    @property
    def spec_value(self) -> Json:
        """What the spec says today."""
        return self.resolved.document.value if self.resolved.document is not None else {}

    @cached_property
    def _order(self) -> list[int]:
        """For each turn of the wire, which turn of the request it is of: apis put some together and take some apart."""
        request, compiled = self.resolved.request, self.resolved.compiled
        sent = request_of(request.provider, request.api, (compiled.wire, compiled.target))
        if sent is None or sent.messages == request.messages:
            return list(range(len(request.messages)))
        order: list[int] = []
        latest = 0
        for mine, theirs in rows_of(outline(request)["messages"], outline(sent)["messages"]):
            latest = mine if mine is not None else latest
            if theirs is not None:
                order.append(latest)
        return order

    def _named(self, value: Json, place: Parts) -> Changed | None:
        """The file that stands at a place of the spec: one of words, or a source."""
        said = paths.find(value, place)
        named = said.get("file") if isinstance(said, Mapping) else said if place[-1:] == ("source",) else None
        return self._beside(named) if isinstance(named, str) else None

    def _beside(self, named: str) -> Changed | None:
        """The file that a path in the spec leads to."""
        if self.resolved.file is None:
            return self._file(Path(os.path.normpath(named)))
        try:
            return self._file(Path(os.path.realpath(self.resolved.file.parent / named)))
        except ValueError:
            return None

    def _file(self, path: Path) -> Changed | None:
        known = source_path(self.resolved, path)
        return self.files[known] if known is not None else None
