"""Strategies of wires, requests and answers of the Images api: good ones, those of other servers, and any JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from plcli.media import MediaRef, digest_of
from plcli.request import Image, Message, Request, Text
from tests.property.wires import constant, counts, json_values, leaves, objects, refs, words

Json = Any

data_urls = st.builds(MediaRef, st.binary(max_size=3).map(digest_of), st.just("image/png"), st.just("data-url"))
sources = data_urls | st.sampled_from(["https://x.example/y.png", "https://x.example/z.webp"])
inputs = st.one_of(
    objects({"image_url": sources}),
    objects({"file_id": st.sampled_from(["file-1", "file-2"])}),
    objects({"image_url": sources, "detail": words}),
    sources,
    json_values,
)
overlays = objects({"image_url": sources}) | objects({"file_id": constant("file-3")}) | refs | json_values
parameters: dict[str, st.SearchStrategy[Json]] = {
    "size": st.sampled_from(["1024x1024", "auto"]) | leaves,
    "quality": words,
    "n": st.integers(-1, 12) | leaves,
    "partial_images": st.integers(0, 3) | leaves,
    "output_format": st.sampled_from(["png", "svg", "jpeg"]),
    "svg": objects({"model": words}, reasoning=objects({"effort": words})),
    "moderation": words,
    "response_format": st.sampled_from(["url", "b64_json"]),
    "brand_new": json_values,
}
wires = objects(
    {"model": st.sampled_from(["m", "gpt-image-3"]), "prompt": words},
    images=st.lists(inputs, max_size=3) | json_values,
    image=sources | st.lists(sources, max_size=2) | json_values,
    mask=overlays,
    markup=overlays,
    user=words,
    stream=st.booleans(),
    input_image_mask=overlays,
    **parameters,
)

texts = st.builds(Text, words)
pictures = st.builds(Image, sources | refs)
requests = st.builds(
    lambda **fields: Request("openai", "images", "m", **fields),
    messages=st.lists(
        st.builds(Message, st.just("user"), st.lists(texts | pictures, max_size=3).map(tuple)), max_size=3
    ).map(tuple),
    image=st.none() | st.fixed_dictionaries({}, optional={**parameters, "mask": refs, "markup": refs}),
)
"""Requests without `body`, of fields that the api can carry."""

pictured: dict[str, Any] = {"b64_json": refs | words, "url": words | data_urls}
items = st.one_of(
    st.fixed_dictionaries({place: held}, optional={"revised_prompt": words}) for place, held in pictured.items()
)
usages = st.fixed_dictionaries(
    {"input_tokens": counts, "output_tokens": counts, "total_tokens": counts},
    optional={"input_tokens_details": st.fixed_dictionaries({"image_tokens": counts, "text_tokens": counts})},
)
bodies = st.fixed_dictionaries(
    {"created": counts, "data": st.lists(items, min_size=1, max_size=3)},
    optional={"usage": usages, "size": words, "quality": words, "background": words, "output_format": words,
              "new": json_values},
)  # fmt: skip

hostile_events = json_values | objects(
    {"type": st.sampled_from(["image_generation.partial_image", "image_generation.completed",
                              "image_edit.partial_image", "image_edit.completed", "error"])},
    b64_json=json_values | refs, partial_image_index=json_values, created_at=json_values, usage=json_values,
    error=json_values, data=json_values, output_format=json_values,
)  # fmt: skip
hostile_bodies = json_values | objects(
    {"data": json_values | st.lists(json_values | objects({}, b64_json=json_values | refs, url=json_values | refs,
                                                          revised_prompt=json_values), max_size=3)},
    created=json_values, usage=json_values, svg_usage=json_values, error=json_values, output_format=json_values,
    model=json_values,
)  # fmt: skip
