"""Python files as syntax trees, each read once by the tests that look at all of them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file, which must not change any more."""
    return ast.parse(path.read_text(encoding="utf-8"))
