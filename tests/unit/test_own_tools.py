"""Tools that a provider runs itself, on every api: sent as they are, or a problem that says what to use instead."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.providers.registry import Compiled, adapter, provider
from plcli.request import BuiltinTool, FunctionTool, Loss, Request, ToolChoice

PROVIDER = {"responses": "openai", "chat": "openai", "generate_content": "gemini", "echo": "echo"}


def compiled(api: str, *items: Any, **fields: Any) -> Compiled:
    tools = tuple(BuiltinTool(item) if isinstance(item, dict) else item for item in items)
    request = Request(PROVIDER[api], api, "m", tools=tools, **fields)
    return adapter(provider(PROVIDER[api]), api).compile(request)


OPENAIS: list[dict[str, Any]] = [
    {"type": "web_search", "filters": {"allowed_domains": ["example.org"]}, "search_context_size": "low"},
    {"type": "web_search_2025_08_26"},
    {"type": "file_search", "vector_store_ids": ["vs_1"], "ranking_options": {"score_threshold": 0.5}},
    {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}},
    {"type": "image_generation", "quality": "low"},
    {"type": "mcp", "server_label": "deep", "server_url": "https://example.org/mcp", "require_approval": "never"},
    {"type": "shell", "environment": {"type": "container_auto"}},
    {"type": "local_shell"},
    {"type": "apply_patch"},
    {"type": "computer_use_preview", "display_width": 800, "display_height": 600, "environment": "browser"},
    {"type": "next_years_tool", "depth": {"of": [1, None]}},
]


@pytest.mark.parametrize("item", OPENAIS, ids=lambda item: item["type"])
def test_responses_sends_its_own_tools_and_unknown_ones_untouched(item: Any) -> None:
    made = compiled("responses", item)
    assert (made.wire["tools"], made.losses) == ([item], ())


@pytest.mark.parametrize(
    ("item", "written"),
    [
        ({"type": "google_search", "searchTypes": {"a": 1}}, {"googleSearch": {"searchTypes": {"a": 1}}}),
        ({"type": "url_context"}, {"urlContext": {}}),
        ({"type": "code_execution"}, {"codeExecution": {}}),
        ({"type": "google_maps", "enableWidget": True}, {"googleMaps": {"enableWidget": True}}),
        ({"type": "file_search", "fileSearchStoreNames": ["s"]}, {"fileSearch": {"fileSearchStoreNames": ["s"]}}),
        ({"type": "googleSearch"}, {"googleSearch": {}}),
        ({"type": "next_years_tool", "depth": None}, {"nextYearsTool": {"depth": None}}),
        ({"enterpriseWebSearch": {}}, {"enterpriseWebSearch": {}}),
    ],
)  # fmt: skip
def test_gemini_sends_its_own_tools_and_unknown_ones_by_their_rest_names(item: Any, written: Any) -> None:
    made = compiled("generate_content", item)
    assert (made.wire["tools"], made.losses) == ([written], ())


@pytest.mark.parametrize(
    ("item", "wire"),
    [
        ({"type": "web_search", "search_context_size": "low"}, {"web_search_options": {"search_context_size": "low"}}),
        ({"type": "browser_search", "x": 1}, {"tools": [{"type": "browser_search", "x": 1}]}),
        ({"type": "mcp", "mcp": {"url": "x"}}, {"tools": [{"type": "mcp", "mcp": {"url": "x"}}]}),
    ],
)
def test_chat_searches_by_an_option_and_sends_the_tools_of_compatible_servers(item: Any, wire: Any) -> None:
    made = compiled("chat", item)
    assert (made.wire, made.losses) == ({"model": "m", **wire}, ())


@pytest.mark.parametrize(
    ("api", "item", "hint"),
    [
        ("responses", {"type": "google_search"}, "use {type: web_search}"),
        ("responses", {"type": "googleSearch"}, "use {type: web_search}"),
        ("responses", {"type": "code_execution"}, "use {type: code_interpreter}"),
        ("responses", {"type": "url_context"}, "drop it"),
        ("responses", {"type": "google_maps"}, "drop it"),
        *(("chat", item, "use `api: responses`") for item in OPENAIS[:-1]),
        ("chat", {"type": "google_search"}, "`body.tools`"),
        ("chat", {"type": "codeExecution"}, "`body.tools`"),
        ("generate_content", {"type": "web_search"}, "use {type: google_search}"),
        ("generate_content", {"type": "web_search_preview"}, "use {type: google_search}"),
        ("generate_content", {"type": "code_interpreter"}, "use {type: code_execution}"),
        ("generate_content", {"type": "computer"}, "use {type: computer_use}"),
        ("generate_content", {"type": "image_generation"}, "drop it"),
        ("generate_content", {"type": "mcp"}, "drop it"),
        ("generate_content", {"type": "shell"}, "drop it"),
        ("generate_content", {"type": "apply_patch"}, "drop it"),
    ],
)
def test_a_tool_that_an_api_has_not_is_a_problem_with_a_hint(api: str, item: Any, hint: str) -> None:
    made = compiled(api, FunctionTool("f"), item)
    [loss] = made.losses
    assert isinstance(loss, Loss)
    assert (loss.path, loss.kind) == ("tools[1]", "dropped")
    assert hint in (loss.hint or "")
    # Gemini has one entry for all functions, which is the one that is left here.
    assert len(made.wire["tools"]) == 1


def test_echo_repeats_any_tool() -> None:
    items = [*OPENAIS, {"type": "google_search"}]
    made = compiled("echo", *items)
    assert (made.wire["tools"], made.losses) == (items, ())


def test_a_choice_of_an_mcp_server_names_it() -> None:
    chosen = ToolChoice("required", ("mcp",), forced=True)
    deep, flat = ({"type": "mcp", "server_label": label} for label in ("deep", "flat"))
    made = compiled("responses", deep, tool_choice=chosen)
    assert (made.wire["tool_choice"], made.losses) == (deep, ())
    assert adapter(provider("openai"), "responses").uncompile(made.wire, made.target).tool_choice == chosen
    assert [loss.path for loss in compiled("responses", deep, flat, tool_choice=chosen).losses] == ["tool_choice"]


def test_a_wire_with_another_apis_tool_comes_back() -> None:
    wire = {"model": "m", "input": [], "tools": [{"type": "google_search"}], "tool_choice": "auto"}
    responses = adapter(provider("openai"), "responses")
    made = responses.compile(responses.uncompile(wire, compiled("responses").target))
    assert (made.wire, made.losses) == (wire, ())
