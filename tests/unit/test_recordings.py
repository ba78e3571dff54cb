"""Recordings: which exchange answers a key, and what a recorded answer means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plcli.errors import LogError, NotReplayable
from plcli.exchange import Target, key_of
from plcli.exchangerecords import AttemptRecord, ExchangeRecord
from plcli.media import Json, MediaRef, Redacted, digest_of, encode
from plcli.mediastore import MediaStore
from plcli.providers.registry import adapter, provider
from plcli.recall import recalled
from plcli.recordings import Recorded, Recordings, answer_in, can_answer
from plcli.records import Note, Record, line
from plcli.response import Failure, ImagePart, TextPart
from plcli.runlog import Damage, RunLog

TARGET = Target("chat.completions.create", "m")
WIRE = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
KEY = key_of("openai", "chat", TARGET, WIRE)
OTHER = "sha256:" + "0" * 64
PNG = b"\x89PNG\r\n\x1a\n and so on"


def body(text: Json, **more: Json) -> Json:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, **more}}
    return {"choices": [choice]}


def answered(response: Json = None, *, key: str = KEY, error: Failure | None = None, **fields: Any) -> ExchangeRecord:
    attempts = [AttemptRecord(started="t", duration_ms=1, error=error)]
    sent = {"key": key, "operation": TARGET.operation, "started": "t", "duration_ms": 1, "attempts": attempts}
    return ExchangeRecord(**{**sent, "request": WIRE, "response": encode(response), "status": 200, **fields})


def a_run(*exchanges: ExchangeRecord, id: str = "") -> Record:
    return Record(id=id, time="t", command="run", plcli="0", provider="openai", api="chat", exchanges=list(exchanges))


def failure(kind: str) -> Failure:
    return Failure(kind=kind, message="because")


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[RunLog]:
    """Logs that do not exist yet."""
    return (RunLog(tmp_path / f"{n}.jsonl") for n in range(9))


# Which exchange answers


@pytest.mark.parametrize(
    ("exchange", "can"),
    [
        (answered(body("Hello")), True),
        (answered(body(None, refusal="No.")), True),
        (answered(error=failure("safety"), status=400), True),
        (answered(body("Hello"), status=None, attempts=[]), True),
        (answered(body("Hel"), error=failure("protocol")), False),
        (answered(body("Hel"), error=failure("connection")), False),
        (answered(error=failure("rate_limit"), status=429), False),
        (answered(error=failure("invalid"), status=400), False),
        (answered(body("Hel"), error=failure("interrupted")), False),
        (answered(body("Hello"), status=500), False),
        (answered(), False),
    ],
)
def test_what_came_to_its_end_can_answer(exchange: ExchangeRecord, can: bool) -> None:
    assert can_answer(exchange) is can
    assert (answer_in(a_run(exchange), KEY) is not None) is can


def test_a_try_that_was_lost_before_the_answer_is_forgotten() -> None:
    lost = AttemptRecord(started="t", duration_ms=1, error=failure("connection"))
    assert can_answer(answered(body("Hello"), attempts=[lost, AttemptRecord(started="t", duration_ms=1)]))


def test_of_a_run_the_last_answer_counts() -> None:
    run = a_run(
        answered(body("a")), answered(body("b"), key=OTHER), answered(body("c")), answered(body("d"), status=500)
    )
    assert answer_in(run, KEY) == Recorded(run, 2)
    assert answer_in(run, OTHER) == Recorded(run, 1)
    assert answer_in(run, "sha256:" + "1" * 64) is None


def test_the_newest_answer_of_all_files_comes_before_the_log(logs: Iterator[RunLog]) -> None:
    first, second, history, empty = next(logs), next(logs), next(logs), next(logs)
    newer, older = (f"20260{n}01T000000000-aaaaa" for n in (8, 7))
    history.append(a_run(answered(body("log")), answered(body("only here"), key=OTHER)))
    first.copy_in([a_run(answered(body("newer")), id=newer)])
    second.copy_in([a_run(answered(body("older")), id=older)])
    for files in ([first, second, empty], [second, first]):
        found = Recordings(files, history).find(KEY)
        assert found is not None
        assert found.record.id == newer
    found = Recordings([first], history).find(OTHER)
    assert found is not None
    assert (found.at, found.exchange.key) == (1, OTHER)
    assert Recordings([first]).find(OTHER) is None
    assert Recordings([empty]).find(KEY) is None


def test_one_that_was_not_answered_hides_none_that_was(logs: Iterator[RunLog]) -> None:
    file, history = next(logs), next(logs)
    kept = file.append(a_run(answered(body("Hello"))))
    file.append(a_run(answered(error=failure("connection"), status=None)))
    found = Recordings([file], history).find(KEY)
    assert found is not None
    assert found.record.id == kept.id
    failing = next(logs)
    failing.append(a_run(answered(status=500)))
    found = Recordings([failing], file).find(KEY)
    assert found is not None


def test_of_many_answers_only_the_newest_is_read(logs: Iterator[RunLog], monkeypatch: pytest.MonkeyPatch) -> None:
    file = next(logs)
    *_, newest = file.append_all([a_run(answered(body(str(n)))) for n in range(50)])
    file.append_all([a_run(answered(status=500)) for _ in range(3)])
    read: list[int] = []
    record_at = RunLog.record_at

    def counted(log: RunLog, at: int) -> Record | None:
        read.append(at)
        return record_at(log, at)

    monkeypatch.setattr(RunLog, "record_at", counted)
    found = Recordings([file]).find(KEY)
    assert found is not None
    assert (found.record.id, len(read)) == (newest.id, 4)


@pytest.mark.parametrize("spaces", [r"\1 ", r"\1   "])
def test_lines_that_hands_have_formatted_answer_too(spaces: str, logs: Iterator[RunLog]) -> None:
    file = next(logs)
    run = a_run(answered(body("Hello")), id="20260801T000000000-aaaaa")
    file.path.write_text(re.sub(r'(":)', spaces, line(run)) + "\r\n")
    assert Recordings([file]).find(KEY) == Recorded(run, 0)


def test_keys_that_stand_elsewhere_answer_nothing(logs: Iterator[RunLog]) -> None:
    file = next(logs)
    said = {"key": KEY, "deep": {"key": KEY}}
    words = answered(body(f'"key":"{KEY}" and {{"key":"{KEY}"}}', **said), key=OTHER)
    file.append(a_run(words).model_copy(update={"metadata": said}))
    file.append(Note(id="", run="x", text=f'{{"key":"{KEY}"}}'))
    assert Recordings([file]).find(KEY) is None
    assert Recordings([file]).find(OTHER) is not None


def test_damage_is_told_once_and_hides_nothing_else(tmp_path: Path) -> None:
    told: list[Damage] = []
    file = RunLog(tmp_path / "r.jsonl", told.append)
    good = a_run(answered(body("Hello")), id="20260801T000000000-aaaaa")
    text = line(good)
    pieces = ["<<<<<<< HEAD\n", f"{text}\n", f"{text[:-9]}\n", ">>>>>>>\n", text[:-30]]
    file.path.write_text("".join(pieces))
    recordings = Recordings([file])
    for _ in range(2):
        assert recordings.find(KEY) == Recorded(good, 0)
    assert sorted(damage.offset for damage in told) == [len("".join(pieces[:n])) for n in (2, 4)]


def test_a_version_that_is_not_known_is_an_error(logs: Iterator[RunLog]) -> None:
    file = next(logs)
    file.path.write_text(line(a_run(answered(body("Hello")), id="x")).replace('{"v":1', '{"v":7') + "\n")
    with pytest.raises(LogError, match="version 7"):
        Recordings([file]).find(KEY)


# What an answer means


def recall(response: Json, media: MediaStore, **fields: Any) -> Any:
    found = Recorded(a_run(answered(response, **fields)), 0)
    made = adapter(provider("openai"), "chat")
    return recalled("openai", "chat", made, TARGET, WIRE, {KEY: found}.get, media.get)


@pytest.fixture
def media(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_an_answer_is_read_again(media: MediaStore) -> None:
    exchange, response, missing = recall(body("Hello"), media)
    assert (exchange.key, exchange.target, exchange.request, exchange.response) == (KEY, TARGET, WIRE, body("Hello"))
    assert (response.state, response.text, missing) == ("ok", "Hello", None)


def test_an_answer_that_tells_of_a_failure_fails_again(media: MediaStore) -> None:
    _, response, failed = recall({"choices": [], "error": {"message": "overloaded", "code": 503}}, media)
    assert failed is not None
    assert (response.state, failed.kind, "overloaded" in failed.message) == ("error", "server", True)


def test_an_answer_that_nobody_recorded_is_missing(media: MediaStore) -> None:
    made = adapter(provider("openai"), "chat")
    exchange, response, missing = recalled("openai", "chat", made, TARGET, WIRE, lambda key: None, media.get)
    assert (exchange.key, exchange.response, exchange.attempts, response.state) == (KEY, None, (), "error")
    assert missing is not None
    assert missing.kind == "offline"
    assert "plcli log keep" in (missing.hint or "")


def test_pictures_are_put_back_exactly(media: MediaStore) -> None:
    ref = MediaRef(media.put(PNG, "image/png"), "image/png", "data-url")
    _, response, _ = recall(body("Look:", images=[{"type": "image_url", "image_url": {"url": ref}}]), media)
    assert [part.media for part in response.parts if isinstance(part, ImagePart)] == [digest_of(PNG)]


def test_data_urls_in_words_are_words(media: MediaStore) -> None:
    ref = MediaRef(media.put(PNG, "image/png"), "image/png", "data-url")
    exchange, response, _ = recall(body(ref), media)
    assert response.text == ref.text(PNG)
    assert exchange.response == body(ref)


def test_redacted_places_are_words_too(media: MediaStore) -> None:
    _, response, missing = recall(body(Redacted(OTHER)), media)
    assert (response.text, missing) == ("[redacted]", None)


def test_a_request_that_was_refused_for_safety_is_blocked_again(media: MediaStore) -> None:
    said = failure("safety")
    _, response, missing = recall(None, media, error=said, status=400)
    assert (response.state, missing) == ("blocked", said)


@pytest.mark.parametrize(
    "response",
    [
        {"choices": [{"$media": "nonsense"}]},
        {"choices": [{"message": {"content": {"$media": OTHER, "mime": "image/png", "as": "base64"}}}]},
        {"choices": [{"$redacted": 7}]},
    ],
)
def test_an_answer_of_which_something_is_gone_is_not_replayable(response: Json, media: MediaStore) -> None:
    found = Recorded(a_run(answered().model_copy(update={"response": response})), 0)
    made = adapter(provider("openai"), "chat")
    with pytest.raises(NotReplayable, match="is not whole"):
        recalled("openai", "chat", made, TARGET, WIRE, {KEY: found}.get, media.get)


@pytest.mark.parametrize(
    "response", [None, 7, "x", [], {}, {"choices": 7}, {"choices": [{"message": {"content": [1]}}]}]
)
def test_an_answer_that_is_none_is_a_failure_or_empty(response: Json, media: MediaStore) -> None:
    _, read, missing = recall(response, media)
    assert missing is not None or not any(isinstance(part, TextPart) for part in read.parts)
