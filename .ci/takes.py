"""The runs that are recorded of the examples, and what the providers answer each of their calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from answers import calls, candidate, completion, drawn, draws, pictures, responses, says, thought

EVENT = json.dumps({"what": "picnic", "where": "Hyde Park", "who": ["Ada", "Grace"]})

TUNED = "ft:gpt-4.1-mini-2025-04-14:example-org:support:BxYz1234"

SERVED = {"background": "opaque", "output_format": "png", "quality": "medium", "size": "1024x1024"}
"""What the images api says of a picture."""


class Take(NamedTuple):
    """A command line, and what the providers answer its calls."""

    line: str
    answers: Sequence[Any] = ()


def weather(city: str, told: str) -> list[Any]:
    """The two answers of a run that asks for the weather."""
    return [
        responses(
            f"weather {city}",
            thought(f"weather {city}"),
            calls(f"weather {city}", "get_weather", city=city),
            tokens=(71, 29, 12),
        ),
        responses(f"weather {city} told", says(f"weather {city}", told), tokens=(124, 18, 0)),
    ]


def order() -> list[Any]:
    """The three answers of a run that asks after an order until it is shipped."""
    asks = [calls(f"order {n}", "order_status", order="A-1017") for n in (1, 2)]
    again = says("order again", "It is packed; I ask once more.", "commentary")
    done = says("order shipped", "Your order A-1017 is shipped, as parcel 00340434.")
    return [
        responses("order 1", thought("order 1"), asks[0], tokens=(82, 31, 14)),
        responses("order 2", thought("order 2"), again, asks[1], tokens=(131, 42, 9)),
        responses("order 3", done, tokens=(196, 19, 0)),
    ]


def deadline() -> list[Any]:
    """The two answers of a run that has days counted."""
    ends = "The licence ends on 24 February 2027, a Wednesday, and so a working day."
    return [
        responses(
            "deadline 1",
            thought("deadline 1"),
            calls("deadline 1", "add_days", date="2026-11-26", days=90),
            tokens=(98, 48, 21),
        ),
        responses("deadline 2", says("deadline 2", ends), tokens=(173, 24, 0)),
    ]


def search() -> Any:
    """An answer of Gemini that thought, looked things up, and names where."""
    thinks = "The question is about this week's news, so I search for fish in headlines and keep two sources."
    told = "It was the cod: quotas for the North Sea were set this week, and a shop reported that cod was sold out."
    pages = {
        "news.example.com": "https://news.example.com/north-sea-quotas",
        "harbour.example.org": "https://harbour.example.org/cod",
    }
    grounding = {
        "webSearchQueries": ["fish news this week"],
        "searchEntryPoint": {"renderedContent": '<div class="container">fish news this week</div>'},
        "groundingChunks": [{"web": {"uri": uri, "title": title}} for title, uri in pages.items()],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": len(told), "text": told}, "groundingChunkIndices": [0, 1]}
        ],
    }
    return candidate(
        "search",
        {"text": thinks, "thought": True},
        {"text": told},
        model="gemini-3.8-flash",
        tokens=(15, 27, 164),
        groundingMetadata=grounding,
    )


def storyboard() -> Any:
    """An answer of Responses that draws."""
    revised = (
        "First frame of a storyboard: a fox beside a glowing lantern on a hill of snow, at night, "
        "flat shapes, the fox on the left and the lantern on the right."
    )
    picture = draws(
        "storyboard",
        drawn("storyboard"),
        revised,
        size="1536x1024",
        quality="low",
        background="opaque",
        output_format="png",
    )
    used = {"input_tokens": 58, "output_tokens": 400, "total_tokens": 458}
    told = says("storyboard", "Frame one: the fox finds the lantern.")
    return responses(
        "storyboard", thought("storyboard"), picture, told, tokens=(938, 74, 0), tool_usage={"image_gen": used}
    )


def postcard() -> Any:
    """An answer of Gemini with a line and a picture."""
    line = {"text": "Paris has more lamps than the wood has stars. Come soon!"}
    picture = {"inlineData": {"mimeType": "image/png", "data": drawn("postcard")}}
    return candidate("postcard", line, picture, model="gemini-3.1-flash-image", tokens=(276, 1134, 0))


def extracted(model: str) -> Any:
    """An answer of Gemini as the schema of `extract` wants it."""
    return candidate(f"extract {model}", {"text": EVENT}, model="gemini-3.8-flash", tokens=(61, 22, 0))


TAKES = (
    Take("run hello"),
    Take("run hello --var name=Ada"),
    Take("run greeting"),
    Take("run extract", [responses("extract", says("extract", EVENT), tokens=(104, 25, 0))]),
    Take("run extract --model echo-extract"),
    Take("run extract-gemini", [extracted("gemini-flash")]),
    Take("run extract-gemini --model vertex", [extracted("vertex")]),
    Take("run conversation", [responses("name", says("name", "Your name is Ada."), tokens=(36, 8, 0))]),
    Take(
        "run conversation --model azure-legacy",
        [completion("name", "Your name is Ada.", model="gpt-6.2-sol", tokens=(34, 7))],
    ),
    Take("run weather --tools stub", weather("Paris", "21 degrees and clear.")),
    Take("run weather --var city=Oslo --tools stub", weather("Oslo", "12 degrees and overcast.")),
    Take("run weather --model echo-weather --tools stub"),
    Take("run order --tools stub", order()),
    Take("run order --model echo-order --tools stub"),
    Take("run deadline --tools run", deadline()),
    Take("run deadline --model echo-deadline --tools run"),
    Take("run search", [search()]),
    Take("run vision", [responses("vision", says("vision", "Triangle."), tokens=(101, 6, 0))]),
    Take("run local", [completion("local", "Cod.", model="qwen3", tokens=(12, 3))]),
    Take("run support", [completion("support", "billing", model=TUNED, tokens=(38, 2))]),
    Take("image logo", [pictures(drawn("logo"), tokens=(24, 0, 1056), **SERVED)]),
    Take("image logo --model dedicated-pictures", [pictures(drawn("logo"), revised="The head of a fox, a flat logo.")]),
    Take("image logo --model echo-logo"),
    Take("image logo-at-night", [pictures(drawn("logo-at-night"), tokens=(16, 388, 1056), **SERVED)]),
    Take("image storyboard", [storyboard()]),
    Take("image storyboard --model echo-storyboard"),
    Take("image postcard", [postcard()]),
)
