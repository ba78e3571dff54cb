"""A text in the editor of the person at the terminal, until it is right."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from plcli import disk
from plcli.errors import Problem, SetupError, SpecError
from plcli.fence import BadReference, Opened, read_regular
from plcli.render.problems import text_lines
from plcli.render.screen import Screen

USUAL = "vi"
"""The editor of a person who names none."""


def edited(text: str, name: str, problems_of: Callable[[str], Sequence[Problem]], screen: Screen) -> str | None:
    """What a person makes of a text, as often as they want to mend it; None where they leave it as it is.

    `name` is that of the draft, `problems_of` says what is wrong with it. Raises `SpecError` where it stays wrong,
    and says where the draft is kept; `SetupError` where the editor does not start or fails.
    """
    path = Path(tempfile.mkdtemp(prefix="plcli-")) / name
    disk.create(path, text.encode())
    while True:
        try:
            edit(path)
            draft = Opened(path, read_regular(path, name)).text
        except SetupError:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        except BadReference as error:
            raise SpecError([Problem(str(path), error.message, hint=error.hint)]) from None
        problems = problems_of(draft) if draft != text else []
        if not any(problem.severity == "error" for problem in problems):
            shutil.rmtree(path.parent, ignore_errors=True)
            return draft if draft != text else None
        if not _again(problems, screen):
            screen.say(f"the draft is kept: {path}")
            raise SpecError(problems)


def edit(path: Path) -> None:
    """Open a file in `$VISUAL` or `$EDITOR`, and wait until that ends. Raises `SetupError`."""
    named = next((name for name in ("VISUAL", "EDITOR") if os.environ.get(name, "").strip()), None)
    command = os.environ[named] if named else USUAL
    what = f"the editor {command}" + (f" (${named})" if named else "")
    hint = "name another: export EDITOR=nano"
    try:
        code = subprocess.call([*shlex.split(command), str(path)])
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise SetupError(f"{what} does not start: {reason.lower()}", hint=hint) from None
    if code:
        raise SetupError(f"{what} ended with {code}, and nothing was written", hint=hint)


def _again(problems: Sequence[Problem], screen: Screen) -> bool:
    """Whether a person who sees the problems wants to mend them."""
    if not (sys.stdin.isatty() and screen.err.isatty()):
        return False
    for problem in problems:
        screen.say(text_lines(problem))
    screen.write(screen.err, "edit it again? [Y/n] ")
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")
