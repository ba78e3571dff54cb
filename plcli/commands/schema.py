"""`plcli schema`: the JSON Schemas of the formats, printed, written or checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plcli import options, published
from plcli.errors import Exit, UsageError
from plcli.schemas import file_name
from plcli.spelling import did_you_mean

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def schema(
    ctx: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="request, tool, stubs, model, workspace or record.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write all schemas into a folder.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail when a schema in the folder is stale.")] = False,
    folder: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder.")] = Path("schemas"),
    quiet: options.Quiet = False,
    traceback: options.Traceback = False,
) -> int:
    """Print, write or check the JSON Schemas of the formats.

    Editors complete and explain spec files by them, when a file begins with

      # yaml-language-server: $schema=../schemas/request.schema.json

    Examples:

      plcli schema request

      plcli schema --write
    """
    screen = options.screen_of(ctx)
    if (kind is not None) + write + check > 1:
        raise UsageError("KIND, --write and --check exclude each other", hint="plcli schema --check")
    if write:
        try:
            written = published.write(folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"--to {folder}: {reason}", hint="name a folder that can be written") from None
        for name in written:
            screen.say(f"written: {folder / file_name(name)}")
        return Exit.DONE
    if check:
        stale = published.stale(folder)
        for file in map(file_name, stale):
            screen.print(f"{folder / file} is stale; write it again with: plcli schema --write --to {folder}")
        return Exit.FINDING if stale else Exit.DONE
    if kind is None:
        screen.print("\n".join(published.NAMES))
        return Exit.DONE
    if kind not in published.NAMES:
        meant = did_you_mean(kind, published.NAMES)
        raise UsageError(
            f"there is no schema {kind!r}",
            hint=f"did you mean {meant!r}?" if meant else f"the schemas are: {', '.join(published.NAMES)}",
        )
    screen.print(published.text(kind).rstrip())
    return Exit.DONE
