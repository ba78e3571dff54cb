"""What goes out, whichever SDK sends it: a body as bytes, and a key and headers that HTTP can carry."""

from __future__ import annotations

import json

from plcli.errors import SetupError
from plcli.headers import is_name, is_value
from plcli.media import Json
from plcli.providers.registry import Call


def encode(body: Json) -> bytes:
    """Compact JSON in UTF-8; with ASCII escapes where a lone surrogate has no UTF-8."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode("ascii")


def check_headers(call: Call) -> None:
    """Raise `SetupError` for a key or a header that HTTP cannot carry; a secret value is never shown."""
    if call.key is not None and not is_value(call.key):
        raise SetupError(
            "the key holds a character that no HTTP header may carry",
            hint="check the variable for quotes, spaces at the ends, line ends and letters outside ASCII",
        )
    for name, value in call.headers.items():
        if not is_name(name):
            raise SetupError(f"{name!r} cannot be the name of a header", hint="check `headers` of the model spec")
        if not is_value(value):
            raise SetupError(
                f"header {name!r} holds a character that HTTP does not carry", hint="check `headers` of the model spec"
            )
