"""Permission: which files stand behind a handler, whether the user's side allows them, and the refusal if not.

A tool file comes with the repository, and so does what it runs. The digests that the user's side lists hold for
the tool file and for every file of the workspace that a word of its handler names; a change of any one takes the
permission away. Imports of Python files are followed, and what would stand in for an installed module counts too;
whatever else a program reads is its own business, and that of whoever allowed it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from plcli.environment import UserSide
from plcli.errors import SetupError
from plcli.handling.children import ChildFailed, command_line
from plcli.handling.modulefiles import module_files, modules_among, program_files, script_files
from plcli.media import digest_of
from plcli.toolbox import Tool
from plcli.workspace import Workspace

UNLISTED = "cannot be listed"
"""What stands for the digest of a folder, and of a file that cannot be read: only the command line can allow it."""

WORDS = 5_000
"""Words of a command that are looked at; of one with more anything of the workspace may be meant."""

SHOWN = 5
"""Files that a refusal names."""

_WORD = re.compile(r"""[^\s=,;:|&<>()'"`]+""")
"""What may be a path or a module in an argument: the value of an option, a word of a script."""

_PATH = re.compile(r"[^\0]{1,4096}", re.DOTALL)
"""What an operating system may take for a path."""

_LETTERS = re.compile(r"-[A-Za-z0-9]{0,60}")
"""The letters of options, the value of the last of which may follow at once."""

_INTERPRETED = re.compile(r"-[A-Za-z]*[cm]")
"""The option with which Python and others look for modules in the current folder first."""


class Named(NamedTuple):
    """A file behind a handler: how messages name it, and a digest (`sha256:…`).

    That of the tool file is of its bytes; the others are of the place of the file too.
    """

    label: str
    digest: str


def digests(workspace: Workspace, tool: Tool, user: UserSide) -> tuple[Named, ...]:
    """The tool file as it was read, and the files of the workspace that its handler names, each once."""
    behind = _behind(workspace.root, tool, user.variables.get("PATH"))
    paths = dict.fromkeys(path for path in behind if path != tool.path)
    files = [Named(workspace.label(path), _digest(path, workspace)) for path in paths]
    return tuple(dict.fromkeys([Named(workspace.label(tool.path), tool.document.sha256), *files]))


def missing(workspace: Workspace, tool: Tool, user: UserSide) -> tuple[Named, ...]:
    """Those that the user's side does not list; where there is none, the handler may run."""
    return tuple(named for named in digests(workspace, tool, user) if named.digest not in user.trusted_tools)


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


def _behind(root: Path, tool: Tool, search: str | None) -> Iterator[Path]:
    """The files of the workspace that a handler names, rather too many than too few; `search` is the value of PATH."""
    spec = tool.spec
    if spec.python is not None:
        yield from module_files(root, spec.python.partition(":")[0])
    command = spec.command or (spec.mcp.command if spec.mcp is not None else None) or ()
    arguments = command[1:]
    # What is found on PATH by a bare name may be in the workspace all the same.
    with suppress(ChildFailed):
        yield from _named(root, command_line(command, root, search)[0])
    words = list(dict.fromkeys(word for argument in arguments for word in _words(argument)))
    if len(words) > WORDS:
        yield root
        return
    for word in words:
        yield from _named(root, word)
    modules = modules_among(words, root)
    if modules or any(map(_INTERPRETED.match, arguments)):
        yield from program_files(root, modules)


def _words(argument: str) -> Iterator[str]:
    """What may be a path or a module in an argument, behind the letters of an option and an `@` too."""
    for word in filter(_PATH.fullmatch, (argument, *_WORD.findall(argument))):
        letters = _LETTERS.match(word)
        glued = range(2, min(letters.end() + 1, len(word))) if letters else ()
        for part in (word, *(word[n:] for n in glued)):
            yield from filter(None, (part, part.removeprefix("@")))


def _named(root: Path, word: str) -> Iterator[Path]:
    """What a word of a command line names in the workspace, with what a Python script imports from its folder."""
    plain = Path(os.path.normpath(root / word))
    # As it is written and as it is opened: a link may lead elsewhere, and then its target has other bytes.
    for path in (plain, root / word):
        inside = os.path.exists(path) and (plain, Path(os.path.realpath(path)))
        if inside and any(place.is_relative_to(root) for place in inside):
            yield path
            yield from script_files(path)


def _digest(path: Path, workspace: Workspace) -> str:
    """The digest of a file at its place in the workspace: a file that is allowed elsewhere does other things here."""
    # A folder may stand where a file was, and some programs run what is in it.
    if not os.path.isfile(path):
        return UNLISTED
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return UNLISTED
    place = workspace.shown(Path(os.path.normpath(path)))
    return digest_of(f"{content} {place}".encode("utf-8", "surrogateescape"))
