"""Records without secrets: what came from elsewhere is redacted, what plcli itself puts in stays."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_origin

from plcli.exchangerecords import ExchangeRecord
from plcli.media import Json, is_digest
from plcli.records import Record
from plcli.redact import Redactor
from plcli.response import Kept

_WIRES = frozenset({"request", "response"})
_MINTED = frozenset({"commit", "started", "time"})


def without_secrets(record: Record, redactor: Redactor) -> Record:
    """A record redacted as text; the wires have been redacted leaf by leaf.

    Patterns of a workspace may fit anything. They must not take away what plcli itself puts in: names
    of fields, words of a closed list, digests and times.
    """
    foreign: list[Json] = []
    _gather(record, foreign)
    if not redactor.finds(foreign):
        return record
    clean: Record = _redacted(record, redactor)
    return clean


def _gather(value: Any, foreign: list[Json]) -> None:
    """Put into a list what of a record came from elsewhere, and may hold a secret."""
    if isinstance(value, Kept):
        for name in _open_fields(type(value)):
            item = getattr(value, name)
            if item is not None:
                _gather(item, foreign)
    elif isinstance(value, list | tuple):
        for item in value:
            _gather(item, foreign)
    elif not is_digest(value):
        foreign.append(value)


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, Kept):
        names = (name for name in _open_fields(type(value)) if name in value.model_fields_set)
        return value.model_copy(update={name: _redacted(getattr(value, name), redactor) for name in names})
    if isinstance(value, list | tuple):
        return type(value)(_redacted(item, redactor) for item in value)
    return value if is_digest(value) else redactor.plain(value)


@cache
def _open_fields(kind: type[Kept]) -> tuple[str, ...]:
    """The fields of a value of the log that may hold what came from elsewhere."""
    kept = _MINTED | _WIRES if kind is ExchangeRecord else _MINTED
    fields = kind.model_fields.items()
    return tuple(name for name, field in fields if name not in kept and get_origin(field.annotation) is not Literal)
