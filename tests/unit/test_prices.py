from __future__ import annotations

import pytest

from plcli.prices import cost_of, preload
from plcli.records import Cost
from plcli.response import Usage
from plcli.specs.model import Pricing


def cost(usage: Usage | None, **given: object) -> Cost | None:
    known = {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "served_model": None,
        "pricing": None,
        "images": 0,
        "own_host": True,
    }
    return cost_of(usage, **{**known, **given})  # type: ignore[arg-type]


def test_user_pricing_comes_first_and_counts_cached_tokens_once() -> None:
    found = cost(
        Usage(input_tokens=1_000_000, cached_input_tokens=400_000, output_tokens=100_000),
        pricing=Pricing(input=2.0, cached_input=0.5, output=8.0),
    )
    assert found == Cost(amount=0.6 * 2 + 0.4 * 0.5 + 0.1 * 8, source="user", complete=True)


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs() -> None:
    found = cost(Usage(input_tokens=1_000_000, cached_input_tokens=400_000), pricing=Pricing(input=2.0))
    assert found == Cost(amount=2.0, source="user", complete=True)


def test_tokens_of_pictures_are_priced_apart() -> None:
    usage = Usage(input_tokens=300, image_input_tokens=200, output_tokens=1100, image_output_tokens=1000)
    found = cost(usage, pricing=Pricing(input=1.0, output=2.0, image_input=10.0, image_output=40.0))
    assert found == Cost(amount=0.0423, source="user", complete=True)


def test_a_kind_without_a_price_makes_the_cost_incomplete() -> None:
    assert cost(Usage(input_tokens=1000, output_tokens=10), pricing=Pricing(input=1.0)) == Cost(
        amount=0.001, source="user", complete=False
    )


def test_a_price_per_picture_stands_instead_of_tokens() -> None:
    usage = Usage(input_tokens=20, output_tokens=4000, image_output_tokens=4000)
    assert cost(usage, pricing=Pricing(per_image=0.04), images=3) == Cost(amount=0.12, source="user", complete=True)
    assert cost(None, pricing=Pricing(per_image=0.04), images=1) == Cost(amount=0.04, source="user", complete=True)


def test_tenths_add_up_exactly() -> None:
    found = cost(Usage(input_tokens=3_000_000), pricing=Pricing(input=0.1))
    assert found is not None
    assert found.amount == 0.3


def test_the_package_knows_public_models_by_name_prefix_and_fine_tuning() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    plain, listed, tuned = (
        cost(usage, model=model) for model in ("gpt-4o-mini", "models/gpt-4o-mini", "ft:gpt-4o-mini-2024-07-18:org::id")
    )
    assert plain is not None
    assert plain == listed
    assert plain.complete
    assert plain.source.startswith("genai-prices@")
    assert tuned is not None
    assert tuned.amount > plain.amount


def test_the_model_that_served_is_priced_before_the_model_asked() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    assert cost(usage, model="an-alias", served_model="gpt-4o-mini") == cost(usage)
    assert cost(usage, served_model="unheard-of") == cost(usage)


def test_cheaper_tiers_cost_less() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    flex, default = (cost(usage, model="gpt-5", service_tier=tier) for tier in ("flex", "default"))
    assert flex is not None
    assert default is not None
    assert flex.amount < default.amount == cost(usage, model="gpt-5").amount  # type: ignore[union-attr]


def test_pictures_drawn_by_a_tool_cost_what_the_picture_model_costs() -> None:
    drawn = {"image_gen": {"input_tokens": 30, "output_tokens": 1584, "total_tokens": 1614}}
    usage = Usage(input_tokens=1000, output_tokens=100, tools=drawn)
    unknown, known = cost(usage, model="gpt-5"), cost(usage, model="gpt-5", image_model="gpt-image-1")
    assert unknown is not None
    assert not unknown.complete
    assert known is not None
    assert known.complete
    assert known.amount > unknown.amount


@pytest.mark.parametrize(
    ("provider", "model", "usage", "amount"),
    [
        # 10 words at $5, 40 tokens of pictures at $8, 1056 at $30, each for a million
        (
            "openai",
            "gpt-image-2.5-sunburst",
            Usage(input_tokens=50, image_input_tokens=40, output_tokens=1056, image_output_tokens=1056, images=1),
            0.03205,
        ),
        (
            "openai",
            "gpt-image-2.5-flare-2026-09-08",
            Usage(input_tokens=50, output_tokens=1056, image_output_tokens=1056, images=1),
            0.03193,
        ),
        # 50 at $5, 56 words at $10, 1000 at $32
        (
            "openai",
            "gpt-image-1.5",
            Usage(input_tokens=50, output_tokens=1056, image_output_tokens=1000, images=1),
            0.03281,
        ),
        # 12 at $0.50, 80 at $3, 1290 at $60
        (
            "gemini",
            "gemini-3.1-flash-image",
            Usage(input_tokens=12, output_tokens=1370, reasoning_tokens=80, image_output_tokens=1290, images=1),
            0.077646,
        ),
        # 300 at $0.30, 1290 at $30
        (
            "gemini",
            "gemini-2.5-flash-image",
            Usage(input_tokens=300, image_input_tokens=258, output_tokens=1290, image_output_tokens=1290, images=1),
            0.03879,
        ),
    ],
)
def test_pictures_cost_what_the_makers_say(provider: str, model: str, usage: Usage, amount: float) -> None:
    found = cost(usage, provider=provider, model=model, images=1)
    assert found is not None
    assert (found.amount, found.complete) == (amount, True)


