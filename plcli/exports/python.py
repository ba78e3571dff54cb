"""Runs as scripts of Python with the provider's own SDK, as a person would write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from plcli.errors import PlcliError
from plcli.exports.clients import gemini_client, openai_client
from plcli.exports.connections import Surroundings
from plcli.exports.fields import FIELDS, REQUIRED
from plcli.exports.literals import LEVELS, STEP, call, laid_out, literal, word
from plcli.exports.losses import LeftOut, Losses
from plcli.exports.sending import Sending, encoded, exported
from plcli.media import Json, MediaRef, digest_of
from plcli.providers.openai_images_form import form_of
from plcli.providers.reading import rows, table
from plcli.records import Record

MARKER = "# Made by plcli log export --as python\n"
"""How every export of this form begins."""

INLINE = 1000
"""Characters up to which a medium stands in the script itself; others are read from the media store."""

_IMPORTS = {
    "base64.": "import base64",
    "json.loads(": "import json",
    "os.environ[": "import os",
    "Path(": "from pathlib import Path",
}
"""What a script imports of Python itself, by what is found in it."""


class _Script(NamedTuple):
    """A script in pieces: what it imports, its client, its call, and what it prints."""

    imports: frozenset[str]
    client: str
    request: str
    shown: str


def python(records: Iterable[Record], around: Surroundings, which: int | None, losses: Losses) -> Iterator[str]:
    """The scripts, one for each run, each whole. Large media are read from where plcli keeps them."""
    begun = False
    for text in exported(records, around, which, losses, _text):
        yield f"\n\n{text}" if begun else f"{MARKER}{text}"
        begun = True


def _text(sending: Sending) -> str:
    # What JSON has not, no SDK sends.
    encoded(sending.body)
    media = _Media(sending)
    script = _gemini(sending, media) if sending.connection.provider.name == "gemini" else _openai(sending, media)
    code = "\n".join([*media.lines(), script.client, "", script.request, script.shown])
    ours = [needed for used, needed in _IMPORTS.items() if used in code]
    head = [f"# {sending.title}", f"# POST {sending.url}"]
    return "\n".join([*head, *ours, *([""] if ours else []), *sorted(script.imports), "", code, ""])


class _Media:
    """The media of a script: small ones as they stand, others as files of the store."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._folder: Path | None = None

    def ready(self, value: Json, level: int = 0) -> Json:
        """The wire with every medium that no expression can stand for put back."""
        if isinstance(value, MediaRef):
            text = value.text(self._sending.read(value.digest))
            return value if len(text) > INLINE and level < LEVELS and _regular(value) else text
        if isinstance(value, dict):
            return {key: self.ready(item, level + 1) for key, item in value.items()}
        return [self.ready(item, level + 1) for item in value] if isinstance(value, list) else value

    def expression(self, ref: MediaRef) -> str:
        """What gives the text of a medium."""
        code = "urlsafe_b64encode" if ref.encoding == "base64url" else "b64encode"
        text = f"base64.{code}({self.bytes_of(ref.digest)}).decode()"
        return f"{word(f'data:{ref.mime};base64,')} + {text}" if ref.encoding == "data-url" else text

    def bytes_of(self, digest: str) -> str:
        """What gives the bytes of a medium."""
        path = self._sending.store.path(digest)
        if path is None:
            raise LeftOut(f"{digest} is not in {self._sending.store.folder}")
        self._folder = self._folder or path.parent
        inside = path.parent == self._folder
        return f"{f'(MEDIA / {word(path.name)})' if inside else f'Path({word(str(path.absolute()))})'}.read_bytes()"

    def literal(self, value: Json, indent: int = 0) -> str:
        """The expression for a value that is `ready`."""
        return literal(value, self.expression, indent)

    def lines(self) -> Iterator[str]:
        """What says where the files are, where there are some."""
        if self._folder is not None:
            yield f"MEDIA = Path({word(str(self._folder.absolute()))})\n"


def _regular(ref: MediaRef) -> bool:
    plain = ref.prefix is None and ref.padded and ref.lines is None and not ref.tail
    return plain and ref.encoding != "hex"


