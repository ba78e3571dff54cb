"""The spec files as pydantic models: the single source of their format, schemas and descriptions."""

from __future__ import annotations

from plcli.specs.closed import Closed
from plcli.specs.expectations import (
    MATCHERS,
    CallExpectation,
    Expectation,
    Expected,
    Matcher,
    OutputExpectation,
    is_matcher,
)
from plcli.specs.model import Azure, EchoStep, Limits, ModelSpec, Pricing, Vertex
from plcli.specs.request import RequestSpec
from plcli.specs.tool import InlineTool, StubsSpec, ToolSpec
from plcli.specs.workspace import Folders, WorkspaceSpec

KINDS: dict[str, type[Closed]] = {
    "request": RequestSpec,
    "tool": ToolSpec,
    "stubs": StubsSpec,
    "model": ModelSpec,
    "workspace": WorkspaceSpec,
}
"""The model of each `kind`."""

__all__ = [
    "KINDS",
    "MATCHERS",
    "Azure",
    "CallExpectation",
    "Closed",
    "EchoStep",
    "Expectation",
    "Expected",
    "Folders",
    "InlineTool",
    "Limits",
    "Matcher",
    "ModelSpec",
    "OutputExpectation",
    "Pricing",
    "RequestSpec",
    "StubsSpec",
    "ToolSpec",
    "Vertex",
    "WorkspaceSpec",
    "is_matcher",
]
