"""Which model answers a request, through which api, and whether that moves the request."""

from __future__ import annotations

from typing import NamedTuple

from plcli.conversation import Reading
from plcli.errors import SetupError, SpecError, UsageError
from plcli.fence import BadReference
from plcli.modelrefs import ModelRef, model_reference
from plcli.paths import Parts
from plcli.specs import RequestSpec


class Choice(NamedTuple):
    """The model and its api; `home` is what the request was written for, where an override moves it elsewhere."""

    model: ModelRef
    api: str
    home: Choice | None = None


def choose(reading: Reading, written: RequestSpec, asked: str | None) -> Choice | None:
    """The model of a request, or the one that is asked for in its place; None after a problem.

    Raises `UsageError` where what is asked for is no model.
    """
    place: Parts = ("model",)
    own = written.model if asked is not None else written.model or reading.workspace.spec.model
    home: Choice | None = None
    try:
        if own is not None:
            model = model_reference(reading.workspace, own)
            home = _noted(reading, Choice(model, model.api(written.api)))
    except SpecError as error:
        reading.problems.extend(error.problems)
        return None
    except (BadReference, SetupError) as error:
        reading.problem(place, error.message, error.hint)
        return None
    if asked is not None:
        return _instead(reading, asked, written.api, home)
    if home is None:
        hint = "add model: openai/MODEL-ID, or give --model; echo/any answers without a key"
        reading.problem(place, "no model is named, here or in plcli.toml", hint)
        return None
    return home


def _instead(reading: Reading, asked: str, wanted: str | None, home: Choice | None) -> Choice | None:
    """The model that the command line asks for, in place of the spec's own; None after a problem."""
    try:
        model = model_reference(reading.workspace, asked)
        elsewhere = home is not None and (model.name is not None or model.provider != home.model.provider)
        api = model.api(None if elsewhere else wanted)
    except SpecError as error:
        reading.problems.extend(error.problems)
        return None
    except (BadReference, SetupError) as error:
        raise UsageError(f"--model {asked}: {error.message}", hint=error.hint) from None
    moves = home is not None and (model.provider, api) != (home.model.provider, home.api)
    return _noted(reading, Choice(model, api, home if moves else None))


def _noted(reading: Reading, choice: Choice) -> Choice:
    """The choice, with the model spec among the sources."""
    if choice.model.path is not None and choice.model.document is not None:
        reading.note(choice.model.path, choice.model.document.text)
    return choice
