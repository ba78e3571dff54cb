"""What a run with a model would use: address, key, trust, defaults, limits, prices, and how long the model lasts.

The facts are JSON, for people and programs alike; no key is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from plcli import prices, retirements, trust
from plcli.address import parse
from plcli.connect import DEADLINE, RETRIES, TIMEOUT, Limits, connect, site_of
from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.media import Json
from plcli.modelrefs import ModelRef
from plcli.modeluse import UsedModel
from plcli.response import Usage
from plcli.retirements import Retirement

ORDER = (
    "name",
    "description",
    "file",
    "provider",
    "api",
    "model",
    "address",
    "key",
    "trust",
    "defaults",
    "limits",
    "timeout",
    "deadline",
    "retries",
    "pricing",
    "retirement",
    "requests",
)
"""The names of all facts, as they are told."""

_SOME = 1000
_AS_WORDS = {"image_input": "input", "image_output": "output"}
_MILLION = 1_000_000


class Address(NamedTuple):
    """Where a model is asked, and who says so: `model spec`, `provider`, or the name of a variable."""

    base_url: str
    source: str


class KeyVariable(NamedTuple):
    """The variable that a key would come from, and whether it is set."""

    name: str
    set: bool


def facts(used: UsedModel, user: UserSide, today: date) -> dict[str, Json]:
    """Everything about a model of the workspace; what is not known is left out."""
    ref, spec = used.ref, used.ref.spec
    told: dict[str, Any] = {
        **brief(used, user, today),
        "trust": _trust(ref, user),
        **_patience(ref),
        "pricing": _pricing(used),
        "requests": [use.where for use in used.requests],
    }
    if spec is not None:
        told["description"] = spec.description
        told["defaults"] = _filled(
            {
                "params": spec.params.model_dump(exclude_none=True) if spec.params else None,
                "body": spec.body,
                "omit": list(spec.omit),
                "headers": list(spec.headers),
            }
        )
    return _filled({name: told.get(name) for name in ORDER})


def brief(used: UsedModel, user: UserSide, today: date) -> dict[str, Json]:
    """What a list says of a model."""
    ref = used.ref
    key = key_variable(ref, user)
    found = retirement(used, today)
    return _filled(
        {
            "name": used.name,
            "file": used.use.where if ref.path else None,
            "provider": ref.provider.name,
            "api": ref.api(None),
            "model": ref.model,
            "address": _address_fields(ref, user),
            "key": key._asdict() if key else None,
            "limits": ref.spec.limits.model_dump(exclude_none=True) if ref.spec and ref.spec.limits else None,
            "retirement": retirement_fields(found) if found else None,
            "requests": len(used.requests),
        }
    )


def retirement(used: UsedModel, today: date) -> Retirement | None:
    """What the table says of a model that its maker serves."""
    return retirements.of(used.ref.provider.name, used.ref.model, today) if used.use.home else None


def retirement_fields(found: Retirement) -> dict[str, Json]:
    """A retirement as JSON."""
    told = {"shutdown": found.shutdown.isoformat(), "gone": found.gone}
    return _filled({**told, "successor": found.successor, "source": found.source})


def address(ref: ModelRef, user: UserSide) -> Address | None:
    """Where a model is asked; None for one that answers inside this process, or whose address is wrong."""
    if ref.provider.local:
        return None
    try:
        site, named = site_of(ref.provider, ref.spec)
        variable = site.base_url_env or ""
        gateway = user.variables.get(variable, "").strip()
        url, source = (
            (named, "model spec") if named else (gateway, variable) if gateway else (site.base_url, "provider")
        )
        # A URL that cannot be judged is not shown: it may hold a password.
        return Address(parse(url or "").url, source)
    except (SetupError, ValueError):
        return None


def key_variable(ref: ModelRef, user: UserSide) -> KeyVariable | None:
    """Which variable a key comes from, whether or not it may be sent; None where none is sent."""
    if ref.provider.local:
        return None
    named = ref.spec.api_key_env if ref.spec else None
    try:
        site, base_url = site_of(ref.provider, ref.spec)
        access = trust.decide(site, base_url, named, user)
    except SetupError:
        names = (named,) if named else ref.provider.key_env
        found = user.first_set(names)
        return KeyVariable(found or names[0], found is not None) if names else None
    return KeyVariable(access.variable, True) if access.variable else None


def _trust(ref: ModelRef, user: UserSide) -> dict[str, Json]:
    """What a run would send along, or in the words of the refusal why it could not connect."""
    try:
        # What may be sent does not depend on whether anything may be sent just now.
        made = connect(ref.provider, ref.api(None), ref.spec, replace(user, offline=False), Limits())
    except SetupError as error:
        return _filled({"refused": error.message, "hint": error.hint})
    if made.base_url is None:
        return {"sends": "nothing"}
    return {"sends": "a key" if made.key else "the cloud's own credentials" if made.ambient else "no key"}


def _patience(ref: ModelRef) -> dict[str, Json]:
    """How long and how often a run would try."""
    usual = {"timeout": TIMEOUT, "deadline": DEADLINE, "retries": RETRIES}
    own = {name: getattr(ref.spec, name, None) for name in usual}
    return {name: value if own[name] is None else own[name] for name, value in usual.items()}


def _address_fields(ref: ModelRef, user: UserSide) -> dict[str, Json] | None:
    found = address(ref, user)
    return {"base_url": found.base_url, "from": found.source} if found else None


def _pricing(used: UsedModel) -> dict[str, Json] | None:
    """US dollars for a million tokens, by the model spec, else by the package of prices; None where not known."""
    spec = used.ref.spec
    if spec is not None and spec.pricing is not None:
        return {**spec.pricing.model_dump(exclude_none=True), "source": "model spec"}
    counts = {
        "input": Usage(input_tokens=_SOME),
        "output": Usage(output_tokens=_SOME),
        "image_input": Usage(input_tokens=_SOME, image_input_tokens=_SOME),
        "image_output": Usage(output_tokens=_SOME, image_output_tokens=_SOME),
    }
    costs = {
        name: prices.cost_of(
            usage,
            provider=used.ref.provider.name,
            model=used.ref.model,
            served_model=None,
            pricing=None,
            images=0,
            own_host=used.use.home,
        )
        for name, usage in counts.items()
    }
    known = {name: cost for name, cost in costs.items() if cost is not None}
    if not known:
        return None
    source = next(iter(known.values())).source
    rates = {name: round(cost.amount * _MILLION / _SOME, 6) for name, cost in known.items()}
    # Pictures that cost what words cost need not be told.
    own = {name: rate for name, rate in rates.items() if rate != rates.get(_AS_WORDS.get(name, ""))}
    return {**own, "source": source}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
