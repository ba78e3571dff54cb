"""What there is to know of a tool: what the model sees, who answers, what is granted and allowed, who uses it.

The facts are JSON, for people and programs alike; no value of a variable is among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from plcli.environment import UserSide
from plcli.errors import UsageError
from plcli.handling import permission
from plcli.ingredients import offered_tool
from plcli.media import Json
from plcli.providers.registry import PROVIDERS, Provider, adapter
from plcli.request import FunctionTool, Loss, Request
from plcli.specs import InlineTool, ToolSpec
from plcli.toolbox import Tool
from plcli.tooluse import Use, UsedTool
from plcli.workspace import Workspace

STUBS = 5
"""Stubs that are shown of a tool."""


class ToolWire(NamedTuple):
    """A tool as an api gets it, and what that api cannot carry of it."""

    wire: Json
    losses: tuple[Loss, ...]


def brief(used: UsedTool) -> dict[str, Json]:
    """What a list says of a tool."""
    spec = used.tool.spec if used.tool else used.inline
    return _filled(
        {
            "name": used.name,
            "origin": used.origin,
            "kind": _kind(spec) if spec else None,
            "handler": _handler_kind(used.tool.spec) if used.tool else None,
            "stubs": len(used.tool.stubs) if used.tool else None,
            "strict": spec.strict if spec else None,
            "file": used.file,
            "description": spec.description if spec else None,
            "requests": [use.where for use in used.uses],
        }
    )


def facts(workspace: Workspace, tool: Tool, uses: Sequence[Use], user: UserSide) -> dict[str, Json]:
    """Everything about the tool of a file; what is not known is left out."""
    spec = tool.spec
    return _filled(
        {
            "name": spec.name,
            "file": workspace.label(tool.path),
            "kind": _kind(spec),
            "description": spec.description,
            "parameters": spec.parameters,
            "format": spec.format.given() if spec.format else None,
            "strict": spec.strict,
            "returns": spec.returns,
            "handler": _handler(spec),
            "env": [{"name": name, "set": name in user.variables} for name in spec.env],
            "stubs": _stubs(workspace, tool),
            "permission": _permission(workspace, tool, user) if tool.handled else None,
            "requests": [use.where for use in uses],
        }
    )


def compiled(tool: Tool, api: str) -> ToolWire:
    """The tool as an api gets it, with the defaults of a plain run. Raises `UsageError` for an unknown api."""
    provider = next((provider for provider in PROVIDERS.values() if api in provider.apis), None)
    if provider is None:
        known = ", ".join(api for provider in PROVIDERS.values() for api in provider.apis)
        raise UsageError(f"there is no api {api!r}", hint=f"the apis are: {known}")
    made = adapter(provider, api)
    request = Request(provider=provider.name, api=api, model="", tools=(offered_tool(tool.spec),))
    wire, _, losses = made.compile(made.defaults(request, None))
    return ToolWire(wire.get("tools"), losses)


def takes_tools(of: Provider, api: str) -> bool:
    """Whether the models of an api can be offered tools."""
    request = Request(of.name, api, "", tools=(FunctionTool("f"),))
    return bool(adapter(of, api).compile(request).wire.get("tools"))


def _kind(spec: ToolSpec | InlineTool) -> str:
    return "function" if spec.format is None else "free-form"


def _handler_kind(spec: ToolSpec) -> str | None:
    return next((kind for kind in ("command", "python", "mcp") if getattr(spec, kind) is not None), None)


def _handler(spec: ToolSpec) -> dict[str, Json] | None:
    kind = _handler_kind(spec)
    return {kind: spec.given()[kind]} if kind else None


def _stubs(workspace: Workspace, tool: Tool) -> dict[str, Json] | None:
    """How many stubs there are, where they stand, and the first of them as they are written."""
    if not tool.stubs:
        return None
    beside = tool.stubs_document or tool.document
    written = beside.value.get("stubs")
    path = tool.stubs_path or tool.path
    first = written[:STUBS] if isinstance(written, list) else []
    return {"count": len(tool.stubs), "file": workspace.label(path), "first": first}


def _permission(workspace: Workspace, tool: Tool, user: UserSide) -> dict[str, Json]:
    """Whether the user's side lets the handler run by itself, and the digests that it must hold for that."""
    missing = permission.missing(workspace, tool, user)
    digests = [
        {"file": named.label, "digest": named.digest, "allowed": named not in missing}
        for named in permission.digests(workspace, tool, user)
    ]
    told: dict[str, Json] = {"allowed": not missing, "digests": digests}
    return {**told, "hint": permission.refusal(tool, missing, user).hint} if missing else told


def _filled(fields: Mapping[str, Any]) -> dict[str, Json]:
    """Fields without those that say nothing; a list of no uses says something."""
    return {name: value for name, value in fields.items() if name == "requests" or value not in (None, "", [], {})}
