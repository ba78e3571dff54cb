"""Takes out of a text what differs from run to run, so that it can be compared with a snapshot."""

from __future__ import annotations

import re
from pathlib import Path

from plcli import __version__

_CHANGING = [
    (re.compile(r"\b\d{8}T\d{9}-[0-9a-z]{5}\b"), "<run id>"),
    (re.compile(r"\brun [0-9a-hjkmnp-tv-z]{5}\b"), "run <tail>"),
    (re.compile(r"--continue [0-9a-hjkmnp-tv-z]{5}\b"), "--continue <tail>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\b)"), "<time>"),
    (re.compile(r'"(duration_ms|first_event_ms|waited_ms)": ?\d+'), r'"\1":<ms>'),
    (re.compile(r"\b\d+\.\d s\b"), "<seconds>"),
    (re.compile(r'"plcli": ?"' + re.escape(__version__) + '"'), '"plcli":"<version>"'),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:<digest>"),
    (re.compile(r"\b[0-9a-f]{64}\.(\w+)"), r"<digest>.\1"),
    (re.compile(r"(?m)^[0-9a-hjkmnp-tv-z]{5}\t"), "<tail>\t"),
]


def scrub(text: str, folder: Path) -> str:
    """The text without ids, times and durations; `folder` becomes `<folder>`."""
    for path in sorted({str(folder), str(folder.resolve())}, key=len, reverse=True):
        text = text.replace(path, "<folder>")
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return text
