"""Who may be called with what, and for how long: decided from a model spec, the user's side and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plcli.connect import DEADLINE, RETRIES, TIMEOUT, Connection, Limits, connect
from plcli.environment import UserSide
from plcli.errors import OfflineError, SetupError
from plcli.providers.registry import PROVIDERS, Tap
from plcli.specs import ModelSpec


def to(
    provider: str = "openai", limits: Limits | None = None, user: Any = None, api: str | None = None, **fields: Any
) -> Connection:
    """The connection for a model spec with these fields, or for no model spec where there are none."""
    maker = PROVIDERS[provider]
    spec = {"kind": "model", "provider": provider, "model": "m", **fields}
    model = ModelSpec.model_validate(spec) if fields else None
    side = UserSide(**{"variables": {"OPENAI_API_KEY": "sk-own"}, "config": Path("config.toml"), **(user or {})})
    return connect(maker, api or maker.default_api("m"), model, side, limits or Limits())


def test_time_and_tries_are_the_command_lines_then_the_models_then_ours() -> None:
    def waits(connection: Connection) -> tuple[float, float, int]:
        return connection.timeout, connection.deadline, connection.retries

    own: dict[str, Any] = {"timeout": 5, "deadline": 50, "retries": 0}
    assert waits(to()) == (TIMEOUT, DEADLINE, RETRIES)
    assert waits(to(**own)) == (5, 50, 0)
    assert waits(to(limits=Limits(timeout=1, retries=9), **own)) == (1, 50, 9)
    assert waits(to("echo", Limits(deadline=2))) == (TIMEOUT, 2, RETRIES)


def test_a_call_knows_what_the_connection_knows() -> None:
    connection = to(base_url="http://127.0.0.1:1/v1", headers={"X-Team": "fish"}, stream={"usage": False}, timeout=3)
    call = connection.call(lambda digest: b"", Tap(), stream=False)
    assert (call.base_url, call.key, call.timeout) == ("http://127.0.0.1:1/v1", None, 3)
    assert (call.headers, call.stream, call.stream_usage) == ({"X-Team": "fish"}, False, False)


def test_the_own_key_stays_at_home() -> None:
    assert to().key == "sk-own"
    assert to().own_host
    foreign = to(base_url="https://gpu.example.com/v1")
    assert (foreign.key, foreign.own_host) == (None, False)
    assert "sk-own" not in repr(to())


def test_a_deployment_on_azure_is_by_default_named_like_the_model() -> None:
    def deployed(**azure: str) -> tuple[str | None, str | None]:
        stated: dict[str, Any] = {"endpoint": "https://fish.openai.azure.com", **azure}
        connection = to(azure=stated, api_version="2025-04-01-preview")
        assert connection.azure is not None
        return connection.azure.deployment, connection.base_url

    assert deployed() == ("m", "https://fish.openai.azure.com")
    assert deployed(deployment="sol", endpoint="https://FISH.openai.azure.com:443/") == (
        "sol",
        "https://fish.openai.azure.com",
    )


def test_azure_gets_a_key_that_the_model_names_from_a_user_who_trusts_the_host() -> None:
    fields: dict[str, Any] = {
        "azure": {"endpoint": "https://fish.openai.azure.com"},
        "api_version": "2025-04-01-preview",
        "api_key_env": "AZURE_KEY",
    }
    keys = {"OPENAI_API_KEY": "sk-own", "AZURE_KEY": "azure-key"}
    with pytest.raises(SetupError) as refused:
        to(user={"variables": keys}, **fields)
    assert "--trust-host fish.openai.azure.com" in (refused.value.hint or "")
    trusting = {"variables": keys, "trusted_hosts": frozenset({"fish.openai.azure.com"})}
    connection = to(user=trusting, **fields)
    assert connection.key == "azure-key"
    assert connection.secrets == {"azure-key"}


@pytest.mark.parametrize(
    ("provider", "cloud"),
    [("gemini", {"azure": {"endpoint": "https://x.example"}}), ("openai", {"vertex": {"project": "p"}})],
)
def test_a_cloud_that_the_provider_is_not_in_is_refused(provider: str, cloud: dict[str, Any]) -> None:
    with pytest.raises(SetupError) as refused:
        to(provider, api="chat" if provider == "openai" else None, **cloud)
    assert "write provider:" in (refused.value.hint or "")


def test_offline_allows_the_echo_alone() -> None:
    offline = {"offline": True}
    assert to("echo", user=offline).provider.local
    with pytest.raises(OfflineError):
        to(user=offline)
