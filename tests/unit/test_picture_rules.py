"""What is said of the parameters of pictures before they are sent, and the table that it is said from."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from plcli import picture_rules, picture_table
from plcli.media import MediaRef
from plcli.picture_rules import Advice, hold_for, of_request, warnings
from plcli.request import BuiltinTool, FunctionTool, Image, Message, Request, Text
from plcli.retirements import of
from plcli.specs import Azure, ModelSpec, Vertex

TABLE: dict[str, Any] = tomllib.loads(picture_table.FILE.read_text(encoding="utf-8"))
ENTRIES: list[dict[str, Any]] = [*TABLE["misplaced"], *TABLE["named"], *TABLE["rule"]]
TODAY = date(2026, 11, 26)

SUNBURST = "gpt-image-2.6-sunburst"
FLASH = "gemini-3.1-flash-image"
APIS = {"images": "openai", "responses": "openai", "chat": "openai", "generate_content": "gemini", "echo": "echo"}


def told(api: str, model: str, image: dict[str, Any] | None, **how: Any) -> list[Advice]:
    facts: dict[str, Any] = {"edit": False, "streamed": True, "today": TODAY, **how}
    return warnings(APIS[api], api, model, image, **facts)


def said(api: str, model: str, image: dict[str, Any] | None, **how: Any) -> list[str]:
    return [advice.told for advice in told(api, model, image, **how)]


class TestTheTable:
    def test_it_says_of_which_day_it_is_and_every_entry_says_so_too_and_from_where(self) -> None:
        assert set(TABLE) == {"as_of", "misplaced", "named", "rule"}
        for entry in ENTRIES:
            assert type(entry["as_of"]) is date, entry
            assert entry["as_of"] <= TABLE["as_of"]
            assert entry["source"]

    def test_every_entry_has_a_form_that_is_known(self) -> None:
        read = picture_table.table()
        assert len(read.misplaced) + len(read.named) + len(read.rules) == len(ENTRIES)

    def test_models_that_are_misplaced_can_be_told_before_the_table_is_read(self) -> None:
        for entry in TABLE["misplaced"]:
            assert all(any(word in model for word in picture_rules.MAY_DRAW) for model in entry["models"])

    def test_every_rule_says_one_thing_and_for_an_api_whose_parameters_are_known(self) -> None:
        apis = {entry["api"] for entry in TABLE["named"]}
        for entry in TABLE["rule"]:
            assert len({"taken", "values", "gone", "range", "size"} & set(entry)) == 1, entry
            assert entry.get("taken", False) is False
            assert "hint" not in entry or not {"gone", "instead"} & set(entry)
            assert set(entry["apis"]) <= apis
            assert entry["parameters"] == sorted(set(entry["parameters"])) != []

    def test_lists_of_names_are_sorted_and_patterns_of_models_are_ids_or_starts(self) -> None:
        for entry in ENTRIES:
            for field in ("names", "models", "apis"):
                assert list(entry.get(field, [])) == sorted(set(entry.get(field, []))), entry
            assert all("*" not in model[:-1] for model in entry.get("models", []))

    def test_conditions_name_parameters_that_exist_and_values_that_can_be_fulfilled(self) -> None:
        names = {name for entry in TABLE["named"] for name in entry["names"]}
        for entry in TABLE["rule"]:
            assert {*entry.get("when", {}), *entry.get("given", [])} <= names
            low, high = entry.get("range", (0, 1))
            assert low <= high
            assert not set(entry.get("instead", {})) & set(entry.get("values", []))

    def test_what_is_written_instead_is_not_warned_about_itself(self) -> None:
        good: dict[str, list[str]] = defaultdict(list)
        for entry in TABLE["rule"]:
            for meant in (*entry.get("gone", {}).values(), *entry.get("instead", {}).values()):
                good[entry["parameters"][0]].append(meant.partition(",")[0])
        assert {*good} == {"imageSize", "output_format", "quality", "size"}
        for name, values in good.items():
            api, model = ("generate_content", FLASH) if name == "imageSize" else ("images", SUNBURST)
            assert [said(api, model, {name: value}) for value in values] == [[]] * len(values)

    def test_no_model_that_a_hint_names_was_gone_when_the_table_was_written(self) -> None:
        for entry in ENTRIES:
            words = f"{entry.get('hint')} {list(entry.get('instead', {}).values())}".replace("/", " ").replace("`", " ")
            for model in (word.strip("';,[]") for word in words.split() if word.startswith(("gpt-image", "gemini-"))):
                end = of("openai" if model.startswith("gpt") else "gemini", model, TABLE["as_of"])
                assert end is None or not end.gone, entry


@pytest.mark.parametrize(
    ("api", "model", "image"),
    [
        (
            "images",
            SUNBURST,
            {"size": "3840x2160", "quality": "max", "n": 10, "background": "auto", "moderation": "low"},
        ),
        ("images", SUNBURST, {"size": "2160x3840", "partial_images": 3, "complexity": "high"}),
        ("images", SUNBURST, {"size": "1792x1024", "output_format": "webp", "output_compression": 0}),
        ("images", SUNBURST, {"size": "3072x1024", "output_format": "webp", "background": "transparent"}),
        ("images", SUNBURST, {"background": "transparent"}),
        ("images", SUNBURST, {"output_format": "gif", "frame_count": 16, "frame_duration_ms": 90, "partial_images": 0}),
        ("images", SUNBURST, {"output_format": "svg", "svg": {"model": "gpt-6.2-sol"}, "n": 1}),
        ("images", "gpt-image-9", {"output_format": "avif", "output_compression": 9, "frame_count": 3}),
        ("images", "gpt-image-2", {"size": "auto", "quality": "high", "output_format": "jpeg"}),
        ("images", "gpt-image-9", {"size": "17x1", "quality": "divine", "background": "green", "moderation": "none"}),
        ("images", "a-model-of-mine", {"style": "vivid", "response_format": "url", "quality": "hd", "size": "256x256"}),
        ("images", SUNBURST, {"a_parameter_of_tomorrow": 1, "": 2, "x" * 5000: 3}),
        ("responses", "gpt-6.2-sol", {"model": SUNBURST, "size": "1536x1024", "action": "edit", "n": 2}),
        ("responses", "gpt-6.2-sol", {"quality": "max", "input_image_mask": {"file_id": "f"}}),
        ("responses", "gpt-6.2-sol", {"model": ["no", "name"], "quality": "hd"}),
        ("responses", "gpt-6.2-sol", None),
        ("generate_content", FLASH, {"aspectRatio": "8:1", "imageSize": "512"}),
        ("generate_content", f"models/{FLASH}", {"aspectRatio": "21:9", "imageSize": "4K"}),
        ("generate_content", "gemini-2.5-flash-image", {"aspectRatio": "21:9"}),
        ("generate_content", "gemini-9-image", {"aspectRatio": "100:1", "imageSize": "8K"}),
        ("generate_content", "gemini-2.5-pro", None),
        ("chat", "gpt-6.2-sol", {"size": "1x1"}),
        ("echo", "dall-e-3", {"style": "vivid"}),
    ],
)
def test_nothing_is_said_of_what_is_right_or_not_known(api: str, model: str, image: dict[str, Any] | None) -> None:
    assert said(api, model, image) == []


SAID = """
images gpt-image-2.6-sunburst {"style": "vivid"}
    image.style: gpt-image-2.6-sunburst takes no style
    describe the style in the prompt

