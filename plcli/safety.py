"""What the safety filters of providers say that they found, as the end of a message."""

from __future__ import annotations

from plcli.media import Json

_MOST = 20
_LONGEST = 40


def filtered(results: Json) -> str:
    """What Azure's content filter found: ` (filtered: violence)`; empty for nothing."""
    found = results.items() if isinstance(results, dict) else ()
    names = [name for name, result in found if isinstance(result, dict) and result.get("filtered") is True]
    return f" (filtered: {', '.join(names[:_MOST])})" if names else ""


def moderated(details: Json) -> str:
    """What OpenAI's moderation found, and where: ` (found in the output: violence)`; empty for nothing.

    Found in the output: the picture was made, and then withheld.
    """
    said = details if isinstance(details, dict) else {}
    stage, listed = said.get("moderation_stage"), said.get("categories")
    names = [name[:_LONGEST] for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    where = f" in the {stage[:_LONGEST]}" if isinstance(stage, str) and stage else ""
    what = f": {', '.join(names[:_MOST])}" if names else ""
    return f" (found{where}{what})" if where or what else ""
