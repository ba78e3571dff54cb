"""What the safety filters of providers say: that it was them, and what they found."""

from __future__ import annotations

import re

from plcli.media import Json

# Text, which is compiled when something was refused: most commands never see that.
_WORD = r"content_?filter|policy_?violation|_policy$|moderation|sensitive_?content|inspection_?failed|^nsfw"
_SENTENCE = (
    r"(?i)\bcontent_?policy_?violation|\brejected by (?:content |the )?moderation|\bnsfw content\b"
    r"|\binput was flagged\b|\b(?:our|the) safety system\b|\bresponsible ai practices\b"
)
_MOST = 20
_LONGEST = 40


def is_safety(word: str) -> bool:
    """Whether a code of an error, in lower case, is one of a safety filter: `moderation_blocked`, `content_filter`."""
    return re.search(_WORD, word) is not None


def tells_of_safety(message: str) -> bool:
    """Whether a sentence says that a safety filter refused; gateways have no code for it."""
    return re.search(_SENTENCE, message) is not None


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
