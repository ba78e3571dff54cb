"""Laws of listings: whatever a server says of its models can be read, and a model that it names is known."""

from __future__ import annotations

from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from plcli.providers import openai_client, openai_listing
from plcli.providers.registry import Listing
from tests.support.calls import call

KEYS = st.sampled_from(["id", "data", "models", "aliases", "name", "owned_by", "shutdown_date", "root"])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["m", "m:latest", "models/m"])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6))


def look_up(*answers: Any) -> Listing:
    """What is made of the answers to the questions, in order."""
    with mock.patch.object(openai_client, "get", mock.Mock(side_effect=answers)):
        return openai_listing.look_up("m", call())


@given(VALUES, VALUES)
def test_whatever_a_server_answers_is_a_listing(model: Any, models: Any) -> None:
    listing = look_up(model, models)
    assert listing.known in (True, False, None)
    assert all(text is None or isinstance(text, str) for text in listing[1:])


@given(VALUES, st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3), VALUES)
def test_a_model_that_is_listed_is_known(model: Any, before: list[Any], after: list[Any], more: Any) -> None:
    listing = look_up(model, {"data": [*before, {"id": "m"}, *after], "models": more})
    assert listing.known is True
