"""What model specs must keep beyond their format: each rule with its place.

A run refuses what breaks a rule as validation does, so that nothing of a spec is silently ignored. A file
that breaks its format does not come here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plcli import address, headers, paths
from plcli.documents import Document
from plcli.errors import Problem, SetupError
from plcli.places import Step
from plcli.providers.registry import PROVIDERS, check_path, vertex_site
from plcli.redact import Redactor
from plcli.specs import Azure, ModelSpec

AZURE_VERSION = "2025-04-01-preview"
"""The last dated version of Azure's api; the form without dates took its place."""

_PICTURES = "images"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_BARE_KEY = r"[A-Za-z0-9]{32,}"
_VERSION = r"[A-Za-z0-9-]*"
_DEPLOYMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_OPERATION = (
    r"/(?:chat/completions|completions|responses|images/(?:generations|edits)|embeddings)\Z"
    r"|(?:/v[0-9][0-9a-z]*)?/(?:models|tunedModels)/[^/]+:[A-Za-z]+\Z"
)
_AZURE_PATH = r"/openai(?:/.*)?\Z"
_GEMINI_VERSION = r"/v[0-9][0-9a-z]*\Z"

_TOO_CHEAP = 0.001
"""Dollars per million tokens; the cheapest models cost more, and the dearest cost this per thousand of them."""


def model_problems(document: Document, spec: ModelSpec) -> list[Problem]:
    """Every broken rule of a model spec; that provider and api are known is seen when the spec is loaded."""
    rules = (_provider_rules, _azure_rules, _gemini_rules, _vertex_rules, _address_rules, _sending_rules, _number_rules)
    return [problem for rule in rules for problem in rule(document, spec)]


def _provider_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    """What only some providers have."""
    if spec.script is not None and spec.provider != "echo":
        message = "only the provider echo follows a script"
        yield document.problem(("script",), message, "write provider: echo", of="key")
    for name, maker in (("azure", "openai"), ("vertex", "gemini")):
        if getattr(spec, name) is not None and spec.provider != maker:
            message = f"{name} is for the provider {maker}"
            yield document.problem((name,), message, f"write provider: {maker}, or drop it", of="key")
    known = PROVIDERS.get(spec.provider)
    if known and known.local:
        for name in ("base_url", "api_key_env"):
            if getattr(spec, name) is not None:
                message = f"{spec.provider} answers without a connection, and has no {name}"
                yield document.problem((name,), message, "drop it, or name another provider", of="key")
    if spec.edits == "multipart" and (spec.provider != "openai" or spec.api not in (None, _PICTURES)):
        message = "the images api alone sends edits: this is not used"
        yield document.problem(("edits",), message, f"write api: {_PICTURES}, or drop it", of="key", severity="warning")
    if spec.api_version is None:
        return
    if not re.fullmatch(_VERSION, spec.api_version):
        yield document.problem(("api_version",), "no version of an api", f"write it like {AZURE_VERSION} or v1beta")
    elif known and spec.provider != "gemini" and spec.azure is None:
        message = f"{spec.provider} has no versions to choose from: it is not used"
        yield document.problem(("api_version",), message, "drop it", of="key", severity="warning")


def _azure_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    azure = spec.azure
    if azure is None or spec.provider != "openai":
        return
    if spec.base_url is not None:
        message = "azure.endpoint already says where the model is served"
        yield document.problem(("base_url",), message, "keep one of them", of="key")
    if not spec.api_version:
        hint = f"write api_version: {AZURE_VERSION}; base_url: https://RESOURCE.openai.azure.com/openai/v1 needs none"
        yield document.problem(("azure",), "Azure in the legacy form needs an api_version", hint, of="key")
    yield from _azure_addresses(document, spec, azure)
    if azure.auth == "token" and spec.api_key_env is None:
        message = "no variable is named that holds the token"
        yield document.problem(("azure", "auth"), message, "name it with api_key_env")


