"""Quotas of Gemini that no wait of seconds gives back, though its errors ask for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NOTHING = r"\blimit: 0(?!\.?\d)"
_LONGEST_ID = 200


def spent(message: str, details: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an error says that the quota of a day is used up, or that the account has none of it."""
    return re.search(_NOTHING, message) is not None or any(map(_of_a_day, details))


def _of_a_day(detail: Mapping[str, Any]) -> bool:
    listed = detail.get("violations")
    violations = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    ids = (item.get("quotaId") for item in violations)
    return any("PerDay" in quota[:_LONGEST_ID] for quota in ids if isinstance(quota, str))
