"""Which reports a command line asks for: forms and the files that they are written to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from plcli import disk
from plcli.errors import UsageError
from plcli.spelling import did_you_mean

Form = Literal["junit", "json", "markdown"]

FORMS: tuple[Form, ...] = get_args(Form)

MARKERS: dict[Form, str] = {
    "junit": '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="plcli ',
    "json": '{"plcli": "',
    "markdown": "<!-- plcli report -->\n",
}
"""How each form begins, by which a report can be told from a file that somebody else has written."""

_NEXT = re.compile(r",(?=[A-Za-z_-]+=)")
_EXAMPLE = "write --report junit=report.xml"


class Wanted(NamedTuple):
    """A report that is asked for; `path` is absolute, and no link."""

    form: Form
    path: Path


def parse(texts: Sequence[str]) -> tuple[Wanted, ...]:
    """What the values of `--report` ask for: `FORM=FILE`, several with commas between.

    Looks at the places too, so that nothing is paid for whose report could not be written. Raises `UsageError`.
    """
    wanted: list[Wanted] = []
    for part in _parts(texts):
        form, equals, name = part.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--report {part!r} has no form and file", hint=_EXAMPLE)
        one = Wanted(_form(form.strip()), _place(name, part))
        if one.path in (other.path for other in wanted):
            raise UsageError(f"--report: two reports in one file, {name}", hint="name a file for each")
        _refuse_others(one, part)
        wanted.append(one)
    return tuple(wanted)


def _parts(texts: Iterable[str]) -> Iterator[str]:
    """Each form with its file: a comma that no form follows belongs to the file."""
    for text in texts:
        yield from _NEXT.split(text)


def _form(name: str) -> Form:
    for form in FORMS:
        if name == form:
            return form
    meant = did_you_mean(name, FORMS)
    hint = f"did you mean {meant!r}?" if meant else f"the forms are {', '.join(FORMS)}"
    raise UsageError(f"--report: there is no form {name!r}", hint=hint)


def _place(name: str, part: str) -> Path:
    """The file of a name, in a folder that can be written; a link may come with the repository, and lead anywhere."""
    try:
        path = Path(os.path.realpath(os.path.dirname(name) or ".")) / os.path.basename(name)
        there = os.path.isdir(path.parent)
        link = os.path.realpath(name) != str(path)
    except ValueError as error:
        raise UsageError(f"--report {part!r}: {error}", hint=_EXAMPLE) from None
    if not there:
        raise UsageError(f"--report {part}: there is no folder {path.parent}", hint=f"mkdir -p {path.parent}")
    if link:
        raise UsageError(f"--report {part}: {path} is a link", hint="name a file of its own")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(
            f"--report {part}: nothing can be written to {path.parent}", hint="name a file in another folder"
        )
    return path


def _refuse_others(wanted: Wanted, part: str) -> None:
    """Whatever else is there, a log or a device, is not replaced."""
    marker = MARKERS[wanted.form].encode()
    try:
        with open(disk.open_plain(wanted.path, os.O_RDONLY), "rb") as file:
            begin = file.read(len(marker))
    except FileNotFoundError:
        return
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--report {part}: {wanted.path} {reason}", hint="name another file") from None
    if begin and begin != marker:
        raise UsageError(
            f"--report {part}: the file is there already, and is no {wanted.form} report of plcli",
            hint="name another file",
        )
