"""The spec of a logged run as it was written, with what else its words were made of.

The variables of the run become defaults, what the command line changed stands in the spec, and so do texts and
pictures of files that hold something else today, or are gone. Tools, schemas and models stay references.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from plcli import paths, templates
from plcli.documents import Document
from plcli.fence import is_path
from plcli.loggedwires import logged_spec
from plcli.media import Json, MediaRef, digest_of, is_digest
from plcli.mediastore import MediaStore
from plcli.providers.reading import rows, table
from plcli.providers.roundtrip import same
from plcli.records import Record
from plcli.redact import MARK
from plcli.reopening.loggedsources import LoggedSources
from plcli.reopening.mediafiles import MediaFiles
from plcli.sources import mime_of
from plcli.workspace import Workspace

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Written(NamedTuple):
    """The document as it was, its value with everything worked in, and what became of files, for a person."""

    document: Document
    value: dict[str, Json]
    told: tuple[str, ...]


def as_written(workspace: Workspace, record: Record, store: MediaStore, files: MediaFiles) -> Written | None:
    """The spec of a run; None where there was none, or it is not kept.

    Raises `SpecError` for what cannot be filled, `MediaMissing` for bytes that are gone, `ValueError` for overrides
    that fit nowhere.
    """
    document = logged_spec(record, store)
    return _Rewriting(workspace, record, store, files, document).written(document) if document is not None else None


class _Rewriting:
    """A spec while it is rewritten, field by field."""

    def __init__(
        self, workspace: Workspace, record: Record, store: MediaStore, files: MediaFiles, document: Document
    ) -> None:
        self.workspace = workspace
        self.record = record
        self.store = store
        self.files = files
        self.sources = LoggedSources(workspace, record, store)
        self.variables: dict[str, Json] = _marked(record.variables or {})
        self.template: templates.Kind = "jinja2"
        self.words: list[str] = []
        """The texts of files that the spec names."""
        self.told: list[str] = []

    def written(self, document: Document) -> Written:
        changed: Json = document.value
        overrides = table(self.record.overrides)
        for path, item in table(overrides.get("set")).items():
            changed = paths.place(changed, path, _marked(item))
        if not isinstance(changed, dict):
            raise ValueError("--set put something else in the place of the spec")
        value = dict(changed)
        if value.get("template") in ("f-string", "none"):
            self.template = value["template"]
        for name, rewritten in (("messages", self._turns), ("output", self._output), ("image", self._picture)):
            if name in value:
                value[name] = rewritten(value[name])
        self._draw(value, table(overrides.get("image")))
        if isinstance(overrides.get("model"), str):
            value["model"] = overrides["model"]
        self._declare(value)
        return Written(document, value, tuple(dict.fromkeys(self.told)))

    def _turns(self, turns: Json) -> Json:
        return [self._turn(turn) for turn in turns] if isinstance(turns, list) else turns

    def _turn(self, turn: Json) -> Json:
        content = table(turn).get("content")
        return {**turn, "content": self._content(content)} if isinstance(content, (list, dict)) else turn

    def _content(self, content: Json) -> Json:
        return [self._part(part) for part in content] if isinstance(content, list) else self._words(content)

    def _part(self, part: Json) -> Json:
        match part:
            case {"type": "text", "text": dict(file)}:
                return {**part, "text": self._words(file)}
            case {"type": "image" | "audio", "source": str(source)}:
                return {**part, "source": self._source(source)}
            case {"type": "file", "source": str(source)}:
                found = self._source(source)
                named = {"filename": Path(source).name} if found != source and is_path(source) else {}
                return {**named, **part, "source": found}
            case {"type": "tool_result", "content": list(content)}:
                return {**part, "content": self._content(content)}
        return part

    def _words(self, file: Json) -> Json:
        """A file of words by its path, or the words that it held."""
        name = table(file).get("file")
        if not isinstance(name, str):
            return file
        source = self.sources.at(name)
        if source is None:
            return {**file, "file": self._reference(name)}
        today = self.sources.today(source)
        text = (today or self.sources.data(source)).decode("utf-8-sig", "replace")
        self.words.append(text)
        if today is not None:
            return {**file, "file": self._reference(name)}
        self.told.append(f"{source.path} is not what it was: its words of then stand in the spec")
        return text

    def _source(self, written: str) -> str:
        """A picture, document or sound by its path, or in a file beside the spec, or as a data URL."""
        name = templates.fill(written, self.variables, kind=self.template, file="-")
        if not is_path(name):
            return written
        source = self.sources.at(name)
        if source is None or self.sources.today(source) is not None:
            return written if self._at_home else self._reference(name)
        data = self.sources.data(source)
        found = self._medium(MediaRef(digest_of(data), mime_of(source.path, data), "data-url"))
        where = found if is_path(found) else "the spec"
        self.told.append(f"{source.path} is not what it was: its bytes of then stand in {where}")
        return found

    def _medium(self, ref: MediaRef) -> str:
        return self.files.source_of(ref) or ref.text(self.store.get(ref.digest))

    def _output(self, output: Json) -> Json:
        name = table(output).get("schema")
        return {**output, "schema": self._reference(name)} if isinstance(name, str) else output

    def _picture(self, image: Json) -> Json:
        masks = [name for name in ("mask", "markup") if isinstance(table(image).get(name), str)]
        return {**image, **{name: self._source(image[name]) for name in masks}} if masks else image

    def _draw(self, value: dict[str, Json], said: Mapping[str, Json]) -> None:
        """What the command line said of pictures."""
        if not said:
            return
        image = {**table(value.get("image")), **({"n": said["n"]} if "n" in said else {})}
        if isinstance(said.get("mask"), str):
            image["mask"] = self._named(said["mask"])
        value["image"] = image
        names = [name for name in rows(said.get("inputs")) if isinstance(name, str)]
        if not names:
            return
        if isinstance(value.get("prompt"), str):
            value["messages"] = [{"role": "user", "content": value.pop("prompt")}]
        pictures = [{"type": "image", "source": self._named(name)} for name in names]
        *before, last = rows(value.get("messages")) or [{"role": "user", "content": []}]
        if table(last).get("role") != "user":
            value["messages"] = [*before, last, {"role": "user", "content": pictures}]
            return
        content = last.get("content")
        said_first = content if isinstance(content, list) else [{"type": "text", "text": content}]
        value["messages"] = [*before, {**last, "content": [*said_first, *pictures]}]

    def _named(self, name: str) -> str:
        """A picture of the command line, by its digest or its address."""
        if not is_digest(name):
            return name
        data = self.store.get(name)
        source = self.sources.holding(name)
        return self._medium(MediaRef(name, mime_of(source.path if source else "", data), "data-url"))

    def _declare(self, value: dict[str, Json]) -> None:
        """The variables, each with the value that it had."""
        declared = dict(table(value.get("variables")))
        texts = [self.words, *(value.get(name) for name in ("messages", "prompt", "image", "expect"))]
        strings = (leaf for _, leaf in paths.leaves(texts) if isinstance(leaf, str))
        used = {name for text in strings for name in templates.names(text, self.template)}
        for name, item in self.variables.items():
            schema = declared.get(name)
            if isinstance(schema, dict):
                if "default" not in schema or not same(schema["default"], item):
                    declared[name] = {**schema, "default": item}
            elif name in used:
                declared[name] = {"type": _TYPES.get(type(item), "null"), "default": item}
        if declared:
            value["variables"] = declared

    @property
    def _at_home(self) -> bool:
        """Whether the spec stays in its folder, so that its paths lead where they did."""
        return os.path.realpath(self.files.folder) == os.path.realpath(self.sources.home)

    def _reference(self, name: str) -> str:
        return name if self._at_home else self.files.relative(self.sources.home / name)


def _marked(value: Json) -> Json:
    """A value of the log with a mark where a secret was."""
    if isinstance(value, dict):
        return MARK if value.keys() == {"$redacted"} else {name: _marked(item) for name, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value