images gpt-image-2.6-sunburst {"response_format": "url"}
    image.response_format: gpt-image-2.6-sunburst takes no response_format
    drop it: answers always hold the bytes

images gpt-image-2 {"quality": "hd"}
    image.quality: this quality is of the retired DALL·E models
    write quality: high

images gpt-image-9 {"quality": "standard"}
    image.quality: this quality is of the retired DALL·E models
    write quality: medium

images gpt-image-2.6-sunburst {"size": "512x512"}
    image.size: this size is of the retired DALL·E models
    write size: 1024x1024

images gpt-image-2-2026-04-21 {"quality": "max"}
    image.quality: gpt-image-2-2026-04-21 takes no quality 'max'
    write quality: high, or use gpt-image-2.6-sunburst

images gpt-image-2.6-sunburst {"quality": "best"}
    image.quality: gpt-image-2.6-sunburst takes no quality 'best'
    write auto, low, medium, high, xhigh or max

images gpt-image-2.6-sunburst {"size": "1000x1000"}
    image.size: gpt-image-2.6-sunburst takes no size '1000x1000': both sides are multiples of 16
    write 992x992

images gpt-image-2.6-sunburst {"size": "1x1"}
    image.size: gpt-image-2.6-sunburst takes no size '1x1': both sides are multiples of 16
    write 16x16

images gpt-image-2.6-sunburst {"size": "3840x1024"}
    image.size: gpt-image-2.6-sunburst takes no size '3840x1024': its sides are further apart than 3:1
    make the longer side at most 3 times the other

images gpt-image-2.6-sunburst {"size": "0x0"}
    image.size: gpt-image-2.6-sunburst takes no size '0x0': it has no pixels
    write a size like 1536x1024

