"""What a logged run needs to be sent again or to go on: its model, its tools, and wires that are whole.

The log is data. Where a request goes and what its tools may do is decided anew, by the workspace and the user's side.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from plcli import paths
from plcli.documents import FORMATS, Document, parse
from plcli.errors import NotReplayable, SetupError, SpecError
from plcli.fence import BadReference
from plcli.media import Json, MediaMissing, Redacted, references
from plcli.mediastore import MediaStore
from plcli.modelrefs import ModelRef, model_reference
from plcli.providers.reading import table
from plcli.records import Record
from plcli.request import BuiltinTool, Request
from plcli.toolbox import Tool, load_tool
from plcli.workspace import Workspace


def model_of(workspace: Workspace, record: Record) -> tuple[ModelRef, str]:
    """The model that a run asked, as the workspace reaches it, and the api. Raises `SetupError` and `SpecError`."""
    name = record.model_name
    try:
        model = model_reference(workspace, name)
        return model, model.api(record.api)
    except BadReference as error:
        message = f"run {record.id} asked {name}: {error.message}"
        raise SetupError(message, hint="add the model spec again, or name another with --model") from None


def tools_of(workspace: Workspace, request: Request) -> dict[str, Tool]:
    """Those tools of a request that have files today. Raises `SpecError` for a file that is wrong."""
    found = {}
    for tool in request.tools:
        if isinstance(tool, BuiltinTool):
            continue
        try:
            found[tool.name] = load_tool(workspace, tool.name)
        except BadReference:
            continue
    return found


def check_whole(record: Record, wires: Iterable[Json], store: MediaStore, what: str) -> None:
    """Raise `NotReplayable` where a secret was taken out of what would be sent, or a medium is gone.

    `what` cannot be done then: `go on`, `be sent again`.
    """
    for wire in wires:
        if any(isinstance(leaf, Redacted) for _, leaf in paths.leaves(wire)):
            raise NotReplayable(
                f"run {record.id} cannot {what}: secrets were taken out of what was sent or answered",
                hint="run its spec again",
            )
        for ref in references(wire):
            if store.path(ref.digest) is None:
                raise NotReplayable(f"run {record.id} cannot {what}: {ref.digest} is not in {store.folder}")


def logged_spec(record: Record, store: MediaStore) -> Document | None:
    """The spec of a run as it was, secrets aside; None where there was none, or its bytes are gone."""
    if record.spec is None:
        return None
    path = Path(record.spec.path)
    kept = next((one.kept for one in record.sources or () if one.path == record.spec.path and one.kept), None)
    try:
        data = store.get(kept or record.spec.sha256)
        return parse(data, file=str(path), format=FORMATS.get(path.suffix.lower(), "yaml"))
    except (MediaMissing, SpecError):
        return None


def stated_chain(workspace: Workspace, record: Record, store: MediaStore) -> Json:
    """What the spec of a run says of `chain`: the first request of a conversation does not show it."""
    stated = table((record.overrides or {}).get("set")).get("chain")
    if stated is not None or record.spec is None:
        return stated

    def written() -> Json:
        document = logged_spec(record, store)
        return table(document.value).get("chain") if document is not None else None

    return workspace.once(("chain", record.spec.sha256), written)
