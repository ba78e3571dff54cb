"""Models on the screen: what is known of them, and what checking them found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from plcli.failures import CallFailed
from plcli.modelcheck import Checked
from plcli.modelfacts import retirement_fields
from plcli.render.screen import Screen
from plcli.render.table import show_table

_LISTED = ("model", "id", "api", "host", "key", "ends", "limits", "requests")
_CHECKED = ("model", "state", "id", "ends", "detail")


def show_models(models: Sequence[Mapping[str, Any]], screen: Screen) -> None:
    """What `modelfacts.brief` says of models: a table, or JSON."""
    if screen.machine:
        show_json(models, screen)
    else:
        show_table(_LISTED, (_listed(facts) for facts in models), screen)


def show_model(facts: Mapping[str, Any], screen: Screen) -> None:
    """What `modelfacts.facts` says of one model: a line for each fact, or JSON."""
    if screen.machine:
        indent = 2 if screen.shape == "json" else None
        screen.print(json.dumps(facts, indent=indent))
        return
    lines = [(name, line) for name, value in facts.items() for line in _lines(name, value)]
    width = max(len(name) for name, _ in lines)
    before = None
    for name, line in lines:
        screen.print((("" if name == before else name).ljust(width), "dim"), f"  {' '.join(line.split())}")
        before = name


def show_checked(checked: Sequence[Checked], within: int, screen: Screen) -> None:
    """What checking found: a table, and below it what is wrong and what to type now; or JSON."""
    if screen.machine:
        show_json([_checked_fields(one) for one in checked], screen)
        return
    show_table(_CHECKED, (_checked(one) for one in checked), screen)
    for one in checked:
        name = one.question.name
        if one.error is not None:
            screen.error(f"{name}: {one.error.message}", one.error.hint)
        elif one.state == "unknown":
            detail = one.detail or "the endpoint cannot tell"
            screen.warn(f"{name}: {detail}; plcli models check {name} --send asks for a short answer")
        if one.retirement is not None and one.ends_within(within) and not (one.error and one.retirement.gone):
            screen.warn(f"{name}: {one.retirement.sentence}")


def show_json(values: Iterable[Mapping[str, Any]], screen: Screen) -> None:
    """JSON objects: one list of them, or with `jsonl` one a line."""
    if screen.shape == "jsonl":
        for value in values:
            screen.print(json.dumps(value))
    else:
        screen.print(json.dumps(list(values), indent=2))


def _listed(facts: Mapping[str, Any]) -> tuple[str, ...]:
    address, key = facts.get("address") or {}, facts.get("key")
    limits = facts.get("limits") or {}
    return (
        facts["name"],
        facts["model"],
        f"{facts['provider']}/{facts['api']}",
        urlsplit(address.get("base_url", "")).netloc,
        _key(key) if key else "",
        _end(facts.get("retirement")),
        ", ".join(f"{name} {number}" for name, number in limits.items()),
        str(facts["requests"]),
    )


def _key(key: Mapping[str, Any]) -> str:
    return str(key["name"]) if key["set"] else f"{key['name']} (not set)"


def _end(retirement: Mapping[str, Any] | None) -> str:
    if retirement is None:
        return ""
    end = f"{'gone ' if retirement['gone'] else ''}{retirement['shutdown']}"
    return f"{end}, then {retirement['successor']}" if "successor" in retirement else end


def _lines(name: str, value: Any) -> list[str]:
    """A fact in words: one line, or one for each item of a list."""
    match name, value:
        case "key", {"name": _, "set": _}:
            return [_key(value)]
        case "address", {"base_url": url, "from": source}:
            return [f"{url} (from {source})"]
        case "retirement", dict():
            return [f"{_end(value)} (source: {value['source']})"]
        case "timeout" | "deadline", _:
            return [f"{value:g} s"]
        case "pricing", {"source": source, **prices}:
            return [", ".join(f"{key} ${_plain(item)}" for key, item in prices.items()) + f" (from {source})"]
        case "trust", {"refused": reason, **more}:
            return [f"refused: {reason}", *(f"hint: {hint}" for hint in more.values())]
        case _, list():
            return [str(item) for item in value] or ["none"]
        case _, dict():
            return [", ".join(f"{key} {_plain(item)}" for key, item in value.items())]
    return [_plain(value)]


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _checked(one: Checked) -> tuple[str, ...]:
    retirement = retirement_fields(one.retirement) if one.retirement else None
    reason = one.error.failure.kind if isinstance(one.error, CallFailed) else one.error and one.error.kind
    detail = reason or (f"served as {one.served_by}" if one.served_by else one.detail or "")
    return one.question.name, one.state, one.question.ref.model, _end(retirement), detail


def _checked_fields(one: Checked) -> dict[str, Any]:
    ref, error = one.question.ref, one.error
    fields = {
        "name": one.question.name,
        "provider": ref.provider.name,
        "model": ref.model,
        "endpoint": getattr(one.question.connection, "base_url", None),
        "state": one.state,
        "detail": one.detail,
        "served_by": one.served_by,
        "retirement": retirement_fields(one.retirement) if one.retirement else None,
        "error": {"kind": error.kind, "message": error.message, "hint": error.hint, "exit": int(error.exit)}
        if error
        else None,
    }
    return {name: value for name, value in fields.items() if value is not None}
