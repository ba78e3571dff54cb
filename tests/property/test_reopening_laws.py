"""The laws of opening: whatever was sent, the spec that comes of it sends the same."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plcli
from plcli.documents import FORMATS
from plcli.errors import NotReplayable, PlcliError
from plcli.media import Json, encode, lower
from plcli.mediastore import MediaStore
from plcli.overrides import Overrides
from plcli.providers.registry import PROVIDERS, adapter
from plcli.reopening import Stand, of_run, of_wire
from plcli.reopening.barewires import bare_wire
from plcli.resolve import resolve
from plcli.workspace import Workspace, find
from tests.property.test_moving_laws import WIRES
from tests.property.test_respec_laws import known
from tests.support.logged import logged

laws = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

APIS = [(name, api) for name, maker in PROVIDERS.items() for api in maker.apis]
VALUES = {"string": 'a "b" {{ c }}', "array": [], "integer": 3, "number": 1.5, "object": {}, "boolean": True}
OVERRIDES = [
    Overrides(),
    Overrides(set=(("params.max_output_tokens", 77),)),
    *(Overrides(model=model) for model in ("echo/any", "openai/gpt-x", "gemini/g", "gemini-flash", "echo-hello")),
]

EXAMPLES = Path(plcli.__file__).parents[1] / "examples" / "prompts"
PROMPTS = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in FORMATS and ".schema" not in path.name)


@pytest.fixture
def here(workspace: Any) -> Workspace:
    """The examples: a workspace with tools of its own."""
    return find(workspace)


@pytest.mark.parametrize("api", APIS, ids="/".join)
@laws
@given(data=st.data())
def test_a_bare_wire_is_sent_again_by_its_spec(here: Workspace, api: tuple[str, str], data: st.DataObject) -> None:
    wire, media = known(data.draw(WIRES[api[1]]))
    text = json.dumps(encode(lower(wire, media.__getitem__)))
    found = bare_wire(here, text, "wire.json", f"{api[0]}/m", api[1])
    read = found.media.__getitem__
    try:
        made = of_wire(Stand(here, None, "yaml"), found.wanted, found.model, read, "wire.json")
    except NotReplayable:
        made_by = adapter(PROVIDERS[api[0]], api[1])
        assert made_by.compile(made_by.uncompile(found.wanted.wire, found.wanted.target)).losses
    else:
        assert made.proof.reason is None


@pytest.mark.parametrize("name", PROMPTS)
def test_every_run_of_an_example_comes_back(here: Workspace, tmp_path: Path, name: str) -> None:
    """Where its files stand, and where none is left; on standard output, and in other folders and formats."""
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "plcli.toml").write_text("")
    spec = here.root / "prompts" / name
    document = here.document(spec)
    declared: dict[str, Json] = document.value.get("variables", {})
    given = {key: VALUES.get(each.get("type"), "x") for key, each in declared.items() if "default" not in each}
    for overrides in OVERRIDES:
        try:
            resolved = resolve(here, document, spec, given=given, overrides=overrides)
        except PlcliError:
            continue  # the example cannot be run so
        record = logged(here, resolved)
        shutil.copytree(here.media, bare / "media", dirs_exist_ok=True)
        for now, file in itertools.product((here, find(bare, bare)), (None, "new/deep/x.yaml", "prompts/zz.toml")):
            path = now.root / file if file else None
            made = of_run(Stand(now, path, FORMATS[path.suffix] if path else "yaml"), record, 0, MediaStore(now.media))
            assert (made.proof.reason, made.rendered) == (None, False), (overrides, file)
