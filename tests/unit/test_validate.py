"""Validation: references followed, every problem at once, hostile files ended in bounded time."""

from __future__ import annotations

import io
import os
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from plcli import request_rules
from plcli.documents import parse
from plcli.errors import UsageError
from plcli.validate import Report, check, problems_of
from plcli.workspace import Workspace, find

MODEL = "kind: model\nprovider: echo\nmodel: x\n"
TOOL = "kind: tool\nname: {name}\nparameters: {{type: object, properties: {{city: {{type: string}}}}}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    put(tmp_path, "plcli.toml", "")
    put(tmp_path, "tools/get_weather.yaml", TOOL.format(name="get_weather"))
    put(tmp_path, "models/fast.yaml", MODEL)
    return tmp_path


def put(home: Path, name: str, text: str = "") -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(home: Path, *paths: str, stdin: bytes = b"") -> Report:
    return check(find(home), paths, BytesIO(stdin))


def told(home: Path, text: str, name: str = "prompts/a.yaml") -> list[tuple[str, str]]:
    """Where and what the problems of one file are; its `kind` is put before a request."""
    head = "kind: request\nmodel: fast\n" if name.startswith("prompts/") else ""
    put(home, name, head + text)
    return [(f"{p.where} {p.path}".rstrip(), p.message) for p in run(home, name).problems]


DRAWS = "image: {size: auto}\nprompt: A fox.\n"


class TestPictures:
    """What is warned about is in `test_picture_rules`; here is where it is looked for."""

    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("model: openai/dall-e-3\n" + DRAWS, [2]),
            ("model: gone\n" + DRAWS, [2]),
            (DRAWS, [1]),
            ("model: elsewhere\n" + DRAWS, []),
            ("model: openai/gpt-6.2-sol\n" + DRAWS.replace("size", "model").replace("auto", "gpt-image-1"), [3]),
            ("model: openai/gpt-6.2-sol\nprompt: A fox.\ntools: [{type: image_generation, model: dall-e-2}]\n", [4]),
            ("model: openai/gpt-6.2-sol\nprompt: A fox.\n", []),
        ],
    )
    def test_a_model_that_draws_and_is_gone_is_warned_about_where_it_is_named(
        self, home: Path, text: str, lines: list[int]
    ) -> None:
        put(home, "plcli.toml", 'model = "openai/dall-e-2"\n')
        put(home, "models/gone.yaml", "kind: model\nprovider: openai\nmodel: dall-e-3\n")
        put(
            home,
            "models/elsewhere.yaml",
            "kind: model\nprovider: openai\nmodel: dall-e-3\nbase_url: https://h.test/v1\napi: images\n",
        )
        put(home, "prompts/a.yaml", f"kind: request\n{text}")
        for today, expected in ((date(2026, 11, 26), lines), (None, [])):
            found = check(find(home), ["prompts/a.yaml"], BytesIO(), today=today).problems
            assert [(problem.line, problem.severity) for problem in found] == [(line, "warning") for line in expected]

    @pytest.mark.parametrize(
        ("content", "warned"),
        [
            ("A fox.", False),
            ("[{type: text, text: A fox.}]", False),
            ('[{type: image, source: "data:image/png;base64,iVBORw0KGgo="}]', True),
        ],
    )
    def test_a_message_with_a_picture_makes_it_an_edit(self, home: Path, content: str, warned: bool) -> None:
        head = "kind: request\nmodel: openai/gpt-image-2\n"
        put(
            home,
            "prompts/a.yaml",
            f"{head}messages: [{{role: user, content: {content}}}]\nimage: {{moderation: low}}\n",
        )
        assert [problem.path for problem in run(home, "prompts/a.yaml").problems] == ["image.moderation"] * warned


