"""`plcli image`: pictures offline, how many, where they go, and what goes together."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from plcli.records import Record, parse
from tests.support.cli import Cli, Outcome
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


def test_a_folder_that_takes_no_copies_costs_neither_the_run_nor_the_answer(cli: Cli) -> None:
    Path("pictures").write_text("a file stands in the way")
    outcome = cli("image", "--prompt", "x", "--model", "echo/any", "--out", "pictures")
    assert outcome.code != 0
    assert "pictures" in outcome.err
    assert outcome.out.startswith("media/")
    assert len(records()) == 1
