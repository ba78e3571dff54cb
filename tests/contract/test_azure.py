"""Azure: models of OpenAI at a resource of the user's own, in the legacy form and in the one without versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from plcli.records import Record, parse
from plcli.specs import Azure
from tests.support.aimock import Aimock
from tests.support.calls import send
from tests.support.cli import Cli, Outcome
from tests.support.loopback import Loopback

KEY = "azure-canary-5c1e9d7b3f2a8640"
VERSION = "2025-04-01-preview"
WORDS = {"role": "assistant", "content": "A cod."}
CLEAN = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
FOUND = {**CLEAN, "violence": {"filtered": True, "severity": "high"}}
PROMPT_RESULTS = [{"prompt_index": 0, "content_filter_results": CLEAN}]


@pytest.fixture
def ask(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """`ask(url, "--no-stream", api="chat")` asks a resource at that URL; other keys go into the model spec."""
    monkeypatch.setenv("AZURE_KEY", KEY)

    def ask(at: str | None, *options: str, prompt: str = "Name a fish.", **fields: Any) -> Outcome:
        legacy = {} if at is None else {"azure": {"endpoint": at}, "api_version": VERSION}
        model = {"kind": "model", "provider": "openai", "api": "chat", "model": "sol", "api_key_env": "AZURE_KEY"}
        spec = {name: item for name, item in {**model, **legacy, **fields}.items() if item is not None}
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / "mine.json").write_text(json.dumps(spec))
        return cli("run", "--prompt", prompt, "--model", "mine", "--retries", "0", *options)

    return ask


def last(here: Path) -> Record:
    record = parse((here / "runs.jsonl").read_bytes().splitlines()[-1])
    assert isinstance(record, Record)
    return record


def completion(message: Any = WORDS, reason: str = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": reason, **({"message": message} if message else {}), **more}
    return {"id": "c", "model": "gpt-6.2-sol", "choices": [choice], "prompt_filter_results": PROMPT_RESULTS}


def streamed(*deltas: Any, reason: str = "stop", found: Any = CLEAN) -> list[Any]:
    """A stream as Azure sends it: what it found in the prompt first, then what it found in each piece."""
    chunks = [
        {"choices": [{"index": 0, "delta": d, "finish_reason": None, "content_filter_results": {}}]} for d in deltas
    ]
    results = {"choices": [{"index": 0, "delta": {}, "finish_reason": None, "content_filter_results": found}]}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason, "content_filter_results": {}}]}
    first = {"choices": [], "created": 0, "id": "", "model": "", "prompt_filter_results": PROMPT_RESULTS}
    return [first, *({"id": "c", "model": "gpt-6.2-sol", **chunk} for chunk in (*chunks, results, end)), "[DONE]"]


# What the resource receives


@pytest.mark.parametrize(
    ("api", "deployment", "path"),
    [
        ("chat", None, "/openai/deployments/sol/chat/completions"),
        ("chat", "weather.v-2_x", "/openai/deployments/weather.v-2_x/chat/completions"),
        ("responses", None, "/openai/responses"),
        ("responses", "sol", "/openai/responses"),
    ],
)
def test_the_legacy_form_names_deployment_and_version_in_the_address(
    api: str, deployment: str | None, path: str, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    answer = {"id": "r", "status": "completed", "output": []} if api == "responses" else completion()
    server.answer(json=answer, headers={"apim-request-id": "apim-1"})
    azure = {"endpoint": f"{server.url}/", "deployment": deployment}
    outcome = ask(None, "--no-stream", api=api, azure={k: v for k, v in azure.items() if v}, api_version=VERSION)
    assert outcome.code == 0
    (request,) = server.received
    assert request.path == f"{path}?api-version={VERSION}"
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers
    record = last(tmp_path)
    (exchange,) = record.exchanges
    assert request.body == json.dumps(exchange.request, separators=(",", ":")).encode()
    assert (exchange.request_id, record.model) == ("apim-1", "sol")
    assert record.endpoint is not None
    assert (record.endpoint.base_url, record.endpoint.api_version) == (server.url, VERSION)
    assert KEY not in (tmp_path / "runs.jsonl").read_text() + outcome.out + outcome.err


def test_a_token_goes_as_bearer(server: Loopback, ask: Callable[..., Outcome]) -> None:
    server.answer(json=completion())
    ask(None, "--no-stream", azure={"endpoint": server.url, "auth": "token"}, api_version=VERSION)
    ask(None, "--no-stream", base_url=f"{server.url}/openai/v1")
    for request in server.received:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert "api-key" not in request.headers
    assert server.received[1].path == "/openai/v1/chat/completions"


@pytest.mark.parametrize("auth", ["key", "token"])
def test_without_a_key_none_is_sent_and_the_environment_gives_none(
    auth: str, server: Loopback, ask: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as other:
        for name, value in {
            "AZURE_OPENAI_API_KEY": "env-key",
            "AZURE_OPENAI_AD_TOKEN": "env-token",
            "AZURE_OPENAI_ENDPOINT": other.url,
            "OPENAI_API_KEY": "sk-env",
            "OPENAI_API_VERSION": "1999-01-01",
            "OPENAI_BASE_URL": other.base_url,
            "OPENAI_CUSTOM_HEADERS": "api-key: env-header",
            "OPENAI_ORG_ID": "env-org",
        }.items():
            monkeypatch.setenv(name, value)
        server.answer(json=completion())
        azure = Azure(endpoint=server.url, deployment="sol", auth=auth)  # type: ignore[arg-type]
        send(server.url, {}, azure=azure, api_version=VERSION, key=None)
        ask(server.url, "--no-stream")
        ask(server.url, "--no-stream", api_key_env=None)
        assert not other.received
    assert [request.headers.get("api-key") for request in server.received] == [None, KEY, None]
    for request in server.received:
        assert "env" not in str(request.headers)
        assert request.path.endswith(f"?api-version={VERSION}")
        assert "authorization" not in request.headers


@pytest.mark.parametrize(
    "name", ["a/../../evil", "a?x=1", "a#b", "a%2e%2e%2fb", "a b", "é", "a\\b", "//evil.example/x"]
)
def test_a_deployment_cannot_lead_elsewhere(name: str, server: Loopback, ask: Callable[..., Outcome]) -> None:
    server.answer(json={})
    send(server.url, {}, azure=Azure(endpoint=server.url, deployment=name), api_version="1&x=2#")
    sent = urlsplit(server.received[0].path)
    folder, tail = sent.path.removeprefix("/openai/deployments/").split("/", 1)
    assert (unquote(folder), tail) == (name, "chat/completions")
    assert parse_qs(sent.query) == {"api-version": ["1&x=2#"]}
    for azure in ({"endpoint": server.url, "deployment": name}, {"endpoint": server.url, "deployment": ".."}):
        outcome = ask(None, azure=azure, api_version=VERSION)
        assert (outcome.code, len(server.received)) == (3, 1)
        assert "deployment" in outcome.err


def test_a_spec_that_breaks_a_rule_is_refused_before_anything_is_sent(
    server: Loopback, ask: Callable[..., Outcome]
) -> None:
    for fields, said in (
        ({"api_version": None}, f"api_version: {VERSION}"),
        ({"base_url": server.base_url}, "keep one of them"),
        ({"api": "responses", "azure": {"endpoint": server.url, "deployment": "other"}}, "model: other"),
        ({"azure": {"endpoint": f"{server.url}/openai"}}, f"write {server.url}"),
        ({"api_key_env": "sk-0123456789abcdefghijklmn"}, "name the variable"),
    ):
        outcome = ask(server.url, **fields)
        assert outcome.code == 3
        assert "models/mine.json:1:" in outcome.err
        assert said in outcome.err
        assert "sk-0123456789" not in outcome.err
    assert server.received == []


@pytest.mark.parametrize("legacy", [True, False])
def test_a_key_goes_to_a_resource_that_the_user_trusts(legacy: bool, ask: Callable[..., Outcome]) -> None:
    fields = {} if legacy else {"base_url": "https://fish.openai.azure.com/openai/v1"}
    at = "https://fish.openai.azure.com" if legacy else None
    refused = ask(at, **fields)
    assert refused.code == 6
    assert "AZURE_KEY" in refused.err
    assert "--trust-host fish.openai.azure.com" in refused.err
    owned = ask(at, "--trust-host", "fish.openai.azure.com", api_key_env="OPENAI_API_KEY", **fields)
    assert owned.code == 6
    assert "name a variable of its own" in owned.err


# What it answers


def test_a_stream_with_results_of_the_filter_is_read(
    server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    server.stream(streamed({"role": "assistant", "content": ""}, {"content": "A "}, {"content": "cod."}))
    assert ask(server.url).out == "A cod.\n"
    record = last(tmp_path)
    assert record.served_model == "gpt-6.2-sol"
    answer: Any = record.exchanges[0].response
    assert answer["prompt_filter_results"] == PROMPT_RESULTS
    assert answer["choices"][0]["content_filter_results"] == CLEAN


@pytest.mark.parametrize("how", ["streamed", "plain", "without a message", "streamed without words"])
def test_an_answer_that_the_filter_stops_is_blocked(
    how: str, server: Loopback, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    if how.startswith("streamed"):
        deltas = [{"role": "assistant", "content": "A "}] if how == "streamed" else []
        server.stream(streamed(*deltas, reason="content_filter", found=FOUND))
    else:
        message = {"role": "assistant", "content": "A "} if how == "plain" else None
        server.answer(json=completion(message, "content_filter", content_filter_results=FOUND))
    outcome = ask(server.url)
    record = last(tmp_path)
    assert record.response is not None
    assert record.error is not None
    assert (outcome.code, record.response.state, record.error.kind) == (4, "blocked", "safety")
    assert record.response.text == ("A " if how in ("streamed", "plain") else None)
    assert "filtered: violence" in outcome.err


REFUSED = {
    "a prompt that the filter stops": (
        400,
        {
            "message": "The response was filtered due to the prompt",
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FOUND},
        },
        (4, "safety", "change the words"),
    ),
    "a wrong key": (
        401,
        {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."},
        (4, "auth", "`api_key_env`"),
    ),
    "no such deployment": (
        404,
        {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."},
        (4, "not_found", "azure.deployment"),
    ),
    "too many": (
        429,
        {"code": "429", "message": "Requests have exceeded the token rate limit. Please retry after 7 seconds."},
        (5, "rate_limit", "--retries"),
    ),
}


@pytest.mark.parametrize(("status", "error", "told"), REFUSED.values(), ids=REFUSED)
def test_what_azure_refuses_is_told(
    status: int,
    error: Any,
    told: tuple[int, str, str],
    server: Loopback,
    ask: Callable[..., Outcome],
    tmp_path: Path,
) -> None:
    server.answer(status, json={"error": error}, headers={"apim-request-id": "apim-2", "Retry-After": "7"})
    outcome = ask(server.url)
    record = last(tmp_path)
    assert record.error is not None
    assert (outcome.code, record.error.kind) == told[:2]
    assert told[2] in (record.error.hint or "")
    assert (record.error.request_id, record.error.retry_after) == ("apim-2", 7.0)
    if status == 400:
        assert "(filtered: violence)" in outcome.err


def test_a_retry_waits_as_long_as_azure_asks(server: Loopback, ask: Callable[..., Outcome], tmp_path: Path) -> None:
    server.answer(429, json={"error": {"code": "429", "message": "slow"}}, headers={"retry-after-ms": "20"})
    server.answer(json=completion())
    assert ask(server.url, "--no-stream", "--retries", "1").code == 0
    first, second = last(tmp_path).exchanges[0].attempts
    assert (first.status, second.status, second.waited_ms) == (429, 200, 20)


# The same from a server that others wrote


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize(
    ("api", "path"),
    [
        ("chat", f"/openai/deployments/sol/chat/completions?api-version={VERSION}"),
        ("responses", f"/openai/responses?api-version={VERSION}"),
        ("chat", "/openai/v1/chat/completions"),
        ("responses", "/openai/v1/responses"),
    ],
    ids=["legacy chat", "legacy responses", "chat", "responses"],
)
def test_aimock_as_azure_answers(
    api: str, path: str, stream: bool, aimock: Aimock, ask: Callable[..., Outcome]
) -> None:
    options = () if stream else ("--no-stream",)
    undated = {"base_url": f"{aimock.url}/openai/v1"} if "?" not in path else {}
    outcome = ask(None if undated else aimock.url, *options, prompt="hello", api=api, **undated)
    assert (outcome.code, outcome.out) == (0, "Hello there, how are you today?\n")
    assert aimock.received()[-1]["path"] == path


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("words", ["forbidden", "stopped"])
def test_aimock_as_azure_filters(
    words: str, stream: bool, aimock: Aimock, ask: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome = ask(aimock.url, *([] if stream else ["--no-stream"]), prompt=words)
    response = last(tmp_path).response
    assert response is not None
    assert (outcome.code, response.state) == (4, "blocked")
