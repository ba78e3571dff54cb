"""Which model is meant: the name of a model spec, else `provider/model-id`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from plcli.documents import Document
from plcli.errors import SetupError, SpecError, UsageError
from plcli.fence import BadReference
from plcli.model_rules import model_problems
from plcli.providers.registry import PROVIDERS, Provider, provider
from plcli.schemas import load_spec
from plcli.specs import ModelSpec
from plcli.spelling import did_you_mean
from plcli.workspace import Workspace


class ModelRef(NamedTuple):
    """A model: who serves it and its id there; with name, content and place of its spec, where it has one."""

    provider: Provider
    model: str
    name: str | None = None
    spec: ModelSpec | None = None
    path: Path | None = None
    document: Document | None = None

    def api(self, wanted: str | None) -> str:
        """The interface to use: the request's, else the model spec's, else the provider's for such a model.

        Raises `BadReference` for one that the provider has not.
        """
        api = wanted or (self.spec.api if self.spec else None) or self.provider.default_api(self.model)
        if api not in self.provider.apis:
            meant = did_you_mean(api, self.provider.apis)
            raise BadReference(
                f"provider {self.provider.name!r} has no api {api!r}",
                hint=f"did you mean {meant!r}?" if meant else f"its apis are: {', '.join(self.provider.apis)}",
            )
        return api


def model_reference(workspace: Workspace, text: str) -> ModelRef:
    """The model that a text names.

    Raises `BadReference` where nothing has that name, `SetupError` where the provider is not known, and
    `SpecError` where the model spec is wrong.
    """
    return workspace.once(("model", text), lambda: _reference(workspace, text))


def asked_model(workspace: Workspace, text: str) -> ModelRef:
    """The model that a command line asks for in place of another. Raises `UsageError` and `SpecError`."""
    try:
        return model_reference(workspace, text)
    except (BadReference, SetupError) as error:
        raise UsageError(f"--model {text}: {error.message}", hint=error.hint) from None


def _reference(workspace: Workspace, text: str) -> ModelRef:
    path = workspace.lookup("model", text)
    if path is not None:
        return load_model(workspace, path)
    maker, slash, model = text.partition("/")
    if not (maker and slash and model):
        meant = workspace.suggestion("model", text)
        folder = workspace.shown(workspace.folder("model"))
        hint = f"did you mean {meant!r}?" if meant else f"write provider/model-id, or the name of a file in {folder}/"
        raise BadReference(f"there is no model spec {text!r}", hint=hint)
    return ModelRef(known_provider(maker), model)


def load_model(workspace: Workspace, path: Path) -> ModelRef:
    """The model of a model spec. Raises `SpecError`, also for a provider or an api that is not known."""
    document = workspace.document(path)
    return model_of(document, load_spec(document, ModelSpec), path)


def model_of(document: Document, spec: ModelSpec, path: Path | None) -> ModelRef:
    """The model that a spec describes.

    Raises `SpecError` for broken rules of model specs, and for a provider or an api that is not known.
    """
    problems = [problem for problem in model_problems(document, spec) if problem.severity == "error"]
    place = "provider"
    try:
        reference = ModelRef(
            known_provider(spec.provider), spec.model, path.stem if path else None, spec, path, document
        )
        place = "api"
        reference.api(None)
    except (BadReference, SetupError) as error:
        problems.append(document.problem((place,), error.message, error.hint))
    if problems:
        raise SpecError(problems)
    return reference


def known_provider(name: str) -> Provider:
    """The provider of that name. Raises `SetupError` with the name that was probably meant."""
    try:
        return provider(name)
    except SetupError as error:
        if meant := did_you_mean(name, PROVIDERS):
            error.hint = f"did you mean {meant!r}?"
        raise