images gpt-image-2.6-sunburst {"size": "3856x2160"}
    image.size: gpt-image-2.6-sunburst takes no size '3856x2160': it is larger than 3840x2160
    write a smaller size

images gpt-image-2.6-sunburst {"size": "3840x3840"}
    image.size: gpt-image-2.6-sunburst takes no size '3840x3840': it is larger than 3840x2160
    write a smaller size

images gpt-image-2.6-sunburst {"size": 1024}
    image.size: gpt-image-2.6-sunburst takes no size 1024: it is no WIDTHxHEIGHT
    write auto, or a size like 1536x1024

images gpt-image-2.6-sunburst {"background": "transparent", "output_format": "jpeg"}
    image.output_format: a transparent background needs png or webp
    write output_format: png

images gpt-image-2.6-sunburst {"output_format": "jpg"}
    image.output_format: gpt-image-2.6-sunburst takes no output_format 'jpg'
    write output_format: jpeg

images gpt-image-2.6-sunburst {"output_compression": 80}
    image.output_compression: output_compression is for webp and jpeg
    write output_format: webp, or drop it

images gpt-image-2.6-sunburst {"frame_count": 3}
    image.frame_count: frames are for gif
    write output_format: gif, or drop it

images gpt-image-2.6-sunburst {"svg": {}}
    image.svg: svg says who writes a drawing in svg
    write output_format: svg, or drop it

responses gpt-6.2-sol {"output_format": "gif", "partial_images": 2}
    image.partial_images: a gif or svg comes without partial pictures
    drop it

images gpt-image-2.6-sunburst {"output_format": "gif", "mask": "m.png"}
    image.mask: a gif is made without a mask
    drop it, or write output_format: png

images gpt-image-2.6-sunburst {"output_format": "svg", "n": 2}
    image.n: drawings in svg are made one at a time
    write n: 1, and run the request several times

images gpt-image-2.6-sunburst {"n": 11}
    image.n: n goes from 1 to 10, and is 11
    write n: 10

images gpt-image-2.6-sunburst {"n": true}
    image.n: n goes from 1 to 10, and is True
    write n: 10

images gpt-image-2.6-sunburst {"partial_images": 4}
    image.partial_images: partial_images goes from 0 to 3, and is 4
    write partial_images: 3

images gpt-image-2.6-sunburst {"output_format": "webp", "output_compression": -1}
    image.output_compression: output_compression goes from 0 to 100, and is -1
    write output_compression: 0

images gpt-image-2.6-sunburst {"seed": 7}
    image.seed: the images api takes no seed
    drop it: no two pictures are alike

images gpt-image-2.6-sunburst {"negative_prompt": "rain"}
    image.negative_prompt: the images api takes no negative_prompt
    say in the prompt what should not be seen

images gpt-image-2.6-sunburst {"aspectRatio": "16:9"}
    image.aspectRatio: the images api takes no aspectRatio
    write size: 1536x1024, or another WIDTHxHEIGHT

images gpt-image-2.6-sunburst {"qualty": "high"}
    image.qualty: the images api knows no qualty
    did you mean 'quality'?

images gpt-image-2.6-sunburst {"user": "u"}
    image.user: user is deprecated
    write safety_identifier

responses gpt-6.2-sol {"seed": 7}
    image.seed: the image_generation tool takes no seed
    drop it: no two pictures are alike

responses gpt-6.2-sol {"input_fidelity": "high"}
    image.input_fidelity: gpt-image-2.6-sunburst takes no input_fidelity
    drop it

responses gpt-6.2-sol {"model": "gpt-image-2", "quality": "xhigh"}
    image.quality: gpt-image-2 takes no quality 'xhigh'
    write quality: high, or use gpt-image-2.6-sunburst

responses gpt-6.2-sol {"action": "draw"}
    image.action: the image_generation tool takes no action 'draw'
    write auto, edit or generate

generate_content gemini-3.1-flash-image {"size": "1024x1024"}
    image.size: the gemini api takes no size
    write aspectRatio: "3:2" and imageSize: 2K

generate_content gemini-3.1-flash-image {"aspect_ratio": "1:1"}
    image.aspect_ratio: the gemini api knows no aspect_ratio
    did you mean 'aspectRatio'?

generate_content gemini-3.1-flash-image {"image_size": "1K"}
    image.image_size: the gemini api knows no image_size
    did you mean 'imageSize'?

generate_content gemini-3.1-flash-image {"personGeneration": "ALLOW_ALL"}
    image.personGeneration: Vertex alone takes it
    drop it, or name a model spec with `vertex`

