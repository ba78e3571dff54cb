"""The record: one line of the run log, everything that one run left behind.

The wires are kept as `traffic` writes them; plcli's own fields keep a fixed order and hold no nulls.
Readers ignore unknown fields of a known version.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, ValidationError

from plcli.exchangerecords import ExchangeRecord, ToolResultRecord
from plcli.replayrecords import Replay
from plcli.response import Failure, Kept, Part, Response, State, Usage

VERSION = 1


class Batch(Kept):
    """Which place a run has in a batch."""

    id: str
    """The batch; the same for all its runs."""
    n: int
    """How many runs the batch has."""
    row: int | None = None
    """The row of `--vars`, from 0."""
    repeat: int | None = None
    """The repetition of `--repeat`, from 0."""


class SpecRef(Kept):
    """The request spec that a run was made of."""

    path: str
    """Relative to the workspace, else absolute; `-` for standard input."""
    sha256: str
    """Digest of its bytes, `sha256:…`."""
    commit: str | None = None
    """The git commit that was checked out."""
    dirty: bool | None = None
    """Whether the file differed from that commit."""


class Source(Kept):
    """A file that the request was made of; its bytes are among the media."""

    path: str
    """Relative to the workspace, else absolute."""
    sha256: str
    """Digest of the original's bytes."""
    redacted: bool | None = None
    """Whether secrets were taken out of the copy."""
    kept: str | None = None
    """Digest of the copy where it was redacted."""


class ResponseRecord(Kept):
    """The neutral answer; derived from the wire and can be rebuilt."""

    state: State
    """How it ended."""
    parts: list[Part] = Field(default_factory=list)
    """What it consists of, in order."""
    text: str | None = None
    """The words, without commentary."""
    output: Any = None
    """The structured output, where the request asks for one."""
    finish_reason: str | None = None
    """The provider's own word."""
    missing: int | None = None
    """Pictures that were asked for and did not come, where others did."""

    @classmethod
    def of(cls, response: Response, parts: Iterable[Part], output: Any = None) -> ResponseRecord:
        """What a record keeps of an answer, of whose run these are all `parts`."""
        return cls(
            state=response.state,
            parts=list(parts),
            text=response.text or None,
            output=output,
            finish_reason=response.finish_reason,
            missing=response.missing,
        )


class Cost(Kept):
    """What a run cost."""

    amount: float
    """US dollars."""
    currency: Literal["USD"] = "USD"
    """Always US dollars."""
    source: str
    """`user` (pricing of the model spec) or the package and version of the price data."""
    complete: bool
    """Whether everything that was used has a price."""


class ExpectationRecord(Kept):
    """One expectation, and whether it held."""

    path: str
    """Where it stands in the spec (`expect[0].text`)."""
    passed: bool
    """Whether it held."""
    wanted: Any = None
    """What the spec says."""
    got: Any = None
    """What the answer holds."""
    message: str | None = None
    """Why it failed."""


class Endpoint(Kept):
    """Where the request went."""

    base_url: str | None = None
    """Without credentials."""
    api_version: str | None = None
    """Version of the provider's api."""
    sdk: str | None = None
    """Package and version that sent it."""


class Record(Kept):
    """One run."""

    v: Literal[1] = 1
    """Version of the format."""
    id: str
    """Time-ordered id, `TIME-xxxxx`."""
    time: str
    """When the run began, UTC."""
    command: str
    """The command that ran."""
    plcli: str
    """Version of plcli."""
    parent: str | None = None
    """The run that this one continues."""
    batch: Batch | None = None
    """The batch that the run belongs to."""
    spec: SpecRef | None = None
    """The request spec."""
    sources: list[Source] | None = None
    """Every file that the request was made of."""
    overrides: dict[str, Any] | None = None
    """What the command line changed (`model`, `set`)."""
    variables: dict[str, Any] | None = None
    """The variables and their values."""
    provider: str | None = None
    """Who serves."""
    api: str | None = None
    """Through which interface."""
    model: str | None = None
    """The model asked."""
    served_model: str | None = None
    """The model that answered."""
    model_spec: str | None = None
    """Name of the model spec."""
    endpoint: Endpoint | None = None
    """Where the request went."""
    exchanges: list[ExchangeRecord] = Field(default_factory=list)
    """Wire requests and responses, in order."""
    tool_results: list[ToolResultRecord] | None = None
    """Answers to tool calls."""
    response: ResponseRecord | None = None
    """The neutral answer."""
    usage: Usage | None = None
    """Tokens of all exchanges."""
    cost: Cost | None = None
    """What it cost, when known."""
    expectations: list[ExpectationRecord] | None = None
    """The spec's expectations and whether they held."""
    replay: Replay | None = None
    """Of a replay: what it is of and what it found."""
    error: Failure | None = None
    """Why there is no answer, or no whole one."""
    tags: list[str] | None = None
    """Words to find runs by."""
    metadata: dict[str, Any] | None = None
    """Whatever the spec keeps with the run."""

    @property
    def tail(self) -> str:
        """The end of the id, which is enough to name a run by."""
        return self.id.rpartition("-")[2]

    @property
    def model_name(self) -> str:
        """How a person knows the model that was asked."""
        return self.model_spec or f"{self.provider}/{self.model}"


class Note(Kept):
    """A line of the log that says something about a run."""

    v: Literal[1] = 1
    """Version of the format."""
    id: str
    """Time-ordered id, `TIME-xxxxx`."""
    kind: Literal["note"] = "note"
    """What this line is."""
    run: str
    """The run it is about."""
    score: float | None = None
    """How good the run is, on a scale of your own."""
    text: str | None = None
    """What there is to say."""


class UnknownVersion(ValueError):
    """A line of a format that this plcli does not know."""

    def __init__(self, version: object) -> None:
        shown = version if isinstance(version, int) else repr(version)[:40]
        super().__init__(f"version {shown} of the record format is not known (this plcli knows {VERSION})")


def line(record: Record | Note) -> str:
    """The record as one line of JSON, without the newline. Law: `parse(line(r)) == r`.

    Lone surrogates, which UTF-8 cannot hold, make the whole line fall back to ASCII escapes. Raises
    `ValueError` for what JSON cannot hold: numbers that are not finite, nesting without end.
    """
    value = record.model_dump(exclude_none=True)
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if not _sound(text):
            text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return text


def parse(text: str | bytes) -> Record | Note:
    """Read one line. Raises `UnknownVersion`, and `ValueError` for what is no record (it says why)."""
    try:
        text = text if isinstance(text, str) else text.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON ({error.msg}, character {error.pos})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict) or "v" not in value:
        raise ValueError("it is JSON, but no record")
    if value["v"] != VERSION:
        raise UnknownVersion(value["v"])
    try:
        return (Note if value.get("kind") == "note" else Record).model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"it is no record ({place}: {first['msg'].lower()})") from None


def _sound(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(number: str) -> float:
    """A number with a fraction or an exponent; one beyond all floats could not be written again."""
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"it is no JSON ({number[:40]} is too large a number)")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"it is no JSON ({constant} is no number)")
