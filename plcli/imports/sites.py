"""Where a captured call went: the endpoint as records name it, and whether the provider itself answered there."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from plcli.address import parse
from plcli.providers.registry import PROVIDERS
from plcli.records import Endpoint
from plcli.wireshapes import GEMINI, Guess

_VERSION = re.compile(r"(.*?)/(v[0-9][a-z0-9]*)/")
_OPERATION = re.compile(r"(?:/deployments/[^/]+)?(?:/responses|/chat/completions|/images/(?:generations|edits))/?\Z")


class Site(NamedTuple):
    """An endpoint, as far as it is known; `own` where it is the provider's own host."""

    endpoint: Endpoint | None = None
    own: bool = False


def site_of(url: str | None, asked: Guess) -> Site:
    """The site that a URL leads to; query and credentials of the URL are not taken over."""
    try:
        parts = urlsplit(url or "")
        version = next(iter(parse_qs(parts.query).get("api-version", ())), None)
        path = parts.path
        if (asked.provider, asked.api) == GEMINI:
            found = _VERSION.match(path)
            path, version = (found[1], found[2]) if found else ("", None)
        else:
            path = _OPERATION.sub("", path)
        address = parse(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}")
    except ValueError:
        return Site()
    provider = PROVIDERS.get(asked.provider)
    own = provider is not None and address.encrypted and address.host in provider.hosts
    return Site(Endpoint(base_url=address.url, api_version=version), own)
