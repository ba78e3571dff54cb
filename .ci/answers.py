"""What the providers say when the examples are recorded: bodies as their apis make them, written by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

Json = Any

CREATED = 1_795_640_400
"""When all answers were made, in seconds since 1970."""

PICTURES = Path(__file__).with_name("pictures")
"""The folder of the pictures that are answered."""


def drawn(name: str) -> str:
    """A picture as base64."""
    return base64.b64encode((PICTURES / f"{name}.png").read_bytes()).decode()


def responses(name: str, *output: Json, tokens: tuple[int, int, int], model: str = "gpt-6.2-sol", **more: Json) -> Json:
    """A body of Responses; `tokens` are those of the input, of the output, and of the thoughts within that."""
    given, made, thought = tokens
    return {
        "id": f"resp_{_digest(name)}",
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED + 2,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": list(output),
        "service_tier": "default",
        "store": False,
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": given + made,
        },
        **more,
    }


def thought(name: str) -> Json:
    """An item of reasoning, which only the provider can read."""
    sealed = base64.urlsafe_b64encode(hashlib.sha512(name.encode()).digest()).decode()
    return {"type": "reasoning", "id": f"rs_{_digest(name)}", "summary": [], "encrypted_content": f"gAAAAABp{sealed}"}


def says(name: str, text: str, phase: str = "final_answer") -> Json:
    """A message of Responses."""
    return {
        "type": "message",
        "id": f"msg_{_digest(name)}",
        "role": "assistant",
        "status": "completed",
        "phase": phase,
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


def calls(name: str, tool: str, **arguments: Json) -> Json:
    """A call of a tool on Responses."""
    return {
        "type": "function_call",
        "id": f"fc_{_digest(name)}",
        "call_id": f"call_{_digest(name)[:24]}",
        "name": tool,
        "arguments": json.dumps(arguments),
        "status": "completed",
    }


def draws(name: str, picture: str, revised: str, **served: str) -> Json:
    """A picture that the tool of Responses made."""
    return {
        "type": "image_generation_call",
        "id": f"ig_{_digest(name)}",
        "status": "completed",
        "action": "generate",
        "result": picture,
        "revised_prompt": revised,
        **served,
    }


def completion(name: str, text: str, *, model: str, tokens: tuple[int, int]) -> Json:
    """A body of Chat Completions."""
    given, made = tokens
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "id": f"chatcmpl-{_digest(name)[:29]}",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made},
        "service_tier": "default",
    }


def pictures(*made: str, tokens: tuple[int, int, int] | None = None, revised: str | None = None, **served: str) -> Json:
    """A body of the images api; `tokens` are those of the words, of the pictures given, and of the pictures made."""
    said = {"revised_prompt": revised} if revised is not None else {}
    body: dict[str, Json] = {"created": CREATED, **served, "data": [{"b64_json": picture, **said} for picture in made]}
    if tokens is not None:
        words, seen, drawn = tokens
        body["usage"] = {
            "input_tokens": words + seen,
            "input_tokens_details": {"text_tokens": words, "image_tokens": seen},
            "output_tokens": drawn,
            "output_tokens_details": {"text_tokens": 0, "image_tokens": drawn},
            "total_tokens": words + seen + drawn,
        }
    return body


def candidate(name: str, *parts: Json, model: str, tokens: tuple[int, int, int], **more: Json) -> Json:
    """A body of Gemini; `tokens` are those of the prompt, of the answer, and of the thoughts beside that."""
    given, made, thought = tokens
    last = parts[-1] | {"thoughtSignature": base64.b64encode(hashlib.sha512(name.encode()).digest()).decode()}
    kind = "IMAGE" if "inlineData" in last else "TEXT"
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": [*parts[:-1], last]},
                "finishReason": "STOP",
                "index": 0,
                **more,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": given,
            "candidatesTokenCount": made,
            "thoughtsTokenCount": thought,
            "totalTokenCount": given + made + thought,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": given}],
            "candidatesTokensDetails": [{"modality": kind, "tokenCount": made}],
        },
        "modelVersion": model,
        "responseId": base64.urlsafe_b64encode(bytes.fromhex(_digest(name)[:32])).decode().rstrip("="),
    }


def _digest(name: str) -> str:
    """What an id is made of: the same each time, and another one for each name."""
    return hashlib.sha256(name.encode()).hexdigest()[:50]
