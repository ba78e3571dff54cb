"""The rules of model specs hold for anything that the format allows, and never show what may be a secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plcli.connect import Limits, connect
from plcli.documents import Document, parse
from plcli.environment import UserSide
from plcli.errors import SpecError
from plcli.model_rules import model_problems
from plcli.providers.registry import PROVIDERS
from plcli.schemas import load_spec
from plcli.specs import ModelSpec

SECRET = "Zq8Canary4Xw7Lm2Rt9Kp5Vd3"
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([
        "openai", "gemini", "echo", "sol", "..", "a/../b", "v1beta", "2025-04-01-preview", "eu", SECRET, f"sk-{SECRET}",
        "https://fish.openai.azure.com", "https://fish.openai.azure.com/openai/v1", "http://127.0.0.1:1/v1",
        "https://h/v1/chat/completions", "https://h/v1beta/models/m:generateContent", f"https://u:{SECRET}@h/v1",
        f"https://h/v1?key={SECRET}", "https://h:99999", "//h", "AZURE_KEY",
    ]),
)  # fmt: skip
NUMBERS = st.floats(min_value=0, max_value=1e9) | st.integers(0, 10**9)
SPECS = st.fixed_dictionaries(
    {
        "kind": st.just("model"),
        "provider": st.sampled_from(["openai", "gemini", "echo"]) | TEXTS,
        "model": st.just("sol") | TEXTS,
    },
    optional={
        "api": st.sampled_from(["chat", "images", "responses"]) | TEXTS,
        "edits": st.sampled_from(["json", "multipart"]),
        "base_url": TEXTS,
        "api_key_env": TEXTS,
        "api_version": st.just("2025-04-01-preview") | TEXTS,
        "headers": st.dictionaries(TEXTS, TEXTS, max_size=2),
        "omit": st.lists(TEXTS, max_size=2),
        "azure": st.fixed_dictionaries(
            {"endpoint": st.just("https://fish.openai.azure.com") | TEXTS},
            optional={"deployment": TEXTS, "auth": st.sampled_from(["key", "token"])},
        ),
        "vertex": st.fixed_dictionaries({}, optional={"project": TEXTS, "location": TEXTS}),
        "pricing": st.fixed_dictionaries(
            {}, optional={"input": NUMBERS, "cached_input": NUMBERS, "per_image": NUMBERS}
        ),
        "timeout": NUMBERS.filter(bool),
        "deadline": NUMBERS.filter(bool),
    },
)


def loaded(written: dict[str, Any]) -> tuple[Document, ModelSpec] | None:
    """The spec, where its format is right."""
    document = parse(json.dumps(written), file="m.json", format="json")
    try:
        return document, load_spec(document, ModelSpec)
    except SpecError:
        return None


@given(SPECS)
def test_every_model_spec_is_judged_without_showing_a_secret(written: dict[str, Any]) -> None:
    found = loaded(written)
    for problem in model_problems(*found) if found else ():
        # Names may be shown; an address, a key and the value of a header may hold a secret.
        if problem.path.partition(".")[0] in ("base_url", "api_key_env", "headers") or "endpoint" in problem.path:
            assert SECRET not in problem.message + (problem.hint or "")


NAMES = st.text("ab1._-/%?# \\", max_size=6) | TEXTS
AZURE = st.fixed_dictionaries(
    {"endpoint": st.sampled_from(["https://fish.openai.azure.com", "http://127.0.0.1:1/gateway"])},
    optional={"deployment": NAMES},
)


@given(NAMES, AZURE, NAMES)
def test_what_passes_the_rules_of_azure_stays_in_its_place_of_the_address(
    model: str, azure: dict[str, str], version: str
) -> None:
    written = {"kind": "model", "provider": "openai", "api": "chat", "model": model}
    found = loaded({**written, "azure": azure, "api_version": version})
    if found is None or model_problems(*found):
        return
    user = UserSide(variables={}, config=Path("config.toml"))
    connection = connect(PROVIDERS["openai"], "chat", found[1], user, Limits())
    assert connection.base_url == azure["endpoint"]
    assert connection.azure is not None
    assert re.fullmatch(r"(?!\.+\Z)[A-Za-z0-9._-]+", connection.azure.deployment or "")
    assert re.fullmatch(r"[A-Za-z0-9-]+", connection.api_version or "")
