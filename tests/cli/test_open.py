"""`plcli open`: a logged run, or the body of a request, as a spec file again."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli, Process, Said, Write

DIGEST = re.compile(r"[0-9a-f]{12}\.png")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the editor to a program: `editor("text.replace('a', 'b')")` gives what becomes of the draft."""

    def use(change: str, code: int = 0) -> None:
        script = tmp_path / "editor.py"
        script.write_text(
            "import sys, pathlib\n"
            "path = pathlib.Path(sys.argv[1])\n"
            "text = path.read_text()\n"
            f"path.write_text({change})\n"
            f"sys.exit({code})\n"
        )
        monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script)]))
        monkeypatch.delenv("VISUAL", raising=False)

    return use


def test_a_run_comes_back_as_its_spec(workspace: Path, said: Said, snapshot: Any) -> None:
    said("run", "prompts/extract.yaml", "--model", "echo-extract", "--set", "params.seed=7")
    assert said("open", "last") == snapshot(name="on standard output")
    assert said("open", "last", "--as", "toml", "-q") == snapshot(name="as toml")
    assert said("open", "last", "--out", "prompts/again.yaml") == snapshot(name="as a file")
    assert Path("prompts/again.yaml").read_text().splitlines()[0].startswith("# yaml-language-server:")
    assert said("validate", "prompts/again.yaml") == snapshot(name="it validates")
    assert said("open", "last", "--out", "prompts/again.yaml") == snapshot(name="never over a file")
    assert said("open", "last", "--out", "prompts/again.yaml", "--force").startswith("exit 0")


def test_what_files_said_then_is_put_in_their_place(workspace: Path, said: Said, snapshot: Any) -> None:
    said("run", "prompts/extract.yaml", "--model", "echo-extract")
    Path("prompts/extract.system.md").write_text("Something else.")
    Path("prompts/event.schema.json").unlink()
    Path("models/echo-extract.yaml").unlink()
    assert said("open", "last") == snapshot


def test_pictures_that_are_gone_stand_beside_the_spec(workspace: Path, said: Said, cli: Cli) -> None:
    cli("run", "prompts/vision.yaml", "--model", "echo/any")
    Path("prompts/triangle.png").unlink()
    assert cli("open", "last", "--out", "prompts/again.yaml").code == 0
    (picture,) = Path("prompts/again.media").iterdir()
    assert DIGEST.fullmatch(picture.name)
    assert f"source: again.media/{picture.name}" in Path("prompts/again.yaml").read_text()
    assert cli("run", "prompts/again.yaml").code == 0


def test_a_prompt_of_the_command_line_becomes_a_spec(workspace: Path, said: Said, snapshot: Any) -> None:
    said("run", "--prompt", "Say {{ x }}", "--model", "echo/any", "--tag", "smoke")
    assert said("open", "last") == snapshot


def test_each_request_of_a_run_is_opened(workspace: Path, said: Said, snapshot: Any) -> None:
    said("run", "prompts/weather.yaml", "--model", "echo-weather", "--tools", "stub")
    assert said("open", "last", "--exchange", "1") == snapshot(name="the second")
    assert said("open", "last", "--last") == snapshot(name="the second")
    assert said("open", "last", "--exchange", "2") == snapshot(name="there is no third")
    assert said("open", "last", "--exchange", "1", "--last") == snapshot(name="not both")


def test_secrets_stay_out(workspace: Path, said: Said, snapshot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-that-nobody-may-see")
    said("run", "prompts/hello.yaml", "--var", "name=a-key-that-nobody-may-see")
    assert said("open", "last") == snapshot


@pytest.mark.parametrize(
    "args",
    [
        ("body.json",),
        ("body.json", "--model", "gemini/g"),
        ("body.json", "--as", "json", "-q"),
        ("-",),
        ("contents.json",),
        ("contents.json", "--model", "gemini/g"),
        ("nothing.json",),
        ("broken.json",),
        ("body.json", "--last"),
    ],
    ids=" ".join,
)
def test_the_body_of_a_request_becomes_a_spec(
    workspace: Path, said: Said, write: Write, snapshot: Any, args: tuple[str, ...]
) -> None:
    body = {"model": "gpt-x", "input": [{"role": "user", "content": "hi"}], "temperature": 0.5, "stream": True}
    write("body.json", json.dumps(body))
    write("contents.json", json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}))
    write("broken.json", "{")
    assert said("open", *args, stdin=json.dumps(body).encode()) == snapshot


def test_what_a_dry_run_prints_is_opened(workspace: Path, cli: Cli) -> None:
    printed = cli("run", "prompts/vision.yaml", "--model", "openai/gpt-x", "--dry-run", "--inline").out
    found = cli("open", "-", stdin=printed.encode())
    assert (found.code, found.err) == (0, "proved: it compiles to the same wire\n")


