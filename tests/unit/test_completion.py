from __future__ import annotations

from pathlib import Path

from plcli.completion import (
    complete_model,
    complete_run,
    complete_spec,
    complete_state,
    complete_tag,
    complete_tool,
)
from plcli.records import Record
from plcli.runlog import RunLog


def test_names_are_offered() -> None:
    for name in ("hello", "help", "other", "größe-2"):
        Path("prompts").mkdir(exist_ok=True)
        Path("prompts", f"{name}.yaml").touch()
    assert complete_spec("hel") == ["hello", "help"]
    assert complete_spec("grö") == ["größe-2"]


def test_tools_are_offered_and_their_stubs_are_not() -> None:
    Path("tools", "more").mkdir(parents=True)
    for name in ("weather.yaml", "weather.stubs.yaml", "more/wind.toml", "notes.py"):
        Path("tools", name).touch()
    assert complete_tool("w") == ["weather", "wind"]


def test_a_name_that_a_shell_would_evaluate_is_not_offered() -> None:
    for name in ("a\\$(touch pwned)", "`id`", "-rf", "a\nb", "a\x1b[2J", "*", "a b", "it's"):
        for folder in ("prompts", "models", "tools"):
            Path(folder).mkdir(exist_ok=True)
            Path(folder, f"{name}.yaml").touch()
    assert complete_spec("") == complete_model("") == complete_tool("") == []


def test_states_and_the_tags_of_logged_runs_are_offered() -> None:
    assert complete_state("re") == ["refused"]
    for tags in (["smoke", "slow"], None, ["smoke", "with blanks"]):
        RunLog(Path("runs.jsonl")).append(
            Record(id="", time="2026-11-23T16:55:39Z", command="run", plcli="0.1.0", tags=tags)
        )
    assert complete_tag("s") == ["smoke", "slow"]
    assert complete_tag("w") == []


def test_where_nothing_can_be_read_nothing_is_offered() -> None:
    Path("plcli.toml").write_text("log = 1")
    assert complete_spec("") == complete_tool("") == complete_run("") == complete_tag("") == []
