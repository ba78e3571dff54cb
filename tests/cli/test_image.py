"""`plcli image`: pictures offline, how many, where they go, and what goes together."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from plcli import copies
from plcli.errors import UsageError
from plcli.records import Record, parse
from tests.support.cli import Cli, Outcome, Process
from tests.support.pictures import png


def records() -> list[Record]:
    found = [parse(line) for line in Path("runs.jsonl").read_bytes().splitlines()]
    return [record for record in found if isinstance(record, Record)]


def draw(cli: Cli, *args: str) -> Outcome:
    outcome = cli("image", "--prompt", "A red fox", "--model", "echo/any", *args)
    assert outcome.code == 0, outcome.err
    return outcome


def test_a_prompt_is_drawn_without_a_key(cli: Cli) -> None:
    outcome = draw(cli)
    (path,) = outcome.out.splitlines()
    assert path.startswith("media/")
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    (record,) = records()
    assert (record.command, record.response and record.response.state) == ("image", "ok")


@pytest.mark.parametrize(("count", "answer"), [("1", "1 picture"), ("3", "3 pictures")])
def test_a_list_of_runs_says_how_many_pictures_came(cli: Cli, count: str, answer: str) -> None:
    draw(cli, "--count", count)
    assert cli("log", "list").out.rstrip("\n").endswith(f"\t{answer}")


def test_the_workspace_of_the_command_line_keeps_run_and_picture(cli: Cli) -> None:
    Path("there").mkdir()
    draw(cli, "--workspace", "there")
    assert sorted(os.listdir("there")) == ["media", "runs.jsonl"]
    draw(cli, "--log", "other.jsonl")
    assert Path("other.jsonl").is_file()
    assert not Path("runs.jsonl").exists()


def test_a_run_streams_unless_told_otherwise_and_has_its_tags(cli: Cli) -> None:
    draw(cli)
    draw(cli, "--no-stream", "--tag", "fox")
    assert [(record.exchanges[0].streamed, record.tags) for record in records()] == [(True, None), (False, ["fox"])]


@pytest.mark.parametrize(("more", "whole"), [((), False), (("--inline",), True)], ids=["by reference", "inline"])
def test_a_dry_run_shows_the_bytes_of_an_input_where_it_is_asked_to(
    cli: Cli, more: tuple[str, ...], whole: bool
) -> None:
    Path("fox.png").write_bytes(png())
    shown = draw(cli, "--input", "fox.png", "--dry-run", *more).out
    assert (base64.b64encode(png()).decode() in shown) is whole


def test_the_same_words_are_the_same_picture_and_kept_once(cli: Cli) -> None:
    assert draw(cli).out == draw(cli).out
    assert len(list(Path("media").glob("*.png"))) == 1


def test_pictures_are_copied_under_the_name_of_their_run_and_overwrite_nothing(cli: Cli) -> None:
    draw(cli, "--out", "pictures", "--count", "3")
    tail = records()[0].id.rpartition("-")[2]
    assert sorted(os.listdir("pictures")) == [f"a-red-fox-{tail}-{n}.png" for n in (1, 2, 3)]
    again = cli("image", "--prompt", "A red fox", "--model", "echo/any", "--out", "pictures", "--no-log")
    once_more = cli("image", "--prompt", "A red fox", "--model", "echo/any", "--out", "pictures", "--no-log")
    assert (again.out, once_more.out) == ("pictures/a-red-fox.png\n", "pictures/a-red-fox-2.png\n")
    assert Path("pictures/a-red-fox.png").read_bytes() == Path("pictures/a-red-fox-2.png").read_bytes()
    assert len(records()) == 1


@pytest.mark.parametrize(("count", "asked"), [(1, [1]), (4, [4]), (10, [10]), (11, [10, 1]), (20, [10, 10])])
def test_a_count_is_asked_in_as_few_requests_as_the_api_allows(cli: Cli, count: int, asked: list[int]) -> None:
    draw(cli, "--count", str(count), "--format", "json")
    ns = [record.exchanges[0].request["image"]["n"] for record in records()]
    assert sorted(ns, reverse=True) == asked


def test_a_count_is_so_many_runs_where_the_api_takes_none(cli: Cli) -> None:
    outcome = cli("image", "--prompt", "x", "--model", "gemini/m", "--count", "3", "--dry-run")
    assert outcome.code == 0, outcome.err
    wires = [json.loads(line) for line in outcome.out.splitlines()]
    assert len(wires) == 3
    assert wires[0]["wire"]["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]


def test_inputs_and_a_mask_of_the_command_line_are_part_of_the_request(cli: Cli) -> None:
    Path("fox.png").write_bytes(png())
    Path("mask.png").write_bytes(png(alpha=0))
    draw(cli, "--input", "fox.png", "--mask", "mask.png")
    (record,) = records()
    content = record.exchanges[0].request["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image"]
    given = content[1]["source"]["$media"]
    assert record.overrides == {
        "model": "echo/any",
        "image": {"inputs": [given], "mask": record.exchanges[0].request["image"]["mask"]["$media"]},
    }
    assert {source.path for source in record.sources or ()} == {"fox.png", "mask.png"}
    assert "base64," not in Path("runs.jsonl").read_text()


def test_an_input_may_stand_outside_the_workspace_since_the_user_names_it(
    cli: Cli, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "fox.png"
    elsewhere.write_bytes(png())
    draw(cli, "--input", str(elsewhere))


def test_a_picture_may_come_through_the_pipe(cli: Cli) -> None:
    outcome = cli("image", "--prompt", "x", "--model", "echo/any", "--input", "-", stdin=png())
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--input", "nothing.png"), "nothing.png"),
        (("--input", "words.txt"), "is no picture"),
        (("--mask", "http://example.com/mask.png"), "http"),
        (("--input", "data:text/plain;base64,aGk="), "is no picture"),
        (("--message", "x"), "--continue"),
        (("--no-log",), "kept nowhere"),
        (("--inline",), "--dry-run"),
        (("--count", "0"), "count"),
        (("a", "b"), "either SPEC or --prompt"),
    ],
    ids=str,
)
def test_a_wrong_command_line_is_told_before_anything_is_drawn(cli: Cli, args: tuple[str, ...], says: str) -> None:
    Path("words.txt").write_text("hello")
    outcome = cli("image", "--prompt", "x", "--model", "echo/any", *args)
    assert outcome.code == 2
    assert says in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("runs.jsonl").exists()


def test_a_logged_picture_goes_on(cli: Cli) -> None:
    Path("fox.png").write_bytes(png())
    draw(cli)
    outcome = cli("image", "--continue", "last", "--message", "Now at night", "--input", "fox.png", "--out", "pictures")
    assert outcome.code == 0, outcome.err
    first, second = records()
    assert second.parent == first.id
    drawn = first.response.parts[0].media if first.response else None  # type: ignore[union-attr]
    assert drawn in json.dumps(second.exchanges[0].request)
    assert Path(outcome.out.strip()).parent == Path("pictures")


def test_words_in_place_of_a_picture_are_no_image(cli: Cli) -> None:
    Path("models").mkdir()
    Path("models/talks.yaml").write_text("kind: model\nprovider: echo\nmodel: m\nscript: [{text: I cannot draw.}]\n")
    outcome = cli("image", "--prompt", "x", "--model", "talks")
    assert outcome.code == 4
    assert "the model answered in words, and made no picture" in outcome.err
    (record,) = records()
    assert (record.response and record.response.state) == "no_image"


def test_fewer_pictures_than_asked_are_told_and_no_failure(cli: Cli) -> None:
    Path("models").mkdir()
    Path("fox.png").write_bytes(png())
    script = "kind: model\nprovider: echo\nmodel: m\nscript: [{image: {source: ../fox.png}}]\n"
    Path("models/one.yaml").write_text(script)
    outcome = cli("image", "--prompt", "x", "--model", "one", "--count", "4")
    assert outcome.code == 0
    assert "3 of 4 pictures" in outcome.err
    (record,) = records()
    assert (record.response and record.response.missing) == 3


@pytest.mark.parametrize("more", [(), ("--no-log",), ("--count", "11")], ids=" ".join)
def test_a_folder_that_takes_no_copies_is_told_before_anything_is_drawn(cli: Cli, more: tuple[str, ...]) -> None:
    Path("pictures").write_text("a file stands in the way")
    outcome = cli("image", "--prompt", "x", "--model", "echo/any", "--out", "pictures", *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "no file can be written to" in outcome.err
    assert not Path("media").exists()


def test_a_folder_that_is_full_by_then_costs_neither_the_run_nor_the_answer(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, *_: object) -> Path:
        raise UsageError(f"no file can be written to {folder}: no space left on device")

    monkeypatch.setattr(copies, "write", full)
    outcome = cli("image", "--prompt", "x", "--model", "echo/any", "--out", "pictures")
    assert outcome.code == 2
    assert "no space left" in outcome.err
    assert outcome.out.startswith("media/")
    assert len(records()) == 1


def test_that_no_viewer_is_here_is_told_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    outcome = draw(cli, "--count", "9", "--open")
    assert outcome.err.count("no viewer is here") == 1


def test_a_dry_run_makes_no_folder(cli: Cli) -> None:
    draw(cli)
    for asked in (("--prompt", "x"), ("--continue", "last", "--message", "x")):
        outcome = cli("image", *asked, "--model", "echo/other", "--out", "pictures", "--dry-run")
        assert outcome.code == 0, outcome.err
    assert not Path("pictures").exists()


def test_the_same_picture_of_several_runs_has_a_copy_for_each(cli: Cli) -> None:
    outcome = draw(cli, "--repeat", "3", "--out", "pictures")
    tails = [record.id.rpartition("-")[2] for record in records()]
    assert sorted(outcome.out.split()) == sorted(f"pictures/a-red-fox-{tail}.png" for tail in tails)


@pytest.mark.parametrize(
    ("words", "stem"),
    [
        ("Make the fox's background blue, please", "make-the-fox-s-background"),
        ("\u00c9t\u00e9 \u00e0 Paris", "\u00e9t\u00e9-\u00e0-paris"),
        ("\u8d64\u3044\u72d0", "\u8d64\u3044\u72d0"),
        ("../../etc/passwd", "etc-passwd"),
        ("?!", "picture"),
    ],
)
def test_a_copy_is_named_by_what_was_said_last(cli: Cli, words: str, stem: str) -> None:
    draw(cli)
    outcome = cli("image", "--continue", "last", "--message", words, "--out", "pictures")
    assert outcome.code == 0, outcome.err
    tail = records()[-1].id.rpartition("-")[2]
    assert outcome.out == f"pictures/{stem}-{tail}.png\n"


@pytest.mark.parametrize("more", [(), ("--prompt", "x"), ("--message", " ")], ids=" ".join)
def test_how_to_go_on_is_told_in_the_words_of_the_command(cli: Cli, more: tuple[str, ...]) -> None:
    draw(cli)
    outcome = cli("image", "--continue", "last", *more)
    assert outcome.code == 2
    assert 'hint: plcli image --continue last --message "…"' in outcome.err


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("[{text: Well}, {finish: length}]", "the answer was cut before a picture came (length)"),
        ("[{finish: length}]", "the answer was cut before a picture came (length)"),
    ],
)
def test_an_answer_that_is_cut_before_its_picture_is_no_image(cli: Cli, script: str, says: str) -> None:
    Path("models").mkdir()
    Path("models/cut.yaml").write_text(f"kind: model\nprovider: echo\nmodel: m\nscript: {script}\n")
    outcome = cli("image", "--prompt", "x", "--model", "cut")
    assert outcome.code == 4
    assert says in outcome.err
    assert "raise params.max_output_tokens" in outcome.err


def test_a_conversation_goes_on_where_models_only_draw_with_what_was_drawn_last(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-unused")
    draw(cli)
    outcome = cli(
        "image", "--continue", "last", "--message", "At night", "-m", "openai/gpt-image-2.6-flare", "--dry-run"
    )
    assert outcome.code == 0, outcome.err
    planned = json.loads(outcome.out)
    (part,) = records()[0].response.parts  # type: ignore[union-attr]
    assert planned["target"]["operation"] == "images.edit"
    assert planned["wire"]["prompt"] == "At night"
    assert [each["image_url"]["$media"] for each in planned["wire"]["images"]] == [part.media]  # type: ignore[union-attr]
    assert "approximated" in outcome.err


def test_the_runs_that_failed_are_told_with_their_models(cli: Cli) -> None:
    Path("models").mkdir()
    for name in ("one", "two"):
        Path(f"models/{name}.yaml").write_text("kind: model\nprovider: echo\nmodel: m\nscript: [{text: No.}]\n")
    outcome = cli("image", "--prompt", "x", "--model", "one", "--model", "two")
    assert outcome.code == 4
    assert "failed: the prompt on one; the prompt on two" in outcome.err


SLOW = "kind: model\nprovider: echo\nmodel: m\nscript: [{delay_ms: 600000}, {text: late}]\n"


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX terminals and signals")
def test_a_terminal_counts_the_seconds_and_ctrl_c_leaves_it_clean(plcli_process: Process) -> None:
    Path("models").mkdir()
    Path("models/slow.yaml").write_text(SLOW)
    with plcli_process.terminal("image", "--prompt", "x", "--model", "slow") as terminal:
        terminal.wait_for("drawing, 1 s")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert terminal.text.rpartition("\x1b[K")[2].lstrip("\n").startswith("\x1b[33mincomplete")


def test_a_picture_that_comes_takes_the_seconds_away(plcli_process: Process) -> None:
    Path("models").mkdir()
    Path("fox.png").write_bytes(png())
    script = "[{delay_ms: 1500}, {image: {source: ../fox.png}}]"
    Path("models/slow.yaml").write_text(f"kind: model\nprovider: echo\nmodel: m\nscript: {script}\n")
    with plcli_process.terminal("image", "--prompt", "x", "--model", "slow", PLCLI_PICTURES="off") as terminal:
        assert terminal.end() == 0
    before, _, after = terminal.text.rpartition("\r\x1b[K")
    assert "drawing, 1 s" in before
    assert "drawing" not in after
    assert "media/" in after


def test_a_picture_that_holds_a_secret_is_kept_nowhere(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-canary-7d1f5a9c3e8b2460"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    Path("models").mkdir()
    Path("leak.png").write_bytes(png() + b"tEXt" + key.encode())
    script = "kind: model\nprovider: echo\nmodel: m\nscript: [{image: {source: ../leak.png}}]\n"
    Path("models/leaks.yaml").write_text(script)
    outcome = cli("image", "--prompt", "x", "--model", "leaks", "--out", "pictures")
    assert "without its bytes" in outcome.out
    assert os.listdir("pictures") == []
    kept = (path for folder in ("media", "pictures", ".") for path in Path(folder).glob("*") if path.is_file())
    assert [path.name for path in kept if key.encode() in path.read_bytes()] == ["leak.png"]
