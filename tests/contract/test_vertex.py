"""Gemini on Vertex: addresses, tokens, and Google's application default credentials, at loopback servers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plcli.errors import PlcliError, SetupError
from plcli.failures import CallFailed
from plcli.providers import gemini_client, gemini_listing, google_credentials
from plcli.providers.registry import Listing, vertex_site
from plcli.specs import Vertex
from tests.support.calls import ask, call
from tests.support.cli import Cli, Process
from tests.support.loopback import Loopback

HOME = Vertex(project="my-project", location="europe-west4")
AT = "/v1beta1/projects/my-project/locations/europe-west4"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The file that GOOGLE_APPLICATION_CREDENTIALS names; it is not there yet, and nothing else is found."""
    path = tmp_path / "credentials.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("PATH", "")
    google_credentials._found.cache_clear()
    yield path
    google_credentials._found.cache_clear()


@pytest.fixture(scope="module")
def private_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def tokens(credentials: Path, private_key: str) -> Iterator[Loopback]:
    """The server of tokens of a service account whose file stands where it is looked for."""
    with Loopback() as server:
        account = {
            "type": "service_account",
            "project_id": "other-project",
            "private_key_id": "1",
            "private_key": private_key,
            "client_email": "me@my-project.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{server.url}/token",
        }
        credentials.write_text(json.dumps(account))
        yield server


def grant(token: str, seconds: int = 3600) -> dict[str, Any]:
    return {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}


def sent(server: Loopback) -> list[tuple[str | None, str | None]]:
    """The authorization and the key of each request."""
    return [(r.headers.get("authorization"), r.headers.get("x-goog-api-key")) for r in server.received]


def model(name: str, **fields: Any) -> None:
    """A model spec in the workspace of the current folder."""
    Path("models").mkdir(exist_ok=True)
    spec = {"kind": "model", "provider": "gemini", "model": "m", "retries": 0, "vertex": {"project": "my-project"}}
    Path("models", f"{name}.json").write_text(json.dumps({**spec, **fields}))


# Addresses, and keys that are named


