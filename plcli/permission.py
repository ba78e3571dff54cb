"""Permission: which files stand behind a handler, whether the user's side allows them, and the refusal if not.

A tool file comes with the repository, and so does what it runs. The digests that the user's side lists hold for
the tool file and for every file of the workspace that a word of its handler names; a change of any one takes the
permission away. Imports of Python files are followed; whatever else a program reads is its own business, and
that of whoever allowed it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.modulefiles import module_files
from plcli.toolbox import Tool
from plcli.workspace import Workspace

UNLISTED = "cannot be listed"
"""What stands for the digest of a folder, and of a file that cannot be read: only the command line can allow it."""

SHOWN = 5
"""Files that a refusal names."""

_WORD = re.compile(r"""[^\s=,;:|&<>()'"`]+""")
"""What may be a path or a module in an argument: the value of an option, a word of a script."""


class Named(NamedTuple):
    """A file behind a handler: how messages name it, and the digest of its bytes (`sha256:…`)."""

    label: str
    digest: str


def digests(workspace: Workspace, tool: Tool) -> tuple[Named, ...]:
    """The tool file as it was read, and the files of the workspace that its handler names, each once."""
    paths = dict.fromkeys(path for path in _behind(workspace.root, tool) if path != tool.path)
    files = [Named(workspace.label(path), _digest(path)) for path in paths]
    return tuple(dict.fromkeys([Named(workspace.label(tool.path), tool.document.sha256), *files]))


def missing(workspace: Workspace, tool: Tool, user: UserSide) -> tuple[Named, ...]:
    """Those that the user's side does not list; where there is none, the handler may run."""
    return tuple(named for named in digests(workspace, tool) if named.digest not in user.trusted_tools)


def refusal(tool: Tool, missing: Sequence[Named], user: UserSide) -> SetupError:
    """Why a handler does not run, and the line that allows it."""
    name = tool.spec.name
    files = "; ".join(f"{named.label} ({named.digest})" for named in missing[:SHOWN])
    more = f"; and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    once = f"read it, then --tools {name}=run"
    known = dict.fromkeys(named.digest for named in missing)
    listed = ", ".join(f'"{digest}"' for digest in (*sorted(user.trusted_tools), *known))
    for_good = "" if UNLISTED in known else f"; to allow it for good: trust_tools = [{listed}] in {user.config}"
    return SetupError(
        f"the handler of {name} is not allowed to run: your side does not list {files}{more}", hint=once + for_good
    )


def _behind(root: Path, tool: Tool) -> Iterator[Path]:
    """The files of the workspace that a handler names, rather too many than too few."""
    spec = tool.spec
    if spec.python is not None:
        yield from module_files(root, spec.python.partition(":")[0])
    command = spec.command or (spec.mcp.command if spec.mcp is not None else None) or ()
    for n, item in enumerate(command):
        # The first may be the bare name of a program on PATH, which the user's side decides.
        if n > 0 or os.path.dirname(item):
            for word in filter(None, dict.fromkeys((item, *_WORD.findall(item)))):
                yield from _named(root, word)
                yield from module_files(root, word.removeprefix("-m"))


def _named(root: Path, word: str) -> Iterator[Path]:
    """What a word of a command line names in the workspace, with what a Python script imports from its folder."""
    plain = Path(os.path.normpath(root / word))
    # As it is written and as it is opened: a link may lead elsewhere, and then its target has other bytes.
    for path in (plain, root / word):
        inside = os.path.exists(path) and (plain, Path(os.path.realpath(path)))
        if inside and any(place.is_relative_to(root) for place in inside):
            yield path
            if path.suffix == ".py":
                yield from module_files(path.parent, path.stem)


def _digest(path: Path) -> str:
    # A folder may stand where a file was, and some programs run what is in it.
    if not os.path.isfile(path):
        return UNLISTED
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return UNLISTED