generate_content gemini-3.1-flash-image {"imageSize": "2k"}
    image.imageSize: gemini-3.1-flash-image takes no imageSize '2k'
    write imageSize: 2K

generate_content gemini-3.1-flash-image {"imageSize": 512}
    image.imageSize: gemini-3.1-flash-image takes no imageSize 512
    write it as text: "512"

generate_content gemini-nano-banana-2.1 {"imageSize": "512"}
    image.imageSize: gemini-nano-banana-2.1 takes no imageSize '512'
    write imageSize: 1K

generate_content gemini-2.5-flash-image {"imageSize": "1K"}
    image.imageSize: gemini-2.5-flash-image takes no imageSize
    drop it, or write model: gemini/gemini-3.1-flash-image

generate_content gemini-3.1-flash-lite-image {"imageSize": "2K"}
    image.imageSize: gemini-3.1-flash-lite-image takes no imageSize '2K'
    write 1K

generate_content gemini-3-pro-image {"aspectRatio": "8:1"}
    image.aspectRatio: gemini-3-pro-image takes no aspectRatio '8:1'
    write 9:16 or 21:9; gemini-3.1-flash-image takes 1:4, 4:1, 1:8 and 8:1 too

generate_content gemini-3.1-flash-image {"aspectRatio": ["1:1"]}
    image.aspectRatio: gemini-3.1-flash-image takes no aspectRatio of this kind
    write 1:1, 2:3, 3:2, 3:4, 4:3, 4:5, 5:4, 9:16, 16:9, 21:9, 1:4, 4:1, 1:8 or 8:1

responses gpt-image-2 null
    model: gpt-image-2 draws through the images api alone
    write `api: images`; or name a model that writes, and this one as `image.model`

chat gpt-image-2.6-sunburst {"size": "auto"}
    model: gpt-image-2.6-sunburst draws through the images api alone
    write `api: images`; or name a model that writes, and this one as `image.model`

images dall-e-3 {"style": "vivid", "quality": "hd"}
    model: dall-e-3 was shut down on 2026-05-12
    move to gpt-image-2.6-sunburst

images gpt-image-1.5 null
    model: gpt-image-1.5 will be shut down on 2026-12-01, in 5 days
    move to gpt-image-2.6-sunburst

responses dall-e-3 null
    model: dall-e-3 was shut down on 2026-05-12
    move to gpt-image-2.6-sunburst

responses gpt-6.2-sol {"model": "gpt-image-1"}
    image.model: gpt-image-1 was shut down on 2026-10-23
    move to gpt-image-2.5-sunburst

generate_content imagen-4.0-generate-001 null
    model: imagen-4.0-generate-001 was shut down on 2026-08-17
    move to gemini-3.1-flash-image

generate_content gemini-3-pro-image-preview {"aspectRatio": "1:1"}
    model: gemini-3-pro-image-preview was shut down on 2026-06-25
    move to gemini-3-pro-image
