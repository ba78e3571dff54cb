"""What is known of a picture, for every window that shows one."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.exchangerecords import ExchangeRecord
from plcli.records import Record
from plcli.render.picturefacts import Parameter, facts, kind_of, weight
from plcli.response import ImagePart


def a_record(**fields: Any) -> Record:
    exchange = ExchangeRecord(key="k", operation="images.edit", started="t", duration_ms=1)
    given = {"provider": "openai", "api": "images", "model": "asked", "exchanges": [exchange], **fields}
    return Record(id="x", time="t", command="image", plcli="0", **given)


def test_a_picture_is_known_by_its_way_its_call_and_its_bytes() -> None:
    part = ImagePart(id="ig_1", mime="image/png", width=3, height=2, revised_prompt="a fox", faults=["it is cut off"])
    known = facts(part, a_record())
    assert (known.way, known.call_id) == ("openai/images · edit", "ig_1")
    assert (known.pixels, known.kind, known.revised_prompt) == ("3 × 2", "PNG", "a fox")
    assert known.faults == ("it is cut off",)


def test_of_a_picture_that_nothing_is_known_of_nothing_is_said() -> None:
    known = facts(ImagePart(), Record(id="x", time="t", command="image", plcli="0"))
    assert known == ("", None, None, None, (), None, None, None, ())


@pytest.mark.parametrize(
    ("requested", "served", "models"),
    [
        (None, None, ("asked", "served")),
        ({"size": "1x1"}, {"size": "1x1"}, ("asked", "served")),
        ({"model": "draws"}, None, ("draws", None)),
        ({"model": "draws"}, {"model": "drew"}, ("draws", "drew")),
        (None, {"model": "drew"}, (None, "drew")),
    ],
)
def test_the_model_of_a_picture_is_the_one_that_draws(
    requested: dict[str, Any] | None, served: dict[str, Any] | None, models: tuple[str | None, str | None]
) -> None:
    known = facts(ImagePart(requested=requested, served=served), a_record(served_model="served"))
    assert (known.requested_model, known.served_model) == models


def test_a_parameter_that_is_a_picture_is_known_by_its_digest() -> None:
    mask = {"$media": "sha256:" + "ab" * 32, "mime": "image/png", "as": "data-url"}
    assert facts(ImagePart(requested={"mask": mask}), a_record()).parameters == (
        Parameter("mask", "PNG abababababab…", None),
    )


def test_parameters_stand_in_the_order_in_which_they_are_looked_for() -> None:
    part = ImagePart(
        requested={"n": 2, "quality": "high", "size": "auto", "odd": {"a": [1]}},
        served={"output_format": "png", "size": "1024x1024", "quality": "low"},
    )
    assert facts(part, a_record()).parameters == (
        Parameter("size", "auto", "1024x1024"),
        Parameter("quality", "high", "low"),
        Parameter("output_format", None, "png"),
        Parameter("n", "2", None),
        Parameter("odd", '{"a": [1]}', None),
    )


@pytest.mark.parametrize(
    ("asked", "served", "differs"),
    [
        ("high", "low", True),
        ("high", "high", False),
        ("auto", "low", False),
        (None, "low", False),
        ("high", None, False),
    ],
)
def test_only_what_was_asked_and_served_otherwise_differs(asked: str | None, served: str | None, differs: bool) -> None:
    assert Parameter("quality", asked, served).differs is differs


@pytest.mark.parametrize(
    ("mime", "kind"),
    [("image/png", "PNG"), ("image/svg+xml", "SVG"), ("application/pdf", "application/pdf"), (None, None)],
)
def test_types_of_pictures_have_their_usual_names(mime: str | None, kind: str | None) -> None:
    assert kind_of(mime) == kind


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1234, "1.2 KB"), (456_789, "457 KB"), (1_500_000, "1.5 MB"), (7e9, "7.0 GB")],
)
def test_bytes_are_counted_for_people(count: int, words: str) -> None:
    assert weight(count) == words
