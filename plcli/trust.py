"""Trust: which host may get which credential, and the refusals that say how to allow it.

Model specs and wires come from the repository, the user's side does not. Decides before any connection
is opened; opening it is the transport's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from plcli.address import Address, parse
from plcli.environment import UserSide
from plcli.errors import OfflineError, SetupError
from plcli.headers import complaint, is_value
from plcli.media import Json
from plcli.providers.registry import PROVIDERS, Provider

_OTHERS = (
    Provider("anthropic", apis={}, key_env=("ANTHROPIC_API_KEY",), hosts=("api.anthropic.com",)),
    Provider("aws", apis={}, key_env=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")),
)
"""Well-known owners of keys that stand in many shells, whether or not plcli can call them."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Where a call goes and which credential goes with it."""

    base_url: str
    """The URL to call, in the one spelling that was judged."""
    origin: str
    """`scheme://host:port`, to be shown."""
    key: str | None = field(default=None, repr=False)
    """The key to send, or None: then the client gets a dummy."""
    variable: str | None = None
    """The variable that holds the key."""
    trusted: bool = False
    """Whether this host may get credentials that the user's side lists, such as filled headers."""


def allow_connection(user: UserSide) -> None:
    """Raise `OfflineError` where the user's side forbids connections."""
    if user.offline:
        raise OfflineError(
            "a connection is needed, and PLCLI_OFFLINE forbids it",
            hint="unset PLCLI_OFFLINE, or take a model of the provider echo",
        )


def decide(provider: Provider, base_url: str | None, api_key_env: str | None, user: UserSide) -> Access:
    """Decide where a call of a provider goes and whether a key goes with it.

    `base_url` and `api_key_env` are those of the model spec, which is not trusted; the provider is not a
    local one. Raises `SetupError` for an address that clients may read differently, for a host that must
    not get the key, and for a key that is not set.
    """
    address = _destination(provider, base_url, user)
    home = _at_home(provider, address, user)
    trusted = address.loopback or address.listed(user.trusted_hosts) or (home and address.scheme == "https")
    if api_key_env is not None:
        trusted = _judge_named(api_key_env, provider, address, user) or trusted
        names: tuple[str, ...] = (api_key_env,)
        required = True
    else:
        names = provider.key_env if home else ()
        # A gateway that the user's side names may add the key itself.
        required = bool(names) and _own_host(provider, address)
    variable = user.first_set(names)
    if variable is None:
        if required:
            raise _no_key(names)
        return Access(address.url, address.origin, trusted=trusted)
    if not trusted:
        raise _untrusted(address, f"the key in {variable}")
    return Access(address.url, address.origin, _key(variable, user), variable, trusted)


def own_host(provider: Provider, access: Access) -> bool:
    """Whether the provider itself answers there."""
    return _own_host(provider, parse(access.base_url))


def at_home(provider: Provider, access: Access, user: UserSide) -> bool:
    """Whether what belongs to the provider alone may go there: its own host, or the user's own gateway to it."""
    address = parse(access.base_url)
    return _at_home(provider, address, user) and (address.scheme == "https" or address.loopback)


def fill_headers(headers: Mapping[str, str], provider: Provider, access: Access, user: UserSide) -> dict[str, str]:
    """The headers of a model spec with `${NAME}` filled, ready to send.

    Raises `SetupError` for a header that a spec must not set, for a variable that the user's side does
    not list or that is a provider's own key, and for a filled header to a host that is not trusted.
    """
    filled = {}
    for name, text in headers.items():
        place = f"header {name!r}"
        filled[name] = _filled(text, place, access, provider, user)
        if reason := complaint(name, filled[name]):
            raise SetupError(f"{place} {reason}", hint="change `headers` of the model spec, or the variable in it")
    return filled


def fill_body(wire: Json, provider: Provider, access: Access, user: UserSide) -> Json:
    """The wire with `${NAME}` filled in `authorization` and `headers` of its built-in tools, ready to send.

    The result is never logged. What such a tool is given reaches the server that it names: that host
    must be trusted too, unless it is a connector of the provider. Raises `SetupError` as `fill_headers`.
    """
    tools = wire.get("tools") if isinstance(wire, dict) else None
    if not isinstance(tools, list):
        return wire
    filled = [_filled_tool(tool, f"tools[{n}]", provider, access, user) for n, tool in enumerate(tools)]
    return {**wire, "tools": filled}


def _filled_tool(tool: Json, place: str, provider: Provider, access: Access, user: UserSide) -> Json:
    if not isinstance(tool, dict):
        return tool
    filled = dict(tool)
    if isinstance(tool.get("authorization"), str):
        filled["authorization"] = _filled(tool["authorization"], f"{place}.authorization", access, provider, user)
    if isinstance(tool.get("headers"), dict):
        filled["headers"] = {
            name: _filled(text, f"{place}.headers.{name}", access, provider, user) if isinstance(text, str) else text
            for name, text in tool["headers"].items()
        }
    if filled != tool:
        _judge_server(tool, place, user)
    return filled