def test_standard_output_is_a_spec_that_runs(workspace: Path, cli: Cli) -> None:
    cli("run", "prompts/vision.yaml", "--model", "echo/any")
    found = cli("open", "last", "-q")
    assert (found.code, found.err) == (0, "")
    again = cli("run", "-", "--format", "json", stdin=found.out.encode())
    first, second = (json.loads(line)["exchanges"][0]["key"] for line in Path("runs.jsonl").read_text().splitlines())
    assert (again.code, first) == (0, second)


@pytest.mark.parametrize(
    "args",
    [
        ("nobody",),
        ("last", "--model", "echo/x"),
        ("last", "--api", "chat"),
        ("last", "--out", "x.txt"),
        ("last", "--out", "x.yaml", "--as", "toml"),
        ("last", "--out", "prompts/hello.yaml/x.yaml"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_said(workspace: Path, said: Said, snapshot: Any, args: tuple[str, ...]) -> None:
    said("run", "prompts/hello.yaml")
    assert re.sub(r"no run '.*", "no run", said("open", *args)) == snapshot


def test_a_draft_is_changed_and_run(workspace: Path, said: Said, editor: Any, snapshot: Any) -> None:
    said("run", "prompts/hello.yaml", "--model", "echo/any")
    editor("text.replace('Say hello to', 'Greet')")
    assert said("open", "last", "--edit", "--run") == snapshot(name="run")
    assert said("open", "last", "--edit") == snapshot(name="nothing to change any more")
    editor("text.replace('Greet', 'Praise')")
    assert said("open", "last", "--edit", "--out", "prompts/new.yaml", "--run") == snapshot(name="written and run")
    assert "; then changed" not in Path("prompts/new.yaml").read_text()
    assert re.search(r"(?m)^# opened from run \S+ of \S+, then changed$", Path("prompts/new.yaml").read_text())
    last = json.loads(Path("runs.jsonl").read_text().splitlines()[-1])
    assert (last["command"], last["spec"]["path"]) == ("run", "prompts/new.yaml")


def test_a_draft_that_does_not_validate_is_kept(workspace: Path, cli: Cli, editor: Any) -> None:
    cli("run", "prompts/hello.yaml")
    editor("text.replace('kind: request', 'kind: tool')")
    found = cli("open", "last", "--edit", "--run", "--out", "x.yaml")
    assert (found.code, found.out, Path("x.yaml").exists()) == (3, "", False)
    draft = re.search(r"(?m)^the draft is kept: (.*)$", found.err)
    assert draft
    assert "kind: tool" in Path(draft[1]).read_text()
    assert len(Path("runs.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("/no/such/editor", "error: the editor /no/such/editor ($EDITOR) does not start: no such file or directory"),
        ("x 'y", "error: the editor x 'y ($EDITOR) does not start: no closing quotation"),
    ],
)
def test_an_editor_that_does_not_start_is_named(
    workspace: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, named: str, message: str
) -> None:
    cli("run", "prompts/hello.yaml")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", named)
    found = cli("open", "last", "--edit")
    assert (found.code, found.err.splitlines()[1]) == (6, message)


def test_an_editor_that_fails_changes_nothing(workspace: Path, cli: Cli, editor: Any) -> None:
    cli("run", "prompts/hello.yaml")
    editor("'nothing'", code=1)
    found = cli("open", "last", "--edit", "--out", "x.yaml")
    assert (found.code, Path("x.yaml").exists()) == (6, False)


def test_a_person_may_mend_a_draft(workspace: Path, cli: Cli, plcli_process: Process, editor: Any) -> None:
    cli("run", "prompts/hello.yaml")
    # The first time it breaks the draft, the second time it mends it.
    editor("text.replace('prompt:', 'promt:') if 'promt:' not in text else text.replace('promt:', 'prompt: Oh,')")
    named = os.environ["EDITOR"]
    with plcli_process.terminal("open", "last", "--edit", "--out", "x.yaml", EDITOR=named) as terminal:
        terminal.wait_for("edit it again? [Y/n]")
        terminal.type("")
        assert terminal.end() == 0
    assert "did you mean 'prompt'?" in terminal.plain
    assert "prompt: Oh, Say hello" in Path("x.yaml").read_text()
    with plcli_process.terminal("open", "last", "--edit", "--out", "y.yaml", EDITOR=named) as terminal:
        terminal.wait_for("edit it again? [Y/n]")
        terminal.type("n")
        assert terminal.end() == 3
    assert "the draft is kept: " in terminal.plain
    assert not Path("y.yaml").exists()