class TestWhatIsLookedAt:
    def test_a_sound_workspace_has_no_problems(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "kind: request\nmodel: fast\nprompt: hi\ntools: [get_weather]\n")
        report = run(home, ".")
        assert report.problems == ()
        assert sorted(report.files) == [
            "models/fast.yaml", "plcli.toml", "prompts/a.yaml", "tools/get_weather.yaml",
        ]  # fmt: skip

    def test_below_a_folder_only_specs_count(self, home: Path) -> None:
        put(home, "k8s.yaml", "kind: Deployment\n")
        put(home, "data.json", "[1")
        put(home, "other/a.json", '{"model": "fast", "kind": "request", "prompt": "hi"}')
        put(home, "other/b.toml", 'kind = "request"\npromt = "hi"\n')
        put(home, ".hidden/c.yaml", "kind: request\npromt: hi\n")
        put(home, "prompts/answer.schema.json", "{}")
        assert [(p.file, p.message) for p in run(home, ".").problems] == [("other/b.toml", "unknown key 'promt'")]

    def test_in_a_spec_folder_every_file_is_a_spec(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "model: fast\n")
        put(home, "tools/b.yaml", "kind: tol\n")
        assert [(p.file, p.message) for p in run(home, ".").problems] == [
            ("prompts/a.yaml", "missing key 'kind'"),
            ("tools/b.yaml", 'unknown kind "tol"'),
        ]

    def test_patterns_and_several_paths_are_taken_and_each_file_is_looked_at_once(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "kind: request\nmodel: fast\nprompt: hi\n")
        put(home, "prompts/[b].yaml", "kind: request\nmodel: fast\nprompt: hi\n")
        report = run(home, "prompts/*.yaml", "prompts/[b].yaml", "prompts", "./prompts/../prompts/a.yaml")
        assert sorted(report.files) == ["models/fast.yaml", "prompts/[b].yaml", "prompts/a.yaml"]

    def test_patterns_fit_folders_too_and_never_follow_links(self, home: Path) -> None:
        put(home, "prompts/in/a.yaml", "kind: request\nmodel: fast\nprompt: hi\n")
        put(home, "prompts/in/.b.yaml", "kind: request\nmodel: fast\nprompt: hi\n")
        put(home, "prompts/in/notes.md", "")
        for name in ("x", "y", "z"):
            (home / "prompts" / name).symlink_to(home)
        for pattern in (
            "**/a.yaml",
            "prompts/**/*.yaml",
            "prompts/*/[ab].yaml",
            f"{home}/pro*/**/a.*",
            "prompts/i?/*.y*",
        ):
            assert sorted(run(home, pattern).files) == ["models/fast.yaml", "prompts/in/a.yaml"]
        for pattern in ("**", "pro*", "prompts/*", "prompts/**/**"):
            assert "prompts/in/a.yaml" in run(home, pattern).files
            assert "prompts/in/notes.md" not in run(home, pattern).files
        assert "prompts/in/.b.yaml" in run(home, "prompts/in/.*.yaml").files

    def test_what_fits_nothing_is_a_mistake_on_the_command_line(self, home: Path) -> None:
        (home / "empty").mkdir()
        with pytest.raises(UsageError, match="no file fits"):
            run(home, "prompts/*.toml")
        with pytest.raises(UsageError, match="no spec below empty"):
            run(home, "empty")
        with pytest.raises(UsageError, match="no file or folder nope/"):
            run(home, "nope/")

    def test_a_missing_file_is_a_problem(self, home: Path) -> None:
        assert [(p.file, p.message) for p in run(home, "models/fsat.yaml").problems] == [
            ("models/fsat.yaml", "there is no such file")
        ]

    @pytest.mark.parametrize("text", [b"kind: request\nmodel: fast\npromt: hi", b' {"kind":"request","promt":"hi"}'])
    def test_standard_input_is_json_or_yaml(self, home: Path, text: bytes) -> None:
        report = run(home, "-", stdin=text)
        assert [(p.file, p.message) for p in report.problems if p.severity == "error"] == [("-", "unknown key 'promt'")]
        assert report.files == ("-",)

    def test_problems_are_sorted_by_file_and_place(self, home: Path) -> None:
        put(home, "prompts/b.yaml", "kind: request\nmodel: nope\nprompt: hi\nx: 1\n")
        put(home, "prompts/a.yaml", "kind: request\nmodel: nope\nprompt: '{{ y }}'\ntools: [nope]\n")
        where = [p.where for p in run(home, "prompts").problems]
        assert where == ["prompts/a.yaml:2:8", "prompts/a.yaml:3:9", "prompts/a.yaml:4:9", "prompts/b.yaml:4:1"]

    def test_a_request_without_a_file_is_looked_at_too(self, home: Path) -> None:
        document = parse("kind: request\nmodel: nope\nprompt: hi\n", file="-", format="yaml")
        assert [p.where for p in problems_of(find(home), document, None)] == ["-:2:8"]


