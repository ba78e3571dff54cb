"""The pictures of an answer, looked at: what was asked of them beside what came, fetched where only addresses did.

What a picture is said to be is the adapter's business; what its bytes are is found out here, without drawing it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from plcli.cancel import Cancel
from plcli.connect import Connection
from plcli.engine import Turn
from plcli.errors import PlcliError
from plcli.exchange import Download, Exchange
from plcli.failures import failed, failure_of
from plcli.media import Json, Media, MediaMissing, MediaReader, digest_of, encode
from plcli.pixels import look
from plcli.providers.download import fetch
from plcli.providers.reading import table
from plcli.request import BuiltinTool, Request
from plcli.response import Failure, ImagePart, Part, Response
from plcli.signatures import UNKNOWN, sniff

MOST = 32
"""Addresses of one answer that are fetched; no api makes as many pictures at once."""

MOST_BYTES = 128 * 1024 * 1024
"""Bytes after which no more addresses of an answer are fetched."""

_ASK_FOR_BYTES = "ask for the bytes themselves: `response_format: b64_json` under `image` of the spec"
_DRAWS = "image_generation"
_NO_BASE64 = "its bytes are no base64"


def delivered(turn: Turn, connection: Connection, *, read_media: MediaReader, cancel: Cancel, until: float) -> Turn:
    """The turn with its pictures fetched and looked at; `until` is the moment (of `time.monotonic`) to end at.

    `read_media` knows the bytes that an answer repeats from the request. Nothing is fetched for a provider that
    answers inside this process, nor for a recorded answer, which knows what was fetched after it. Pictures that were
    asked for and did not come make a state of their own; see `told`. What was answered is paid for: failures and
    Ctrl-C end in the turn too.
    """
    exchange, adapter = turn.exchange, connection.adapter
    wanted = adapter.wanted(exchange.request)
    if not turn.response.images and not wanted:
        return turn
    fetching = _Fetching(connection.api, connection.base_url, cancel, until, list(exchange.downloads))
    if not connection.provider.local and connection.answers is None:
        fetching.run([part.url for part in turn.response.images if part.url is not None and part.media is None])
    media = turn.media | fetching.media

    def data(digest: str) -> bytes | None:
        with suppress(MediaMissing):
            return media[digest] if digest in media else read_media(digest)
        return None

    # An answer that did not come to its end says nothing of pictures that are missing.
    wanted = wanted if turn.failure is None else 0
    response = told(turn.response, asked(exchange, connection), wanted, fetching.downloads, data)
    if fetching.stopped is not None and turn.failure is None:
        response = response.model_copy(update={"state": "incomplete", "failure": fetching.stopped})
    return replace(
        turn,
        exchange=exchange._replace(downloads=tuple(fetching.downloads)),
        response=response,
        media=media,
        failure=turn.failure or response.failure,
    )


@dataclass(slots=True)
class _Fetching:
    """Addresses fetched one after the other; `stopped` says that somebody interrupted it."""

    api: str
    near: str | None
    cancel: Cancel
    until: float
    downloads: list[Download] = field(default_factory=list)
    media: Media = field(default_factory=dict)
    stopped: Failure | None = None

    def run(self, addresses: Iterable[str]) -> None:
        """Fetch each address once."""
        for url in islice(dict.fromkeys(addresses), MOST):
            if self.stopped is None and sum(map(len, self.media.values())) < MOST_BYTES:
                self.downloads.append(self.one(url))

    def hinted(self, failure: Failure) -> Failure:
        """The failure with what else can be done about it."""
        if self.api != "images" or failure.kind == "interrupted":
            return failure
        hint = ", or ".join(filter(None, (failure.hint, _ASK_FOR_BYTES)))
        return failure.model_copy(update={"hint": hint})

    def one(self, url: str) -> Download:
        """What came of an address."""
        began = time.monotonic()
        try:
            found = fetch(url, near=self.near, deadline=self.until, cancel=self.cancel)
        except (PlcliError, KeyboardInterrupt) as error:
            failure = self.hinted(failure_of(error))
            self.stopped = failure if failure.kind == "interrupted" else None
            return Download(url, _ms(began), failure.status, failure=failure)
        digest = digest_of(found.data)
        self.media[digest] = found.data
        seen = sniff(found.data)
        return Download(url, _ms(began), found.status, digest, found.mime if seen == UNKNOWN and found.mime else seen)


def asked(exchange: Exchange, connection: Connection) -> dict[str, Json] | None:
    """What a request says of its pictures, by the api's own names; None where it says nothing."""
    request = connection.adapter.uncompile(exchange.request, exchange.target)
    said = stated(request)
    return None if said is None else {name: encode(value) for name, value in said.items()}