"""
"""What is said: the request, and below it what is wrong there and what to write instead."""


@pytest.mark.parametrize("case", SAID.strip().split("\n\n"), ids=lambda case: case.partition("\n")[0])
def test_what_is_gone_or_wrong_is_told_with_what_to_write_instead(case: str) -> None:
    request, expected, hint = case.split("\n    ")
    api, model, image = request.split(" ", 2)
    assert said(api, model, json.loads(image)) == [f"{expected} ({hint})"]


@pytest.mark.parametrize(
    ("model", "image", "how", "places"),
    [
        (SUNBURST, {"moderation": "low"}, {"edit": True}, ["image.moderation"]),
        (SUNBURST, {"moderation": "low"}, {"edit": False}, []),
        (SUNBURST, {"markup": "a.png"}, {"edit": True}, []),
        (SUNBURST, {"markup": "a.png", "mask": "b.png"}, {"edit": True}, ["image.markup"]),
        (SUNBURST, {"markup": "a.png", "mask": None}, {"edit": True}, []),
        ("gpt-image-2", {"markup": "a.png"}, {"edit": True}, ["image.markup"]),
        ("gpt-image-2", {"input_fidelity": "high"}, {"edit": True}, ["image.input_fidelity"]),
        ("gpt-image-1.5", {"input_fidelity": "high"}, {"edit": True, "today": None}, []),
        ("gpt-image-1.5", {"input_fidelity": "high"}, {"edit": False, "today": None}, ["image.input_fidelity"]),
        ("gpt-image-1-mini", {"input_fidelity": "high"}, {"edit": True, "today": None}, ["image.input_fidelity"]),
        ("gpt-image-1.5", {"size": "1792x1024"}, {"today": None}, ["image.size"]),
        (SUNBURST, {"partial_images": 2}, {"streamed": False}, ["image.partial_images"]),
        (SUNBURST, {"partial_images": 0}, {"streamed": False}, []),
    ],
)
def test_some_rules_hold_for_edits_or_streams_alone(
    model: str, image: dict[str, Any], how: dict[str, Any], places: list[str]
) -> None:
    assert [line.partition(": ")[0] for line in said("images", model, image, **how)] == places


def test_a_tool_that_is_written_out_is_held_against_the_same_rules() -> None:
    tools = [
        {"type": "web_search", "quality": "hd"},
        "get_weather",
        {"type": "image_generation", "quality": "hd", "n": 2, "mask": "m.png", "model": "gpt-image-1"},
    ]
    assert said("responses", "gpt-6.2-sol", None, tools=tools) == [
        "tools[2].model: gpt-image-1 was shut down on 2026-10-23 (move to gpt-image-2.5-sunburst)",
        "tools[2].quality: this quality is of the retired DALL·E models (write quality: high)",
        "tools[2].n: the image_generation tool takes no n (drop it, and run the request several times)",
        "tools[2].mask: the image_generation tool takes no mask (write input_image_mask: {image_url: …})",
    ]
    assert said("generate_content", FLASH, None, tools=tools) == []


def test_the_end_of_a_model_is_told_only_where_it_is_near_and_the_day_is_known() -> None:
    for today, count in ((None, 0), (date(2026, 9, 1), 0), (date(2026, 9, 2), 1), (date(2027, 1, 1), 1)):
        assert len(told("images", "gpt-image-1.5", {}, today=today)) == count


def test_the_end_of_a_model_is_told_on_the_images_api_whatever_it_is_called() -> None:
    (advice,) = warnings("openai", "images", "gpt-5", None, edit=False, streamed=False, today=date(2026, 11, 26))
    assert advice.place == ("model",)
    # Elsewhere it is a model that writes, whose end others tell.
    for api, image in (("chat", None), ("responses", {"size": "auto"})):
        assert warnings("openai", api, "gpt-5", image, edit=False, streamed=False, today=date(2026, 11, 26)) == []


def test_a_resolved_request_says_itself_what_it_asks_for() -> None:
    request = Request(
        "openai",
        "images",
        SUNBURST,
        (Message("user", (Text("a hat"), Image(MediaRef("sha256:0", "image/png", "data-url")))),),
        image={"moderation": "low", "partial_images": 1, "mask": MediaRef("sha256:1", "image/png", "data-url")},
    )
    assert [advice.told.partition(": ")[0] for advice in of_request(request, streamed=False, today=TODAY)] == [
        "image.moderation",
        "image.partial_images",
    ]
    tools = (FunctionTool("f"), BuiltinTool({"type": "image_generation", "quality": "hd"}))
    written = Request("openai", "responses", "gpt-6.2-sol", tools=tools)
    (advice,) = of_request(written, streamed=True, today=TODAY)
    assert advice.place == ("tools", 1, "quality")


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({}, True),
        ({"base_url": "https://llm.example.com/v1"}, False),
        ({"azure": Azure(endpoint="https://r.openai.azure.com")}, False),
        ({"vertex": Vertex(project="p")}, False),
    ],
)
def test_the_rules_hold_for_the_makers_own_services_alone(more: dict[str, Any], holds: bool) -> None:
    assert hold_for(ModelSpec(kind="model", provider="openai", model="m", **more)) is holds
    assert hold_for(None)


@pytest.mark.parametrize(
    "value",
    [None, True, 1.5, [], {}, [[[]]], "\ud800", "\0", "x" * 10**6, -(10**5000), 1e308],
    ids=lambda value: type(value).__name__,
)
def test_whatever_stands_there_is_no_crash_and_makes_no_long_line(value: Any) -> None:
    names = {name for entry in TABLE["rule"] for name in entry["parameters"]}
    for api, model in (("images", SUNBURST), ("responses", "gpt-6.2-sol"), ("generate_content", FLASH)):
        lines = said(api, model, dict.fromkeys(sorted(names), value))
        assert all(len(line) < 300 for line in lines)
        assert all(json.dumps(line) for line in lines)


def test_only_so_many_parameters_are_looked_at() -> None:
    many = {f"qualit{n}": 1 for n in range(10_000)}
    assert 0 < len(told("images", SUNBURST, many)) <= picture_rules.MOST
