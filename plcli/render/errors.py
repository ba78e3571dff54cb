"""How an error reads: as text for people, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from plcli.errors import PlcliError, SpecError
from plcli.plaintext import harmless
from plcli.render.problems import problem_fields, text_lines


def error_text(error: PlcliError, redact: Callable[[str], str]) -> str:
    """`error: what, where` and `hint: what to type now`; of files, every problem."""
    if isinstance(error, SpecError):
        text = "\n".join(map(text_lines, error.problems))
    else:
        where = f", {error.where}" if error.where and error.where not in error.message else ""
        text = f"error: {error.message}{where}" + (f"\nhint: {error.hint}" if error.hint else "")
    return harmless(redact(text))


def error_json(error: PlcliError, redact: Callable[[str], str]) -> str:
    """One JSON object with the same facts."""
    fields: dict[str, object] = {"kind": error.kind, "message": redact(error.message)}
    if isinstance(error, SpecError):
        fields["problems"] = [_redacted(problem_fields(problem), redact) for problem in error.problems]
    fields |= {name: redact(value) for name in ("where", "hint") if (value := getattr(error, name))}
    return json.dumps({"error": fields | {"exit": int(error.exit)}})


def _redacted(fields: Mapping[str, object], redact: Callable[[str], str]) -> dict[str, object]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in fields.items()}
