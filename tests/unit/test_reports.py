"""`--report`: what is asked for, and that a report is there as a whole, or not at all, however the batch ends."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from plcli import disk
from plcli.errors import Exit, LogError, UsageError
from plcli.media import MediaRef, Redacted, encode
from plcli.outcomes import Outcome
from plcli.render.reports import Reports, Wanted, parse
from plcli.render.reports.jsonform import JsonForm
from plcli.render.reports.values import Values
from plcli.render.reports.wanted import MARKERS
from tests.support.outcomes import an_outcome, drifted, failed, totals_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reports(*texts: str, redact: Callable[[str], str] = str) -> Reports:
    return Reports(parse(texts), root=Path.cwd(), command="replay", redact=redact)


def cases(path: str = "r.xml") -> dict[str, set[str]]:
    """The cases of a JUnit report, and what is wrong with each."""
    found = ElementTree.parse(path).iter("testcase")
    return {case.attrib["name"]: {part.tag for part in case} - {"properties"} for case in found}


def test_forms_and_files_are_read_from_one_text_or_several(here: Path) -> None:
    assert parse(["junit=a.xml,json=b.json", "markdown=c,d.md"]) == (
        Wanted("junit", here / "a.xml"),
        Wanted("json", here / "b.json"),
        Wanted("markdown", here / "c,d.md"),
    )


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (["junti=a.xml"], "there is no form 'junti'", "did you mean 'junit'?"),
        (["junit=a.xml,jsno=b"], "there is no form 'jsno'", "did you mean 'json'?"),
        (["html=a"], "there is no form 'html'", "junit, json, markdown"),
        (["a.xml"], "has no form and file", "junit=report.xml"),
        (["junit="], "has no form and file", "junit=report.xml"),
        ([""], "has no form and file", "junit=report.xml"),
        (["json=a", "junit=./a"], "two reports in one file", "a file for each"),
        (["json=none/a"], "there is no folder", "mkdir -p"),
        (["json=a\0b"], "null", "junit=report.xml"),
        (["json=folder"], "is a directory", "another file"),
        (["json=/dev/null"], "is no plain file", "another file"),
        (["json=runs.jsonl"], "no json report of plcli", "another file"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_run(texts: list[str], message: str, hint: str) -> None:
    Path("folder").mkdir()
    Path("runs.jsonl").write_text('{"v":1}\n')
    with pytest.raises(UsageError) as raised:
        parse(texts)
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_a_report_of_the_last_time_is_replaced(here: Path) -> None:
    for outcome in (drifted(), an_outcome("identical")):
        with reports("json=report.json") as made:
            made.add(outcome)
            made.close(totals_of(outcome))
    assert json.loads((here / "report.json").read_text())["totals"]["verdicts"] == {"identical": 1}


@pytest.mark.parametrize("target", ["target.json", "nowhere.json"])
def test_a_link_is_not_followed(here: Path, target: str) -> None:
    (here / "target.json").touch()
    (here / "link.json").symlink_to(target)
    with pytest.raises(UsageError, match="is a link"):
        parse(["json=link.json"])


@pytest.mark.parametrize("form", MARKERS)
def test_every_report_begins_with_its_marker(form: str) -> None:
    with reports(f"{form}=r") as made:
        made.add(drifted())
        made.close(totals_of(drifted()))
    assert Path("r").read_text().startswith(MARKERS[form])  # type: ignore[index]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (LogError("the disk is full"), "the disk is full"),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
    ],
)
def test_a_batch_that_breaks_off_still_reports_and_is_not_green(error: BaseException, told: str) -> None:
    def batch() -> None:
        with reports("junit=r.xml,json=r.json", "markdown=r.md") as made:
            made.add(an_outcome("identical"))
            raise error

    with pytest.raises(type(error)):
        batch()
    assert cases() == {"weather (run aaaaa)": set(), "everything is replayed": {"error"}}
    found = json.loads(Path("r.json").read_text())
    assert (found["stopped"], found["totals"]["runs"]) == (told, 1)
    assert "Not everything was replayed" in Path("r.md").read_text()


def test_a_batch_that_ended_by_an_interrupt_says_so() -> None:
    totals = totals_of(an_outcome("identical"))
    totals.code = Exit.INTERRUPTED
    with reports("json=r.json") as made:
        made.close(totals)
    assert json.loads(Path("r.json").read_text())["stopped"] == "interrupted"


def test_a_context_that_ends_early_without_an_error_writes_what_it_has() -> None:
    with reports("json=r.json") as made:
        made.add(failed())
    found = json.loads(Path("r.json").read_text())
    assert found["totals"]["verdicts"] == {"failed": 1}
    assert "stopped" not in found


def test_the_old_report_stays_where_the_new_one_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("r.json").write_text(MARKERS["json"] + "old")

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made = reports("json=r.json")
    made.add(drifted())
    monkeypatch.setattr(disk, "write_all", full)
    with pytest.raises(UsageError, match=r"--report json=.*r\.json: no space left"):
        made.close(totals_of(drifted()))
    assert Path("r.json").read_text().endswith("old")
    assert os.listdir() == ["r.json"]


def test_one_report_that_has_no_room_stops_neither_the_batch_nor_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, told: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(JsonForm, "add", full)
    made = reports("json=r.json,junit=r.xml")
    made.add(drifted())
    made.add(failed("bbbbb"))
    with pytest.raises(UsageError, match="--report json="):
        made.close(totals_of(drifted(), failed()))
    assert list(cases().values()) == [{"failure"}, {"error"}]
    assert not Path("r.json").exists()


def test_no_secret_gets_into_any_report() -> None:
    secret = "sk-very-secret"
    outcome = drifted(
        reason=f"it says {secret}",
        name=secret,
        model=secret,
        metadata={"never": secret},
        checks=[{"name": secret, "passed": False, "wanted": {secret: "x" * 99_990 + secret}, "got": f"a\n{secret}"}],
        error={"kind": "server", "message": secret, "hint": secret},
    )
    with reports("junit=r.xml,json=r.json,markdown=r.md", redact=lambda text: text.replace(secret, "*")) as made:
        made.add(outcome)
        made.close(totals_of(outcome), stopped=secret)
    for name in ("r.xml", "r.json", "r.md"):
        assert secret not in Path(name).read_text()


def outcome_at(path: str, **fields: Any) -> Outcome:
    return an_outcome("identical", file=path, line=3, **fields)


def test_files_are_named_from_the_root_of_the_repository(here: Path) -> None:
    (here / ".git").mkdir()
    (here / "llm").mkdir()
    inside, outside = "prompts/weather.yaml", str(here.parent / "elsewhere.yaml")
    with Reports(parse(["json=r.json"]), root=here / "llm", command="replay", redact=str) as made:
        for path in (inside, outside):
            made.add(outcome_at(path))
        made.close(totals_of())
    found = json.loads(Path("r.json").read_text())["outcomes"]
    assert [one["file"] for one in found] == ["llm/prompts/weather.yaml", outside]
    assert found[0]["spec"] == "llm/prompts/weather.yaml"


def test_a_case_has_a_name_of_its_own_that_stays() -> None:
    run = an_outcome("identical").then
    variants = [
        an_outcome("identical"),
        an_outcome("identical", exchange=1),
        an_outcome("identical", then=run, model="other"),
        an_outcome("identical", batch={"id": "b", "n": 2, "repeat": 1}),
        an_outcome("identical", "bbbbb"),
        an_outcome("identical", "ccccc", name="run ccccc"),
    ]
    with reports("junit=r.xml") as made:
        for outcome in variants:
            made.add(outcome)
        made.close(totals_of(*variants))
    assert list(cases()) == [
        "weather (run aaaaa)",
        "weather (run aaaaa, exchange 2)",
        "weather (run aaaaa, on openai/other)",
        "weather (run aaaaa, repeat 2)",
        "weather (run bbbbb)",
        "run ccccc",
    ]


def test_media_and_redacted_places_are_written_as_in_the_log() -> None:
    value = {"picture": MediaRef("sha256:0", "image/png"), "secret": [Redacted("sha256:1")]}
    assert Values(str).take(value) == encode(value)
