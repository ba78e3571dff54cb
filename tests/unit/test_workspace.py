"""The workspace: found, its names looked up, and its fence around files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plcli import fence
from plcli.errors import SetupError, SpecError, UsageError
from plcli.fence import BadReference
from plcli.modelrefs import model_reference
from plcli.toolbox import load_tool
from plcli.workspace import Workspace, find


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    put(tmp_path / "plcli.toml", "")
    return tmp_path


def refusal(workspace: Workspace, source: str, beside: str = "prompts/a.yaml") -> BadReference:
    with pytest.raises(BadReference) as caught:
        workspace.read(source, workspace.root / beside)
    return caught.value


class TestFinding:
    def test_the_nearest_plcli_toml_upwards_wins(self, home: Path) -> None:
        put(home / "inner" / "plcli.toml", "")
        below = home / "inner" / "deep" / "er"
        below.mkdir(parents=True)
        assert find(below).root == home / "inner"
        assert find(home).file == home / "plcli.toml"

    def test_without_a_file_the_git_root_is_the_workspace(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        (tmp_path / "a").mkdir()
        found = find(tmp_path / "a")
        assert (found.root, found.file) == (tmp_path, None)

    def test_without_anything_the_current_folder_is_the_workspace(self, tmp_path: Path) -> None:
        assert find(tmp_path).root == tmp_path

    def test_an_override_wins_and_must_be_a_folder(self, home: Path) -> None:
        (home / "other").mkdir()
        assert find(home, Path("other")).root == home / "other"
        with pytest.raises(UsageError, match="no folder"):
            find(home, Path("plcli.toml"))

    def test_a_broken_plcli_toml_is_told_with_every_problem(self, home: Path) -> None:
        put(home / "plcli.toml", 'lgo = "a"\nmodel = 1\n')
        with pytest.raises(SpecError) as caught:
            find(home)
        assert sorted(problem.path for problem in caught.value.problems) == ["lgo", "model"]
        assert {problem.file for problem in caught.value.problems} == {"plcli.toml"}

    @pytest.mark.parametrize(
        "line", ['log = "../x.jsonl"', 'log = "/etc/x"', '[folders]\ntools = ".."', 'log = ".git/x"']
    )
    def test_plcli_toml_cannot_reach_out_of_the_workspace(self, home: Path, line: str) -> None:
        put(home / "plcli.toml", line)
        with pytest.raises(SpecError):
            find(home)

    def test_a_linked_log_cannot_reach_out_either(self, home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        outside = tmp_path_factory.mktemp("outside")
        (home / "runs").symlink_to(outside)
        put(home / "plcli.toml", 'log = "runs/x.jsonl"')
        with pytest.raises(SpecError, match="leads out"):
            find(home)

    def test_the_log_of_the_command_line_may_be_anywhere(self, home: Path) -> None:
        assert find(home, log=Path("../x.jsonl")).log == home.parent / "x.jsonl"
        assert find(home).log == home / "runs.jsonl"


class TestNames:
    def test_a_name_is_a_file_stem_in_any_subfolder(self, home: Path) -> None:
        here = put(home / "tools" / "deep" / "get.weather.yaml")
        assert find(home).lookup("tool", "get.weather") == here
        assert find(home).lookup("tool", "missing") is None

    def test_stubs_schemas_and_hidden_folders_have_no_names(self, home: Path) -> None:
        for name in ("a.stubs.yaml", "a.schema.json", ".hidden/b.yaml", "node_modules/c.yaml", "d.md"):
            put(home / "tools" / name)
        assert find(home).names("tool") == {}

    def test_two_files_of_one_name_are_a_problem_that_names_both(self, home: Path) -> None:
        put(home / "models" / "a.yaml", "kind: model")
        put(home / "models" / "b" / "a.toml", 'kind = "model"')
        with pytest.raises(BadReference, match=r"models/a\.yaml and models/b/a\.toml"):
            find(home).lookup("model", "a")

    def test_a_file_that_is_no_spec_does_not_compete(self, home: Path) -> None:
        spec = put(home / "prompts" / "a.yaml", "kind: request")
        put(home / "prompts" / "a.json", '{"type": "object"}')
        assert find(home).lookup("request", "a") == spec

    def test_a_link_out_of_the_workspace_is_no_spec(self, home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        outside = put(tmp_path_factory.mktemp("outside") / "secret.yaml", "a: b")
        (home / "tools").mkdir()
        (home / "tools" / "x.yaml").symlink_to(outside)
        with pytest.raises(BadReference, match="leads out"):
            find(home).lookup("tool", "x")

    def test_too_many_files_end_the_search(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fence, "WALK_ENTRIES", 2)
        for n in range(3):
            put(home / "tools" / f"{n}.yaml")
        with pytest.raises(BadReference, match="more than 2 files"):
            find(home).names("tool")

    def test_linked_folders_are_not_walked(self, home: Path) -> None:
        (home / "tools").mkdir()
        (home / "tools" / "again").symlink_to(home / "tools")
        put(home / "tools" / "a.yaml")
        assert list(find(home).names("tool")) == ["a"]


class TestFence:
    def test_a_path_is_relative_to_its_file(self, home: Path) -> None:
        here = put(home / "shared" / "system.md", "hello")
        opened = find(home).read("../shared/system.md", home / "prompts" / "a.yaml")
        assert (opened.path, opened.data, opened.text) == (here, b"hello", "hello")

    @pytest.mark.parametrize("source", ["../../x", "/etc/hostname", "../prompts/../../x"])
    def test_what_leads_out_is_refused_and_the_option_is_named(self, home: Path, source: str) -> None:
        error = refusal(find(home), source)
        assert "leads out of the workspace" in error.message
        assert error.hint is not None
        assert "--allow-path" in error.hint

    def test_a_link_that_leads_out_is_refused(self, home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        put(tmp_path_factory.mktemp("outside") / "x")
        (home / "link").symlink_to(tmp_path_factory.getbasetemp())
        assert "leads out" in refusal(find(home), "../link").message

    def test_an_allowed_path_is_readable(self, home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        outside = tmp_path_factory.mktemp("outside")
        here = put(outside / "x.md")
        for allowed in (outside, here):
            assert find(home, allowed=(allowed,)).read(str(here), home / "a.yaml").path == here
        put(outside / ".env")
        assert "may hold secrets" in refusal(find(home, allowed=(outside,)), str(outside / ".env")).message
        assert "may hold secrets" in refusal(find(home, allowed=(outside / ".env",)), str(outside / ".env")).message

    @pytest.mark.parametrize("name", [".env", ".env.local", ".ENV", "a/.git/config", ".Git/config", ".env/x"])
    def test_secrets_are_not_readable(self, home: Path, name: str) -> None:
        put(home / name)
        assert "may hold secrets" in refusal(find(home), name, "a.yaml").message

    @pytest.mark.parametrize("name", ["runs.jsonl", "runs.jsonl.lock", ".runs.jsonl.1", "media/x.png", "media/a/b"])
    def test_the_log_is_not_readable(self, home: Path, name: str) -> None:
        put(home / name)
        assert "run log" in refusal(find(home), name, "a.yaml").message

    def test_a_link_to_a_secret_is_not_readable(self, home: Path) -> None:
        put(home / ".env")
        (home / "a.md").symlink_to(home / ".env")
        assert "may hold secrets" in refusal(find(home), "a.md", "a.yaml").message

    def test_only_regular_files_are_read(self, home: Path) -> None:
        os.mkfifo(home / "pipe")
        (home / "folder").mkdir()
        (home / "loop").symlink_to(home / "loop")
        workspace = find(home, allowed=(Path("/dev"),))
        assert "no regular file" in refusal(workspace, "pipe", "a.yaml").message
        assert "is a folder" in refusal(workspace, "folder", "a.yaml").message
        assert "no regular file" in refusal(workspace, "/dev/zero", "a.yaml").message
        assert "loop" in refusal(workspace, "loop", "a.yaml").message

    @pytest.mark.parametrize("source", ["a\0b", "x" * 5000, "https://example.org/a.png", "data:image/png;base64,"])
    def test_what_is_no_path_is_refused(self, home: Path, source: str) -> None:
        assert len(refusal(find(home), source).message) < 200

    def test_a_large_file_is_refused_unread(self, home: Path) -> None:
        with (home / "large").open("wb") as file:
            file.truncate(1 << 40)
        assert "larger than 8 MB" in refusal(find(home), "large", "a.yaml").message

    def test_a_misspelt_file_is_guessed(self, home: Path) -> None:
        put(home / "system.md")
        error = refusal(find(home), "sistem.md", "a.yaml")
        assert error.message == "sistem.md does not exist"
        assert error.hint == "did you mean system.md?"

    def test_text_must_be_utf_8(self, home: Path) -> None:
        (home / "a.md").write_bytes(b"ab\xff")
        opened = find(home).read("a.md", home / "a.yaml")
        with pytest.raises(BadReference, match="byte 2"):
            assert opened.text


class TestModels:
    def test_a_spec_of_that_name_comes_first(self, home: Path) -> None:
        put(home / "models" / "fast.yaml", "kind: model\nprovider: openai\nmodel: gpt-x\napi: chat\n")
        reference = model_reference(find(home), "fast")
        assert (reference.provider.name, reference.model, reference.name) == ("openai", "gpt-x", "fast")
        assert (reference.api(None), reference.api("responses")) == ("chat", "responses")

    def test_else_it_is_provider_and_model_id(self, home: Path) -> None:
        reference = model_reference(find(home), "openai/org/model:7")
        assert (reference.provider.name, reference.model, reference.spec) == ("openai", "org/model:7", None)
        assert reference.api(None) == "responses"

    def test_an_unknown_api_is_told(self, home: Path) -> None:
        with pytest.raises(BadReference, match="no api 'chta'") as caught:
            model_reference(find(home), "openai/x").api("chta")
        assert caught.value.hint == "did you mean 'chat'?"

    @pytest.mark.parametrize(
        ("text", "hint"), [("fsat", "did you mean 'fast'?"), ("x/", "provider/model-id"), ("", "/")]
    )
    def test_an_unknown_name_is_told(self, home: Path, text: str, hint: str) -> None:
        put(home / "models" / "fast.yaml", "kind: model")
        with pytest.raises(BadReference) as caught:
            model_reference(find(home), text)
        assert caught.value.hint is not None
        assert hint in caught.value.hint

    def test_an_unknown_provider_is_a_matter_of_set_up(self, home: Path) -> None:
        with pytest.raises(SetupError) as caught:
            model_reference(find(home), "opnai/x")
        assert caught.value.hint == "did you mean 'openai'?"

    @pytest.mark.parametrize("line", ["provider: opnai", "provider: openai\napi: chta"])
    def test_in_a_spec_it_is_a_problem_of_that_file(self, home: Path, line: str) -> None:
        put(home / "models" / "a.yaml", f"kind: model\nmodel: x\n{line}\n")
        with pytest.raises(SpecError) as caught:
            model_reference(find(home), "a")
        assert caught.value.problems[0].file == "models/a.yaml"
        assert caught.value.problems[0].line == 2 + line.count("\n") + 1


class TestTools:
    def test_a_tool_is_loaded_with_its_place(self, home: Path) -> None:
        path = put(home / "tools" / "x.yaml", "kind: tool\nname: x\n")
        tool = load_tool(find(home), "x")
        assert (tool.spec.name, tool.path, tool.document.file) == ("x", path, "tools/x.yaml")

    def test_an_unknown_tool_is_guessed(self, home: Path) -> None:
        put(home / "tools" / "get_weather.yaml")
        with pytest.raises(BadReference) as caught:
            load_tool(find(home), "get_wether")
        assert caught.value.hint == "did you mean 'get_weather'?"

    def test_name_and_file_agree(self, home: Path) -> None:
        put(home / "tools" / "x.yaml", "kind: tool\nname: y\n")
        with pytest.raises(SpecError, match="the tool is named 'y', and its file 'x'"):
            load_tool(find(home), "x")

    def test_stubs_beside_the_tool_are_held_against_their_format(self, home: Path) -> None:
        put(home / "tools" / "x.yaml", "kind: tool\nname: x\n")
        put(home / "tools" / "x.stubs.yaml", "stubs: [{retrun: 1}]\n")
        with pytest.raises(SpecError) as caught:
            load_tool(find(home), "x")
        assert [(p.file, p.message) for p in caught.value.problems] == [
            ("tools/x.stubs.yaml", "unknown key 'retrun'"),
        ]

    def test_stubs_stand_in_one_place(self, home: Path) -> None:
        put(home / "tools" / "x.yaml", "kind: tool\nname: x\nstubs: [{return: 1}]\n")
        put(home / "tools" / "x.stubs.yaml", "stubs: [{return: 1}]\n")
        with pytest.raises(SpecError, match="stubs stand here and in"):
            load_tool(find(home), "x")


def test_no_run_log_is_readable_whatever_plcli_toml_says_the_log_is(home: Path) -> None:
    put(home / "plcli.toml", 'log = "logs/new.jsonl"')
    put(home / "runs.jsonl", '\n{"v":1,"id":"20261123T165539123-k7m2q","time":"…"}\n')
    put(home / "rows.jsonl", '{"v": 1}\n')
    assert "it is a run log" in refusal(find(home), "../runs.jsonl").message
    assert find(home).read("rows.jsonl", home / "a.yaml").text == '{"v": 1}\n'


def test_messages_name_paths_from_the_current_folder_and_records_from_the_workspace(home: Path) -> None:
    (home / "prompts").mkdir()
    tool = home / "tools" / "x.yaml"
    workspace = find(home / "prompts")
    assert workspace.label(tool) == "../tools/x.yaml"
    assert workspace.shown(tool) == "tools/x.yaml"
    assert (
        workspace.shown(Path("/elsewhere/x.yaml")) == workspace.label(Path("/elsewhere/x.yaml")) == "/elsewhere/x.yaml"
    )


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("prompts/a.yaml", "", "begin with `kind: request`"),
        ("a.toml", "", 'begin with `kind = "request"`'),
        ("tools/deep/a.yaml", "# soon\n", "begin with `kind: tool`"),
        ("tools/a.json", "[]", 'begin with `{"kind": "tool"}`'),
        ("tools/a.stubs.yaml", "", "begin with `kind: stubs`"),
        ("models/a.toml", "", 'begin with `kind = "model"`'),
        ("plcli.toml", "\n", 'begin with `kind = "workspace"`'),
    ],
)
def test_a_file_that_says_nothing_is_told_what_its_place_asks_for(home: Path, name: str, text: str, hint: str) -> None:
    workspace = find(home)
    with pytest.raises(SpecError) as caught:
        workspace.document(put(home / name, text))
    (problem,) = caught.value.problems
    assert problem.hint == hint