class TestReferences:
    def test_a_broken_tool_is_told_once_in_its_own_file(self, home: Path) -> None:
        put(home, "tools/x.yaml", "kind: tool\nname: y\nreturns: {type: strnig}\n")
        for name in ("a", "b"):
            put(home, f"prompts/{name}.yaml", "kind: request\nmodel: fast\nprompt: hi\ntools: [x]\n")
        assert [(p.where, p.message) for p in run(home, "prompts").problems] == [
            ("tools/x.yaml:2:7", "the tool is named 'y', and its file 'x'"),
            ("tools/x.yaml:3:17", "unknown type 'strnig'"),
        ]

    def test_missing_tools_and_models_are_guessed(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "kind: request\nmodel: fsat\nprompt: hi\ntools: [get_wether]\n")
        assert [p.hint for p in run(home, "prompts/a.yaml").problems] == [
            "did you mean 'fast'?",
            "did you mean 'get_weather'?",
        ]

    def test_a_name_of_another_kind_of_spec_is_told(self, home: Path) -> None:
        put(home, "models/a.yaml", "kind: request\nmodel: fast\nprompt: hi\n")
        put(home, "tools/b.yaml", MODEL)
        put(home, "prompts/a.yaml", "kind: request\nmodel: a\nprompt: hi\ntools: [b]\n")
        assert [(p.where, p.message) for p in run(home, ".").problems] == [
            ("models/a.yaml:1:7", "this is a request, and a model is wanted here"),
            ("tools/b.yaml:1:7", "this is a model, and a tool is wanted here"),
        ]

    def test_an_api_that_the_provider_has_not_is_told(self, home: Path) -> None:
        assert told(home, "prompt: hi\napi: chat\n") == [
            ("prompts/a.yaml:4:6 api", "provider 'echo' has no api 'chat'")
        ]

    def test_no_model_is_a_warning_because_the_command_line_may_name_one(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "kind: request\nprompt: hi\nvariables: {}\n")
        [problem, *_] = run(home, "prompts/a.yaml").problems
        assert problem.message == "no model is named, here or in plcli.toml"
        assert problem.severity == "warning"

    def test_schema_files_are_read_and_judged(self, home: Path) -> None:
        put(home, "prompts/a.schema.json", '{\n "type": "objct"\n}')
        put(home, "prompts/b.schema.json", "{")
        assert told(home, "prompt: hi\noutput: {schema: a.schema.json}\n") == [
            ("prompts/a.schema.json:2:10 type", "unknown type 'objct'")
        ]
        [(where, message)] = told(home, "prompt: hi\noutput: {schema: b.schema.json}\n")
        assert where.startswith("prompts/b.schema.json")
        assert "JSON" in message
        assert told(home, "prompt: hi\noutput: {schema: c.schema.json}\n") == [
            ("prompts/a.yaml:4:18 output.schema", "c.schema.json does not exist")
        ]

    def test_files_of_messages_are_followed(self, home: Path) -> None:
        put(home, "prompts/system.md", "hello\n{{ nobody }}\n")
        text = "messages:\n  - {role: system, content: {file: system.md}}\n  - {role: user, content: {file: ../../x}}\n"
        assert told(home, text) == [
            ("prompts/a.yaml:5:34 messages[1].content.file", "../../x leads out of the workspace"),
            ("prompts/system.md:2", "the variable 'nobody' is not declared"),
        ]

    def test_sources_are_followed_where_they_are_known(self, home: Path) -> None:
        text = (
            "variables: {n: {type: string}}\nmessages:\n  - role: user\n    content:\n"
            "      - {type: image, source: 'a{{ n }}.png'}\n      - {type: image, source: a.png}\n"
        )
        assert told(home, text) == [("prompts/a.yaml:8:31 messages[0].content[1].source", "a.png does not exist")]


