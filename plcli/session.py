"""What a command works with, opened once: workspace, the user's side, log, media, and what is secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from plcli import workspace as workspaces
from plcli.environment import UserSide, user_side, with_dotenv
from plcli.keyshapes import secrets_of
from plcli.mediastore import MediaStore
from plcli.providers.registry import PROVIDERS
from plcli.redact import Redactor
from plcli.render.screen import Screen
from plcli.runlog import Damage, RunLog
from plcli.toolbox import Tool
from plcli.workspace import Workspace

DAMAGES = 20
"""Damaged lines of the log that are told one by one."""

_KEY_NAMES = tuple(name for provider in PROVIDERS.values() for name in provider.key_env)


@dataclass(slots=True)
class Session:
    """The values that commands hand to the machinery."""

    screen: Screen
    workspace: Workspace
    user: UserSide
    redactor: Redactor
    log: RunLog
    store: MediaStore

    def protect(self, secrets: Iterable[str]) -> None:
        """Keep more values from log and screen, from now on."""
        self.redactor = self.redactor.also(secrets)
        self.screen.redact = self.redactor.text

    def protect_granted(self, tools: Iterable[Tool]) -> None:
        """Keep the values of variables that handlers of these tools may see from log and screen: they could tell."""
        self.protect(self.user.variables.get(name, "") for tool in tools for name in tool.spec.env)

    def tell_of_other_workspaces(self, files: Iterable[Path]) -> None:
        """Warn of files that belong to a workspace below this one: what they name is looked up here."""
        for file in dict.fromkeys(files):
            if inner := self.workspace.inner(file):
                label, folder = self.workspace.label(file), self.workspace.label(inner)
                self.screen.warn(f"{label} belongs to the workspace {folder}: add --workspace {folder}")

    def read_keys(self, extra_names: Iterable[str]) -> None:
        """Take keys from the workspace's `.env`, for variables that a provider or a model spec names."""
        allowed = {*_KEY_NAMES, *extra_names}
        self.user, ignored = with_dotenv(self.user, self.workspace.root / ".env", allowed)
        self.protect(self.user.keys.values())
        if ignored:
            self.screen.say(f".env: {', '.join(ignored)} ignored; it may only set keys that a provider or model names")


def open_session(
    screen: Screen,
    *,
    workspace: Path | None = None,
    log: Path | None = None,
    trust_hosts: Sequence[str] | None = None,
    allow_paths: Sequence[Path] | None = None,
) -> Session:
    """Open the workspace of the current folder. Raises `SpecError` and `UsageError`."""
    found = workspaces.find(workspaces.here(), workspace, log=log, allowed=tuple(allow_paths or ()))
    user = user_side(os.environ, trust_hosts or ())
    redactor = Redactor(user.secrets(_KEY_NAMES) | secrets_of(os.environ), found.spec.redact)
    screen.redact = redactor.text

    return Session(screen, found, user, redactor, opened_log(screen, found, found.log), MediaStore(found.media))


def opened_log(screen: Screen, workspace: Workspace, path: Path) -> RunLog:
    """A log whose damaged lines a person is told of."""
    name, number = workspace.label(path), count(1)

    def report(damage: Damage) -> None:
        told = next(number)
        if told <= DAMAGES:
            screen.warn(f"{name}: the line at byte {damage.offset} is no record: {damage.reason}")
        elif told == DAMAGES + 1:
            screen.warn(f"{name}: more lines are no records")

    return RunLog(path, report)
