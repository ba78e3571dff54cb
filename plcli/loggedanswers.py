"""Answers of tools that the log holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plcli.errors import ToolError
from plcli.exchangerecords import ToolResultRecord
from plcli.matchers import equal, shown
from plcli.media import MediaMissing, MediaReader, decode, encode, references
from plcli.response import ToolCallPart
from plcli.toolanswers import ToolAnswer


def logged_answer(logged: ToolResultRecord, read: MediaReader) -> ToolAnswer:
    """The answer that a record holds. Raises `ValueError` for a damaged one, `MediaMissing` where bytes are gone."""
    result = decode(logged.result)
    media = {ref.digest: read(ref.digest) for ref in references(result)}
    return ToolAnswer(logged.source, result, logged.error, logged.duration_ms, media)


@dataclass(slots=True)
class LoggedAnswers:
    """The answers of a logged run, to be given again: each once, to the same call of the same tool."""

    results: Sequence[ToolResultRecord]
    read: MediaReader
    _used: set[int] = field(default_factory=set)

    def answer(self, call: ToolCallPart) -> ToolAnswer:
        """What the run was answered. Raises `ToolError` where it was not asked this, or the answer is gone."""
        for index, logged in enumerate(self.results):
            same = logged.name == call.name and equal(logged.arguments, encode(call.arguments))
            if same and index not in self._used:
                self._used.add(index)
                return self._whole(logged)._replace(source="history", duration_ms=0)
        told = f"{call.name}({shown(call.arguments)})"
        raise ToolError(f"the logged run has no answer to {told}", hint="--tools stub answers from files")

    def _whole(self, logged: ToolResultRecord) -> ToolAnswer:
        try:
            return logged_answer(logged, self.read)
        except (ValueError, MediaMissing) as error:
            raise ToolError(f"{logged.name}: its logged answer is gone: {error}", hint="--tools stub") from None
