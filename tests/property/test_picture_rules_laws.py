"""The rules of pictures hold for whatever a spec says: they tell of what stands there, and stop nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plcli.picture_rules import warnings
from plcli.picture_table import table

NAMES = sorted({name for rule in table().rules for name in rule.parameters} | {"type", "model", "qualty"})
WORDS = sorted({value for rule in table().rules for value in (*rule.values, *rule.gone, *rule.instead)})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PICTURES = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=12), VALUES, max_size=6)
PLACES = st.sampled_from([("openai", "images"), ("openai", "responses"), ("gemini", "generate_content"), ("x", "y")])
MODELS = st.sampled_from(sorted({model.rstrip("*") for rule in table().rules for model in rule.models})) | st.text()
HOW = st.fixed_dictionaries(
    {
        "edit": st.booleans(),
        "streamed": st.booleans(),
        "today": st.none() | st.dates(date(2025, 1, 1), date(2030, 1, 1)),
    }
)


@given(PLACES, MODELS, st.none() | PICTURES, st.lists(PICTURES, max_size=2), HOW)
def test_every_warning_names_a_place_that_is_there_and_says_what_to_write(
    place: tuple[str, str], model: str, image: dict[str, Any] | None, tools: list[dict[str, Any]], how: dict[str, Any]
) -> None:
    written = [{**tool, "type": "image_generation"} for tool in tools]
    spec = {"model": model, "image": image, "tools": written}
    found = warnings(*place, model, image, tools=written, **how)
    places = [advice.place for advice in found if advice.place != ("model",)]
    assert len(places) == len(set(places))
    for advice in found:
        value: Any = spec
        for step in advice.place:
            value = value[step]
        assert value is not None
        assert advice.message
        assert advice.hint
        assert advice.told.endswith(f": {advice.message} ({advice.hint})")