def _judge_server(tool: Mapping[str, Json], place: str, user: UserSide) -> None:
    """Raise `SetupError` unless the server behind a built-in tool may get what was filled in."""
    server = tool.get("server_url")
    if server is None and "connector_id" in tool and "tunnel_id" not in tool:
        return
    if not isinstance(server, str) or "tunnel_id" in tool:
        raise SetupError(
            f"{place} names no server that could be trusted with a filled value",
            hint="name its `server_url`, or write the value without ${NAME}",
        )
    # The query of a server's URL is its own business; what stands before it says where it leads.
    address = _parsed(re.split(r"[?#]", server, maxsplit=1)[0], f"{place}.server_url")
    if not address.listed(user.trusted_hosts):
        raise _untrusted(address, f"what fills {place}")


def _filled(text: str, place: str, access: Access, provider: Provider, user: UserSide) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if _owners(name, provider):
            raise SetupError(
                f"{place} uses {name}, which is a provider's own key",
                hint="a header cannot carry it; use a variable of its own",
            )
        if name not in user.header_names:
            raise SetupError(
                f"{place} uses {name}, which your side does not list",
                hint=f"if it may be sent: set PLCLI_HEADER_VARS={name}, or add it to header_variables in {user.config}",
            )
        if not access.trusted:
            raise _untrusted(parse(access.origin), f"{name} in {place}")
        found = user.variables.get(name, "").strip()
        if not found:
            raise SetupError(f"{place} uses {name}, which is not set", hint=f"export {name}=…")
        if not is_value(found):
            raise SetupError(f"{name} holds characters that no header can carry", hint=f"set {name} again")
        return found

    return _PLACEHOLDER.sub(value, text)


def _destination(provider: Provider, base_url: str | None, user: UserSide) -> Address:
    if base_url is not None:
        return _parsed(base_url, "base_url")
    gateway = _gateway(provider, user)
    if gateway is not None:
        return gateway
    if provider.base_url is None:
        raise ValueError(f"{provider.name} answers inside this process and is not asked for access")
    return parse(provider.base_url)


def _parsed(url: str, place: str) -> Address:
    try:
        return parse(url)
    except ValueError as error:
        # The URL itself is not shown: it may hold a password.
        raise SetupError(f"{place} {error}", hint="write it as https://host[:port]/path, and nothing more") from None


def _gateway(provider: Provider, user: UserSide) -> Address | None:
    """The base URL that the process environment names for a provider."""
    name = provider.base_url_env
    url = user.variables.get(name, "").strip() if name else ""
    return _parsed(url, str(name)) if url else None


def _own_host(provider: Provider, address: Address) -> bool:
    return address.encrypted and any(
        address.host.endswith(host) if host.startswith(".") else address.host == host for host in provider.hosts
    )


def _at_home(provider: Provider, address: Address, user: UserSide) -> bool:
    """Whether the provider's own key may go there, plain http aside."""
    return _own_host(provider, address) or address == _gateway(provider, user)


def _owners(variable: str, provider: Provider) -> list[Provider]:
    """The providers whose own key the variable holds."""
    return [owner for owner in (provider, *PROVIDERS.values(), *_OTHERS) if variable in owner.key_env]


def _judge_named(variable: str, provider: Provider, address: Address, user: UserSide) -> bool:
    """Whether the variable that a model spec names is at home there; raises `SetupError` where it must not go."""
    if not _NAME.fullmatch(variable):
        # What stands there may be the key itself.
        raise SetupError("api_key_env is no name of a variable", hint="write the name alone")
    owners = _owners(variable, provider)
    if not owners:
        return False
    if not any(_at_home(owner, address, user) for owner in owners):
        gateways = sorted({owner.base_url_env for owner in owners if owner.base_url_env})
        way_out = f", or export {gateways[0]}={address.url} if that is your gateway" if gateways else ""
        raise SetupError(
            f"{variable} is a key of {owners[0].name} and does not go to {address.origin}",
            hint=f"name a variable of its own in api_key_env{way_out}",
        )
    return address.scheme == "https"


def _untrusted(address: Address, what: str) -> SetupError:
    return SetupError(
        f"{what} would go to {address.origin}, which your side does not trust",
        hint=f"if you trust it: add --trust-host {address.entry}, or set PLCLI_TRUST_HOSTS={address.entry}",
    )


def _no_key(names: tuple[str, ...]) -> SetupError:
    return SetupError(
        f"no key: {' or '.join(names)} is not set",
        hint=f"export {names[0]}=…, or try a spec with the provider echo, which needs no key",
    )


def _key(variable: str, user: UserSide) -> str:
    key = user.key(variable) or ""
    if not _KEY.fullmatch(key):
        raise SetupError(f"{variable} holds spaces or other characters that no key has", hint=f"set {variable} again")
    return key
