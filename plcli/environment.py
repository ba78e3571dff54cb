"""The user's side: process environment, user configuration and command line, which no pull request can write.

Also reads the workspace's `.env`, which a pull request can write, and keeps it apart. What may be done
with all this is decided in `trust`.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import parse_stream
from platformdirs import user_config_path

from plcli.address import trusted_host
from plcli.errors import Problem, SpecError, UsageError

DOTENV_LIMIT = 64 * 1024
"""Bytes that a `.env` file may have."""

_SEPARATOR = re.compile(r"[,\s]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOOL_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OFF = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class UserSide:
    """What the user, and nobody else, has said."""

    variables: Mapping[str, str] = field(repr=False)
    """The process environment. What redirects traffic (base URLs, proxies) is read from here only."""
    config: Path
    """The user's configuration file; it need not exist."""
    trusted_hosts: frozenset[str] = frozenset()
    """Hosts that may get credentials, as `address.trusted_host` spells them."""
    trusted_tools: frozenset[str] = frozenset()
    """Digests (`sha256:…`) of tool files whose handlers may run."""
    header_names: frozenset[str] = frozenset()
    """Variables that `${NAME}` in headers may use."""
    offline: bool = False
    """Whether no connection may be opened."""
    max_cost: float | None = None
    """US dollars that a batch may cost."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Keys from the workspace's `.env`: kept apart, so that they can never act as anything but a key."""

    def key(self, name: str) -> str | None:
        """The key in that variable, the process environment first; None where it is unset or blank."""
        return self.variables.get(name, "").strip() or self.keys.get(name, "").strip() or None

    def first_set(self, names: Sequence[str]) -> str | None:
        """The first of these variables that holds a key; none of `.env` before one of the process environment."""
        places = (self.variables, self.keys)
        return next((name for place in places for name in names if place.get(name, "").strip()), None)

    def secrets(self, key_names: Iterable[str] = ()) -> frozenset[str]:
        """Every value that must not be logged: the named keys, keys of `.env`, and variables for headers."""
        values = {self.variables.get(name, "").strip() for name in (*key_names, *self.header_names)}
        return frozenset(values | {value.strip() for value in self.keys.values()}) - {""}


def user_side(environ: Mapping[str, str], trust_hosts: Iterable[str] = (), *, config: Path | None = None) -> UserSide:
    """Read the user's side from the environment, the configuration file and `--trust-host`.

    `config` defaults to `config.toml` in the platform's configuration folder of plcli. Raises
    `UsageError` for a malformed entry of the environment or command line, `SpecError` for a broken
    configuration file.
    """
    path = config if config is not None else user_config_path("plcli", appauthor=False) / "config.toml"
    configured = _configuration(path)
    hosts = _HOSTS.listed("--trust-host", trust_hosts)
    hosts |= _HOSTS.listed("PLCLI_TRUST_HOSTS", _split(environ.get("PLCLI_TRUST_HOSTS", "")))
    names = _VARIABLES.listed("PLCLI_HEADER_VARS", _split(environ.get("PLCLI_HEADER_VARS", "")))
    return UserSide(
        variables=dict(environ),
        config=path,
        trusted_hosts=hosts | configured["trust_hosts"],
        trusted_tools=configured["trust_tools"],
        header_names=names | configured["header_variables"],
        offline=environ.get("PLCLI_OFFLINE", "").strip().lower() not in _OFF,
        max_cost=_dollars("PLCLI_MAX_COST", environ.get("PLCLI_MAX_COST", "").strip()),
    )


def _dollars(name: str, text: str) -> float | None:
    """An amount of US dollars; None where none is set. Raises `UsageError`."""
    if not text:
        return None
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise UsageError(f"{name}: {text!r} is no amount of dollars", hint=f"write {name}=2.50")
    return amount


