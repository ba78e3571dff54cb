"""The workspace file `plcli.toml`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from plcli.specs.closed import Closed, Items


class Folders(Closed):
    """Where specs are looked up by name; paths relative to the workspace."""

    prompts: str = "prompts"
    """Request specs."""
    tools: str = "tools"
    """Tool specs."""
    models: str = "models"
    """Model specs."""
    recordings: str = "recordings"
    """Recordings that CI commits."""


class WorkspaceSpec(Closed):
    """Settings of a workspace. No file is needed for anything."""

    kind: Literal["workspace"] = "workspace"
    """What this file is."""
    log: str = "runs.jsonl"
    """The run log, relative to the workspace; its media are kept beside it."""
    model: str | None = None
    """The model of requests that name none."""
    folders: Folders = Field(default_factory=Folders)
    """Where specs are looked up by name."""
    redact: Items[str] = ()
    """Regular expressions of secrets that the log must not hold; repeats need a bound, like `[0-9a-f]{16,64}`."""
