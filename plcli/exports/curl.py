"""Runs as commands of curl, for bash and its relatives, that send exactly the bytes that plcli sends unstreamed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from plcli.connect import Connection
from plcli.errors import PlcliError
from plcli.exports.connections import PLACEHOLDER, Surroundings
from plcli.exports.losses import LeftOut, Losses
from plcli.exports.sending import Sending, encoded, exported
from plcli.media import Json, digest_of
from plcli.providers.openai_images_form import form_of
from plcli.records import Record

MARKER = "#!/usr/bin/env bash\n# Made by plcli log export --as curl\n"
"""How every export of this form begins."""

LONGEST_WORD = 100_000
"""Bytes of a body that stands in the command itself: Linux takes words of up to 128 KiB."""

_PLAIN = re.compile(r"[A-Za-z0-9 :,./_+=-]*")
_LAST = re.compile(r"\$\{([A-Za-z0-9_]+)\}\Z")


def curl(records: Iterable[Record], around: Surroundings, which: int | None, losses: Losses) -> Iterator[str]:
    """The commands, each after a comment that names its run. Keys are named by their variables."""
    begun = False
    for command in exported(records, around, which, losses, _command):
        yield f"\n{command}" if begun else f"{MARKER}\n{command}"
        begun = True


def _command(sending: Sending) -> str:
    url = sending.url
    own = (_header(name, value) for name, value in sending.connection.headers.items())
    options = [f"-H {header}" for header in (*_credential(sending.connection), *own)]
    feed = ""
    if sending.multipart:
        options += _form(sending)
    else:
        body = encoded(sending.body)
        options.append("-H 'Content-Type: application/json'")
        word = shlex.quote(body)
        if len(word.encode("utf-8")) <= LONGEST_WORD:
            options.append(f"--data-raw {word}")
        else:
            # A word of a builtin may have any length.
            feed = f"printf %s {word} |\n"
            options.append("--data-binary @-")
    return (
        f"# {sending.title}\n{feed}"
        + " \\\n  ".join([f"curl -sS --fail-with-body {shlex.quote(url)}", *options])
        + "\n"
    )


def _credential(connection: Connection) -> Iterator[str]:
    """The header that a key travels in, as a word of the shell."""
    key, vertex, azure = connection.key, connection.vertex, connection.azure
    if connection.ambient:
        yield '"Authorization: Bearer $(gcloud auth print-access-token)"'
    elif key is not None and connection.provider.name == "gemini":
        # Without a project it is a key of Vertex's express mode, with one a token.
        token = vertex is not None and vertex.project is not None
        yield _header("Authorization", f"Bearer {key}") if token else _header("x-goog-api-key", key)
    elif key is not None:
        yield _header("api-key", key) if azure and azure.auth == "key" else _header("Authorization", f"Bearer {key}")


def _header(name: str, value: str) -> str:
    # curl takes a header without a value for one to drop, unless it ends so.
    return _word(f"{name}: {value}" if value.strip() else f"{name};")


def _word(text: str) -> str:
    """A word of the shell: as it stands, but for `${NAME}`, which the shell fills in."""
    pieces = PLACEHOLDER.split(text)
    if len(pieces) == 1:
        return shlex.quote(text)
    if all(map(_PLAIN.fullmatch, pieces[::2])):
        short = _LAST.sub(r"$\1", text)
        return f'"{short}"'
    return "".join(f'"${{{piece}}}"' if at % 2 else shlex.quote(piece) for at, piece in enumerate(pieces) if piece)


def _form(sending: Sending) -> Iterator[str]:
    """The options that make the form of an edit; its files are those of the media store."""
    try:
        form = form_of(sending.wire, sending.read)
    except PlcliError as error:
        raise LeftOut(error.message) from None
    for name, text in _fields(form.fields):
        if "\0" in text:
            raise LeftOut("a form on a command line cannot carry the character NUL")
        yield f"--form-string {shlex.quote(f'{name}={text}')}"
    for file in form.files:
        path = sending.store.path(digest_of(file.data))
        if path is None:
            raise LeftOut(f"{digest_of(file.data)} is not in {sending.store.folder}")
        place = str(path.absolute()).replace("\\", "\\\\").replace('"', '\\"')
        part = f'{file.field}=@"{place}";type={file.mime};filename={file.name}'
        yield f"-F {shlex.quote(part)}"


def _fields(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """What a form says in words, as the SDK writes it: `svg[model]`, `true`; nothing for null."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _fields(item, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item, f"{name}[]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)
