"""What a command does not need it does not import: measured in a fresh process, by modules and not by time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SEEN = """
import sys
from plcli.app import main
code = main(sys.argv[1:])
with open("modules", "w") as file:
    print(*sys.modules, sep="\\n", file=file)
sys.exit(code)
"""

LAZY = {
    "PIL", "duckdb", "genai_prices", "google", "httpx", "httpx2", "jinja2", "jsonschema", "mcp", "openai",
    "prompt_toolkit", "rapidfuzz", "rich", "zstandard",
}  # fmt: skip

HEAVY = {"asyncio", "http", "multiprocessing", "unittest", "urllib.request"}
"""Modules of Python itself that cost as much as a package, and that typer and pydantic do without."""


def modules(*args: str) -> set[str]:
    """The modules that a command line leaves imported, each with the packages that it is in."""
    command = [sys.executable, "-c", SEEN, *args]
    subprocess.run(command, check=True, env=os.environ, capture_output=True, stdin=subprocess.DEVNULL)
    seen = Path("modules").read_text().split()
    return {name.rsplit(".", depth)[0] for name in seen for depth in range(name.count(".") + 1)}


@pytest.mark.parametrize(
    "args", [("--version",), ("--help",), ("run", "--help"), ("log", "--help")], ids=lambda args: " ".join(args)
)
def test_help_imports_no_library_and_nothing_heavy(args: tuple[str, ...]) -> None:
    assert modules(*args) & (LAZY | HEAVY) == set()


def test_the_root_help_loads_no_command() -> None:
    assert modules("--help") & {"pydantic", "yaml", "plcli.commands", "plcli.workspace"} == set()


@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        (("run", "greeting", "-m", "echo/any", "--set", "prompt=hello", "--set", "template=none"), set()),
        (("run", "hello", "--dry-run"), {"jinja2"}),
        (("run", "hello", "-m", "gemini/m", "--dry-run"), {"jinja2"}),
        (("run", "hello"), {"jinja2"}),
        (("run", "weather", "-m", "echo-weather"), {"jinja2"}),
        (("chat", "-m", "echo/any"), set()),
        (("log", "list"), set()),
        (("log", "list", "--format", "json"), set()),
        (("log", "export", "--as", "html"), {"jinja2"}),
        (("schema", "--write"), set()),
        (("convert", "greeting"), set()),
        (("convert", "weather"), set()),
        (("tools", "list"), set()),
        (("tools", "show", "get_weather", "--api", "chat"), set()),
        (("init", "new"), set()),
        (("validate", "models"), set()),
        (("validate", "prompts/greeting.toml"), {"jinja2"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_command_imports_only_the_libraries_that_it_uses(
    workspace: Path, args: tuple[str, ...], allowed: set[str]
) -> None:
    assert modules(*args) & (LAZY | HEAVY) <= allowed


def test_a_prompt_on_echo_imports_no_library() -> None:
    assert modules("run", "--prompt", "{{ x }}", "-m", "echo/any") & (LAZY | HEAVY) == set()


def test_offline_imports_no_sdk(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-key")
    assert modules("run", "local", "--dry-run") & {"openai", "httpx2"} == set()
