"""Headers of HTTP requests: what can be one, and which of them a spec may set."""

from __future__ import annotations

import re

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE = r"[!-~]([ -~\t]*[!-~])?|"
_RESERVED = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        # Servers take these for the method of the call: a spec could delete what the key may delete.
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    }
)


def is_name(text: str) -> bool:
    """Whether a header can have this name."""
    return re.fullmatch(_NAME, text) is not None


def is_value(text: str) -> bool:
    """Whether a header can carry this value."""
    return re.fullmatch(_VALUE, text) is not None


def complaint(name: str, value: str) -> str | None:
    """Why a spec must not set this header, as the end of a sentence; None where it may."""
    if not is_name(name):
        return "is no name of a header"
    if name.lower() in _RESERVED:
        return "is set by plcli alone; keys are named with api_key_env"
    if not is_value(value):
        return "holds control characters, characters outside ASCII, or spaces at its ends"
    return None
