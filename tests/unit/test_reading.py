"""Numbers of answers, whichever api gives them."""

from __future__ import annotations

from typing import Any

import pytest

from plcli.providers import gemini, openai_chat, openai_responses
from plcli.providers.reading import count


@pytest.mark.parametrize("value", [0, -1, 7, 2**63 - 1])
def test_whole_numbers_count(value: int) -> None:
    assert count(value) == value


@pytest.mark.parametrize("value", [None, True, 1.0, "1", [], {}, 2**63, -(10**4000), int("9" * 4300)])
def test_nothing_else_counts(value: Any) -> None:
    assert count(value) is None


MOST = int("9" * 4300)
"""As large as a number can be read: sums of it cannot be written any more."""

SAID = {"role": "assistant", "content": "Hi"}
ANSWERS = [
    (gemini, {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}, "usageMetadata",
     ("promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")),
    (openai_chat, {"choices": [{"message": SAID, "finish_reason": "stop"}]}, "usage",
     ("prompt_tokens", "completion_tokens", "total_tokens")),
    (openai_responses, {"status": "completed", "output": []}, "usage",
     ("input_tokens", "output_tokens", "total_tokens")),
]  # fmt: skip


@pytest.mark.parametrize(("adapter", "body", "place", "names"), ANSWERS)
def test_an_answer_with_absurd_counts_can_be_written_down(
    adapter: Any, body: dict[str, Any], place: str, names: tuple[str, ...]
) -> None:
    answer = adapter.read({**body, place: dict.fromkeys(names, MOST)})
    assert answer.model_dump_json()
    assert answer.usage.input_tokens is None
    assert answer.usage.output_tokens is None