class TestRequests:
    def test_undeclared_and_unused_variables_are_told_where_they_stand(self, home: Path) -> None:
        text = (
            "variables:\n  city: {type: string}\n  other: {type: string}\nprompt: |\n  one\n  {{ ctiy }} {{ city }}\n"
        )
        assert told(home, text) == [
            ("prompts/a.yaml:5:3 variables.other", "the variable 'other' is never used"),
            ("prompts/a.yaml:8 prompt", "the variable 'ctiy' is not declared"),
        ]

    def test_variables_may_be_used_in_what_cannot_be_read(self, home: Path) -> None:
        text = "variables: {a: {type: string}}\nmessages: [{role: user, content: {file: nope.md}}]\n"
        assert [message for _, message in told(home, text)] == ["nope.md does not exist"]

    def test_a_variable_that_the_text_itself_asks_for_need_not_be_declared(self, home: Path) -> None:
        assert told(home, "prompt: '{% if x is defined %}{{ x }}{% endif %}'\n") == []

    def test_template_mistakes_have_their_line(self, home: Path) -> None:
        [(where, _)] = told(home, "prompt: |\n  a\n  {% if %}\n")
        assert where == "prompts/a.yaml:5 prompt"

    @pytest.mark.parametrize("kind", ["f-string", "none"])
    def test_other_templates_have_their_own_rules(self, home: Path, kind: str) -> None:
        problems = told(home, f"template: {kind}\nvariables: {{x: {{}}}}\nprompt: 'a {{x}} {{y}} {{{{ z }}}}'\n")
        assert [message for _, message in problems] == (
            ["the variable 'y' is not declared"] if kind == "f-string" else ["the variable 'x' is never used"]
        )

    def test_a_history_is_a_declared_list(self, home: Path) -> None:
        text = "variables: {a: {type: string, default: x}, b: {type: array, default: []}}\nmessages:\n"
        assert told(home, text + "  - {history: a}\n  - {history: b}\n  - {history: c}\n") == [
            ("prompts/a.yaml:5:15 messages[0].history", "the variable 'a' is not declared as a list of messages"),
            ("prompts/a.yaml:7:15 messages[2].history", "the variable 'c' is not declared"),
        ]

    def test_declarations_of_variables_are_judged(self, home: Path) -> None:
        [(where, message)] = told(home, "variables: {a: {type: integer, default: x}}\nprompt: '{{ a }}'\n")
        assert where.startswith("prompts/a.yaml:3:")
        assert "default" in message

    def test_two_tools_of_one_name_are_a_problem(self, home: Path) -> None:
        text = "prompt: hi\ntools: [get_weather, {name: get_weather, parameters: {}}]\n"
        assert told(home, text) == [("prompts/a.yaml:4:22 tools[1]", "two tools are named 'get_weather'")]

    def test_chosen_and_expected_tools_are_among_the_tools(self, home: Path) -> None:
        text = (
            "prompt: hi\ntools: [get_weather, {type: web_search}]\ntool_choice: {tools: [get_weather, web_search, x]}\n"
            "expect:\n  - tool_called: {name: get_wether, arguments: {city: {matches: '['}}}\n  - tool_not_called: y\n"
        )
        assert told(home, text) == [
            ("prompts/a.yaml:5:48 tool_choice.tools[2]", "'x' is not among the tools of this request"),
            ("prompts/a.yaml:7:25 expect[0].tool_called.name", "'get_wether' is not among the tools of this request"),
            (
                "prompts/a.yaml:7:65 expect[0].tool_called.arguments.city.matches",
                "no regular expression: unterminated character set at position 0",
            ),
            ("prompts/a.yaml:8:22 expect[1].tool_not_called", "'y' is not among the tools of this request"),
        ]

    def test_tools_in_the_body_are_not_known_here(self, home: Path) -> None:
        assert told(home, "prompt: hi\nbody: {tools: []}\nexpect: [{tool_called: x}]\n") == []

    def test_a_required_tool_needs_tools(self, home: Path) -> None:
        assert told(home, "prompt: hi\ntool_choice: required\n") == [
            ("prompts/a.yaml:4:14 tool_choice", "a tool is required, and there is none")
        ]

    def test_expectations_are_judged_at_every_depth(self, home: Path) -> None:
        text = (
            "prompt: hi\nexpect:\n  - state: okay\n"
            "  - any: [{not: {text: {matches: '('}}}, {state: {equals: refsued}}]\n"
            "  - output: {path: 'a[', schema: {type: x}}\n  - cost: {min: 2, max: 1}\n"
        )
        assert [where.split(" ")[1] for where, _ in told(home, text)] == [
            "expect[0].state",
            "expect[1].any[0].not.text.matches",
            "expect[1].any[1].state.equals",
            "expect[2].output.path",
            "expect[2].output.schema.type",
            "expect[3].cost.min",
        ]

    def test_what_is_filled_is_not_judged_before(self, home: Path) -> None:
        text = (
            "variables: {x: {type: string}}\nprompt: hi\nexpect: [{text: {matches: '({{ x }}'}}, {state: '{{ x }}'}]\n"
        )
        assert told(home, text) == []

    def test_a_result_without_a_call_is_a_warning(self, home: Path) -> None:
        text = (
            "messages:\n  - role: assistant\n    content: [{type: tool_call, id: a, name: x}]\n"
            "  - role: tool\n    content: [{type: tool_result, id: a, content: ''}, "
            "{type: tool_result, id: b, content: ''}]\n"
        )
        [(where, message)] = told(home, text)
        assert where == "prompts/a.yaml:7:80 messages[1].content[1].id"
        assert message == "no tool call before this has the id 'b'"

    def test_malformed_paths_to_omit_are_told(self, home: Path) -> None:
        assert [where for where, _ in told(home, "prompt: hi\nomit: [a.b, 'a[x]']\n")] == [
            "prompts/a.yaml:4:13 omit[1]"
        ]

    def test_what_the_api_cannot_carry_is_told(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "kind: request\nmodel: openai/x\nprompt: hi\nparams: {seed: 1}\n")
        assert [p.path for p in run(home, "prompts/a.yaml").problems] == ["params.seed"]


