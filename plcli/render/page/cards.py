"""The card of one run: what a page says of it, as text that is not yet HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from plcli.media import Json, encode
from plcli.records import ExpectationRecord, Record
from plcli.render.findings import Finding, findings
from plcli.render.page.asked import Turn, asked, wires_of
from plcli.render.page.blocks import Block, answer_blocks, pretty, value_text
from plcli.render.page.figures import Figures
from plcli.render.runfacts import commit_name, cost, duration, model_name, retries, tokens

TITLE = 90
"""Characters of a prompt that name a run without a spec."""

_COUNTS = ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


class Wire(NamedTuple):
    """One exchange as JSON."""

    title: str
    request: str
    response: str


class Card(NamedTuple):
    """Everything that a page shows of a run; all texts are untrusted."""

    id: str
    tail: str
    state: str
    title: str
    model: str
    time: str
    brief: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    turns: tuple[Turn, ...]
    answer: tuple[Block, ...]
    output: str | None
    findings: tuple[Finding, ...]
    expectations: tuple[ExpectationRecord, ...]
    wires: tuple[Wire, ...]


def card(record: Record, figures: Figures) -> Card:
    """The card of a run."""
    wires = wires_of(record)
    question = asked(record, wires or [], figures)
    response = record.response
    structured = response is not None and response.output is not None
    return Card(
        id=record.id,
        tail=record.tail,
        state=response.state if response else "error",
        title=_title(record, question.prompt),
        model=model_name(record),
        time=record.time,
        brief=tuple(filter(None, (tokens(record), cost(record), duration(record)))),
        facts=tuple(_facts(record)),
        settings=question.settings,
        turns=question.turns,
        answer=answer_blocks(record, figures, question.prompt),
        output=pretty(response.output) if response and structured else None,
        findings=tuple(_findings(record, damaged=wires is None)),
        expectations=tuple(record.expectations or ()),
        wires=tuple(_wires(record, wires or [])),
    )


def _title(record: Record, prompt: str) -> str:
    if record.spec is not None and record.spec.path != "-":
        return record.spec.path
    words = re.sub(r"\s+", " ", prompt[: 4 * TITLE]).strip()
    return f"{words[:TITLE]}…" if len(words) > TITLE else words or record.command


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    spec, batch, usage = record.spec, record.batch, record.usage
    yield "run", record.id
    yield "command", record.command
    if record.parent:
        yield "parent", record.parent
    if batch is not None:
        yield (
            "batch",
            " · ".join(filter(None, (batch.id, _numbered("row", batch.row), _numbered("repeat", batch.repeat)))),
        )
    if spec is not None and (commit := commit_name(spec)):
        yield "commit", commit
    yield "api", "/".join(filter(None, (record.provider, record.api)))
    if record.endpoint is not None and record.endpoint.base_url:
        yield "endpoint", record.endpoint.base_url
    if record.response is not None and record.response.finish_reason:
        yield "finish", record.response.finish_reason
    for name in _COUNTS:
        count = getattr(usage, name, None)
        if count:
            yield name.replace("_", " "), f"{count:,}"
    if again := retries(record):
        yield "tried again", str(again)
    for name, value in (record.variables or {}).items():
        yield f"var {name}", value_text(value)
    for name, value in (record.overrides or {}).items():
        yield f"override {name}", value_text(value)
    if record.replay is not None:
        yield "replay", f"{record.replay.verdict} (of {record.replay.of})"
    if record.tags:
        yield "tags", ", ".join(record.tags)
    for name, value in (record.metadata or {}).items():
        yield f"metadata {name}", value_text(value)


def _numbered(word: str, number: int | None) -> str | None:
    return None if number is None else f"{word} {number}"


def _findings(record: Record, *, damaged: bool) -> Iterator[Finding]:
    yield from findings(record)
    for exchange in record.exchanges:
        for download in exchange.downloads or ():
            if download.error is not None:
                yield Finding("warning", f"not fetched: {download.url}: {download.error.message}", download.error.hint)
    if damaged:
        yield Finding("warning", "the wires of this run are damaged, and not shown")


def _wires(record: Record, wires: list[Json]) -> Iterator[Wire]:
    for number, (exchange, request) in enumerate(zip(record.exchanges, wires, strict=False), 1):
        status = f"status {exchange.status}" if exchange.status else None
        named = (f"exchange {number}", exchange.operation, status, exchange.request_id)
        yield Wire(" · ".join(filter(None, named)), pretty(encode(request)), pretty(exchange.response))
