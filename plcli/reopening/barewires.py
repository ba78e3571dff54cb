"""Wires in files: a body alone, `{"wire", "target"}` as `--dry-run` prints it, or a line of a batch."""

from __future__ import annotations

from typing import NamedTuple

from plcli import jsontext
from plcli.errors import Problem, SetupError, SpecError, UsageError
from plcli.exchange import Target, key_of
from plcli.fence import BadReference
from plcli.media import Json, Media, decode, lift
from plcli.modelrefs import ModelRef, known_provider, model_reference
from plcli.providers.registry import adapter
from plcli.reopening.proving import Wanted
from plcli.wireshapes import Guess, guess, of_target, without_switches
from plcli.workspace import Workspace

_SHAPES = "a body has `input` (responses), `messages` (chat), `contents` (gemini), or the `prompt` of a picture"


class BareWire(NamedTuple):
    """A wire with the model that it is for, and the bytes that stood in it."""

    wanted: Wanted
    model: ModelRef
    media: Media


def bare_wire(workspace: Workspace, text: str, name: str, model: str | None, api: str | None) -> BareWire:
    """The wire of a JSON text; `model` and `api` say who it is for, where it does not, or in the place of its own.

    Raises `SpecError` for a text that is no such JSON, and `UsageError` where it cannot be told who it is for.
    """
    value = jsontext.read(text, name)
    wire, target, url = _found(value)
    if not isinstance(wire, dict):
        raise SpecError([Problem(name, "a wire must be an object", hint=_SHAPES)])
    guessed = of_target(target) if target is not None else guess(wire, url)
    asked, api = _asked(workspace, name, model, api, guessed)
    made = adapter(asked.provider, api)
    wire = without_switches(asked.provider.name, wire)
    if model is not None and "model" in wire:
        wire = {**wire, "model": asked.model}
    try:
        lifted, media = lift(decode(wire), made.MEDIA)
    except ValueError as error:
        raise SpecError([Problem(name, f"its media cannot be read: {error}")]) from None
    target = target if target is not None and model is None else made.target_of(lifted, asked.model)
    key = key_of(asked.provider.name, api, target, lifted)
    return BareWire(Wanted(asked.provider.name, api, lifted, target, key), asked, media)


def _found(value: Json) -> tuple[Json, Target | None, str | None]:
    """The wire in a JSON value, where it goes, or the address that it is sent to."""
    match value:
        case {"wire": wire, "target": {"operation": str(operation), "model": str(model)}}:
            return wire, Target(operation, model), None
        case {"url": str(url), "body": body}:
            return body, None, url
    return value, None, None


def _asked(
    workspace: Workspace, name: str, model: str | None, api: str | None, guessed: Guess | None
) -> tuple[ModelRef, str]:
    """The model and the api of a wire. Raises `UsageError`."""
    try:
        if model is not None:
            asked = model_reference(workspace, model)
        elif guessed is None:
            raise UsageError(f"{name}: it cannot be told which api this is for", hint=f"{_SHAPES}; or add --model")
        elif guessed.model is None:
            hint = f"add --model {guessed.provider}/MODEL-ID"
            raise UsageError(f"{name} names no model", hint=hint)
        else:
            asked = ModelRef(known_provider(guessed.provider), guessed.model)
        fits = guessed is not None and guessed.provider == asked.provider.name
        if guessed is not None and not (fits or api or asked.provider.local):
            theirs = f"{guessed.provider}/{guessed.model or 'MODEL-ID'}"
            hint = f"open it with --model {theirs}, and run that spec with --model {model}"
            raise UsageError(f"--model {model}: {name} is a body of {guessed.provider}'s {guessed.api} api", hint=hint)
        return asked, asked.api(api or (guessed.api if guessed is not None and fits else None))
    except (BadReference, SetupError) as error:
        option = f"--model {model}" if model is not None else f"--api {api}"
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None