def test_a_picture_that_was_drawn_by_a_tool_is_counted_once_and_beside_the_words() -> None:
    words = Usage(input_tokens=1000, output_tokens=100)
    drawn = {"image_gen": {"input_tokens": 30, "output_tokens": 1584, "total_tokens": 1614}}
    alone = cost(words, model="gpt-5")
    both = cost(
        Usage(input_tokens=1000, output_tokens=100, images=1, tools=drawn),
        model="gpt-5",
        image_model="gpt-image-1.5",
        images=1,
    )
    assert alone is not None
    assert both is not None
    # 30 words at $5, and 1584 tokens that are pictures at $32, though nobody says that they are
    assert round(both.amount - alone.amount, 10) == 0.050838
    assert both.complete
    assert cost(
        Usage(input_tokens=1000, output_tokens=100, images=1, tools=drawn),
        pricing=Pricing(input=1.0, output=2.0, image_input=10.0, image_output=40.0),
    ) == Cost(amount=0.06486, source="user", complete=True)


def test_the_author_of_a_vector_drawing_is_paid_beside_the_picture() -> None:
    picture = {"input_tokens": 50, "output_tokens": 1056, "image_output_tokens": 1056, "images": 1}
    told = {"input_tokens": 1000, "output_tokens": 100, "reasoning_tokens": 40, "total_tokens": 1100}
    words = cost(Usage(input_tokens=1000, output_tokens=100), model="gpt-5")
    assert words is not None
    for author, amount, complete in (("gpt-5", words.amount, True), ("unheard-of", 0.0, False), (None, 0.0, False)):
        tools = {"svg_usage": {**told, "model": author}}
        found = cost(Usage(**picture, tools=tools), model="gpt-image-2.5-sunburst", images=1)
        assert found is not None
        assert (found.amount, found.complete) == (round(0.03193 + amount, 10), complete)
    own = cost(Usage(**picture, tools={"svg_usage": told}), pricing=Pricing(per_image=0.04), images=1)
    assert own == Cost(amount=0.04, source="user", complete=False)


def test_where_nobody_tells_words_from_pictures_the_cost_is_not_complete() -> None:
    usage = Usage(input_tokens=12, output_tokens=1370, images=1)
    for given in (
        {"provider": "gemini", "model": "gemini-3.1-flash-image"},
        {"pricing": Pricing(input=1.0, output=2.0, image_output=40.0)},
    ):
        found = cost(usage, images=1, **given)
        assert found is not None
        assert not found.complete
    # Where pictures cost what words cost, nobody need tell.
    alike = cost(usage, images=1)
    assert alike is not None
    assert alike.complete
    same = cost(usage, images=1, pricing=Pricing(input=1.0, output=2.0))
    assert same is not None
    assert same.complete


def test_a_picture_that_did_not_come_costs_nothing_where_pictures_have_prices() -> None:
    for images, amount in ((0, 0.0), (1, 0.04), (2, 0.08)):
        found = cost(Usage(output_tokens=9), pricing=Pricing(per_image=0.04), images=images)
        assert found == Cost(amount=amount, source="user", complete=True)


def test_fees_of_other_tools_make_the_cost_incomplete() -> None:
    for count, complete in ((2, False), (0, True)):
        usage = Usage(input_tokens=10, output_tokens=1, tools={"web_search": {"num_requests": count}})
        found = cost(usage)
        assert found is not None
        assert found.complete is complete


def test_cached_pictures_are_priced_coarsely_and_incompletely() -> None:
    usage = Usage(input_tokens=1000, cached_input_tokens=200, image_input_tokens=500, output_tokens=100)
    found = cost(usage, model="gpt-image-1")
    assert found is not None
    assert not found.complete


@pytest.mark.parametrize(
    "given",
    [
        {"model": "unheard-of"},
        {"model": ""},
        {"provider": "echo"},
        {"provider": "somebody"},
        {"own_host": False},
    ],
)
def test_what_nobody_prices_has_no_cost(given: dict[str, object]) -> None:
    assert cost(Usage(input_tokens=10, output_tokens=10), **given) is None


def test_echo_and_foreign_hosts_cost_what_the_user_says() -> None:
    for given in ({"provider": "echo"}, {"own_host": False}):
        assert cost(Usage(input_tokens=10), pricing=Pricing(input=1.0), **given) is not None


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(),
        Usage(input_tokens=-5),
        Usage(input_tokens=10**400, output_tokens=10**400),
    ],
)
def test_no_usage_and_absurd_usage_have_no_cost(usage: Usage | None) -> None:
    assert cost(usage) is None
    assert cost(usage, pricing=Pricing(input=1.0)) is None


@pytest.mark.parametrize(
    "tools",
    [
        {"image_gen": 5},
        {"image_gen": {"input_tokens": "many", "input_tokens_details": []}},
        {"svg_usage": [1]},
        {"svg_usage": {"model": {}, "input_tokens": True, "output_tokens": -1}},
        {"web_search": None},
    ],
)
def test_odd_data_is_no_crash(tools: dict[str, object]) -> None:
    usage = Usage(input_tokens=10, cached_input_tokens=99, image_output_tokens=99, tools=tools)
    assert cost(usage) is not None
    assert cost(usage, pricing=Pricing(input=1e308)) is not None
    assert cost(Usage(input_tokens=10**11), pricing=Pricing(input=1e308)) is None


def test_preloading_returns_at_once_and_may_be_repeated() -> None:
    preload()
    preload()
    assert cost(Usage(input_tokens=10, output_tokens=1)) is not None