def with_dotenv(user: UserSide, path: Path, allowed_names: Collection[str]) -> tuple[UserSide, tuple[str, ...]]:
    """Add the keys of a workspace's `.env`; a missing file adds none.

    Only `allowed_names` (variables that a provider or a model spec uses as a key) are taken, and none
    that the process environment has. The second value names what was ignored, in order: variables, and
    `line N` where a line could not be read; never a value. Raises `SpecError` for a file that is no
    regular file, leads out of its folder, is larger than `DOTENV_LIMIT`, or is not UTF-8.
    """
    if not os.path.lexists(path):
        return user, ()
    keys: dict[str, str] = {}
    ignored: list[str] = []
    for binding in parse_stream(StringIO(_dotenv_text(path))):
        if binding.error:
            ignored.append(f"line {binding.original.line}")
        elif binding.key is not None and binding.key not in allowed_names:
            ignored.append(binding.key)
        elif binding.key is not None and binding.value and binding.key not in user.variables:
            keys[binding.key] = binding.value
    return replace(user, keys={**user.keys, **keys}), tuple(dict.fromkeys(ignored))


def _dotenv_text(path: Path) -> str:
    hint = "set the variables in your shell instead"
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        raise SpecError([Problem(str(path), "the .env file leads out of the workspace", hint=hint)])
    if not os.path.isfile(path):
        raise SpecError([Problem(str(path), "the .env file is no regular file", hint=hint)])
    try:
        with path.open("rb") as file:
            data = file.read(DOTENV_LIMIT + 1)
    except OSError as error:
        raise SpecError([Problem(str(path), f"cannot be read: {error.strerror}", hint=hint)]) from error
    if len(data) > DOTENV_LIMIT:
        raise SpecError([Problem(str(path), f"the .env file is larger than {DOTENV_LIMIT} bytes", hint=hint)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError([Problem(str(path), f"not UTF-8 at byte {error.start}", hint=hint)]) from error


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("is no name of a variable")
    return name


def _tool_digest(digest: str) -> str:
    if not _TOOL_DIGEST.fullmatch(digest):
        raise ValueError("is no digest of a tool file")
    return digest


class _Entries(NamedTuple):
    """What a list of the user's side may hold."""

    check: Callable[[str], str]
    hint: str

    def listed(self, source: str, entries: Iterable[str]) -> frozenset[str]:
        checked = set()
        for entry in entries:
            try:
                checked.add(self.check(entry))
            except ValueError as error:
                raise UsageError(f"{source}: {entry!r} {error}", hint=self.hint) from None
        return frozenset(checked)


_HOSTS = _Entries(trusted_host, "write host or host:port, like api.example.com or gpu.example.com:8000")
_VARIABLES = _Entries(_variable, "write the name alone, like GATEWAY_TOKEN")
_TOOLS = _Entries(_tool_digest, "write sha256: and 64 hexadecimal digits")
_CONFIGURABLE = {"trust_hosts": _HOSTS, "trust_tools": _TOOLS, "header_variables": _VARIABLES}


def _split(text: str) -> list[str]:
    return [entry for entry in _SEPARATOR.split(text) if entry]


def _configuration(path: Path) -> dict[str, frozenset[str]]:
    """Every key of the configuration file with its entries; empty where the file or the key is missing."""
    file = str(path)
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        values = {}
    except OSError as error:
        raise SpecError([Problem(file, f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:
        raise SpecError([Problem(file, f"not valid TOML: {error}")]) from error
    known = ", ".join(_CONFIGURABLE)
    problems = [
        Problem(file, f"unknown key {key!r}", key, hint=f"the keys are: {known}")
        for key in values
        if key not in _CONFIGURABLE
    ]
    configured = {}
    for key, entries in _CONFIGURABLE.items():
        listed = values.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
            problems.append(Problem(file, "must be a list of strings", key, hint=f'write {key} = ["…"]'))
            continue
        try:
            configured[key] = entries.listed(key, listed)
        except UsageError as error:
            problems.append(Problem(file, error.message, key, hint=error.hint))
    if problems:
        raise SpecError(problems)
    return configured