def stated(request: Request) -> Mapping[str, Json] | None:
    """The parameters of pictures, under `image` or in a built-in tool that draws."""
    if request.image is not None:
        return request.image
    tools = (table(tool.item) for tool in request.tools if isinstance(tool, BuiltinTool))
    drawing = next((tool for tool in tools if tool.get("type") == _DRAWS), None)
    return drawing and {name: value for name, value in drawing.items() if name != "type"}


def told(
    response: Response,
    asked: Mapping[str, Json] | None,
    wanted: int,
    downloads: Sequence[Download],
    data: Callable[[str], bytes | None],
) -> Response:
    """An answer with everything that is known of its pictures, and whether they are as many as are `wanted`.

    `data` gives the bytes of a digest. An answer that is whole but for its pictures has the state `no_image`; of one
    that has some of them, `missing` counts the others.
    """
    parts = tuple(_looked_at(part, asked, downloads, data) for part in response.parts)
    response = response.model_copy(update={"parts": parts})
    images = response.images
    cut = response.state == "incomplete" and response.failure is None
    if response.state != "ok" and not (cut and wanted and not images):
        return response
    lost = _lost(images, downloads)
    if lost is not None and (wanted or not response.text):
        return response.model_copy(update={"state": "error", "failure": lost})
    if wanted and not images:
        what, hint = _without(response, cut=cut)
        failure = failed("invalid", what, hint).failure
        return response.model_copy(update={"state": "no_image", "failure": failure})
    return response.model_copy(update={"missing": wanted - len(images)}) if len(images) < wanted else response


def _without(response: Response, *, cut: bool) -> tuple[str, str]:
    """Why there is no picture, and what to do about it."""
    if cut:
        return f"the answer was cut before a picture came ({response.finish_reason})", "raise params.max_output_tokens"
    what = "the model answered in words, and made no picture" if response.text else "no picture came"
    return what, "say clearly that a picture is wanted, and of what"


def _lost(images: Sequence[ImagePart], downloads: Sequence[Download]) -> Failure | None:
    """Why there are no bytes of any picture; None where there are some, or no picture came."""
    if any(part.media for part in images):
        return None
    if any(part.url is None for part in images):
        return failed("protocol", f"a picture came, but {_NO_BASE64}", "run it again").failure
    lost = next((download.failure for download in downloads if download.failure is not None), None)
    return lost and lost.model_copy(update={"message": f"the picture was not fetched: {lost.message}"})


def _looked_at(
    part: Part, asked: Mapping[str, Json] | None, downloads: Sequence[Download], data: Callable[[str], bytes | None]
) -> Part:
    if not isinstance(part, ImagePart):
        return part
    known: dict[str, object] = {"requested": None if asked is None else dict(asked)}
    digest, faults = part.media, list(part.faults or ())
    if digest is None and part.url is not None:
        download = next((each for each in downloads if each.url == part.url), None)
        if download is None:
            faults.append("it was not fetched")
        elif download.failure is not None:
            faults.append(f"it was not fetched: {download.failure.message}")
        else:
            digest = download.media
    elif digest is None:
        faults.append(_NO_BASE64)
    content = data(digest) if digest is not None else None
    if content is not None:
        seen = look(content, part.mime)
        faults += seen.faults
        known |= {"media": digest, "mime": seen.mime, "width": seen.width, "height": seen.height}
    return part.model_copy(update={**known, "faults": faults or None})


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
