"""Parameters that a server does not take: which one its error means, and what to write about it."""

from __future__ import annotations

import re

_CODES = frozenset({"unknown_parameter", "unsupported_parameter", "unsupported_value"})

_NAME = r"(?:body\.)?([A-Za-z_][\w.\[\]]{0,100})"
_SAYINGS = (
    (
        r"\b(?:unrecognized|unknown|unsupported|unexpected|additional|not support)(?: request)?"
        r" (?:argument|param(?:eter)?|field|key|propert(?:y|ie))(?:s|\(s\))?"
        rf"(?: supplied| in object| are not allowed)?[ :('\"`\[{{]{{1,5}}{_NAME}"
    ),
    rf"\bproperty ['\"]{_NAME}['\"] is unsupported",
    rf"(?:^|; ){_NAME}: extra inputs are not permitted",
    rf"'extra_forbidden', 'loc': \('body', '{_NAME}'\)",
)
"""How OpenAI, Azure, vLLM, llama.cpp, LiteLLM, FastAPI and servers in Rust say it."""

_HINTS = {
    "stream": "add --no-stream: this server does not stream",
    "stream_options": "write `stream: {usage: false}` in the model spec: this server takes no stream_options",
    "max_completion_tokens": "write `omit: [max_completion_tokens]` and `body: {max_tokens: …}` in the model spec",
}


def refused_parameter(message: str, code: str | None, param: str | None) -> str | None:
    """The path in the wire that an error is about; None where it is about something else.

    A place inside a list is no option that could be left out, but for what is said of tools.
    """
    named = param if code in _CODES else None
    if named is None:
        found = (re.search(saying, message, re.IGNORECASE) for saying in _SAYINGS)
        named = next((match[1].rstrip(".") for match in found if match), "")
    path = re.sub(r"\.(\d+)\b", r"[\1]", named)
    return path if path and ("[" not in path or path.startswith("tools[")) else None


def hint_of_refused(path: str) -> str:
    """What to write for a server that does not take the parameter at a path."""
    general = f"leave `{path}` out of the spec, or name it under `omit` of the model spec"
    return _HINTS.get(path.partition(".")[0], general)
