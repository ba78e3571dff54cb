"""The fields of bodies that the methods of the OpenAI SDK take by name.

A test holds them against the installed release.
"""

from __future__ import annotations

from collections.abc import Mapping

FIELDS: Mapping[str, frozenset[str]] = {
    "responses.create": frozenset((
        "access_programs", "background", "background_options", "context_management", "conversation", "image",
        "include", "input", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model",
        "moderation", "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key",
        "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store",
        "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
    )),
    "chat.completions.create": frozenset((
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
        "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n",
        "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options",
        "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
        "service_tier", "stop", "store", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
        "verbosity", "web_search_options",
    )),
    "images.generate": frozenset((
        "background", "complexity", "frame_count", "frame_duration_ms", "model", "moderation", "n",
        "output_compression", "output_format", "partial_images", "prompt", "quality", "response_format",
        "safety_identifier", "size", "style", "svg", "user",
    )),
    "images.edit": frozenset((
        "background", "complexity", "frame_count", "frame_duration_ms", "image", "input_fidelity", "markup", "mask",
        "model", "n", "output_compression", "output_format", "partial_images", "prompt", "quality",
        "response_format", "safety_identifier", "size", "svg", "user",
    )),
}  # fmt: skip
"""By operation; others go into the method's `extra_body`. `stream` is none of them, since nothing is streamed."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "chat.completions.create": ("messages", "model"),
    "images.generate": ("prompt",),
    "images.edit": ("image", "prompt"),
}
"""Fields without which a method refuses to be called."""
