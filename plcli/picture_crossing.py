"""What becomes of pictures on the way of a request to another api: those to make, and those that were made."""

from __future__ import annotations

from plcli import paths
from plcli.crossing import Origin, Side, Step, same_names
from plcli.paths import Parts
from plcli.request import Image, Loss, Message, Part, Request


def drawn_on(request: Request, old: Side, new: Side) -> Step:
    """What the model drew last is what an api that only draws begins with: it takes pictures of the user alone."""
    drawn = [at for at, message in enumerate(request.messages) if message.role == "assistant" and _pictures(message)]
    if not drawn or not new.only_draws or old.only_draws:
        return Step(request)
    last = drawn[-1]
    messages = list(request.messages)
    messages[last] = Message("user", _pictures(messages[last]))
    why = "what the model drew is taken as a picture to begin with"
    losses = (Loss(paths.show(("messages", last)), why, kind="approximated"),)
    places = [at for at, part in enumerate(request.messages[last].parts) if isinstance(part, Image)]
    origins: dict[Parts, Origin] = {
        ("messages", last, "content", n): Origin(("messages", last, "content", at)) for n, at in enumerate(places)
    }
    return Step(request._replace(messages=tuple(messages)), losses, origins)


def _pictures(message: Message) -> tuple[Part, ...]:
    return tuple(part for part in message.parts if isinstance(part, Image))


def picture(request: Request, old: Side, new: Side) -> Step:
    """The wish for a picture; what the old api calls its size and the like is lost where the new one makes any."""
    if request.image is None and old.only_draws:
        return Step(request._replace(image={}))
    if not request.image or same_names(old, new) or not new.carries(image={}):
        return Step(request)
    why = f"the {new.api} api has other names for what a picture is to be like"
    losses = tuple(Loss(paths.show(("image", name)), why) for name in request.image)
    return Step(request._replace(image={}), losses)