@pytest.mark.parametrize(
    ("vertex", "model", "settings", "path"),
    [
        (HOME, "gemini-3.8-flash", {}, f"{AT}/publishers/google/models/gemini-3.8-flash"),
        (HOME, "meta/llama-4", {}, f"{AT}/publishers/meta/models/llama-4"),
        (HOME, "publishers/anthropic/models/c@1", {}, f"{AT}/publishers/anthropic/models/c@1"),
        (HOME, "projects/p/locations/l/endpoints/123", {}, "/v1beta1/projects/p/locations/l/endpoints/123"),
        (HOME, "m", {"api_version": "v1"}, f"{AT.replace('v1beta1', 'v1')}/publishers/google/models/m"),
        (HOME, "m", {"api_version": ""}, f"{AT.replace('/v1beta1', '')}/publishers/google/models/m"),
        (Vertex(project="p"), "m", {}, "/v1beta1/projects/p/locations/global/publishers/google/models/m"),
        (Vertex(project="a.com:p"), "m", {}, "/v1beta1/projects/a.com:p/locations/global/publishers/google/models/m"),
        (Vertex(), "m", {}, "/v1beta1/publishers/google/models/m"),
        (Vertex(location="us"), "m", {}, "/v1beta1/publishers/google/models/m"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_the_path_names_project_location_and_publisher(
    server: Loopback, vertex: Vertex, model: str, settings: dict[str, str], path: str, stream: bool
) -> None:
    server.answer(json={"ok": 1})
    events = ask(server, {"a": None}, model, vertex=vertex, stream=stream, **settings)
    assert events[0].data == {"ok": 1}
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert server.received[0].path == f"{path}:{verb}"
    assert server.received[0].body == b'{"a":null}'


ENVIRONMENT = {
    "GOOGLE_API_KEY": "environment",
    "GEMINI_API_KEY": "environment",
    "GOOGLE_CLOUD_PROJECT": "environment",
    "GOOGLE_CLOUD_LOCATION": "environment",
    "GOOGLE_VERTEX_BASE_URL": "http://127.0.0.1:1",
    "GOOGLE_GENAI_API_VERSION": "v9",
    "GOOGLE_GENAI_USE_VERTEXAI": "false",
    "GOOGLE_GENAI_CLIENT_MODE": "replay",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": "true",
    "GOOGLE_API_USE_MTLS_ENDPOINT": "always",
}


@pytest.mark.parametrize(
    "variables", [{}, *({name: value} for name, value in ENVIRONMENT.items()), ENVIRONMENT], ids=str
)
def test_a_key_is_a_token_in_a_project_and_an_api_key_without_one(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    gemini_client._head.cache_clear()
    server.answer(json={})
    for vertex in (HOME, Vertex()):
        ask(server, {}, vertex=vertex, key="secret", ambient=True)
        ask(server, {}, vertex=vertex, key=None)
    assert sent(server) == [("Bearer secret", None), (None, None), (None, "secret"), (None, None)]
    assert "environment" not in str(server.received)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_the_host_is_the_one_of_the_location_whatever_the_environment_asks(
    location: str | None, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "always")
    base_url = str(vertex_site(Vertex(location=location)).base_url)
    asked = gemini_client._Asked("get", "m", base_url, "v1", Vertex(project="p", location=location), None)
    assert gemini_client._head(asked).url == f"https://{host}/v1/publishers/google/models/m"


@pytest.mark.parametrize(
    ("vertex", "said"),
    [
        (Vertex(project="a/../b"), "vertex.project"),
        (Vertex(project=""), "vertex.project"),
        (Vertex(project="a?b"), "vertex.project"),
        (Vertex(project="p", location="a/b"), "vertex.location"),
        (Vertex(location="evil.example/"), "vertex.location"),
    ],
)
def test_no_project_and_no_location_leads_elsewhere(server: Loopback, vertex: Vertex, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        ask(server, {}, vertex=vertex)
    assert not server.received


def test_a_model_is_looked_up_at_its_publisher(server: Loopback) -> None:
    server.answer(json={"name": "publishers/google/models/m"})
    assert gemini_listing.look_up("m", call(server.url, vertex=HOME, key="secret")) == Listing(True)
    assert (server.received[0].method, server.received[0].path) == ("GET", "/v1beta1/publishers/google/models/m")
    assert sent(server) == [("Bearer secret", None)]


# Application default credentials


def test_a_service_account_gets_one_token_for_all_calls(server: Loopback, tokens: Loopback) -> None:
    tokens.answer(json=grant("ya29.first"))
    server.answer(json={})
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: ask(server, {}, vertex=HOME, key=None, ambient=True), range(16)))
    assert set(sent(server)) == {("Bearer ya29.first", None)}
    (request,) = tokens.received
    assert (request.method, request.path) == ("POST", "/token")
    assert b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" in request.body


def test_a_token_that_ended_is_asked_for_again(server: Loopback, tokens: Loopback) -> None:
    tokens.answer(json=grant("ya29.first", seconds=1))
    tokens.answer(json=grant("ya29.second"))
    server.answer(json={})
    for _ in range(3):
        ask(server, {}, vertex=HOME, key=None, ambient=True)
    assert [authorization for authorization, _ in sent(server)] == [
        "Bearer ya29.first", "Bearer ya29.second", "Bearer ya29.second",
    ]  # fmt: skip


def test_the_quota_project_of_the_credentials_goes_along(
    server: Loopback, tokens: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer")
    tokens.answer(json=grant("ya29.first"))
    server.answer(json={})
    ask(server, {}, vertex=HOME, key=None, ambient=True)
    assert server.received[0].headers["x-goog-user-project"] == "payer"


def test_without_leave_no_credentials_are_looked_for(server: Loopback, tokens: Loopback) -> None:
    server.answer(json={})
    ask(server, {}, vertex=HOME, key=None, ambient=False)
    assert sent(server) == [(None, None)]
    assert not tokens.received


def refused(server: Loopback, **settings: Any) -> PlcliError:
    with pytest.raises(PlcliError) as caught:
        ask(server, {}, **{"vertex": HOME, "key": None, "ambient": True, **settings})
    assert not server.received
    return caught.value


def test_a_refused_account_is_a_matter_of_setup_and_no_secret_is_shown(server: Loopback, tokens: Loopback) -> None:
    tokens.answer(400, json={"error": "invalid_grant", "error_description": "assertion=SECRET"})
    error = refused(server)
    assert isinstance(error, SetupError)
    assert "invalid_grant" in error.message
    assert "SECRET" not in error.message
    assert "gcloud auth application-default login" in (error.hint or "")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"access_token": 7}', b"[" * 100_000])
def test_a_server_of_tokens_that_says_anything_else_is_told(server: Loopback, tokens: Loopback, body: bytes) -> None:
    tokens.answer(body=body, type="application/json")
    assert isinstance(refused(server), SetupError)


def test_a_server_of_tokens_that_is_down_may_be_asked_again(
    server: Loopback, tokens: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # google-auth asks again by itself
    tokens.answer(503, json={"error": "temporarily_unavailable"})
    error = refused(server)
    assert isinstance(error, CallFailed)
    assert (error.failure.kind, error.retryable) == ("server", True)


def test_a_server_of_tokens_that_hangs_ends_at_the_deadline(server: Loopback, tokens: Loopback) -> None:
    tokens.hang()
    started = time.monotonic()
    error = refused(server, deadline=started + 0.3)
    assert isinstance(error, CallFailed)
    assert time.monotonic() - started < 5


def test_missing_credentials_say_what_to_type(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "credentials.json" in refused(server).message
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    error = refused(server)
    assert isinstance(error, SetupError)
    assert "gcloud auth application-default login" in (error.hint or "")
    assert "vertex" in (refused(server, vertex=Vertex()).hint or "")


def test_credentials_that_are_missing_are_looked_for_once(
    server: Loopback, plcli_process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(404)
    model("home")
    place = server.url.removeprefix("http://")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("NO_GCE_CHECK", "")
    several = ("--repeat", "3", "--jobs", "3")
    outcome = plcli_process(
        "run", "--prompt", "hi", "--model", "home", *several, GCE_METADATA_HOST=place, GCE_METADATA_IP=place
    )
    assert outcome.code == 6
    assert "no Google credentials" in outcome.err
    assert len(server.received) == 1


FILES = [
    "", "{", "[]", "7", "null", '"x"', "{}", '{"type": 7}', '{"type": "x"}', '{"type": "service_account"}',
    '{"type": "authorized_user", "refresh_token": "SECRET"}', '{"type": "external_account"}', "\0" * 99,
    '{"type": "service_account", "client_email": "a", "token_uri": "b", "private_key": "SECRET"}', "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", FILES, ids=lambda text: text[:60])
def test_a_file_that_holds_no_credentials_is_told_without_what_it_holds(
    server: Loopback, credentials: Path, text: str
) -> None:
    credentials.write_text(text)
    error = refused(server)
    assert isinstance(error, SetupError)
    assert "SECRET" not in error.message


def test_a_login_of_gcloud_is_used_and_google_auth_says_nothing(
    server: Loopback, credentials: Path, plcli_process: Process
) -> None:
    login = {
        "type": "authorized_user",
        "client_id": "764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com",
        "client_secret": "d-FL95Q19q7MQmFpd7hHD0Ty",
        "refresh_token": "SECRET",
    }
    credentials.write_text(json.dumps(login))
    # Its server of tokens is always Google's own, to which no proxy leads here.
    with Loopback() as proxy:
        model("home")
        environ = {"HTTPS_PROXY": proxy.url, "GOOGLE_VERTEX_BASE_URL": server.url}
        outcome = plcli_process("run", "--prompt", "hi", "--model", "home", "--no-log", **environ)
        assert proxy.connections
    assert outcome.code == 5, outcome.err
    assert outcome.err.partition("\n")[2] == (
        "error: Google's server of tokens gives no answer\nhint: is the network up?\n"
    )


# From the command line

TOKEN = "ya29." + "a" * 40


def run(cli: Cli, name: str, *options: str) -> tuple[int, str]:
    outcome = cli("run", "--prompt", "hi", "--model", name, *options)
    return outcome.code, outcome.err


OK = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}]}


def test_the_credentials_go_to_the_gateway_of_the_environment_and_to_no_address_of_a_spec(
    server: Loopback, tokens: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens.answer(json=grant(TOKEN))
    server.answer(json=OK)
    model("spec", base_url=server.url)
    code, said = run(cli, "spec", "--verbose")
    assert code == 0
    assert "without a key" in said
    assert not tokens.received
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
    model("home")
    code, said = run(cli, "home", "--verbose")
    assert code == 0
    assert "with the cloud's own credentials" in said
    assert sent(server) == [(None, None), (f"Bearer {TOKEN}", None)]
    assert "store" not in server.received[1].json
    path = "/v1beta1/projects/my-project/locations/global/publishers/google/models/m:streamGenerateContent?alt=sse"
    assert {request.path for request in server.received} == {path}


def test_a_variable_that_the_spec_names_holds_a_token(
    server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEX_TOKEN", "secret")
    server.answer(json=OK)
    model("named", base_url=server.url, api_key_env="VERTEX_TOKEN")
    model("express", base_url=server.url, api_key_env="VERTEX_TOKEN", vertex={})
    assert [run(cli, name)[0] for name in ("named", "express")] == [0, 0]
    assert sent(server) == [("Bearer secret", None), (None, "secret")]


def test_missing_credentials_end_the_run_before_it_connects(
    server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
    model("home")
    code, said = run(cli, "home")
    assert code == 6
    assert "gcloud auth application-default login" in said
    assert "Traceback" not in said
    assert not server.received


def test_a_token_that_a_server_repeats_is_neither_shown_nor_logged(
    server: Loopback, tokens: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
    tokens.answer(json=grant(TOKEN))
    server.answer(401, json={"error": {"code": 401, "message": f"no: {TOKEN}", "status": "UNAUTHENTICATED"}})
    model("home")
    code, said = run(cli, "home")
    assert code == 4
    assert TOKEN not in said + Path("runs.jsonl").read_text()