class TestOtherSpecs:
    def test_the_rules_of_tools(self, home: Path) -> None:
        text = (
            "kind: tool\nname: x\nparameters: {type: object, properties: {a: {type: integer}}, $ref: http://x}\n"
            "returns: {type: string}\nenv: [A B]\npython: os.system\nstubs:\n"
            "  - {when: {b: {matches: '('}}, return: 5}\n  - {return_in_turn: [a, 5]}\n  - {error: never}\n"
        )
        assert told(home, text, "tools/x.yaml") == [
            ("tools/x.yaml:3:68 parameters.$ref", "$ref 'http://x' leads out of the schema"),
            ("tools/x.yaml:5:7 env[0]", "'A B' is no name of an environment variable"),
            ("tools/x.yaml:6:9 python", "'os.system' names no function"),
            ("tools/x.yaml:8:13 stubs[0].when.b", "the tool has no argument 'b'"),
            (
                "tools/x.yaml:8:26 stubs[0].when.b.matches",
                "no regular expression: missing ), unterminated subpattern at position 0",
            ),
            ("tools/x.yaml:8:41 stubs[0].return", "does not fit `returns`: 5 is not of type 'string'"),
            ("tools/x.yaml:9:26 stubs[1].return_in_turn[1]", "does not fit `returns`: 5 is not of type 'string'"),
            ("tools/x.yaml:10:5 stubs[2]", "this stub never answers: one before it answers every call"),
        ]

    def test_the_rules_of_free_form_tools(self, home: Path) -> None:
        text = "kind: tool\nname: x\nformat: {type: regex}\nparameters: {}\ncommand: []\n"
        assert [where for where, _ in told(home, text, "tools/x.yaml")] == [
            "tools/x.yaml:3:1 format", "tools/x.yaml:3:9 format", "tools/x.yaml:5:10 command",
        ]  # fmt: skip

    def test_stubs_beside_a_tool_are_held_against_it(self, home: Path) -> None:
        put(home, "tools/get_weather.stubs.yaml", "stubs:\n  - {when: {cty: x}, return: 1}\n")
        [problem] = run(home, "tools/get_weather.yaml").problems
        assert (problem.where, problem.hint) == ("tools/get_weather.stubs.yaml:2:13", "did you mean 'city'?")

    def test_stubs_beside_no_tool_are_told(self, home: Path) -> None:
        put(home, "tools/get_wether.stubs.yaml", "stubs: [{return: 1}]\n")
        [problem] = run(home, "tools/get_wether.stubs.yaml").problems
        assert (problem.severity, problem.message) == ("warning", "there is no tool 'get_wether' beside these stubs")

    def test_the_rules_of_models(self, home: Path) -> None:
        text = (
            "kind: model\nprovider: openai\nmodel: x\napi: chta\nscript: [{text: a}]\nvertex: {project: p}\n"
            "base_url: https://me:secret@host/v1\napi_key_env: sk-1234 5\nomit: ['']\n"
        )
        problems = told(home, text, "models/m.yaml")
        assert [where.split(" ")[1] for where, _ in problems] == [
            "api", "script", "vertex", "base_url", "api_key_env", "omit[0]",
        ]  # fmt: skip
        assert not any("sk-1234" in message or "secret" in message for _, message in problems)

    def test_pictures_of_a_script_are_followed(self, home: Path) -> None:
        text = MODEL + "script: [[{text: a}], [{image: {source: nope.png}}]]\n"
        assert told(home, text, "models/m.yaml") == [
            ("models/m.yaml:4:41 script[1][0].image.source", "nope.png does not exist")
        ]

    def test_the_rules_of_the_workspace(self, home: Path) -> None:
        workspace = find(home)
        path = put(home, "plcli.toml", 'model = "fsat"\nredact = ["("]\n')
        assert [(p.path, p.message.split(":")[0]) for p in check(workspace, [str(path)], io.BytesIO()).problems] == [
            ("model", "there is no model spec 'fsat'"),
            ("redact[0]", "no regular expression"),
        ]


class TestHostileFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "expect: [{any: " * 50 + "[]" + "}]" * 50,
            "expect: " + "[{not: " * 30,
            "tools: [" + "{name: x, parameters: {required: [" + "{}," * 5000 + "]}}]",
            "variables: {x: {type: string, pattern: '(a+)+$', default: " + "a" * 40 + "!}}\nprompt: '{{ x }}'",
            "prompt: " + "'{{ " + "(" * 5000 + " }}'",
            "prompt: '{{ 9**9**9 }}'",
            "prompt: " + "{{ x }}" * 3,
            "messages: [" + "{role: user, content: {file: /dev/zero}}," * 3 + "]",
            "tools: [" + "x," * 3000 + "]",
            "model: '../../../etc/passwd'",
            "kind: request\nkind: request",
        ],
    )
    def test_they_end_in_problems(self, home: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("plcli.regexes.SECONDS", 0.3)
        put(home, "prompts/a.yaml", f"kind: request\n{text}\n")
        assert run(home, "prompts/a.yaml").problems

    def test_deep_expectations_are_no_crash(self, home: Path) -> None:
        nested = "{not: " * 60 + "{text: a}" + "}" * 60
        put(home, "prompts/a.yaml", f"kind: request\nmodel: fast\nprompt: hi\nexpect: [{nested}]\n")
        run(home, "prompts/a.yaml")

    def test_looking_at_texts_and_files_takes_a_bounded_time(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request_rules, "SECONDS", 0.0)
        text = "variables: {x: {type: strin}}\nmessages:\n" + "  - {role: user, content: '{{ y }}'}\n" * 3
        [(where, message)] = told(home, text)
        assert where == "prompts/a.yaml:5:27 messages[0].content"
        assert "took longer" in message

    def test_the_problems_of_one_file_are_bounded(self, home: Path) -> None:
        put(home, "prompts/a.yaml", "kind: request\nmodel: fast\nprompt: hi\nexpect:\n" + "  - {state: x}\n" * 3000)
        problems = run(home, "prompts/a.yaml").problems
        assert len(problems) == 1001
        assert problems[-1].message == "more than 1,000 problems; the others are not shown"

    def test_pipes_and_folders_in_place_of_specs_are_no_hang(self, home: Path) -> None:
        os.mkfifo(home / "prompts.yaml")
        (home / "tools" / "x.yaml").mkdir()
        assert [p.file for p in run(home, "prompts.yaml").problems] == ["prompts.yaml"]
        put(home, "prompts/a.yaml", "kind: request\nmodel: fast\nprompt: hi\ntools: [x]\n")
        assert [p.path for p in run(home, "prompts/a.yaml").problems] == ["tools[0]"]

    def test_a_link_out_of_the_workspace_is_not_shown(
        self, home: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        secret = put(tmp_path_factory.mktemp("outside"), "credentials.yaml", "password: hunter2\n")
        (home / "tools" / "x.yaml").symlink_to(secret)
        for paths in (["tools"], ["tools/x.yaml"]):
            [problem] = run(home, *paths).problems
            assert "leads out of the workspace" in problem.message


def test_a_pattern_that_a_run_would_refuse_is_told(home: Path) -> None:
    put(home, "plcli.toml", 'redact = ["sk-[a-z]{4,8}", "(a+)+"]\n')
    (problem,) = check(find(home), ["plcli.toml"], io.BytesIO()).problems
    assert problem.path == "redact[1]"


def test_specs_may_refer_to_each_other_without_end(home: Path) -> None:
    put(home, "prompts/a.yaml", "kind: request\nmodel: fast\nprompt: hi\ntools: [get_weather, get_weather]\n")
    workspace: Workspace = find(home)
    assert [p.message for p in check(workspace, [str(home / "prompts" / "a.yaml")], io.BytesIO()).problems] == [
        "two tools are named 'get_weather'"
    ]


class TestHandlers:
    @pytest.fixture(autouse=True)
    def _handlers(self, home: Path) -> None:
        put(home, "handlers/units.py", "from math import floor as convert_down\nasync def convert(n): ...\nPI = 3\n")
        put(home, "handlers/made.py", "globals()['convert'] = print\n")
        put(home, "handlers/late.py", "def __getattr__(name): return print\n")
        put(home, "handlers/star.py", "from math import *\n")
        put(home, "handlers/torn.py", "def f(")
        put(
            home, "handlers/deep/__init__.py", "try:\n    import x as one\nexcept ImportError:\n    one = two = print\n"
        )
        put(home, "alone.py", "class Convert: ...\n")
        put(home, "json/notes.txt", "a folder with the name of a library")

    @pytest.mark.parametrize(
        ("handler", "message", "hint"),
        [
            ("python: handlers.units:covert", "handlers/units.py has no function covert", "'handlers.units:convert'"),
            ("python: alone:run", "alone.py has no function run", "write def run(…) in it"),
            ("python: handlers.deep:three", "handlers/deep/__init__.py has no function three", "write def"),
            ("python: handlers.unit:convert", "there is no module handlers.unit", "'handlers.units:convert'"),
            ("python: handlers.deep.a:b", "there is no module handlers.deep.a", "write handlers/deep/a.py"),
            ("command: [handlers/units.pi]", "there is no file handlers/units.pi", "'handlers/units.py'"),
            ("command: [./run]", "there is no file ./run", "from the folder of the workspace"),
            ("command: [python3, -u, handlers/unit.py, x]", "there is no file handlers/unit.py", "'handlers/units.py'"),
            ("mcp: {command: [node, serve.js], tool: t}", "there is no file serve.js", "from the folder"),
        ],
    )
    def test_what_a_handler_names_and_the_workspace_has_not_is_a_warning(
        self, home: Path, handler: str, message: str, hint: str
    ) -> None:
        put(home, "tools/t.yaml", f"kind: tool\nname: t\nparameters: {{}}\n{handler}\n")
        (problem,) = run(home, "tools/t.yaml").problems
        assert (problem.severity, problem.message, problem.line) == ("warning", message, 4)
        assert problem.column
        assert hint in (problem.hint or "")

    @pytest.mark.parametrize(
        "handler",
        [
            "python: handlers.units:convert",
            "python: handlers.units:convert_down",
            "python: handlers.made:convert",
            "python: handlers.late:convert",
            "python: handlers.star:floor",
            "python: handlers.torn:g",
            "python: handlers.deep:two",
            "python: alone:Convert",
            "python: json.decoder:scanstring",
            "python: json:loads",
            "python: installed.somewhere:f",
            "python: outside:f",
            "command: [jq, .x]",
            "command: [/usr/local/bin/nothing]",
            "command: [../../elsewhere]",
            "command: [python3, handlers/units.py]",
            "command: [python3, -c, 'import x.py']",
            "command: [python3, -m, x.py]",
            "command: [sh, -c, ./x.sh]",
            "command: [cat, x.py]",
            "mcp: {url: 'http://localhost/mcp', tool: t}",
        ],
    )
    def test_what_only_a_run_can_tell_is_none(
        self, home: Path, tmp_path_factory: pytest.TempPathFactory, handler: str
    ) -> None:
        outside = put(tmp_path_factory.mktemp("outside"), "outside.py", "def other(): ...\n")
        (home / "outside.py").symlink_to(outside)
        put(home, "tools/t.yaml", f"kind: tool\nname: t\nparameters: {{}}\n{handler}\n")
        assert run(home, "tools/t.yaml").problems == ()
