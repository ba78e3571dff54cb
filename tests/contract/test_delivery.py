"""Pictures that an answer only gives the address of: fetched at once, and logged whatever comes of it."""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from plcli.media import digest_of
from plcli.records import Record, parse
from plcli.response import ImagePart
from tests.support.cli import PATIENCE, Cli, Process
from tests.support.loopback import Loopback
from tests.support.pictures import jpeg, png

_HEADER = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
HUGE = png()[:8] + struct.pack(">I", 13) + _HEADER + struct.pack(">I", zlib.crc32(_HEADER)) + png()[33:]
"""A PNG that says it has 1.6 billion pixels."""

RUN = ("image", "--prompt", "A fox", "--model", "m")


@pytest.fixture
def here(tmp_path: Path, server: Loopback) -> Path:
    """A workspace whose model is an images api on our own server."""
    model = {"kind": "model", "provider": "openai", "api": "images", "model": "m", "retries": 0}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.json").write_text(json.dumps({**model, "base_url": server.base_url}))
    return tmp_path


def answer(*urls: str) -> dict[str, Any]:
    return {"created": 1, "data": [{"url": url} for url in urls]}


def the_record(here: Path) -> Record:
    record = parse((here / "runs.jsonl").read_bytes().splitlines()[-1])
    assert isinstance(record, Record)
    return record


def picture(record: Record) -> ImagePart:
    assert record.response is not None
    (part,) = (part for part in record.response.parts if isinstance(part, ImagePart))
    return part


def test_an_address_is_fetched_at_once_without_a_credential(here: Path, server: Loopback, cli: Cli) -> None:
    url = f"{server.url}/made/fox.png?signature=abc"
    server.answer(json=answer(url))
    server.answer(body=png(), type="image/png")
    outcome = cli(*RUN, "--out", "pictures")
    assert outcome.code == 0, outcome.err
    asked, fetched = server.received
    assert (asked.path, fetched.method, fetched.path) == (
        "/v1/images/generations",
        "GET",
        "/made/fox.png?signature=abc",
    )
    assert "authorization" not in fetched.headers
    part = picture(the_record(here))
    assert (part.media, part.url, part.mime, part.width) == (digest_of(png()), url, "image/png", 8)
    assert Path(outcome.out.strip()).read_bytes() == png()
    (download,) = the_record(here).exchanges[0].downloads or ()
    assert (download.url, download.status, download.media, download.error) == (url, 200, digest_of(png()), None)
    # The wire response is what came.
    assert the_record(here).exchanges[0].response == answer(url)
    assert "8 × 8" in cli("log", "show", "last", "--format", "card").out


def test_a_picture_that_cannot_be_fetched_is_a_failure_that_the_record_tells(
    here: Path, server: Loopback, cli: Cli
) -> None:
    server.answer(json=answer(f"{server.url}/made/fox.png?signature=abc"))
    server.answer(404, body=b"gone")
    outcome = cli(*RUN)
    assert outcome.code in (4, 5)
    assert "not fetched" in outcome.err or "404" in outcome.err
    assert "signature" not in outcome.err
    assert "hint: ask for the bytes themselves: `response_format: b64_json`" in outcome.err
    record = the_record(here)
    assert record.response is not None
    assert record.response.state == "error"
    (download,) = record.exchanges[0].downloads or ()
    assert (download.status, download.media) == (404, None)
    assert download.error is not None


def test_one_of_two_that_cannot_be_fetched_is_a_warning(here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json=answer(f"{server.url}/one.png", f"{server.url}/two.png"))
    server.answer(body=png(), type="image/png")
    server.answer(404, body=b"gone")
    outcome = cli(*RUN)
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) >= 1
    assert "warning" in outcome.err


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a.png",
        "https://[::1]/a.png",
        "http://localhost:1/a.png",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "gopher://x",
        "//x",
        "https://",
        "https://user:secret@10.0.0.1/",
        "\x00",
    ],
)
def test_an_address_that_leads_inside_is_not_followed(url: str, here: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json=answer(url))
    outcome = cli(*RUN)
    assert outcome.code in (4, 5)
    assert "Traceback" not in outcome.err
    assert len(server.received) == 1
    (download,) = the_record(here).exchanges[0].downloads or ()
    assert (download.media, download.status) == (None, None)


def test_ctrl_c_while_a_picture_is_fetched_leaves_the_answer_in_the_log(
    here: Path, server: Loopback, plcli_process: Process
) -> None:
    server.answer(json=answer(f"{server.url}/fox.png"))
    server.hang()
    with plcli_process.start(*RUN) as running:
        while len(server.received) < 2:
            assert running.poll() is None
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGINT)
        assert running.wait(PATIENCE) == 130
    record = the_record(here)
    assert record.response is not None
    assert record.response.state == "incomplete"
    assert record.exchanges[0].response == answer(f"{server.url}/fox.png")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (png()[:-12], "cut off"),
        (jpeg(), "labelled image/png"),
        (b"<html>Sorry</html>", "no picture"),
        (HUGE, "40,000"),
    ],
    ids=["cut off", "mislabelled", "a page", "huge"],
)
def test_what_is_wrong_with_the_bytes_is_told_and_they_are_kept(
    data: bytes, fault: str, here: Path, server: Loopback, cli: Cli
) -> None:
    given = base64.b64encode(data).decode()
    server.answer(json={"created": 1, "output_format": "png", "data": [{"b64_json": given}]})
    outcome = cli(*RUN)
    assert outcome.code == 0, outcome.err
    assert fault in outcome.err
    part = picture(the_record(here))
    assert part.media == digest_of(data)
    stored = next((here / "media").glob(f"{digest_of(data).removeprefix('sha256:')}.*"))
    assert stored.read_bytes() == data
    assert given not in (here / "runs.jsonl").read_text()
    shown = cli("log", "show", "last")
    assert fault in shown.out + shown.err


def test_a_picture_that_was_fetched_goes_on_as_bytes_since_addresses_expire(
    here: Path, server: Loopback, cli: Cli
) -> None:
    server.answer(json=answer(f"{server.url}/fox.png"))
    server.answer(body=png(), type="application/octet-stream")
    assert cli(*RUN).code == 0
    server.forget()
    given = base64.b64encode(png()).decode()
    server.answer(json={"created": 1, "data": [{"b64_json": given}]})
    outcome = cli("image", "--continue", "last", "--message", "At night")
    assert outcome.code == 0, outcome.err
    (request,) = server.received
    assert request.path == "/v1/images/edits"
    assert request.json["images"] == [{"image_url": f"data:image/png;base64,{given}"}]
