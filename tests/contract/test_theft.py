"""Tries to steal a key: by a spec, a model, `plcli.toml`, `.env`, a redirect, a header, an echo of the server.

The thief writes everything in the repository; the user's side is the environment and the command line.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.cli import Cli, Outcome
from tests.support.loopback import Loopback, Received
from tests.support.openai_streams import responses_events

KEY = "sk-canary-4f9d2c7b8a1e6053"
OTHER = "other-canary-77aa55cc33ee11bb"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("DEPLOY_TOKEN", OTHER)


@pytest.fixture
def thief() -> Iterator[Loopback]:
    with Loopback() as server:
        server.answer(json={"error": "no"}, status=400)
        yield server


def model(here: Path, **fields: object) -> None:
    (here / "models").mkdir(exist_ok=True)
    (here / "models" / "m.json").write_text(json.dumps({"kind": "model", "provider": "openai", "model": "m", **fields}))


def heard(received: list[Received], *secrets: str) -> bool:
    """Whether any spelling of a secret reached a server."""
    text = "\n".join(f"{each.path}\n{each.headers}\n{each.body!r}" for each in received)
    return any(form in text for secret in secrets for form in (secret, base64.b64encode(secret.encode()).decode()))


def left(here: Path, outcome: Outcome) -> str:
    """Everything that a run left behind: on the screen and on the disk."""
    files = [path for path in here.rglob("*") if path.is_file() and path.name not in ("m.json", ".env", "hi.json")]
    return outcome.out + outcome.err + "".join(path.read_bytes().decode("latin-1") for path in files)


def run(cli: Cli, *options: str) -> Outcome:
    return cli("run", "--prompt", "hi", "--model", "m", "--no-stream", "--retries", "0", *options)


@pytest.mark.parametrize("variable", [None, "OPENAI_API_KEY", "DEPLOY_TOKEN"])
def test_a_model_spec_cannot_send_a_key_to_a_host_of_its_choice(variable: str | None, tmp_path: Path, cli: Cli) -> None:
    named = {"api_key_env": variable} if variable else {}
    model(tmp_path, base_url="https://thief.invalid/v1", **named)
    outcome = run(cli)
    assert outcome.code == (5 if variable is None else 6)
    if variable:
        assert "thief.invalid" in outcome.err
        assert variable in outcome.err
        assert "hint:" in outcome.err


def test_loopback_gets_a_dummy_and_never_the_providers_own_key(tmp_path: Path, thief: Loopback, cli: Cli) -> None:
    model(tmp_path, base_url=thief.base_url)
    run(cli)
    assert len(thief.received) == 1
    assert not heard(thief.received, KEY, OTHER)


def test_loopback_gets_the_variable_that_the_model_names(tmp_path: Path, thief: Loopback, cli: Cli) -> None:
    model(tmp_path, base_url=thief.base_url, api_key_env="DEPLOY_TOKEN")
    outcome = run(cli)
    assert thief.received[0].headers["authorization"] == f"Bearer {OTHER}"
    assert OTHER not in left(tmp_path, outcome)


def test_the_environment_may_name_a_gateway_for_the_key(
    tmp_path: Path, thief: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", thief.base_url)
    outcome = cli("run", "--prompt", "hi", "--model", "openai/m", "--retries", "0")
    assert thief.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in left(tmp_path, outcome)


def test_dotenv_cannot_name_a_gateway_or_a_proxy(tmp_path: Path, thief: Loopback, cli: Cli) -> None:
    lines = (f"{name}={thief.base_url}" for name in ("OPENAI_BASE_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"))
    trust = ("PLCLI_TRUST_HOSTS=thief.invalid", "PLCLI_HEADER_VARS=DEPLOY_TOKEN", "OPENAI_CUSTOM_HEADERS=x: y")
    (tmp_path / ".env").write_text("\n".join((*lines, *trust)))
    model(tmp_path, base_url="https://thief.invalid/v1", api_key_env="DEPLOY_TOKEN")
    outcome = run(cli)
    assert outcome.code == 6
    assert "OPENAI_BASE_URL" in outcome.err
    assert thief.received == []


def test_dotenv_gives_a_key_but_does_not_replace_one(
    tmp_path: Path, thief: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("DEPLOY_TOKEN=from-the-file-123456\nMY_KEY=also-from-the-file-123456\n")
    model(tmp_path, base_url=thief.base_url, api_key_env="DEPLOY_TOKEN")
    run(cli)
    model(tmp_path, base_url=thief.base_url, api_key_env="MY_KEY")
    outcome = run(cli)
    sent = [each.headers["authorization"] for each in thief.received]
    assert sent == [f"Bearer {OTHER}", "Bearer also-from-the-file-123456"]
    assert "also-from-the-file" not in left(tmp_path, outcome)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_carries_nothing_away(
    status: int, tmp_path: Path, server: Loopback, thief: Loopback, cli: Cli
) -> None:
    server.redirect(f"{thief.url}/steal", status)
    model(tmp_path, base_url=server.base_url, api_key_env="DEPLOY_TOKEN")
    assert run(cli).code == 5
    assert thief.received == []


def test_a_header_is_filled_only_from_variables_that_the_user_lists(
    tmp_path: Path, thief: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    model(tmp_path, base_url=thief.base_url, headers={"X-Token": "t ${DEPLOY_TOKEN}"})
    refused = run(cli)
    assert refused.code == 6
    assert "DEPLOY_TOKEN" in refused.err
    assert thief.received == []
    monkeypatch.setenv("PLCLI_HEADER_VARS", "DEPLOY_TOKEN OPENAI_API_KEY")
    allowed = run(cli)
    assert thief.received[0].headers["x-token"] == f"t {OTHER}"
    assert OTHER not in left(tmp_path, allowed)
    model(tmp_path, base_url=thief.base_url, headers={"X-Token": "${OPENAI_API_KEY}"})
    assert run(cli).code == 6


def test_a_tool_of_the_provider_is_filled_only_for_a_trusted_server(
    tmp_path: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLCLI_HEADER_VARS", "DEPLOY_TOKEN")
    server.answer(status=400, json={"error": {"message": "no"}})
    model(tmp_path, base_url=server.base_url)
    tool = {
        "type": "mcp",
        "server_label": "x",
        "server_url": "https://mcp.example.com/",
        "headers": {"Authorization": "Bearer ${DEPLOY_TOKEN}"},
    }
    (tmp_path / "hi.json").write_text(json.dumps({"kind": "request", "model": "m", "prompt": "hi", "tools": [tool]}))
    assert cli("run", "hi.json").code == 6
    assert server.received == []
    outcome = cli("run", "hi.json", "--trust-host", "mcp.example.com")
    assert server.received[0].json["tools"][0]["headers"]["Authorization"] == f"Bearer {OTHER}"
    assert OTHER not in left(tmp_path, outcome)


@pytest.mark.parametrize(
    "name", ["OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "GOOGLE_GENAI_CLIENT_MODE"]
)
def test_variables_of_the_sdks_do_not_act_behind_the_users_back(
    name: str, tmp_path: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "X-Sneaky: sneaky-value")
    server.answer(status=400, json={"error": {"message": "no"}})
    model(tmp_path, base_url=server.base_url)
    run(cli)
    assert len(server.received) == 1
    assert "sneaky" not in str(server.received[0].headers).lower()


@pytest.mark.parametrize(
    "source", ["../outside.txt", "/etc/passwd", ".env", "sub/../.env", ".git/config", "runs.jsonl", "link.txt"]
)
def test_a_spec_cannot_read_what_is_not_its_own(source: str, tmp_path: Path, cli: Cli) -> None:
    here = tmp_path / "repo"
    (here / ".git").mkdir(parents=True)
    for path in (tmp_path / "outside.txt", here / ".env", here / ".git" / "config", here / "runs.jsonl"):
        path.write_text(OTHER)
    (here / "link.txt").symlink_to(tmp_path / "outside.txt")
    spec = {"kind": "request", "model": "echo/any", "messages": [{"role": "user", "content": {"file": source}}]}
    (here / "hi.json").write_text(json.dumps(spec))
    outcome = cli("run", str(here / "hi.json"), "--workspace", str(here))
    assert outcome.code == 3
    assert OTHER not in outcome.out + outcome.err


@pytest.mark.parametrize(
    "spell", [str, quote, lambda key: base64.b64encode(key.encode()).decode(), lambda key: f"a{key}b"]
)
def test_a_server_that_echoes_the_key_does_not_get_it_onto_screen_or_disk(
    spell: object, tmp_path: Path, server: Loopback, cli: Cli
) -> None:
    said = spell(OTHER)  # type: ignore[operator]
    model(tmp_path, base_url=server.base_url, api_key_env="DEPLOY_TOKEN")
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"key {said}!"}]}
    body = {"id": "r", "status": "completed", "model": said, "output": [message]}
    server.stream(responses_events(body, 1), headers={"x-request-id": said})
    server.answer(status=400, json={"error": {"message": f"bad key {said}", "code": said}}, headers={"server": said})
    server.answer(json=body)
    server.answer(body=said.encode(), type="text/html")
    for options in ((), (), ("--no-stream",), ("--format", "json"), ("-v",)):
        outcome = cli("run", "--prompt", "hi", "--model", "m", "--retries", "0", *options)
        assert said not in left(tmp_path, outcome)
        assert OTHER not in left(tmp_path, outcome)
    assert OTHER not in cli("log", "show", "last~1", "--wire").out


def test_a_key_in_what_is_asked_does_not_reach_the_log(tmp_path: Path, server: Loopback, cli: Cli) -> None:
    server.answer(json={"id": "r", "status": "completed", "output": []})
    model(tmp_path, base_url=server.base_url)
    (tmp_path / "note.txt").write_text(f"the token is {OTHER}")
    spec = {
        "kind": "request",
        "model": "m",
        "messages": [{"role": "user", "content": {"file": "note.txt"}}],
        "variables": {"x": {"type": "string", "default": OTHER}},
        "body": {"metadata": {OTHER: "a", "b": OTHER}},
        "tags": [OTHER],
        "metadata": {"m": OTHER},
    }
    (tmp_path / "hi.json").write_text(json.dumps(spec))
    outcome = cli("run", "hi.json", "--tag", OTHER, "--var", f"y={OTHER}")
    assert heard(server.received, OTHER)  # what the user's own file says is sent
    (tmp_path / "note.txt").unlink()
    assert OTHER not in left(tmp_path, outcome)


def test_credentials_in_a_url_are_refused_unseen(tmp_path: Path, cli: Cli) -> None:
    model(tmp_path, base_url=f"https://user:{OTHER}@thief.invalid/v1")
    outcome = run(cli)
    assert outcome.code == 3
    assert OTHER not in left(tmp_path, outcome)


# The other doors: Gemini, Vertex, Azure, and commands that only ask about a model

CANARIES = {
    "GEMINI_API_KEY": "AIza-canary-gemini-0011223344556677889900",
    "GOOGLE_API_KEY": "AIza-canary-google-0011223344556677889900",
    "AZURE_OPENAI_API_KEY": "canary-azure-00112233445566",
    "AZURE_OPENAI_AD_TOKEN": "canary-entra-00112233445566",
    "OPENAI_ADMIN_KEY": "canary-admin-00112233445566",
    "OPENAI_API_KEY": KEY,
}
COMMANDS = [("run", "--prompt", "hi", "--model", "m", "--no-log"), ("models", "check", "m", "--send")]


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A key in every variable that an SDK looks into, and Google's credentials, whose use would be seen."""
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    with Loopback() as tokens:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "account.json")
        login = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": OTHER}
        Path("account.json").write_text(json.dumps({**login, "token_uri": f"{tokens.url}/token"}))
        yield list(CANARIES.values())
        assert not tokens.received


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    "door",
    [
        {"provider": "gemini"},
        {"provider": "gemini", "vertex": {"project": "p"}},
        {"provider": "openai"},
        {"provider": "openai", "azure": {}, "api": "chat", "api_version": "2025-04-01-preview"},
    ],
    ids=str,
)
def test_no_door_carries_a_key_to_an_address_of_a_spec(
    door: dict[str, object], command: tuple[str, ...], canaries: list[str], tmp_path: Path, thief: Loopback, cli: Cli
) -> None:
    azure = "azure" in door
    place = {"azure": {"endpoint": thief.url}} if azure else {"base_url": thief.url}
    model(tmp_path, retries=0, **{**door, **place})
    cli(*command)
    assert thief.received
    assert not heard(thief.received, *canaries, OTHER)
    for each in thief.received:
        assert not each.headers.keys() & {"authorization", "api-key", "x-goog-api-key", "x-goog-user-project"}
    count = len(thief.received)
    for variable in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY"):
        model(tmp_path, retries=0, api_key_env=variable, **{**door, **place})
        assert cli(*command).code == 6
        model(tmp_path, retries=0, headers={"X-Key": f"${{{variable}}}"}, **{**door, **place})
        assert cli(*command).code == 6
    assert len(thief.received) == count


