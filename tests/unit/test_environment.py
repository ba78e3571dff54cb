"""The user's side, and the `.env` that is not on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plcli.environment import DOTENV_LIMIT, UserSide, user_side, with_dotenv
from plcli.errors import SpecError, UsageError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "user" / "config.toml"


def side(config: Path, **variables: str) -> UserSide:
    return user_side(variables, config=config)


def test_nothing_said_trusts_nobody(config: Path) -> None:
    user = side(config)
    assert (user.trusted_hosts, user.trusted_tools, user.header_names) == (frozenset(), frozenset(), frozenset())
    assert not user.offline


def test_hosts_come_from_variable_configuration_and_command_line(config: Path) -> None:
    config.parent.mkdir()
    config.write_text('trust_hosts = ["C.example"]\nheader_variables = ["ONE"]\n', encoding="utf-8")
    variables = {"PLCLI_TRUST_HOSTS": "a.example, b.example:8000", "PLCLI_HEADER_VARS": "TWO THREE"}
    user = user_side(variables, ["d.example"], config=config)
    assert user.trusted_hosts == {"a.example", "b.example:8000", "c.example", "d.example"}
    assert user.header_names == {"ONE", "TWO", "THREE"}


def test_tools_are_trusted_by_digest(config: Path) -> None:
    config.parent.mkdir()
    config.write_text(f'trust_tools = ["sha256:{"a" * 64}"]', encoding="utf-8")
    assert side(config).trusted_tools == {"sha256:" + "a" * 64}


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("yes", True), ("?", True), ("0", False), (" No ", False)])
def test_offline_is_anything_but_no(config: Path, value: str, offline: bool) -> None:
    assert side(config, PLCLI_OFFLINE=value).offline is offline


def test_a_wildcard_is_no_trusted_host(config: Path) -> None:
    with pytest.raises(UsageError, match=r"PLCLI_TRUST_HOSTS: '\*\.example\.com' is neither"):
        side(config, PLCLI_TRUST_HOSTS="*.example.com")
    with pytest.raises(UsageError, match="--trust-host"):
        user_side({}, ["https://a.example"], config=config)


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("trust_hosts = [", ["not valid TOML"]),
        ("trust_host = []\nother = 1", ["unknown key 'trust_host'", "unknown key 'other'"]),
        ("trust_hosts = 'a'\nheader_variables = [1]", ["must be a list of strings"] * 2),
        ("trust_hosts = ['a/b']\ntrust_tools = ['x']", ["neither host", "no digest"]),
    ],
)
def test_a_broken_configuration_names_every_problem(config: Path, text: str, complaints: list[str]) -> None:
    config.parent.mkdir()
    config.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        side(config)
    assert len(caught.value.problems) == len(complaints)
    for problem, complaint in zip(caught.value.problems, complaints, strict=True):
        assert complaint in problem.message
        assert problem.file == str(config)


def test_a_configuration_that_is_not_utf8_or_a_folder_is_a_problem(config: Path) -> None:
    config.mkdir(parents=True)
    with pytest.raises(SpecError, match="cannot be read"):
        side(config)
    config.rmdir()
    config.write_bytes(b"\xff")
    with pytest.raises(SpecError, match="not valid TOML"):
        side(config)


def test_the_repr_shows_no_secret(config: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MY_KEY=from-dotenv-1", encoding="utf-8")
    user, _ = with_dotenv(side(config, OTHER_KEY="from-process-1"), tmp_path / ".env", {"MY_KEY"})
    assert "from-" not in repr(user)


HOSTILE = """\
export OPENAI_API_KEY="sk-from-file"
HTTPS_PROXY=http://evil.example
OPENAI_BASE_URL=https://evil.example
PLCLI_TRUST_HOSTS=evil.example
PYTHONPATH=/tmp
SSL_CERT_FILE=/tmp/ca.pem
MY_KEY=${HOME}
this is not a line
EMPTY_KEY=
HTTPS_PROXY=again
"""


def test_dotenv_sets_keys_and_nothing_else(config: Path, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(HOSTILE, encoding="utf-8")
    user, ignored = with_dotenv(side(config, HOME="/home/me"), path, {"OPENAI_API_KEY", "MY_KEY", "EMPTY_KEY"})
    assert user.key("OPENAI_API_KEY") == "sk-from-file"
    assert user.key("MY_KEY") == "${HOME}"
    assert user.key("EMPTY_KEY") is None
    assert dict(user.variables) == {"HOME": "/home/me"}
    assert ignored == (
        "HTTPS_PROXY",
        "OPENAI_BASE_URL",
        "PLCLI_TRUST_HOSTS",
        "PYTHONPATH",
        "SSL_CERT_FILE",
        "line 8",
    )
    assert not user.trusted_hosts


def test_dotenv_never_acts_as_a_variable_even_when_a_spec_names_it_as_a_key(config: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=https://evil.example", encoding="utf-8")
    user, _ = with_dotenv(side(config), tmp_path / ".env", {"OPENAI_BASE_URL"})
    assert "OPENAI_BASE_URL" not in user.variables


def test_the_process_environment_wins_over_dotenv(config: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MY_KEY=theirs", encoding="utf-8")
    user, ignored = with_dotenv(side(config, MY_KEY="mine"), tmp_path / ".env", {"MY_KEY"})
    assert user.key("MY_KEY") == "mine"
    assert ignored == ()


def test_dotenv_wins_by_no_other_name_either(config: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FIRST=theirs", encoding="utf-8")
    user, _ = with_dotenv(side(config, SECOND="mine", BLANK=" "), tmp_path / ".env", {"FIRST"})
    assert user.first_set(("FIRST", "SECOND")) == "SECOND"
    assert user.first_set(("BLANK", "FIRST")) == "FIRST"
    assert user.first_set(("BLANK", "NONE")) is None


def test_a_missing_dotenv_is_no_problem(config: Path, tmp_path: Path) -> None:
    user = side(config)
    assert with_dotenv(user, tmp_path / ".env", {"A"}) == (user, ())


def test_a_dotenv_that_leads_elsewhere_is_refused(config: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("A=1", encoding="utf-8")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / ".env").symlink_to(outside)
    with pytest.raises(SpecError, match="leads out"):
        with_dotenv(side(config), workspace / ".env", {"A"})


def test_a_dotenv_may_be_a_link_inside_the_workspace(config: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("A=12345", encoding="utf-8")
    (tmp_path / ".env").symlink_to("keys")
    assert with_dotenv(side(config), tmp_path / ".env", {"A"})[0].key("A") == "12345"


def test_a_dotenv_that_is_a_pipe_a_folder_or_a_loop_is_refused(config: Path, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    os.mkfifo(path)
    with pytest.raises(SpecError, match="no regular file"):
        with_dotenv(side(config), path, {"A"})
    path.unlink()
    path.mkdir()
    with pytest.raises(SpecError, match="no regular file"):
        with_dotenv(side(config), path, {"A"})
    path.rmdir()
    path.symlink_to(".env")
    with pytest.raises(SpecError, match="no regular file"):
        with_dotenv(side(config), path, {"A"})


def test_a_dotenv_is_bounded_and_utf8(config: Path, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A" * (DOTENV_LIMIT + 1))
    with pytest.raises(SpecError, match="larger than"):
        with_dotenv(side(config), path, {"A"})
    path.write_bytes(b"A=\xff")
    with pytest.raises(SpecError, match="not UTF-8"):
        with_dotenv(side(config), path, {"A"})


def test_secrets_are_keys_dotenv_and_header_variables(config: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MY_KEY=three", encoding="utf-8")
    user = side(config, OPENAI_API_KEY=" one ", TOKEN="two", HOME="/home/me", PLCLI_HEADER_VARS="TOKEN")
    user, _ = with_dotenv(user, tmp_path / ".env", {"MY_KEY"})
    assert user.secrets(["OPENAI_API_KEY", "UNSET"]) == {"one", "two", "three"}
