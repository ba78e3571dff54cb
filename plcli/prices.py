"""What an answer cost: by the prices of the model spec, else by those of the genai-prices package.

A cost is derived from the usage and can be computed again; where no price is known there is none.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from plcli.media import Json
from plcli.paths import find
from plcli.records import Cost
from plcli.response import Usage
from plcli.specs.model import Pricing

_MILLION = Decimal(1_000_000)
_ABSURD = 10**12
_SOURCE_IDS = {"openai": "openai", "gemini": "google"}
_DRAWN, _WRITTEN = "image_gen", "svg_usage"
_TIERS = frozenset(["flex", "priority"])


def together(costs: Iterable[Cost | None]) -> Cost | None:
    """The cost of several answers; None where none of them has one, not complete where one has none."""
    every = list(costs)
    known = [cost for cost in every if cost is not None]
    if not known:
        return None
    amount = sum(cost.amount for cost in known)
    complete = len(known) == len(every) and all(cost.complete for cost in known)
    return known[-1].model_copy(update={"amount": amount, "complete": complete})


def cost_of(
    usage: Usage | None,
    *,
    provider: str,
    model: str,
    served_model: str | None,
    pricing: Pricing | None,
    images: int,
    own_host: bool,
    image_model: str | None = None,
    service_tier: str | None = None,
) -> Cost | None:
    """The cost of an answer in US dollars, or None where no price is known.

    `images` are the pictures delivered. `own_host` says that the provider itself answered: nobody else
    serves at its prices. `image_model` is the one that drew for a tool of the provider, `service_tier`
    the tier that served. A cost is not complete where something that was used has no price.
    """
    used = usage or Usage()
    if pricing is not None:
        return _by_pricing(used, pricing, images)
    source = _SOURCE_IDS.get(provider)
    if source is None or not own_host or usage is None:
        return None
    return _by_package(used, source, [served_model, model], image_model, service_tier)


@cache
def preload() -> None:
    """Load the price data in the background, once; it takes as long as a short answer."""
    threading.Thread(target=_load, daemon=True).start()


def _load() -> None:
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


class _Tokens(NamedTuple):
    """Tokens by kind, none counted twice; parts that exceed their whole are cut to it."""

    input: int
    cached: int
    image_input: int
    output: int
    image_output: int

    @classmethod
    def of(cls, usage: Usage) -> _Tokens:
        whole_in, whole_out = _count(usage.input_tokens), _count(usage.output_tokens)
        cached = min(_count(usage.cached_input_tokens), whole_in)
        image_input = min(_count(usage.image_input_tokens), whole_in - cached)
        image_output = min(_count(usage.image_output_tokens), whole_out)
        return cls(whole_in - cached - image_input, cached, image_input, whole_out - image_output, image_output)


def _by_pricing(usage: Usage, pricing: Pricing, images: int) -> Cost | None:
    tokens = _Tokens.of(usage)
    rates = [
        (tokens.input, pricing.input),
        (tokens.cached, _first(pricing.cached_input, pricing.input)),
        (tokens.output, pricing.output),
    ]
    if pricing.per_image is None:
        if not any(tokens):
            return None
        drawn = _drawn(usage)
        rates += [
            (tokens.image_input, _first(pricing.image_input, pricing.input)),
            (tokens.image_output, _first(pricing.image_output, pricing.output)),
            (_count(drawn.input_tokens), pricing.image_input),
            (_count(drawn.output_tokens), pricing.image_output),
        ]
    total = sum((count * _exact(price) for count, price in rates if price is not None), Decimal(0)) / _MILLION
    if pricing.per_image is not None:
        total += max(images, 0) * _exact(pricing.per_image)
    # A price of pictures stands instead of tokens, which then need none.
    unclear = pricing.image_output is not None and _mixed(usage)
    known = not unclear and all(price is not None for count, price in rates if count)
    complete = known or pricing.per_image is not None
    return _cost(total, "user", complete and not _other_tools(usage, _DRAWN))


def _by_package(
    usage: Usage, source: str, models: Iterable[str | None], image_model: str | None, tier: str | None
) -> Cost | None:
    import genai_prices

    found = _calculated(usage, source, models, tier)
    if found is None or not any(_Tokens.of(usage)):
        return None
    total, complete = found
    for beside, by in ((_drawn(usage), image_model), (_written(usage), _author(usage))):
        if any(_Tokens.of(beside)):
            more = _calculated(beside, source, [by], tier)
            total += more.total if more else 0
            complete = complete and more is not None and more.complete
    return _cost(
        total, f"genai-prices@{genai_prices.__version__}", complete and not _other_tools(usage, _DRAWN, _WRITTEN)
    )


class _Calculated(NamedTuple):
    total: Decimal
    complete: bool


def _calculated(usage: Usage, source: str, models: Iterable[str | None], tier: str | None) -> _Calculated | None:
    """The price by the first model that has one."""
    import genai_prices

    tokens = _Tokens.of(usage)
    heard, said = sum(tokens[:3]), sum(tokens[3:])
    coarse = {"input_tokens": heard, "output_tokens": said}
    fine = {
        **coarse,
        "cache_read_tokens": tokens.cached,
        "cache_write_tokens": min(_count(usage.cache_write_tokens), tokens.input),
        "input_image_tokens": tokens.image_input,
        "output_image_tokens": tokens.image_output,
    }
    context = {"service_tier": tier} if tier in _TIERS else None
    for model in filter(None, models):
        for counts in (fine, coarse):
            try:
                found = genai_prices.calc_price(
                    genai_prices.Usage(**counts),
                    model.removeprefix("models/"),
                    provider_id=source,
                    price_context=context,
                )
            except LookupError:
                break
            except ValueError:
                # Some models price cached pictures apart, whose number no provider tells.
                continue
            prices = found.model_price
            missing = bool((heard and prices.input_mtok is None) or (said and prices.output_mtok is None))
            unclear = prices.output_image_mtok is not None and _mixed(usage)
            return _Calculated(found.total_price, counts is fine and not missing and not unclear)
    return None


def _mixed(usage: Usage) -> bool:
    """Whether pictures came, and nobody says how many of the output tokens they are."""
    return bool(usage.images) and usage.image_output_tokens is None and not _beside(usage, _DRAWN)


def _drawn(usage: Usage) -> Usage:
    """What the provider's own picture tool used, which stands beside the usage of the model; its output is pictures."""
    told = _beside(usage, _DRAWN)
    output = _integer(told.get("output_tokens"))
    images = _integer(find(told, "output_tokens_details.image_tokens"))
    return Usage(
        input_tokens=_integer(told.get("input_tokens")),
        image_input_tokens=_integer(find(told, "input_tokens_details.image_tokens")),
        output_tokens=output,
        image_output_tokens=output if images is None else images,
    )


