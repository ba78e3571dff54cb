"""The page: runs as one HTML file that needs nothing else, neither network nor server, nor scripts to be read.

Every text of a run is a stranger's. Whatever the templates print passes one place, which takes secrets out of it
and makes it harmless, and is escaped; the strict content policy of the page holds what these would miss.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from plcli import __version__
from plcli.media import Json
from plcli.mediastore import MediaStore
from plcli.plaintext import harmless
from plcli.records import Record
from plcli.render.page.cards import card
from plcli.render.page.figures import Figures

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

MARKER = b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="plcli '
"""The first bytes of every page, by which its file can be told from one that somebody else has written."""

_ROOM = Path(__file__).parent


def page(
    records: Iterable[Record], store: MediaStore, *, title: str, redact: Callable[[str], str] = str
) -> Iterator[str]:
    """The page of these runs, in their order, piece by piece: a run is read when its card is made.

    `title` names the page; `redact` takes secrets out of a text. What is written must be UTF-8.
    """
    head, one, foot = (_templates().get_template(f"{name}.html.jinja") for name in ("head", "card", "foot"))
    style, script = _asset("page.css"), _asset("page.js")
    frame = {"redact": redact, "title": title, "version": __version__}
    yield head.render(frame, policy=policy(style, script), style=style)
    figures, count = Figures(store), 0
    for record in records:
        count += 1
        yield one.render(card=card(record, figures), redact=redact)
    yield foot.render(frame, count=count, script=script)


@cache
def _templates() -> Environment:
    # Not imported at the top: only pages need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context

    @pass_context
    def shown(context: Context, value: Json) -> Json:
        """What stands in the place of a value; what a template calls safe is our own."""
        if not isinstance(value, str) or hasattr(value, "__html__"):
            return value
        return harmless(context["redact"](value))

    return Environment(
        loader=FileSystemLoader(_ROOM),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def policy(style: str, script: str) -> str:
    """The content policy: pictures of the page itself, its own style and script, and nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _asset(name: str) -> str:
    return (_ROOM / name).read_text(encoding="utf-8")
