"""What a person must know of a run that is not simply good: errors, answers that are none, faults of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from plcli.brevity import cut
from plcli.records import Record, ResponseRecord
from plcli.response import ImagePart, RefusalPart

LONGEST = 400
"""Characters that are shown of what is wrong with a picture."""


class Finding(NamedTuple):
    """Something to know, as untrusted text, and what to do about it."""

    severity: Literal["error", "warning"]
    message: str
    hint: str | None = None


def findings(record: Record) -> Iterator[Finding]:
    """What there is to know of a run beside its expectations, of which one may expect a state that is no answer."""
    response, error = record.response, record.error
    if error is not None:
        yield Finding("error", error.message, error.hint)
    elif response is not None and response.state == "incomplete":
        yield Finding("warning", f"the answer was cut ({response.finish_reason}); raise params.max_output_tokens")
    elif response is not None and response.state in ("refused", "blocked", "no_image") and not _expected(record):
        words = " ".join(part.text for part in response.parts if isinstance(part, RefusalPart))
        yield Finding("error", f"the provider answered with state {response.state}" + (f": {words}" if words else ""))
    if response is not None:
        yield from (Finding("warning", told) for told in _of_pictures(response, error.message if error else ""))


def _of_pictures(response: ResponseRecord, said: str) -> Iterator[str]:
    """What is wrong with the pictures of an answer, unless it was `said`."""
    pictures = [part for part in response.parts if isinstance(part, ImagePart)]
    for n, picture in enumerate(pictures, start=1):
        for fault in picture.faults or ():
            if fault.removeprefix("it ") in said:
                continue
            yield f"picture {n}: {cut(fault, LONGEST)}"
    if response.missing:
        yield f"{response.missing} of {response.missing + len(pictures)} pictures did not come"


def _expected(record: Record) -> bool:
    """Whether the spec expects the state that the answer has."""
    return any(expectation.passed and expectation.path.endswith(".state") for expectation in record.expectations or ())
