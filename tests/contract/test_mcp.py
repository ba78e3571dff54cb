"""Servers of MCP: real ones of the package over stdio and over http, and ones that do what none should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plcli.cancel import Cancel
from plcli.environment import user_side
from plcli.errors import OfflineError, SetupError
from plcli.handling import children, mcp_http, mcp_stdio
from plcli.handling.handlers import Handlers
from plcli.handling.mcp_answers import McpFailed
from plcli.handling.mcp_client import Servers
from plcli.specs.tool import McpHandler
from plcli.toolbox import read_tool
from plcli.workspace import find
from tests.support.loopback import Loopback
from tests.support.tool_loop import CHAT, Loop, write_json

SUPPORT = Path(__file__).parents[1] / "support"
REAL = (sys.executable, str(SUPPORT / "mcp_server.py"))
ROGUE = (sys.executable, "-I", "-S", str(SUPPORT / "mcp_rogue.py"))
LONG = 60.0
"""Seconds that no test waits for."""


class Asking(NamedTuple):
    """Servers of a workspace, what their lines were, and a way to call a tool of one of them."""

    servers: Servers
    lines: list[str]
    cancel: Cancel

    def __call__(
        self, server: str | tuple[str, ...], tool: str, arguments: Any = None, seconds: float = LONG, **env: str
    ) -> Any:
        handler = McpHandler(tool=tool, **({"url": server} if isinstance(server, str) else {"command": server}))
        return self.servers.call(handler, env, {} if arguments is None else arguments, seconds)


def asking(folder: Path) -> Asking:
    lines: list[str] = []
    cancel = Cancel()
    servers = Servers(find(folder, folder), user_side(os.environ), tell=lines.append, cancel=cancel)
    return Asking(servers, lines, cancel)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """What keeps the real servers open for all tests, which takes them long to become."""
    made = asking(tmp_path_factory.mktemp("both"))
    with made.servers:
        yield made


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A real server over http."""
    with subprocess.Popen([*REAL, "http"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
        process.terminate()


@pytest.fixture(params=["stdio", "http"])
def real(request: pytest.FixtureRequest) -> str | tuple[str, ...]:
    """A real server, by its two ways."""
    return REAL if request.param == "stdio" else str(request.getfixturevalue("url"))


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asking]:
    """Servers that end with the test."""
    made = asking(tmp_path)
    with made.servers:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers get less time to end by themselves."""
    for room in (children, mcp_stdio):
        monkeypatch.setattr(room, "GRACE", 0.1)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # gone meanwhile, or no /proc here
        return os.path.isdir("/proc/self") is False


def soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


class TestRealServers:
    @pytest.mark.parametrize(
        ("tool", "arguments", "result"),
        [
            ("greet", {"name": "Ada"}, "Hello, Ada!"),
            ("add", {"a": 2, "b": 3}, {"result": 5}),
            ("route", {"region": "north"}, "to north"),
            ("weather", {"city": "Köln"}, {"city": "Köln", "temperature": 21, "wind": None}),
        ],
    )
    def test_a_call_gives_what_the_tool_returns(
        self, both: Asking, real: str | tuple[str, ...], tool: str, arguments: Any, result: Any
    ) -> None:
        assert both(real, tool, arguments) == result

    def test_pictures_sounds_and_files_come_as_parts(self, both: Asking, real: str | tuple[str, ...]) -> None:
        *parts, link = both(real, "album")["content"]
        assert parts == [
            {"type": "text", "text": "two pictures"},
            {"type": "image", "source": "data:image/png;base64,iVBORw0KGgo="},
            {"type": "file", "source": "data:audio/wav;base64,AAAA", "filename": "audio"},
            {"type": "text", "text": "a note"},
            {"type": "file", "source": "data:application/pdf;base64,AAAA", "filename": "b.pdf"},
        ]
        assert json.loads(link["text"])["uri"] == "file:///far.txt"

    def test_all_tools_are_listed_with_their_schemas(self, both: Asking, real: str | tuple[str, ...]) -> None:
        command, url = (None, real) if isinstance(real, str) else (real, None)
        tools = {tool.name: tool for tool in both.servers.list(command, url, {}, LONG)}
        assert len(tools) == 8
        assert tools["add"].description == "The sum of two numbers."
        assert tools["add"].parameters["properties"].keys() == {"a", "b"}
        assert (tools["add"].returns or {})["required"] == ["result"]
        assert tools["greet"].returns is None

    @pytest.mark.parametrize(
        ("tool", "arguments", "words"),
        [
            ("broken", {}, "the oven is cold"),
            ("add", {"a": "many"}, "a\n.*valid integer"),
            ("fly", {}, "fly"),
            ("curious", {}, "back-channel"),
        ],
    )
    def test_a_tool_that_fails_says_why(
        self, both: Asking, real: str | tuple[str, ...], tool: str, arguments: Any, words: str
    ) -> None:
        with pytest.raises(McpFailed, match=f"(?s){words}"):
            both(real, tool, arguments)

    def test_a_call_that_takes_too_long_is_given_up_and_the_server_answers_on(
        self, both: Asking, real: str | tuple[str, ...]
    ) -> None:
        both(real, "greet", {"name": "me"})
        with pytest.raises(McpFailed, match="has not answered within"):
            both(real, "slow", seconds=0.2)
        assert both(real, "greet", {"name": "you"}) == "Hello, you!"

    def test_a_cancel_ends_a_call_at_once(self, ask: Asking, url: str) -> None:
        ask(url, "greet", {"name": "me"})
        timer = threading.Timer(0.1, ask.cancel.ask)
        timer.start()
        with pytest.raises(McpFailed, match="cancelled"):
            ask(url, "slow")
        timer.join()

    def test_stderr_is_told(self, both: Asking) -> None:
        both(REAL, "greet", {"name": "Grace"})
        assert soon(lambda: "greeting Grace" in both.lines)


@pytest.mark.usefixtures("hasty")
class TestRogueServers:
    def test_one_server_answers_all_calls_of_a_run_and_one_that_ended_is_started_again(self, ask: Asking) -> None:
        first = ask(ROGUE, "process")
        assert ask(ROGUE, "process") == first
        with pytest.raises(McpFailed, match="the server ended: exit 3: the last words"):
            ask(ROGUE, "die")
        assert ask(ROGUE, "process") != first

    @pytest.mark.parametrize(
        ("tool", "words"),
        [
            ("flood", "more than 1 MB"),
            ("long", "more than 1 MB of text"),
            ("wrong", "what is not of MCP"),
            ("strange", "what is not of MCP"),
            ("bare", "what is no message of MCP: {"),
            ("half", "what is no message of MCP: {"),
            ("refuse", "no such tool"),
            ("die", "ended: exit 3: the last words"),
        ],
    )
    def test_a_wrong_answer_is_a_failure_that_says_what_is_wrong(
        self, ask: Asking, monkeypatch: pytest.MonkeyPatch, tool: str, words: str
    ) -> None:
        if tool == "flood":
            monkeypatch.setattr(mcp_stdio, "MESSAGE_LIMIT", 1024 * 1024)
        with pytest.raises(McpFailed, match=words):
            ask(ROGUE, tool)

    @pytest.mark.parametrize(
        ("tool", "words"),
        [
            ("nothing", "not answered within"),
            ("deep", "not answered within"),
            ("deaf", "its stdin or stdout is closed"),
        ],
    )
    def test_no_answer_is_no_hang(self, ask: Asking, tool: str, words: str) -> None:
        ask(ROGUE, "folder")
        with pytest.raises(McpFailed, match=words):
            ask(ROGUE, tool, seconds=LONG if tool == "deaf" else 0.3)

    def test_what_is_no_message_is_told_and_passed_over(self, ask: Asking) -> None:
        assert ask(ROGUE, "noise") == "still here"
        assert ask.lines == ["starting up", "", "{not json}", "[1]"]

    def test_a_server_gets_no_model_to_ask(self, ask: Asking) -> None:
        assert ask(ROGUE, "sampling") == "Sampling not supported"
        with pytest.raises(McpFailed, match="wants more input"):
            ask((*ROGUE, "modern"), "input")

    def test_it_sees_the_given_environment_only_and_the_workspace(self, ask: Asking, tmp_path: Path) -> None:
        assert set(ask(ROGUE, "environment", TOKEN="t").split()) - {"LC_CTYPE"} == {"TOKEN"}
        assert ask(ROGUE, "folder") == str(tmp_path)

    def test_servers_of_other_environments_are_other_servers(self, ask: Asking) -> None:
        pids = {ask(ROGUE, "family", A=value).split()[0] for value in ("1", "2", "1")}
        assert len(pids) == 2

    def test_every_page_of_a_list_is_read_and_a_list_without_end_is_not(self, ask: Asking) -> None:
        assert [tool.name for tool in ask.servers.list(ROGUE, None, {}, LONG)] == ["tool 0", "tool 1", "tool 2"]
        with pytest.raises(McpFailed, match="more than 100 pages"):
            ask.servers.list((*ROGUE, "endless"), None, {}, LONG)

    @pytest.mark.parametrize(
        ("command", "words"),
        [
            (("no-such-program",), "no program 'no-such-program' on PATH"),
            (("../elsewhere",), "leads out of the workspace"),
            (("./notes.txt",), "chmod"),
            (("true",), "the server ended: exit 0"),
            (("sh", "-c", "printf hm; echo oh >&2; exit 4"), "exit 4: hm\noh"),
        ],
    )
    def test_what_is_no_server_is_a_failure(self, ask: Asking, tmp_path: Path, command: Any, words: str) -> None:
        (tmp_path / "notes.txt").touch()
        with pytest.raises(McpFailed, match=words):
            ask(command, "any")

    def test_a_server_that_does_not_open_is_given_up_and_ended(self, ask: Asking) -> None:
        with pytest.raises(McpFailed, match="has not got ready to speak MCP"):
            ask(("sh", "-c", "echo $$ >&2; exec sleep 600"), "any", seconds=0.2)
        assert soon(lambda: bool(ask.lines))
        ask.servers.close()
        assert not running(int(ask.lines[0]))

    @pytest.mark.parametrize("arguments", ["text", ["a"], 1])
    def test_arguments_without_names_reach_no_server(self, ask: Asking, arguments: Any) -> None:
        with pytest.raises(McpFailed, match="by name"):
            ask(("no-such-program",), "any", arguments)

    def test_half_a_character_reaches_no_server(self, ask: Asking) -> None:
        with pytest.raises(McpFailed, match="half of a character"):
            ask(("no-such-program",), "any", {"a": "\ud800"})


class TestEnding:
    def test_a_server_ends_with_what_it_started(self, ask: Asking) -> None:
        pids = [int(pid) for pid in ask(ROGUE, "family").split()]
        assert all(map(running, pids))
        ask.servers.close()
        assert not any(map(running, pids))
        ask.servers.close()

    @pytest.mark.usefixtures("hasty")
    def test_one_that_does_not_want_to_end_ends_too(self, ask: Asking) -> None:
        pid = int(ask(ROGUE, "stubborn"))
        ask.servers.close()
        assert not running(pid)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_no_server_is_left_when_plcli_is_ended(self, tmp_path: Path, number: signal.Signals) -> None:
        script = """
import sys
from pathlib import Path
from plcli.interrupts import listen
from tests.contract.test_mcp import ROGUE, asking
listen()
ask = asking(Path("."))
with ask.servers:
    print(ask(ROGUE, "process"), flush=True)
    ask(ROGUE, "nothing")
"""
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ours:
            assert ours.stdout
            pid = int(ours.stdout.readline())
            assert running(pid)
            ours.send_signal(number)
            ours.communicate()
        assert soon(lambda: not running(pid))

    def test_no_thread_and_no_file_is_left(self, tmp_path: Path) -> None:
        def held() -> tuple[int, int]:
            return threading.active_count(), len(os.listdir("/dev/fd"))

        before = held()
        made = asking(tmp_path)
        with made.servers:
            made(ROGUE, "folder")
        assert held() == before


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://user:secret@127.0.0.1/mcp", "holds credentials"),
            ("http://127.0.0.1/mcp?key=secret", "holds a query"),
            ("file:///etc/passwd", "does not start with https"),
            ("http://nowhere.invalid/mcp", "cannot be reached"),
        ],
    )
    def test_a_wrong_url_is_a_failure_that_shows_no_secret(self, ask: Asking, url: str, words: str) -> None:
        with pytest.raises(McpFailed, match=words) as failure:
            ask(url, "any")
        assert "secret" not in str(failure.value)

    def test_a_server_that_is_not_there_cannot_be_reached(self, ask: Asking) -> None:
        with Loopback() as gone:
            url = f"{gone.url}/mcp"
        with pytest.raises(McpFailed, match=f"{url} cannot be reached"):
            ask(url, "any")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ({"body": b"<html>", "type": "text/html"}, "text/html; is an MCP server there"),
            ({"status": 404, "body": b"gone", "type": "text/plain"}, r"\(404 Not Found\); is an MCP server there"),
            ({"status": 401, "json": {"error": "who?"}}, r"\(401 Unauthorized\); is"),
            ({"status": 307, "headers": {"Location": "/mcp/"}}, "redirects to http://127.0.0.1:[0-9]+/mcp/, where"),
            ({"status": 302, "headers": {"Location": "https://u:secret@evil.invalid/?secret"}}, "https://evil.invalid"),
            ({"body": b"\x1f\x8b", "type": "application/json", "headers": {"Content-Encoding": "gzip"}}, "compressed"),
            ({"json": [1, 2]}, "answers"),
            ({"body": b"data: {}\n\n", "type": "text/event-stream"}, "answers"),
        ],
        ids=str,
    )
    def test_what_is_no_server_is_a_failure(self, ask: Asking, server: Loopback, answer: Any, words: str) -> None:
        server.answer(**answer)
        with pytest.raises(McpFailed, match=words) as failure:
            ask(f"{server.url}/mcp", "any")
        assert "secret" not in str(failure.value)

    def test_an_endless_answer_is_not_read_to_its_end(
        self, ask: Asking, server: Loopback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mcp_http, "MESSAGE_LIMIT", 1024 * 1024)
        server.answer(body=b" " * (2 * 1024 * 1024), type="application/json")
        with pytest.raises(McpFailed, match="more than 1 MB"):
            ask(f"{server.url}/mcp", "any")

    def test_silence_is_no_hang(self, ask: Asking, server: Loopback) -> None:
        server.hang()
        with pytest.raises(McpFailed, match="has not got ready to speak MCP"):
            ask(f"{server.url}/mcp", "any", seconds=0.2)

    def test_no_credential_is_sent(
        self, ask: Asking, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (Path(os.environ["HOME"]) / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        server.answer(404)
        with pytest.raises(McpFailed):
            ask(f"{server.url}/mcp", "any")
        assert server.received
        for request in server.received:
            assert "authorization" not in request.headers
            assert "secret" not in repr(request)

    def test_offline_no_url_is_called_and_no_package_imported(
        self, tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PLCLI_OFFLINE", "1")
        with pytest.raises(OfflineError):
            asking(tmp_path)(f"{server.url}/mcp", "any")
        assert not server.received


def test_without_the_package_it_says_what_to_install(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(SetupError) as failure:
        ask(ROGUE, "folder")
    assert failure.value.hint == "pip install 'plcli[mcp]'"


def test_a_server_speaks_for_the_tool_that_was_called(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    spec = {"kind": "tool", "name": "welcome", "mcp": {"command": REAL, "tool": "greet"}}
    (tmp_path / "welcome.json").write_text(json.dumps(spec))
    workspace = find(tmp_path, tmp_path)

    def tell(tool: str, line: str) -> None:
        told.append((tool, line))

    with closing(Handlers(workspace, user_side(os.environ), tell=tell, cancel=Cancel())) as handlers:
        handlers.call(read_tool(workspace, tmp_path / "welcome.json"), {"name": "Grace"}, LONG)
        assert soon(lambda: ("welcome", "greeting Grace") in told)


def test_the_example_finds_a_note(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the environment that the tests run in, as whoever activates one has it.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    made = asking(workspace)
    with made.servers:
        command = ("python3", "servers/notes.py")
        assert made(command, "find_note", {"words": "tea sunday"}, PATH=os.environ["PATH"]).keys() == {"tea"}


@pytest.mark.parametrize("stream", [False], ids=["plain"])
@pytest.mark.parametrize("loop", [CHAT], ids=str, indirect=True)
def test_a_run_asks_a_server_over_http_where_the_command_line_says_so(loop: Loop, url: str) -> None:
    person = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    tool = {"kind": "tool", "name": "welcome", "parameters": person, "mcp": {"url": url, "tool": "greet"}}
    write_json(loop.folder / "tools" / "welcome.json", tool)
    loop.write(tools=["welcome"])
    calls = tuple((f"c{n}", "welcome", json.dumps({"name": name})) for n, name in enumerate(("Ada", "Grace")))
    loop.answer(loop.api.calls(1, calls), loop.api.says("Hi."))
    outcome = loop.run(policy="run")
    assert outcome.code == 0, outcome.err
    assert [turn["content"] for turn in loop.turns(1)[-2:]] == ["Hello, Ada!", "Hello, Grace!"]
    assert [(result.source, result.result) for result in loop.results] == [
        ("run", "Hello, Ada!"),
        ("run", "Hello, Grace!"),
    ]
