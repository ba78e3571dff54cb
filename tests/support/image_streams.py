"""Streams of the Images api, made of the body that the same call would have returned unstreamed."""

from __future__ import annotations

from typing import Any


def image_events(body: dict[str, Any], *, drafts: int = 0, edit: bool = False, draft: str = "AAAA") -> list[Any]:
    """The events of an answer: some drafts, then one event for each picture."""
    kind = "image_edit" if edit else "image_generation"
    said = {key: item for key, item in body.items() if key not in ("created", "data", "usage")}
    common = {**said, "created_at": body["created"]}
    usage = {"usage": body["usage"]} if "usage" in body else {}
    return [
        *(
            {"type": f"{kind}.partial_image", "b64_json": draft, "partial_image_index": n, **common}
            for n in range(drafts)
        ),
        *({"type": f"{kind}.completed", **item, **common, **usage} for item in body["data"]),
    ]