def test_dotenv_cannot_put_another_account_in_place_of_the_users(
    tmp_path: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(status=400, json={"error": {"message": "no"}})
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    monkeypatch.setenv("GEMINI_API_KEY", CANARIES["GEMINI_API_KEY"])
    # The name that comes first, and whose owner could read what is asked in the name of that key.
    (tmp_path / ".env").write_text("GOOGLE_API_KEY=AIza-of-the-thief-00112233445566778899\n")
    cli("run", "--prompt", "hi", "--model", "gemini/m", "--no-log")
    assert server.received[0].headers["x-goog-api-key"] == CANARIES["GEMINI_API_KEY"]
    monkeypatch.delenv("GEMINI_API_KEY")
    cli("run", "--prompt", "hi", "--model", "gemini/m", "--no-log")
    assert "thief" in server.received[1].headers["x-goog-api-key"]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"])
@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_a_spec_cannot_make_a_call_do_something_else(
    provider: str, name: str, tmp_path: Path, thief: Loopback, cli: Cli
) -> None:
    model(tmp_path, provider=provider, base_url=thief.base_url, headers={name: "DELETE"})
    assert run(cli).code == 3
    assert cli("models", "check", "m").code == 3
    assert not thief.received


def test_many_calls_at_once_keep_their_keys_and_headers_apart(
    tmp_path: Path, server: Loopback, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(status=400, json={"error": {"message": "no"}})
    doors: dict[str, dict[str, object]] = {
        "gemini": {"provider": "gemini", "base_url": server.url},
        "vertex": {"provider": "gemini", "base_url": server.url, "vertex": {"project": "p"}},
        "openai": {"provider": "openai", "base_url": server.base_url},
        "azure": {"provider": "openai", "azure": {"endpoint": server.url}, "api": "chat", "api_version": "v"},
    }
    places = {"gemini": "x-goog-api-key", "vertex": "authorization", "openai": "authorization", "azure": "api-key"}
    (tmp_path / "models").mkdir()
    names = []
    for door, fields in doors.items():
        for number in "0123":
            name = f"{door}-{number}"
            own = {"api_key_env": f"KEY_{number}"} if number != "0" else {}
            monkeypatch.setenv(f"KEY_{number}", f"canary-number-{number}")
            spec = {"kind": "model", "model": "m", "retries": 0, "headers": {"X-Me": name}, **own, **fields}
            (tmp_path / "models" / f"{name}.json").write_text(json.dumps(spec))
            names += ["--model", name]
    cli("run", "--prompt", "hi", "--repeat", "4", "--jobs", "16", "--no-log", *names)
    assert len(server.received) == 4 * 4 * 4
    for each in server.received:
        door, _, number = each.headers["x-me"].partition("-")
        sent = {place: each.headers[place] for place in set(places.values()) if place in each.headers}
        bearer = "Bearer " if places[door] == "authorization" else ""
        assert sent == ({places[door]: f"{bearer}canary-number-{number}"} if number != "0" else {})


@pytest.mark.parametrize("spell", [str, quote, lambda key: base64.b64encode(key.encode()).decode()])
def test_a_gemini_server_that_echoes_the_key_does_not_get_it_onto_screen_or_disk(
    spell: object, tmp_path: Path, server: Loopback, cli: Cli
) -> None:
    said = spell(OTHER)  # type: ignore[operator]
    model(tmp_path, provider="gemini", base_url=server.url, api_key_env="DEPLOY_TOKEN")

    def answer(*texts: str) -> dict[str, object]:
        parts: list[object] = [{"text": text} for text in texts]
        parts.append({"functionCall": {"name": said, "id": said, "args": {said: said}}})
        candidate = {"content": {"parts": parts}, "finishReason": "STOP", "groundingMetadata": {"x": said}}
        return {"candidates": [candidate], "modelVersion": said, "responseId": said}

    failure = {"code": 400, "message": f"bad key {said}", "status": said, "details": [{"reason": said}]}
    server.stream([answer(said[:9]), answer(said[9:])], headers={"server": said})
    server.answer(status=400, json={"error": failure})
    server.answer(json=answer(said))
    server.answer(json={"candidates": [], "promptFeedback": {"blockReason": said, "blockReasonMessage": said}})
    server.answer(body=said.encode(), type="text/html")
    server.answer(json={"name": f"models/{said}"})
    for options in ((), ("--traceback",), ("--no-stream",), ("--format", "json"), ("-v",)):
        outcome = cli("run", "--prompt", "hi", "--model", "m", "--retries", "0", *options)
        assert said not in left(tmp_path, outcome)
        assert OTHER not in left(tmp_path, outcome)
    assert said not in left(tmp_path, cli("models", "check", "m"))
    server.forget()
    server.answer(json=answer(said))
    assert said not in left(tmp_path, cli("run", "--prompt", "hi", "--model", "m", "--model", "echo/any"))
