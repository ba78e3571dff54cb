"""Which host gets which credential. The specs in here are written by someone who wants the keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plcli.environment import UserSide
from plcli.errors import Exit, OfflineError, SetupError
from plcli.headers import complaint
from plcli.providers.registry import PROVIDERS, Provider
from plcli.trust import Access, allow_connection, decide, fill_body, fill_headers, own_host

OPENAI = PROVIDERS["openai"]
OWN = "https://api.openai.com/v1"


def side(
    variables: Mapping[str, str] = {"OPENAI_API_KEY": "sk-own"},
    hosts: tuple[str, ...] = (),
    headers: tuple[str, ...] = (),
    keys: Mapping[str, str] = {},
) -> UserSide:
    return UserSide(
        dict(variables), Path("config.toml"), frozenset(hosts), header_names=frozenset(headers), keys=dict(keys)
    )


def test_the_own_key_goes_to_the_own_host() -> None:
    access = decide(OPENAI, None, None, side())
    assert access == Access(OWN, "https://api.openai.com:443", "sk-own", "OPENAI_API_KEY", trusted=True)
    assert own_host(OPENAI, access)
    assert "sk-own" not in repr(access)


@pytest.mark.parametrize("host", ["us.api.openai.com", "EU.api.openai.com", "api.openai.com:443"])
def test_the_own_key_goes_to_every_own_host(host: str) -> None:
    assert decide(OPENAI, f"https://{host}/v1", None, side()).key == "sk-own"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://evil.api.openai.com/v1",
        "https://api.openai.com.evil.example/v1",
        "https://evilapi.openai.com",
        "https://openai.com/v1",
        "https://res.openai.azure.com/openai/v1",
        "http://localhost:8000",
    ],
)
def test_no_other_address_gets_the_own_key(base_url: str) -> None:
    access = decide(OPENAI, base_url, None, side(hosts=("evil.api.openai.com",)))
    assert (access.key, access.variable) == (None, None)
    assert not own_host(OPENAI, access)
    with pytest.raises(SetupError, match="OPENAI_API_KEY is a key of openai and does not go to"):
        decide(OPENAI, base_url, "OPENAI_API_KEY", side(hosts=("evil.api.openai.com", "localhost:8000")))


@pytest.mark.parametrize(
    "base_url", ["https://api.openai.com@evil.example", "https://api.openai.com.", "file:///x", "http://127.1", ""]
)
def test_an_address_that_could_be_misread_is_refused(base_url: str) -> None:
    with pytest.raises(SetupError) as caught:
        decide(OPENAI, base_url, None, side())
    assert caught.value.exit is Exit.SETUP
    assert caught.value.hint


def test_a_refused_address_is_not_shown_for_it_may_hold_a_password() -> None:
    with pytest.raises(SetupError) as caught:
        decide(OPENAI, "https://me:hunter2@gateway.example", None, side())
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("variable", ["GEMINI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY"])
def test_keys_of_others_go_nowhere_else_even_where_the_host_is_trusted(variable: str) -> None:
    user = side({variable: "secret"}, hosts=("gpu.example",))
    for base_url in (None, "https://gpu.example", "http://localhost:1"):
        with pytest.raises(SetupError, match=variable):
            decide(OPENAI, base_url, variable, user)


def test_another_providers_key_goes_to_that_providers_host() -> None:
    base_url = "https://generativelanguage.googleapis.com/v1beta/openai/"
    access = decide(OPENAI, base_url, "GEMINI_API_KEY", side({"GEMINI_API_KEY": "AIza"}))
    assert access.key == "AIza"


def test_a_gateway_of_the_process_environment_gets_the_own_key() -> None:
    user = side({"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": "https://gateway.example/team/v1/"})
    for base_url in (None, "https://gateway.example/team/v1"):
        access = decide(OPENAI, base_url, None, user)
        assert (access.base_url, access.key) == ("https://gateway.example/team/v1", "sk-own")
        assert not own_host(OPENAI, access)
    for base_url in ("https://gateway.example/other", "https://gateway.example", "http://gateway.example/team/v1"):
        assert decide(OPENAI, base_url, None, user).key is None


def test_a_gateway_in_dotenv_is_none() -> None:
    user = side(keys={"OPENAI_BASE_URL": "https://evil.example", "OPENAI_API_KEY": "theirs"})
    assert decide(OPENAI, None, None, user).base_url == OWN


def test_a_gateway_without_a_key_is_called_without_one() -> None:
    access = decide(OPENAI, None, None, side({"OPENAI_BASE_URL": "https://gateway.example"}))
    assert (access.key, access.trusted) == (None, True)


def test_a_gateway_over_plain_http_needs_trust_too() -> None:
    variables = {"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": "http://gateway.example:8080"}
    with pytest.raises(SetupError) as caught:
        decide(OPENAI, None, None, side(variables))
    assert caught.value.hint is not None
    assert "--trust-host gateway.example:8080" in caught.value.hint
    assert decide(OPENAI, None, None, side(variables, hosts=("gateway.example:8080",))).key == "sk-own"


def test_a_loopback_gateway_gets_the_own_key() -> None:
    user = side({"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": "http://127.0.0.1:9"})
    assert decide(OPENAI, None, None, user).key == "sk-own"


def test_a_malformed_gateway_is_named_by_its_variable() -> None:
    with pytest.raises(SetupError, match="OPENAI_BASE_URL holds credentials"):
        decide(OPENAI, None, None, side({"OPENAI_BASE_URL": "https://a:b@gateway.example"}))


def test_any_host_may_be_called_without_a_credential() -> None:
    access = decide(OPENAI, "http://anyone.example:1/v1", None, side())
    assert access == Access("http://anyone.example:1/v1", "http://anyone.example:1", trusted=False)


def test_a_named_variable_needs_a_trusted_host() -> None:
    variables = {"GPU_KEY": "k"}
    with pytest.raises(SetupError) as caught:
        decide(OPENAI, "https://gpu.example/v1", "GPU_KEY", side(variables))
    assert "GPU_KEY would go to https://gpu.example:443" in caught.value.message
    assert caught.value.hint is not None
    assert "--trust-host gpu.example" in caught.value.hint
    assert "PLCLI_TRUST_HOSTS=gpu.example" in caught.value.hint
    assert decide(OPENAI, "https://gpu.example/v1", "GPU_KEY", side(variables, hosts=("gpu.example",))).key == "k"


def test_trusting_a_host_does_not_trust_plain_http_to_it() -> None:
    with pytest.raises(SetupError, match="does not trust"):
        decide(OPENAI, "http://gpu.example", "GPU_KEY", side({"GPU_KEY": "k"}, hosts=("gpu.example",)))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_gets_the_named_variable_or_a_dummy(host: str) -> None:
    user = side({"OPENAI_API_KEY": "sk-own", "LOCAL_KEY": "k"})
    assert decide(OPENAI, f"http://{host}:8000", "LOCAL_KEY", user).key == "k"
    assert decide(OPENAI, f"http://{host}:8000", None, user).key is None


@pytest.mark.parametrize("host", ["localhost.evil.example", "0.0.0.0", "[::ffff:127.0.0.1]", "10.0.0.1"])
def test_what_looks_like_loopback_gets_nothing(host: str) -> None:
    with pytest.raises(SetupError, match="does not trust"):
        decide(OPENAI, f"http://{host}:8000", "LOCAL_KEY", side({"LOCAL_KEY": "k"}))


def test_a_missing_key_is_named_with_a_way_out() -> None:
    with pytest.raises(SetupError, match="OPENAI_API_KEY is not set") as caught:
        decide(OPENAI, None, None, side({"OPENAI_API_KEY": " "}))
    assert caught.value.hint is not None
    assert "echo" in caught.value.hint
    with pytest.raises(SetupError, match="GPU_KEY is not set"):
        decide(OPENAI, "http://localhost", "GPU_KEY", side({}))


def test_a_key_from_dotenv_goes_where_a_key_may_go() -> None:
    assert decide(OPENAI, None, None, side({}, keys={"OPENAI_API_KEY": "sk-dotenv"})).key == "sk-dotenv"


@pytest.mark.parametrize("value", ["two words", "sk-1\r\nHost: evil", "schlüssel", "a\x00b"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(SetupError) as caught:
        decide(OPENAI, None, None, side({"OPENAI_API_KEY": value}))
    assert value not in caught.value.message


@pytest.mark.parametrize("name", ["", "A B", "${OPENAI_API_KEY}", "A=B", "OPENAI_API_KEY\n"])
def test_what_names_no_variable_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match="no name of a variable"):
        decide(OPENAI, None, name, side())


def test_a_provider_without_keys_needs_none() -> None:
    ollama = Provider("ollama", apis={}, base_url="http://localhost:11434/v1")
    assert decide(ollama, None, None, side()).key is None


def test_a_provider_with_subdomains_owns_them() -> None:
    cloud = Provider(
        "cloud", apis={}, key_env=("CLOUD_KEY",), base_url="https://api.cloud.example", hosts=(".cloud.example",)
    )
    user = side({"CLOUD_KEY": "k"})
    assert decide(cloud, "https://eu.cloud.example", None, user).key == "k"
    assert decide(cloud, "https://cloud.example", None, user).key is None
    assert decide(cloud, "https://evilcloud.example", None, user).key is None
    with pytest.raises(SetupError, match="key of cloud"):
        decide(cloud, "https://evil.example", "CLOUD_KEY", user)


def test_a_local_provider_is_not_asked() -> None:
    with pytest.raises(ValueError, match="inside this process"):
        decide(PROVIDERS["echo"], None, None, side())


def test_offline_opens_nothing() -> None:
    allow_connection(side())
    with pytest.raises(OfflineError):
        allow_connection(UserSide({}, Path("config.toml"), offline=True))


TRUSTED = Access("https://gpu.example", "https://gpu.example:443", trusted=True)
STRANGER = Access("https://evil.example", "https://evil.example:443")


def test_headers_are_filled_for_names_that_the_user_lists() -> None:
    user = side({"TOKEN": "t-1", "OTHER": "${TOKEN}"}, headers=("TOKEN", "OTHER"))
    headers = {"X-Token": "Token ${TOKEN}", "X-Other": "${OTHER}", "X-Plain": "$TOKEN ${not this}"}
    assert fill_headers(headers, OPENAI, TRUSTED, user) == {
        "X-Token": "Token t-1",
        "X-Other": "${TOKEN}",
        "X-Plain": "$TOKEN ${not this}",
    }


def test_plain_headers_go_to_any_host() -> None:
    assert fill_headers({"X-Team": "weather"}, OPENAI, STRANGER, side()) == {"X-Team": "weather"}


@pytest.mark.parametrize(
    ("name", "access", "complaint", "way_out"),
    [
        ("UNLISTED", TRUSTED, "your side does not list", "PLCLI_HEADER_VARS=UNLISTED"),
        ("OPENAI_API_KEY", TRUSTED, "a provider's own key", "a variable of its own"),
        ("GEMINI_API_KEY", TRUSTED, "a provider's own key", "a variable of its own"),
        ("TOKEN", STRANGER, "would go to https://evil.example:443", "--trust-host evil.example"),
        ("UNSET", TRUSTED, "is not set", "export UNSET"),
        ("BROKEN", TRUSTED, "no header can carry", "set BROKEN again"),
    ],
)
def test_a_header_is_not_filled_otherwise(name: str, access: Access, complaint: str, way_out: str) -> None:
    variables = {"TOKEN": "t-1", "BROKEN": "a\nb", "OPENAI_API_KEY": "sk-own", "UNLISTED": "secret"}
    user = side(variables, headers=("TOKEN", "UNSET", "BROKEN", "OPENAI_API_KEY", "GEMINI_API_KEY"))
    with pytest.raises(SetupError, match=complaint) as caught:
        fill_headers({"X-Leak": f"${{{name}}}"}, OPENAI, access, user)
    assert caught.value.hint is not None
    assert way_out in caught.value.hint
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "name",
    ["Authorization", "HOST", "content-length", "Transfer-Encoding", "Connection", "X Y", "X:Y", "", "X\r\nY", "Ü"],
)
def test_some_headers_are_not_for_specs(name: str) -> None:
    assert complaint(name, "x")
    with pytest.raises(SetupError):
        fill_headers({name: "x"}, OPENAI, TRUSTED, side())


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00", "ü", "\x1b[0m"])
def test_a_header_value_is_one_plain_line(value: str) -> None:
    assert complaint("X-Team", value)


def mcp(**fields: Any) -> dict[str, Any]:
    tool = {"type": "mcp", "server_label": "s", "authorization": "${TOKEN}", "headers": {"X": "a ${TOKEN}", "N": 1}}
    return {"model": "m", "input": "${TOKEN}", "tools": [{"type": "web_search"}, "odd", tool | fields]}


def test_credentials_of_builtin_tools_are_filled_in_a_copy() -> None:
    wire = mcp(server_url="https://mcp.example/sse?x=1")
    user = side({"TOKEN": "t-1"}, hosts=("mcp.example",), headers=("TOKEN",))
    filled = fill_body(wire, OPENAI, TRUSTED, user)
    assert filled["tools"][2]["authorization"] == "t-1"
    assert filled["tools"][2]["headers"] == {"X": "a t-1", "N": 1}
    assert filled["input"] == "${TOKEN}"
    assert wire == mcp(server_url="https://mcp.example/sse?x=1")


def test_a_connector_of_the_provider_is_filled() -> None:
    user = side({"TOKEN": "t-1"}, headers=("TOKEN",))
    filled = fill_body(mcp(connector_id="connector_gmail"), OPENAI, TRUSTED, user)
    assert filled["tools"][2]["authorization"] == "t-1"


@pytest.mark.parametrize(
    "fields",
    [
        {"server_url": "https://evil.example"},
        {"server_url": "https://evil.example?@mcp.example"},
        {"server_url": "https://mcp.example@evil.example"},
        {"server_url": "https://evil.example", "connector_id": "c"},
        {"server_url": "http://mcp.example"},
        {"server_url": ["https://mcp.example"]},
        {"server_url": "https://mcp.example", "tunnel_id": "t"},
        {"tunnel_id": "t"},
        {},
    ],
)
def test_a_filled_value_reaches_no_server_that_is_not_trusted(fields: dict[str, Any]) -> None:
    user = side({"TOKEN": "t-1"}, hosts=("mcp.example",), headers=("TOKEN",))
    with pytest.raises(SetupError) as caught:
        fill_body(mcp(**fields), OPENAI, TRUSTED, user)
    assert caught.value.exit is Exit.SETUP


def test_the_host_of_the_call_must_be_trusted_with_filled_values() -> None:
    user = side({"TOKEN": "t-1"}, hosts=("mcp.example",), headers=("TOKEN",))
    with pytest.raises(SetupError, match=r"evil\.example"):
        fill_body(mcp(server_url="https://mcp.example"), OPENAI, STRANGER, user)


@pytest.mark.parametrize("wire", [None, "x", [], {}, {"tools": None}, {"tools": {"a": 1}}, {"tools": [{"headers": 1}]}])
def test_a_wire_without_such_tools_is_unchanged(wire: Any) -> None:
    assert fill_body(wire, OPENAI, STRANGER, side()) == wire


def test_literal_credentials_of_tools_are_the_specs_own_business() -> None:
    wire = {"tools": [{"type": "mcp", "server_url": "https://any.example", "authorization": "literal"}]}
    assert fill_body(wire, OPENAI, STRANGER, side()) == wire