def _azure_addresses(document: Document, spec: ModelSpec, azure: Azure) -> Iterator[Problem]:
    """Rules of the parts that addresses on Azure are made of."""
    place = ("azure", "endpoint")
    try:
        root = address.parse(azure.endpoint)
    except ValueError as error:
        yield document.problem(place, f"the address {error}", "write https://RESOURCE.openai.azure.com")
    else:
        if path := re.search(_AZURE_PATH, root.path):
            undated = f", or drop azure and write base_url: {root.url}" if path[0] == "/openai/v1" else ""
            message = "the endpoint is the root of the resource, without /openai"
            yield document.problem(place, message, f"write {root.url.removesuffix(path[0])}{undated}")
    named: tuple[Step, ...] = ("azure", "deployment") if azure.deployment is not None else ("model",)
    if not re.fullmatch(_DEPLOYMENT, spec.model if azure.deployment is None else azure.deployment):
        hint = "deployments have letters, digits, '-', '_' and '.'"
        yield document.problem(named, "no name of a deployment", hint)
    elif azure.deployment not in (None, spec.model) and (spec.api or "responses") == "responses":
        message = "the responses api knows a deployment by `model` alone"
        yield document.problem(named, message, f"write model: {azure.deployment}, or api: chat")


def _gemini_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    """Rules of the parts that addresses of Gemini are made of."""
    if spec.provider != "gemini":
        return
    parts: dict[tuple[Step, ...], str | None] = {("model",): spec.model}
    if spec.vertex is not None:
        parts["vertex", "project"] = spec.vertex.project or None
    for place, text in parts.items():
        try:
            if text is not None:
                check_path(paths.show(place), text)
        except SetupError as error:
            yield document.problem(place, error.message, error.hint)


def _vertex_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    if spec.vertex is None or spec.provider != "gemini":
        return
    if not spec.vertex.project and spec.api_key_env is None:
        message = "Vertex needs a project, or api_key_env for a key of express mode"
        yield document.problem(("vertex",), message, "write vertex: {project: YOUR-PROJECT}", of="key")
    try:
        vertex_site(spec.vertex)
    except SetupError as error:
        yield document.problem(("vertex", "location"), error.message, error.hint)


def _address_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    if spec.base_url is None:
        return
    place = ("base_url",)
    try:
        root = address.parse(spec.base_url)
    except ValueError as error:
        # The address itself is not shown: it may hold a password.
        yield document.problem(place, f"the address {error}", "write it like https://host/v1, and nothing more")
        return
    if operation := re.search(_OPERATION, root.path):
        hint = f"name the root: {root.url.removesuffix(operation[0])}"
        yield document.problem(place, f"the address ends in {operation[0]}, which plcli adds itself", hint)
    elif spec.provider == "gemini" and spec.api_version != "" and (version := re.search(_GEMINI_VERSION, root.path)):
        hint = f"write base_url: {root.url.removesuffix(version[0])} and api_version: {version[0].strip('/')}"
        message = f"the address ends in {version[0]}, and the version is added to it"
        yield document.problem(place, message, hint, severity="warning")


def _sending_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    """Rules of what is sent along: key, headers, and what is left out."""
    if spec.api_key_env is not None and not re.fullmatch(_VARIABLE, spec.api_key_env):
        hint = "name the variable; the key itself stays out of files"
        yield document.problem(("api_key_env",), "not the name of an environment variable", hint)
    elif spec.api_key_env is not None and _seems_a_key(spec.api_key_env):
        hint = "put it into a variable, and name that; a key that stood in a file should be made anew"
        yield document.problem(("api_key_env",), "this seems to be the key itself", hint)
    for name, value in spec.headers.items():
        if complaint := headers.complaint(name, value):
            yield document.problem(("headers", name), f"this header {complaint}", of="key")
    for n, path in enumerate(spec.omit):
        try:
            if not paths.parse(path):
                raise ValueError("an empty path")
        except ValueError as error:
            yield document.problem(("omit", n), str(error))


def _seems_a_key(name: str) -> bool:
    return bool(re.fullmatch(_BARE_KEY, name)) or Redactor().text(name) != name


def _number_rules(document: Document, spec: ModelSpec) -> Iterator[Problem]:
    """Numbers that are allowed, and hardly meant."""
    prices = spec.pricing.model_dump(exclude_none=True) if spec.pricing else {}
    for name, price in prices.items():
        if name != "per_image" and 0 < price < _TOO_CHEAP:
            message = "prices are per million tokens; this seems to be the price of one"
            yield document.problem(("pricing", name), message, f"write {price * 1e6:g}", severity="warning")
    if prices.get("cached_input", 0) > prices.get("input", float("inf")):
        message = "cached tokens cost more than others"
        yield document.problem(("pricing", "cached_input"), message, "are the two swapped?", severity="warning")
    if spec.timeout is not None and spec.deadline is not None and spec.timeout > spec.deadline:
        message = "one read may take longer than the whole run: the deadline ends it first"
        yield document.problem(("timeout",), message, severity="warning")