def _openai(sending: Sending, media: _Media) -> _Script:
    client, operation = openai_client(sending.connection), sending.operation
    body, files = _form(sending, media) if sending.multipart else (media.ready(sending.wire), {})
    known = FIELDS.get(operation, frozenset())
    given = {name: media.literal(value, STEP) for name, value in body.items() if name in known} | files
    lacking = [name for name in REQUIRED.get(operation, ()) if name not in given]
    if sending.multipart and lacking:
        raise LeftOut(f"the SDK makes no form without {' and '.join(lacking)}")
    # A method of the SDK refuses a body that lacks something, and makes a form of every edit.
    if known and not lacking and (operation != "images.edit" or sending.multipart):
        if others := {name: value for name, value in body.items() if name not in known}:
            given["extra_body"] = media.literal(others, STEP)
        return _Script(client.imports, client.code, f"response = {call(f'client.{operation}', given)}", _shown(sending))
    kind, imports, shown = "object", client.imports, "print(response)"
    if operation == "images.edit":
        kind, shown = "ImagesResponse", _shown(sending)
        imports |= {"from openai.types import ImagesResponse"}
    posted = {"path": word(sending.path), "cast_to": kind, "body": media.literal(body, STEP)}
    return _Script(imports, client.code, f"response = {call('client.post', posted)}", shown)


def _form(sending: Sending, media: _Media) -> tuple[dict[str, Json], dict[str, str]]:
    """What a form says in words, and its files as expressions; these are those of the media store."""
    try:
        form = form_of(sending.wire, sending.read)
    except PlcliError as error:
        raise LeftOut(error.message) from None
    files: dict[str, list[str]] = {}
    for file in form.files:
        text = f"({word(file.name)}, {media.bytes_of(digest_of(file.data))}, {word(file.mime)})"
        files.setdefault(file.field.removesuffix("[]"), []).append(text)
    pictures = {name: texts[0] if len(texts) == 1 else laid_out("[]", texts, STEP) for name, texts in files.items()}
    return form.fields, pictures


def _gemini(sending: Sending, media: _Media) -> _Script:
    if "contents" not in sending.wire:
        raise LeftOut("it has no contents, without which the SDK makes no call")
    client = gemini_client(sending.connection)
    body = media.literal(media.ready(sending.wire))
    config = sending.wire.get("generationConfig")
    draws = isinstance(config, dict) and "IMAGE" in json.dumps(config.get("responseModalities"), default=str)
    # Its own arguments would write the body anew, and drop what this release does not know.
    made = f"# The SDK sends this body in the place of all that it would write itself.\nbody = {body}\n\n{client.code}"
    request = call("client.models.generate_content", {"model": word(sending.model), "contents": '"-"'})
    return _Script(client.imports, made, f"response = {request}", _SHOWN["drawn by gemini" if draws else "gemini"])


def _shown(sending: Sending) -> str:
    """What shows the answer of OpenAI."""
    wire, operation = sending.wire, sending.operation
    if operation.startswith("images."):
        form = wire.get("output_format")
        return _SHOWN["images"].replace("png", form if form in ("webp", "jpeg", "gif", "svg") else "png")
    drawing = any(table(tool).get("type") == "image_generation" for tool in rows(wire.get("tools")))
    return _SHOWN["drawn" if drawing else operation]


_SHOWN = {
    "responses.create": "print(response.output_text)",
    "chat.completions.create": "print(response.choices[0].message)",
    "gemini": "print(response.text)",
    "images": """\
for number, image in enumerate(response.data, start=1):
    Path(f"image-{number}.png").write_bytes(base64.b64decode(image.b64_json))""",
    "drawn": """\
for number, item in enumerate(response.output, start=1):
    if item.type == "image_generation_call":
        Path(f"image-{number}.png").write_bytes(base64.b64decode(item.result))
print(response.output_text)""",
    "drawn by gemini": """\
for number, part in enumerate(response.parts or [], start=1):
    if part.inline_data:
        Path(f"image-{number}.png").write_bytes(part.inline_data.data)
    elif part.text:
        print(part.text)""",
}
"""What shows an answer, by operation, or by what draws."""
