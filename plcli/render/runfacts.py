"""What is known of a run in a word or two, as every view of it says it: model, tokens, cost, time, name."""

from __future__ import annotations

from plcli.media import Json
from plcli.observing import latency_ms
from plcli.paths import find
from plcli.records import Record, SpecRef

_DRAWING = {"image_gen": "pictures", "svg_usage": "vector drawings"}
"""The provider's own tools that count tokens of their own, and what they make."""


def model_name(record: Record) -> str:
    """The model that was asked, and the one that answered where it has another name."""
    asked, served = record.model_name, record.served_model
    return f"{asked} ({served})" if served and served != record.model else asked


def tokens(record: Record) -> str | None:
    """`12 + 34 tokens`: in and out, and those of pictures where the provider tells them apart."""
    usage = record.usage
    if usage is None:
        return None
    told = []
    if usage.input_tokens is not None or usage.output_tokens is not None:
        told.append(f"{_count(usage.input_tokens)} + {_count(usage.output_tokens)} tokens")
        heard, made = usage.image_input_tokens, usage.image_output_tokens
        if made:
            told.append(f"({f'{heard:,} + ' if heard else ''}{made:,} of pictures)")
        elif heard:
            told.append(f"({heard:,} of pictures sent)")
    for tool, made_what in _DRAWING.items():
        heard, made = (_number(find(usage.tools, f"{tool}.{name}")) for name in ("input_tokens", "output_tokens"))
        if heard or made:
            told.append(f"{'and ' if told else ''}{_count(heard)} + {_count(made)} for {made_what}")
    return " ".join(told) or None


def cost(record: Record) -> str | None:
    """`$0.0012`; `at least` where something used has no price."""
    if record.cost is None:
        return None
    return ("" if record.cost.complete else "at least ") + dollars(record.cost.amount)


def dollars(amount: float) -> str:
    """`$0.0012`."""
    return f"${amount:.6f}".rstrip("0").rstrip(".")


def duration(record: Record) -> str | None:
    """`1.2 s`: of all exchanges, and of what was fetched after them."""
    if not record.exchanges:
        return None
    return seconds(latency_ms(record))


def seconds(milliseconds: int) -> str:
    """`1.2 s`."""
    # In whole numbers: what stands in a log may be too large for others.
    tenths = (milliseconds + 50) // 100
    return f"{tenths // 10}.{tenths % 10} s"


def retries(record: Record) -> int:
    """How often a call was tried again."""
    return sum(max(len(exchange.attempts) - 1, 0) for exchange in record.exchanges)


def commit_name(spec: SpecRef) -> str | None:
    """`1a2b3c4d`, and whether the file was changed since; None for a file that was in no commit."""
    return f"{spec.commit[:8]}{', changed' if spec.dirty else ''}" if spec.commit else None


def run_name(record: Record) -> str | None:
    """The tail of the run's id, by which it can be named."""
    return f"run {record.tail}" if record.id else None


def _number(value: Json) -> int | None:
    return value if type(value) is int else None


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
