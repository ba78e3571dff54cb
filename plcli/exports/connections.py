"""The connection that a logged run would have today, with names of variables in the place of their values.

Trust decides as it does for a run; no key is read, and none can reach an export.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import urlsplit

from plcli.brevity import cut
from plcli.connect import Connection, Limits, connect
from plcli.documents import FORMATS, parse
from plcli.environment import UserSide
from plcli.errors import LogError, PlcliError, SetupError, SpecError
from plcli.exports.losses import LeftOut, Losses
from plcli.fence import BadReference
from plcli.media import MediaMissing
from plcli.mediastore import MediaStore
from plcli.modelrefs import model_reference
from plcli.providers.registry import Provider
from plcli.records import Record
from plcli.redact import MARK, SECRET_HEADERS, Redactor
from plcli.schemas import load_spec
from plcli.specs import Azure, ModelSpec
from plcli.workspace import Workspace

PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A variable in the place of its value."""


class Surroundings(NamedTuple):
    """Where the runs come from, and who asks for them."""

    workspace: Workspace
    store: MediaStore
    user: UserSide
    redactor: Redactor


def connection_of(record: Record, provider: Provider, around: Surroundings, losses: Losses) -> Connection:
    """The connection of a run; `key` and the headers have `${NAME}` where values of variables would stand.

    Where trust refuses the key or a header, both are left out, which is told. Raises `LeftOut`.
    """
    spec, api = _model_spec(record, provider, around, losses), record.api or ""
    bare = spec.model_copy(update={"api_key_env": None, "headers": {}})
    try:
        try:
            connection = connect(provider, api, spec, _by_name(around.user, provider, spec), Limits())
        except SetupError as error:
            connection = connect(provider, api, bare, _by_name(around.user, provider, bare), Limits())
            why = f"{error.message}; {error.hint}" if error.hint else error.message
            losses.lost(record, f"without key and headers: {why}")
    except PlcliError as error:
        raise LeftOut(error.message) from None
    if secret := [name for name, text in connection.headers.items() if _is_secret(name, text, around.redactor)]:
        losses.lost(record, f"without {', '.join(secret)}: a header that holds a secret itself")
    return replace(connection, headers={name: text for name, text in connection.headers.items() if name not in secret})


def _is_secret(name: str, text: str, redactor: Redactor) -> bool:
    """Whether a secret stands in a header itself, or did before it was taken out of the copy of its spec."""
    written = name.lower() in SECRET_HEADERS and not PLACEHOLDER.search(text)
    return written or MARK in text or redactor.finds(text)


def _by_name(user: UserSide, provider: Provider, spec: ModelSpec) -> UserSide:
    """The user's side with `${NAME}` for the value of every variable that may be sent, as if each was set."""
    own = [user.first_set(provider.key_env) or provider.key_env[-1]]
    named = [spec.api_key_env] if spec.api_key_env else []
    gateways = {name: value for name, value in user.variables.items() if name.endswith("_BASE_URL")}
    stand_ins = {name: f"${{{name}}}" for name in (*own, *named, *user.header_names)}
    return replace(user, variables={**gateways, **stand_ins}, keys={}, offline=False)


def _model_spec(record: Record, provider: Provider, around: Surroundings, losses: Losses) -> ModelSpec:
    """The model spec that a run was made with, at the endpoint that the run went to."""
    if not record.model:
        raise LeftOut("it names no model")
    endpoint = record.endpoint
    base_url, version = (endpoint.base_url, endpoint.api_version) if endpoint else (None, None)
    spec = _spec_then(record, around.store) or _spec_now(record, around.workspace)
    if spec is None or spec.provider != provider.name:
        if record.model_spec:
            losses.lost(record, f"its model spec {cut(record.model_spec, 60)} is gone, and what it says with it")
        spec = _unspecified(provider, record.model, base_url, version)
        if provider.name == "gemini" and "aiplatform" in _host(base_url):
            raise LeftOut("the model spec that names its project on Vertex is gone")
    return spec.model_copy(update={"base_url": base_url or spec.base_url, "api_version": version or spec.api_version})


def _unspecified(provider: Provider, model: str, base_url: str | None, version: str | None) -> ModelSpec:
    """What is known of a model without a spec: of OpenAI, only resources of Azure have versions."""
    try:
        azure = Azure(endpoint=base_url) if provider.name == "openai" and version and base_url else None
        return ModelSpec(kind="model", provider=provider.name, model=model, azure=azure)
    except ValueError:
        raise LeftOut("its model or its endpoint is no text") from None


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _spec_then(record: Record, store: MediaStore) -> ModelSpec | None:
    """The model spec as it was: its bytes are kept with the run."""
    for source in record.sources or ():
        path = PurePath(source.path)
        form = FORMATS.get(path.suffix.lower())
        if form is None or path.stem != record.model_spec:
            continue
        try:
            return load_spec(parse(store.get(source.kept or source.sha256), file=source.path, format=form), ModelSpec)
        except (MediaMissing, LogError, SpecError):
            continue
    return None


def _spec_now(record: Record, workspace: Workspace) -> ModelSpec | None:
    if not record.model_spec:
        return None
    try:
        return model_reference(workspace, record.model_spec).spec
    except (BadReference, PlcliError):
        return None