def _written(usage: Usage) -> Usage:
    """What the author of a vector drawing used, which stands beside the usage of the model too."""
    told = _beside(usage, _WRITTEN)
    return Usage(
        input_tokens=_integer(told.get("input_tokens")),
        output_tokens=_integer(told.get("output_tokens")),
    )


def _author(usage: Usage) -> str | None:
    """The model that wrote a vector drawing."""
    model = _beside(usage, _WRITTEN).get("model")
    return model if isinstance(model, str) else None


def _beside(usage: Usage, name: str) -> Mapping[str, Json]:
    told = (usage.tools or {}).get(name)
    return told if isinstance(told, dict) else {}


def _other_tools(usage: Usage, *priced: str) -> bool:
    """Whether tools of the provider were used whose fees are not known, `priced` ones aside."""
    tools = usage.tools or {}
    return any(
        _count(_integer(number))
        for name, told in tools.items()
        if name not in priced
        for number in (told.values() if isinstance(told, dict) else [told])
    )


def _integer(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(tokens: int | None) -> int:
    """Tokens as they can be: a number that no answer can have used counts as none."""
    return tokens if tokens is not None and 0 < tokens < _ABSURD else 0


def _first(*prices: float | None) -> float | None:
    return next((price for price in prices if price is not None), None)


def _exact(price: float) -> Decimal:
    return Decimal(repr(price))


def _cost(total: Decimal, source: str, complete: bool) -> Cost | None:
    amount = round(float(total), 10)
    return Cost(amount=amount, source=source, complete=complete) if math.isfinite(amount) else None
