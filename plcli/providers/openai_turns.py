"""Media in a conversation, as Responses and Chat Completions write them alike."""

from __future__ import annotations

from plcli.media import MediaRef


def data_url(source: MediaRef | str) -> MediaRef | str:
    """The source as it stands where an api takes URLs."""
    if isinstance(source, str) or source.encoding == "data-url":
        return source
    return MediaRef(source.digest, source.mime, "data-url")
