"""The examples answer without a key and without a network: each has a recording, which is its test."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
RECORDINGS = EXAMPLES / "recordings"
REQUESTS = sorted(
    path.relative_to(EXAMPLES).as_posix()
    for folder in ("prompts", "twins")
    for path in (EXAMPLES / folder).iterdir()
    if path.suffix in (".yaml", ".toml", ".json") and not path.stem.endswith(".schema")
)
ANSWERED = {"weather": "stub", "order": "stub", "deadline": "run"}
"""Who answers the calls of the examples that have tools."""

REPLAYED = """
import sys
from plcli.app import main
def refused(event, arguments):
    assert not event.startswith("socket."), event
sys.addaudithook(refused)
code = main(["replay", "--recorded"])
imported = {"openai", "google.genai", "httpx2"} & sys.modules.keys()
assert not imported, imported
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLCLI_OFFLINE", "1")


@pytest.mark.parametrize("request_file", REQUESTS)
def test_every_request_is_answered_by_its_recording(request_file: str, workspace: Path, cli: Cli) -> None:
    tools = ANSWERED.get(Path(request_file).stem, "stop")
    outcome = cli("run", request_file, "--recorded", "--tools", tools, "--format", "json")
    assert outcome.code == 0, outcome.err
    record = json.loads(outcome.out)
    assert record["response"]["state"] == "ok"
    assert all(each["passed"] for each in record.get("expectations", ()))
    assert not (workspace / "runs.jsonl").exists()


@pytest.mark.parametrize(
    ("spec", "model"),
    [
        ("conversation", "azure-v1"),
        ("conversation", "azure-legacy"),
        ("weather", "dedicated"),
        ("weather", "echo-weather"),
        ("extract", "echo-extract"),
        ("extract-gemini", "vertex"),
        ("logo", "dedicated-pictures"),
        ("logo", "echo-logo"),
        ("storyboard", "echo-storyboard"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_other_models_of_the_examples_answer_too(spec: str, model: str, cli: Cli) -> None:
    outcome = cli("run", spec, "--model", model, "--recorded")
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("spec", ["logo", "logo-at-night", "storyboard", "postcard"])
@pytest.mark.usefixtures("workspace")
def test_pictures_come_from_beside_the_recordings(spec: str, cli: Cli) -> None:
    outcome = cli("image", spec, "--recorded", "--out", "made")
    assert outcome.code == 0, outcome.err
    (copy,) = Path("made").iterdir()
    assert str(copy) in outcome.out
    assert copy.read_bytes() in [path.read_bytes() for path in Path("recordings/media").glob("*.png")]
    (shown,) = re.findall(r"(?m)^recordings/media/\w+\.png$", cli("image", spec, "--recorded").out)
    assert Path(shown).read_bytes() == copy.read_bytes()


@pytest.mark.usefixtures("workspace")
def test_the_recordings_are_a_test_suite_that_opens_no_socket_and_imports_no_sdk() -> None:
    command = [sys.executable, "-c", REPLAYED]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = sum(len(path.read_text("utf-8").splitlines()) for path in RECORDINGS.glob("*.jsonl"))
    assert f"{count} replays: {count} identical" in done.stdout + done.stderr


def test_a_changed_prompt_is_found_with_its_place(workspace: Path, cli: Cli) -> None:
    spec = workspace / "prompts" / "weather.yaml"
    text = spec.read_text("utf-8")
    line = text[: text.index("You are terse.")].count("\n") + 1
    spec.write_text(text.replace("You are terse.", "You are brief."), "utf-8")
    outcome = cli("replay", "--recorded")
    assert outcome.code == 1
    drifted = [told for told in outcome.out.splitlines() if told.startswith("drifted")]
    assert drifted
    assert all("prompts/weather.yaml" in told for told in drifted)
    assert f"prompts/weather.yaml:{line}:" in outcome.out
    missed = cli("run", "weather", "--recorded")
    assert missed.code == 9
    assert f"prompts/weather.yaml:{line}:" in missed.err


def test_an_answer_that_breaks_an_expectation_is_found(workspace: Path, cli: Cli) -> None:
    spec = workspace / "prompts" / "support.yaml"
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("^(billing|delivery|other)$", "^(delivery|other)$"), "utf-8")
    assert cli("replay", "--recorded", "--spec", "support").code == 1


def test_recordings_have_all_their_media_and_no_others() -> None:
    text = "".join(path.read_text("utf-8") for path in RECORDINGS.glob("*.jsonl"))
    named = set(re.findall(r"sha256:([0-9a-f]{64})", text))
    keys = set(re.findall(r'"key":"sha256:([0-9a-f]{64})"', text))
    assert {path.stem for path in (RECORDINGS / "media").iterdir()} == named - keys


def test_recordings_tell_nothing_of_the_machine_they_were_made_on() -> None:
    for path in RECORDINGS.glob("*.jsonl"):
        text = path.read_text("utf-8")
        assert not re.search(r"/tmp/|made-up|\$redacted|localhost", text), path
        assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) <= {"8080"}, path


@pytest.mark.storm  # takes long, and .ci/run asks the same before the tests
def test_recordings_are_as_they_would_be_made_today() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "record.py", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_git_is_told_of_recordings_as_init_tells_it(workspace: Path, cli: Cli) -> None:
    told = cli("init", ".").out
    assert re.search(r"kept +\.gitignore", told)
    assert re.search(r"kept +\.gitattributes", told)
