"""The `image_generation` tool of Responses: what a spec says of pictures, as the tool that draws, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plcli.media import Json, MediaRef
from plcli.providers.openai_turns import data_url
from plcli.providers.reading import rows, table
from plcli.providers.roundtrip import same
from plcli.request import BuiltinTool, Loss, Request

_TOOL = "image_generation"

FORCED: Json = {"type": _TOOL}
"""The choice that makes the model draw."""

_NOT_IN_THE_TOOL = {"markup": "drop it, or use `api: images`", "n": "drop it, and ask for more: plcli image --count N"}


def tool_of(image: Mapping[str, Json]) -> Json:
    """The tool that draws so; only a mask stands elsewhere in it than in the spec."""
    tool = {"type": _TOOL, **{key: item for key, item in image.items() if key not in _NOT_IN_THE_TOOL}}
    mask = tool.get("mask")
    if isinstance(mask, MediaRef | str):
        del tool["mask"]
        tool["input_image_mask"] = {"image_url": data_url(mask)}
    return tool


def losses(image: Mapping[str, Json]) -> Iterator[Loss]:
    """What a spec says of pictures that the tool cannot take."""
    for name, hint in _NOT_IN_THE_TOOL.items():
        if name in image:
            yield Loss(f"image.{name}", f"the {_TOOL} tool has no {name}", hint)


def read_image(wire: Mapping[str, Json], request: Request) -> Request | None:
    """The request whose last tool, where that one draws, is what the spec says under `image`."""
    last = request.tools[-1] if request.tools else None
    if not isinstance(last, BuiltinTool) or not _draws(last.item):
        return None
    image = {key: item for key, item in last.item.items() if key != "type"}
    mask = image.get("input_image_mask")
    if isinstance(mask, dict) and mask.keys() == {"image_url"} and isinstance(mask["image_url"], MediaRef | str):
        image = {**{key: item for key, item in image.items() if key != "input_image_mask"}, "mask": mask["image_url"]}
    choice = None if same(wire.get("tool_choice"), FORCED) else request.tool_choice
    return request._replace(tools=request.tools[:-1], image=image, tool_choice=choice)


def wanted(wire: Json) -> int:
    """How many pictures a wire asks for: one where the model must choose the tool that draws."""
    stated = table(wire)
    choice: Json = stated.get("tool_choice")
    offered: Json = [choice]
    if choice == "required":
        offered = stated.get("tools")
    elif table(choice).get("mode") == "required":
        offered = choice.get("tools")
    return int(bool(rows(offered)) and all(map(_draws, rows(offered))))


def _draws(tool: Json) -> bool:
    return bool(table(tool).get("type") == _TOOL)
