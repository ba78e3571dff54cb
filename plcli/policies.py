"""How the calls of a run are answered: by whom each tool, how many, and how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from plcli.media import Json
from plcli.response import ToolCallPart
from plcli.toolanswers import Policy
from plcli.toolbox import Tool

SECONDS = 30.0
"""Seconds that one call may take, unless the command line says otherwise."""

REPAIRS = 3
"""Rounds in a row whose calls a model may get wrong before the run ends."""


class Policies(NamedTuple):
    """How calls are answered: those of the `named` tools, and all others. None leaves it to the user's side."""

    default: Policy | None = None
    named: Mapping[str, Policy] = MappingProxyType({})

    def of(self, tool: str) -> Policy | None:
        """What the command line says of a tool."""
        return self.named.get(tool, self.default)

    @property
    def all(self) -> frozenset[Policy]:
        """Every policy that is asked for."""
        return frozenset(filter(None, (self.default, *self.named.values())))


class Asked(NamedTuple):
    """What a person decided of a call: a policy to follow, or an answer of their own."""

    policy: Policy | None
    answer: Json = None


Ask = Callable[[ToolCallPart, Tool | None, str | None], Asked]
"""Asks a person how to answer a call; the text says what was wrong with the answer that they gave before."""


@dataclass(frozen=True, slots=True)
class ToolTerms:
    """How the calls of a run are answered, and how many, how long, how often in vain.

    `rounds` and `calls` bound one run, `seconds` one call. `strict` ends a run at the first call that is
    wrong, instead of telling the model. `record_stubs` keeps what handlers answer; `protect` takes the
    secrets out of it. Without `handlers` none runs and nobody is asked, whatever the policies say.
    """

    policies: Policies = field(default_factory=Policies)
    rounds: int = 10
    calls: int = 100
    seconds: float = SECONDS
    strict: bool = False
    record_stubs: bool = False
    handlers: bool = True
    ask: Ask | None = None
    protect: Callable[[Json], Json] = field(default=lambda value: value)
    tell: Callable[[str, str], None] = field(default=lambda tool, line: None)
    """Is told each line that a handler writes to its stderr, with the tool's name."""
    warn: Callable[[str], None] = field(default=lambda text: None)
