"""`plcli models check` against servers: what they received, and what we make of what they said of their models."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plcli.failures import CallFailed
from plcli.providers import openai_client, openai_listing
from plcli.providers.registry import Listing
from plcli.specs import Azure
from tests.support.calls import call
from tests.support.cli import PATIENCE, Cli, Process
from tests.support.loopback import Loopback

KEY = "sk-local-0123456789abcdef"

MODEL = {"id": "m-1", "object": "model", "created": 1795000000, "owned_by": "us", "shutdown_date": None}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "model": "m-1",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "OK."}}],
}


def listed(*models: Any, **more: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{**MODEL, "id": m} if isinstance(m, str) else m for m in models], **more}


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days)).isoformat()


# What the server receives


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gpt-6.2-sol", "/v1/models/gpt-6.2-sol"),
        ("ft:gpt-4.1:org::x", "/v1/models/ft:gpt-4.1:org::x"),
        ("org/name v2?#", "/v1/models/org%2Fname%20v2%3F%23"),
        ("../../files", "/v1/models/..%2F..%2Ffiles"),
        ("qwén\ud800", "/v1/models/qw%C3%A9n%3F"),
    ],
)
def test_a_model_is_looked_up_by_its_own_address(server: Loopback, model: str, path: str) -> None:
    server.answer(json={**MODEL, "id": model if model.isascii() else "q"})
    assert openai_listing.look_up(model, call(server, key=KEY)).known
    request = server.received[0]
    assert (request.method, request.path, request.body) == ("GET", path, b"")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert len(server.received) == 1


@pytest.mark.parametrize("model", ["", ".", ".."])
def test_an_id_that_would_lead_elsewhere_is_only_looked_for_in_the_list(server: Loopback, model: str) -> None:
    server.answer(json=listed("m-1"))
    assert openai_listing.look_up(model, call(server)).known is False
    assert [request.path for request in server.received] == ["/v1/models"]


# What is made of what it says


@pytest.mark.parametrize(
    ("answer", "listing"),
    [
        (MODEL, Listing(True)),
        ({"id": "m-1"}, Listing(True)),
        ({**MODEL, "shutdown_date": "2027-01-14"}, Listing(True, shutdown="2027-01-14")),
        ({**MODEL, "shutdown_date": 5}, Listing(True)),
        ({**MODEL, "id": "m-1-2026-01-01"}, Listing(True, served_by="m-1-2026-01-01")),
    ],
)
def test_a_model_that_has_an_address_is_known(server: Loopback, answer: Any, listing: Listing) -> None:
    server.answer(json=answer)
    assert openai_listing.look_up("m-1", call(server)) == listing


LISTS = [
    (listed("m-0", "m-1"), Listing(True)),
    (listed({**MODEL, "shutdown_date": "2027-01-14"}), Listing(True, shutdown="2027-01-14")),
    (listed("m-1:latest"), Listing(True, served_by="m-1:latest")),
    (listed("models/m-1"), Listing(True, served_by="models/m-1")),
    (listed({**MODEL, "id": "big", "aliases": ["m-1", 5]}), Listing(True, served_by="big")),
    (listed("big", models=[{"name": "big", "aliases": ["m-1"]}, 5]), Listing(True, served_by="big")),
    (listed({"id": "/w/x.gguf", "owned_by": "llamacpp"}), Listing(True, served_by="/w/x.gguf")),
    (listed("a", "b"), Listing(False, detail="the server lists a, b")),
    (listed(*"abcdefg"), Listing(False, detail="the server lists a, b, c, d, e and 2 more")),
    (listed(), Listing(False, detail="the server lists no models")),
    (listed(5, None, {"id": 5}, {}), Listing(False, detail="the server lists no models")),
]


@pytest.mark.parametrize("without", ["404", "405", "501", "page", "object"])
@pytest.mark.parametrize(("answer", "listing"), LISTS)
def test_a_server_without_addresses_of_models_is_asked_for_its_list(
    server: Loopback, without: str, answer: Any, listing: Listing
) -> None:
    first: dict[str, Any] = {"page": {"body": b"<html>Not here</html>", "type": "text/html"}, "object": {"json": {}}}
    server.answer(**first.get(without) or {"status": int(without), "json": {"error": "no"}})
    server.answer(json=answer)
    assert openai_listing.look_up("m-1", call(server)) == listing
    assert [request.path for request in server.received] == ["/v1/models/m-1", "/v1/models"]


@pytest.mark.parametrize("answer", [{"json": {"data": 5}}, {"json": {}}, {"status": 404}, {"body": b"<html>"}])
def test_a_server_that_lists_nothing_cannot_tell(server: Loopback, answer: Any) -> None:
    server.answer(404)
    server.answer(**answer)
    listing = openai_listing.look_up("m-1", call(server))
    assert listing.known is None
    assert listing.detail


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "auth"), (403, "permission"), (429, "rate_limit"), (500, "server"), (307, "protocol")]
)
def test_other_answers_are_failures(server: Loopback, status: int, kind: str) -> None:
    server.answer(status, json={"error": {"message": "no"}})
    with pytest.raises(CallFailed) as caught:
        openai_listing.look_up("m-1", call(server))
    assert caught.value.failure.kind == kind


def test_deployments_of_azure_are_not_listed(server: Loopback) -> None:
    azure = call(server, azure=Azure(endpoint=server.url), api_version="1")
    assert openai_listing.look_up("m-1", azure).known is None
    assert server.received == []


def test_what_azure_lists_is_not_what_it_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(openai_client, "get", lambda path, call: asked.append(path) or listed("m-1"))
    for host in ("r.openai.azure.com", "r.services.ai.azure.com", "r.openai.azure.us"):
        assert openai_listing.look_up("m-1", call(f"https://{host}/openai/v1")).known is None
    assert asked == ["/models"] * 3


# The command


Spec = Callable[..., None]


@pytest.fixture
def spec(tmp_path: Path, server: Loopback) -> Spec:
    """Writes a model spec of the loopback server: `spec("name", model="m-2")`."""
    (tmp_path / "models").mkdir()

    def write(name: str, **fields: Any) -> None:
        value = {"kind": "model", "provider": "openai", "api": "chat", "model": "m-1", "base_url": server.base_url}
        (tmp_path / "models" / f"{name}.json").write_text(json.dumps({**value, **fields}))

    return write


@pytest.fixture
def other() -> Iterator[Loopback]:
    """A second server."""
    with Loopback() as loopback:
        yield loopback


def test_a_model_that_works_is_ok(server: Loopback, spec: Spec, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", KEY)
    spec("mine", api_key_env="LOCAL_KEY", headers={"X-Team": "a"})
    server.answer(json={**MODEL, "id": "m-1-0"})
    outcome = cli("models", "check")
    assert (outcome.code, outcome.out, outcome.err) == (0, "mine\tok\tm-1\t\tserved as m-1-0\n", "")
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.received[0].headers["x-team"] == "a"


@pytest.mark.parametrize(("days", "code", "said"), [(-1, 1, "was shut"), (30, 1, "will be"), (91, 0, ""), (400, 0, "")])
def test_the_end_that_the_endpoint_announces_is_told(
    server: Loopback, spec: Spec, cli: Cli, days: int, code: int, said: str
) -> None:
    spec("mine")
    server.answer(json={**MODEL, "shutdown_date": in_days(days)})
    outcome = cli("models", "check")
    assert outcome.code == code
    assert in_days(days) in outcome.out
    assert said in outcome.err
    assert bool(outcome.err) == bool(code)
    assert cli("models", "check", "--within", "500").code == 1


def test_a_date_that_is_none_is_no_end(server: Loopback, spec: Spec, cli: Cli) -> None:
    spec("mine")
    server.answer(json={**MODEL, "shutdown_date": "soon"})
    assert cli("models", "check").code == 0


def test_the_table_tells_of_what_a_gateway_serves(
    server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answer(json={**MODEL, "id": "gpt-4"})
    outcome = cli("models", "check", "openai/gpt-4")
    assert outcome.code == 1
    assert "openai/gpt-4: gpt-4 was shut down on 2026-10-23; its successor is gpt-5.6-sol" in outcome.err


def test_a_model_that_is_not_found_because_it_is_gone_is_told_so(
    server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    server.answer(404, json={"error": {"message": "no", "code": "model_not_found"}})
    server.answer(json=listed("gpt-6.2-sol"))
    outcome = cli("models", "check", "openai/gpt-4")
    assert outcome.code == 4
    assert f"{server.base_url} does not know gpt-4; the server lists gpt-6.2-sol" in outcome.err
    assert "hint: gpt-4 was shut down on 2026-10-23; its successor is gpt-5.6-sol" in outcome.err


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        ({"status": 401, "json": {"error": {"message": f"Incorrect API key: {KEY}"}}}, 4, "auth"),
        ({"status": 429, "json": {"error": {"message": "slow down"}}}, 5, "rate_limit"),
        ({"status": 500}, 5, "server"),
        ({"json": listed("m-2")}, 4, "not_found"),
    ],
)
def test_what_does_not_work_is_told_in_the_usual_words(
    server: Loopback, spec: Spec, cli: Cli, monkeypatch: Any, answer: Any, code: int, kind: str
) -> None:
    monkeypatch.setenv("LOCAL_KEY", KEY)
    spec("mine", api_key_env="LOCAL_KEY")
    server.answer(**answer)
    outcome = cli("models", "check")
    assert outcome.code == code
    assert outcome.out == f"mine\tfailed\tm-1\t\t{kind}\n"
    assert outcome.err.startswith("error: mine: ")
    assert "\nhint: " in outcome.err
    told = json.loads(cli("models", "check", "--format", "json").out)[0]
    assert (told["state"], told["error"]["exit"]) == ("failed", code)
    assert KEY not in outcome.out + outcome.err + json.dumps(told)


def test_a_providers_own_key_does_not_go_where_a_spec_says(
    server: Loopback, spec: Spec, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    spec("thief", api_key_env="OPENAI_API_KEY")
    outcome = cli("models", "check", "--send")
    assert outcome.code == 6
    assert "OPENAI_API_KEY is a key of openai and does not go to" in outcome.err
    assert server.received == []


def test_a_redirect_is_not_followed(server: Loopback, other: Loopback, spec: Spec, cli: Cli) -> None:
    spec("mine")
    server.redirect(other.base_url)
    outcome = cli("models", "check")
    assert outcome.code == 5
    assert "does not follow redirects" in outcome.err
    assert other.received == []


def test_an_endpoint_that_cannot_tell_is_a_warning_that_says_how_to_ask(server: Loopback, spec: Spec, cli: Cli) -> None:
    spec("mine")
    server.answer(404)
    outcome = cli("models", "check", "mine")
    assert outcome.code == 0
    assert outcome.out.startswith("mine\tunknown\t")
    assert "warning: mine: " in outcome.err
    assert "plcli models check mine --send" in outcome.err


def test_send_asks_for_a_short_answer_and_leaves_no_record(
    server: Loopback, spec: Spec, cli: Cli, tmp_path: Path
) -> None:
    spec("mine", params={"temperature": 0}, omit=["max_completion_tokens"])
    server.answer(404)
    server.answer(404)
    server.answer(json=COMPLETION)
    outcome = cli("models", "check", "mine", "--send")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "mine\tok\tm-1\t\tit answered\n"
    request = server.received[-1]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.json["model"] == "m-1"
    assert request.json["temperature"] == 0
    assert "max_completion_tokens" not in request.json
    assert not (tmp_path / "runs.jsonl").exists()


def test_an_answer_that_does_not_come_is_a_failure(server: Loopback, spec: Spec, cli: Cli) -> None:
    spec("mine", retries=3)
    server.answer(404)
    server.answer(404)
    server.answer(503, json={"error": {"message": "loading"}})
    outcome = cli("models", "check", "mine", "--send")
    assert outcome.code == 5
    assert "loading" in outcome.err
    assert len(server.received) == 3, "tried once"


def test_what_is_known_is_not_sent(server: Loopback, spec: Spec, cli: Cli) -> None:
    spec("mine")
    server.answer(json=MODEL)
    assert cli("models", "check", "--send").code == 0
    assert [request.method for request in server.received] == ["GET"]


def test_every_model_is_checked_and_told_in_order_and_the_largest_code_counts(
    server: Loopback, spec: Spec, cli: Cli, tmp_path: Path
) -> None:
    spec("a", base_url="http://127.0.0.1:9/v1")
    spec("b")
    spec("c", base_url="https://llm.invalid/v1", api_key_env="NO_KEY")
    spec("d", model="m-9")
    spec("e", provider="echo", api="echo", base_url=None)
    (tmp_path / "models" / "f.json").write_text('{"kind": "model"}')
    server.answer(json=MODEL)
    server.answer(404)
    server.answer(json=listed("m-1"))
    outcome = cli("models", "check")
    rows = [line.split("\t")[:2] for line in outcome.out.splitlines()]
    assert rows == [["a", "failed"], ["b", "ok"], ["c", "failed"], ["d", "failed"], ["e", "ok"]]
    assert outcome.code == 6
    words = ("a: connection refused", "c: no key", "d: ", "models/f.json:1:1: error: missing key")
    assert sorted(words, key=outcome.err.index) == list(words)


def test_hosts_are_asked_at_once(server: Loopback, other: Loopback, spec: Spec, cli: Cli) -> None:
    met = threading.Barrier(2, timeout=30)

    def together(handler: Any) -> None:
        met.wait()
        body = json.dumps(MODEL).encode()
        handler.head(200, (), "application/json", {"Content-Length": str(len(body))})
        handler.send(body)

    for each in (server, other):
        each._script.append(together)
    spec("a")
    spec("b", base_url=other.base_url)
    assert cli("models", "check", "--timeout", "60").code == 0


def test_a_server_that_says_nothing_is_given_up(server: Loopback, spec: Spec, cli: Cli) -> None:
    spec("mine")
    server.hang()
    outcome = cli("models", "check", "--timeout", "0.2")
    assert outcome.code == 5
    assert outcome.out == "mine\tfailed\tm-1\t\ttimeout\n"
    assert "hint: check again, or raise --timeout" in outcome.err


def test_control_c_ends_the_check_at_once(server: Loopback, spec: Spec, plcli_process: Process) -> None:
    spec("mine")
    server.hang()
    with plcli_process.start("models", "check", "--timeout", "600") as process:
        until = time.monotonic() + PATIENCE
        while not server.received:
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
