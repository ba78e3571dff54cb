"""The card of a logged run, and its wires."""

from __future__ import annotations

import json

from plcli.media import Json, encode
from plcli.mediastore import MediaStore
from plcli.records import Record
from plcli.render.answer import show_answer, show_findings
from plcli.render.runfacts import commit_name, cost, duration, model_name, retries, tokens
from plcli.render.screen import Screen
from plcli.traffic import wire_requests


def show_card(record: Record, store: MediaStore, screen: Screen) -> None:
    """What was asked, what came back, what it took: facts first, then the answer."""
    for name, value in _facts(record):
        screen.print((f"{name:<9} ", "dim"), value)
    screen.print("")
    show_answer(record, store, screen, printed=False, told=False, cards=True)
    show_findings(record, screen)


def show_wire(record: Record, screen: Screen) -> None:
    """The exchanges of a run as JSON: target, wire request and wire response, media as references."""
    exchanges = [
        {
            "target": {"operation": exchange.operation, "model": record.model},
            "request": encode(request),
            "response": exchange.response,
        }
        for exchange, request in zip(record.exchanges, wire_requests(record.exchanges), strict=True)
    ]
    screen.print(json.dumps(exchanges, indent=2, ensure_ascii=not screen.out.isatty()))


def _facts(record: Record) -> list[tuple[str, str]]:
    spec = record.spec
    again, commit = retries(record), commit_name(spec) if spec else None
    facts: list[tuple[str, str | None]] = [
        ("run", record.id),
        ("time", record.time),
        ("command", record.command),
        ("parent", record.parent),
        ("replay", _replayed(record)),
        ("spec", " at ".join(filter(None, (spec.path, commit))) if spec else None),
        ("model", f"{model_name(record)} · {record.api}"),
        ("endpoint", record.endpoint.base_url if record.endpoint else None),
        ("variables", _json(record.variables)),
        ("overrides", _json(record.overrides)),
        ("state", _state(record)),
        ("tokens", tokens(record)),
        ("cost", cost(record)),
        ("took", f"{duration(record)}{f', {again} tried again' if again else ''}" if record.exchanges else None),
        ("expected", _expected(record)),
        ("tags", ", ".join(record.tags) if record.tags else None),
        ("output", _json(record.response.output) if record.response else None),
    ]
    return [(name, value) for name, value in facts if value]


def _state(record: Record) -> str | None:
    response = record.response
    if response is None:
        return None
    return f"{response.state}{f' ({response.finish_reason})' if response.finish_reason else ''}"


def _replayed(record: Record) -> str | None:
    replay = record.replay
    return ": ".join(filter(None, (f"{replay.verdict}, of {replay.of}", replay.reason))) if replay is not None else None


def _expected(record: Record) -> str | None:
    expectations = record.expectations
    if not expectations:
        return None
    return f"{sum(expectation.passed for expectation in expectations)} of {len(expectations)} held"


def _json(value: Json) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
