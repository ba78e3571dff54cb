"""Results of tools: what is kept of them, and which are refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from plcli.media import MediaRef, digest_of
from plcli.request import File, Image, Text
from plcli.toolanswers import ToolAnswer
from plcli.toolresults import BadResult, taken
from plcli.workspace import Workspace, find

Json = object

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
PDF = b"%PDF-1.7 and so on"
URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
PICTURE = MediaRef(digest_of(PNG), "image/png", "data-url")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "tools").mkdir(parents=True)
    (tmp_path / "home" / "plcli.toml").touch()
    (tmp_path / "home" / "map.png").write_bytes(PNG)
    (tmp_path / "home" / "tools" / "paper.pdf").write_bytes(PDF)
    (tmp_path / "home" / "notes.txt").write_text("hello")
    (tmp_path / "home" / ".env").write_text("KEY=secret")
    (tmp_path / "outside.png").write_bytes(PNG)
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return find(home)


def refused(workspace: Workspace, result: Json) -> str:
    with pytest.raises(BadResult) as raised:
        taken(workspace, result, workspace.root)
    return str(raised.value)


@pytest.mark.parametrize(
    "result",
    [
        None,
        True,
        5,
        "text",
        [],
        {},
        {"a": [{"b": None}]},
        {"content": "text"},
        {"content": []},
        {"content": [1, 2]},
        {"content": [{"id": 5}]},
        {"content": [{"type": "image", "source": "nope"}], "more": 1},
        {"type": "image", "source": "map.png"},
        {"$media": "foreign"},
        "./map.png",
    ],
)
def test_plain_json_stays_as_it_is(workspace: Workspace, result: Json) -> None:
    assert taken(workspace, result, workspace.root) == (result, {})


def test_media_in_plain_json_are_kept_by_reference_and_the_model_is_told_the_same_text(workspace: Workspace) -> None:
    long = base64.b64encode(PNG * 100).decode()
    result = {"thumbnail": URL, "raw": [long], "words": "text"}
    kept, media = taken(workspace, result, workspace.root)
    assert kept == {
        "thumbnail": PICTURE,
        "raw": [MediaRef(digest_of(PNG * 100), "image/png", "base64")],
        "words": "text",
    }
    assert set(media.values()) == {PNG, PNG * 100}
    told = ToolAnswer("run", kept, media=media).content
    assert told == f'{{"thumbnail":"{URL}","raw":["{long}"],"words":"text"}}'
    kept, media = taken(workspace, URL, workspace.root)
    assert (kept, ToolAnswer("run", kept, media=media).content) == (PICTURE, URL)


def test_a_result_of_parts_has_its_bytes_by_reference(workspace: Workspace) -> None:
    result = {
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image", "source": "./map.png"},
            {"type": "image", "source": URL},
            {"type": "image", "source": "https://example.org/a.png"},
            {"type": "file", "source": "tools/paper.pdf"},
            {"type": "file", "source": "tools/paper.pdf", "filename": "report.pdf"},
            {"type": "file", "source": "data:text/plain;base64,aGk=", "filename": "hi.txt"},
        ]
    }
    kept, media = taken(workspace, result, workspace.root)
    paper = MediaRef(digest_of(PDF), "application/pdf", "data-url")
    hi = MediaRef(digest_of(b"hi"), "text/plain", "data-url")
    assert ToolAnswer("run", kept, media=media).content == (
        Text("look"),
        Image(PICTURE),
        Image(PICTURE),
        Image("https://example.org/a.png"),
        File(paper, "paper.pdf"),
        File(paper, "report.pdf"),
        File(hi, "hi.txt"),
    )
    assert media == {digest_of(data): data for data in (PNG, PDF, b"hi")}
    assert result["content"][1] == {"type": "image", "source": "./map.png"}


def test_paths_start_from_the_folder_that_is_given(workspace: Workspace) -> None:
    kept, _ = taken(workspace, {"content": [{"type": "image", "source": "../map.png"}]}, workspace.root / "tools")
    assert kept == {"content": [{"type": "image", "source": PICTURE}]}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "imgae", "source": URL}, "content[1]: no part has the type 'imgae'; did you mean 'image'?"),
        ({"type": 5}, "content[1]: the part has no type; a result whose only key is `content` holds parts"),
        ({"text": "a"}, "content[1]: the part has no type"),
        ({"type": "text"}, "content[1]: the part has no text"),
        ({"type": "text", "text": 5}, "content[1]: text is no text"),
        ({"type": "image"}, "content[1]: the part has no source"),
        ({"type": "image", "source": {"$media": "x"}}, "content[1]: source is no text"),
        (
            {"type": "image", "source": URL, "filename": "a"},
            "content[1]: unknown key 'filename' of a part; type: image takes source",
        ),
        ({"type": "image", "data": "aGk=", "mimeType": "image/png"}, "content[1]: unknown key 'data' of a part"),
        ({"type": "image", "source": "notes.txt"}, "content[1]: the source is no picture, but text/plain; write type"),
        ({"type": "image", "source": "data:image/png;base64,???"}, "content[1]: the data URL cannot be read; write"),
        ({"type": "image", "source": "http://example.org/a.png"}, "content[1]: http: is no source; use a path"),
        ({"type": "image", "source": "file:///etc/passwd"}, "content[1]: file: is no source"),
        ({"type": "image", "source": "mpa.png"}, "content[1]: mpa.png does not exist; did you mean map.png?"),
        ({"type": "image", "source": "../outside.png"}, "content[1]: ../outside.png leads out of the workspace; move"),
        ({"type": "file", "source": "/etc/passwd"}, "content[1]: /etc/passwd leads out of the workspace"),
        ({"type": "file", "source": ".env"}, "content[1]: .env is not readable by a spec: .env may hold secrets"),
        ({"type": "file", "source": "tools"}, "content[1]: tools is a folder"),
        ({"type": "file", "source": "a\x00b"}, "content[1]: "),
        ({"type": "file", "source": "\ud800"}, "content[1]: "),
        ({"type": "file", "source": ""}, "content[1]: "),
    ],
)
def test_parts_that_cannot_be_handed_on_are_refused(workspace: Workspace, part: Json, said: str) -> None:
    assert refused(workspace, {"content": [{"type": "text", "text": "a"}, part]}).startswith(said)


def test_without_a_folder_no_path_is_taken(workspace: Workspace) -> None:
    with pytest.raises(BadResult, match="cannot name files of the workspace"):
        taken(workspace, {"content": [{"type": "image", "source": "map.png"}]}, None)
    assert taken(workspace, {"content": [{"type": "image", "source": URL}]}, None)[1]


def test_a_link_leads_no_further_than_a_path(workspace: Workspace) -> None:
    (workspace.root / "link.png").symlink_to(workspace.root.parent / "outside.png")
    assert "leads out" in refused(workspace, {"content": [{"type": "image", "source": "link.png"}]})


def test_the_bytes_of_a_result_are_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plcli.toolresults.MEDIA_LIMIT", 1024 * 1024)
    for name in ("a", "b"):
        (workspace.root / name).write_bytes(name.encode() * 700_000)
    assert taken(workspace, {"content": [{"type": "file", "source": "a"}] * 2}, workspace.root)
    parts = [{"type": "file", "source": name} for name in ("a", "b")]
    assert refused(workspace, {"content": parts}) == "the pictures and files of the result are larger than 1 MB"
    (workspace.root / "a").write_bytes(b"a" * 1_100_000)
    assert refused(workspace, {"content": parts}) == "content[0]: a is larger than 1 MB"


def test_a_result_that_is_nested_without_end_is_refused(workspace: Workspace) -> None:
    deep: Json = None
    for _ in range(10_000):
        deep = [deep]
    assert refused(workspace, deep) == "the result has more than 200 levels of objects and lists"
