"""The table of models that were or will be shut down: what stands in it, and what is said of a model."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from typing import Any

import pytest

from plcli import retirements

TABLE: dict[str, Any] = tomllib.loads(retirements.FILE.read_text(encoding="utf-8"))
ENTRIES: list[dict[str, Any]] = TABLE["retirement"]
TODAY = date(2026, 11, 26)


def test_the_table_says_of_which_day_it_is() -> None:
    assert set(TABLE) == {"as_of", "retirement"}
    assert type(TABLE["as_of"]) is date


def test_every_entry_has_the_same_form() -> None:
    for entry in ENTRIES:
        assert set(entry) - {"successor"} == {"provider", "models", "shutdown", "source"}, entry
        assert type(entry["shutdown"]) is date
        assert entry["models"] == sorted(set(entry["models"])) != []
        assert all(model.rstrip("*").count("*") == 0 and model.count("*") <= 1 for model in entry["models"])
        assert all(len(model) <= retirements.LONGEST for model in entry["models"])


def test_the_table_is_sorted_and_names_no_model_twice() -> None:
    order = [(entry["provider"], entry["shutdown"], entry["models"][0]) for entry in ENTRIES]
    assert order == sorted(order)
    named = [(entry["provider"], model) for entry in ENTRIES for model in entry["models"]]
    assert len(named) == len(set(named))


def test_no_successor_was_gone_when_the_table_was_written() -> None:
    for entry in ENTRIES:
        if "successor" in entry:
            end = retirements.of(entry["provider"], entry["successor"], TABLE["as_of"])
            assert end is None or not end.gone, entry


@pytest.mark.parametrize(
    ("provider", "model", "shutdown", "successor"),
    [
        ("openai", "gpt-image-1", "2026-10-23", "gpt-image-2.5-sunburst"),
        ("openai", "gpt-5", "2026-12-11", "gpt-6.1-sol"),
        ("openai", "gpt-5-2025-08-07", "2026-12-11", "gpt-6.1-sol"),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:org:suffix:id", "2027-01-14", "gpt-6-luna"),
        ("openai", "ft:gpt-4o", "2027-01-14", "gpt-6-luna"),
        ("openai", "gpt-4-32k-0613", "2025-06-06", None),
        ("gemini", "gemini-2.5-pro", "2026-12-01", "gemini-3.8-flash"),
        ("gemini", "models/gemini-2.5-pro", "2026-12-01", "gemini-3.8-flash"),
        ("gemini", "imagen-4.0-ultra-generate-001", "2026-08-17", "gemini-3.1-flash-image"),
        ("gemini", "imagen-3.0-generate-002", "2025-11-10", "gemini-3.1-flash-image"),
        ("gemini", "imagen-3.0-capability-001", "2026-08-17", "gemini-3.1-flash-image"),
    ],
)
def test_a_model_is_found_by_its_id_its_start_or_its_base(
    provider: str, model: str, shutdown: str, successor: str | None
) -> None:
    end = retirements.of(provider, model, TODAY)
    assert end is not None
    assert (end.model, end.shutdown.isoformat(), end.successor) == (model, shutdown, successor)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-6.2-sol"),
        ("openai", "gpt-5.6-sol"),
        ("openai", "gpt-image-2"),
        ("openai", "gemini-2.5-pro"),
        ("openai", "ft:"),
        ("openai", "ft::"),
        ("openai", "*"),
        ("openai", ""),
        ("echo", "gpt-5"),
        ("nobody", "\ud800"),
        ("openai", "x" * 10**6),
    ],
)
def test_nothing_is_said_of_other_models(provider: str, model: str) -> None:
    assert retirements.of(provider, model, TODAY) is None
    assert retirements.hint(provider, model, TODAY) is None


@pytest.mark.parametrize(
    ("days", "gone", "sentence"),
    [
        (2, False, "gpt-5 will be shut down on 2026-12-11, in 2 days; its successor is gpt-6.1-sol"),
        (1, False, "gpt-5 will be shut down on 2026-12-11, in 1 day; its successor is gpt-6.1-sol"),
        (0, True, "gpt-5 was shut down on 2026-12-11; its successor is gpt-6.1-sol"),
        (-9, True, "gpt-5 was shut down on 2026-12-11; its successor is gpt-6.1-sol"),
    ],
)
def test_the_day_decides_what_is_said(days: int, gone: bool, sentence: str) -> None:
    today = date(2026, 12, 11) - timedelta(days)
    end = retirements.of("openai", "gpt-5", today)
    assert end is not None
    assert (end.days, end.gone, end.sentence) == (days, gone, sentence)
    assert retirements.hint("openai", "gpt-5", today) == (sentence if gone else None)


def test_where_no_successor_is_known_the_source_says_more() -> None:
    known, unknown = (retirements.of("openai", model, TODAY) for model in ("gpt-5", "gpt-4-32k"))
    assert known is not None
    assert unknown is not None
    assert known.way_out == "move to gpt-6.1-sol"
    assert unknown.way_out == "no successor is known; see docstrings of OpenAI's SDK"


def test_what_an_endpoint_announces_counts_and_the_table_adds_the_successor() -> None:
    end = retirements.announced("openai", "gpt-5", date(2026, 12, 24), TODAY)
    assert (end.shutdown, end.days, end.successor, end.source) == (
        date(2026, 12, 24),
        28,
        "gpt-6.1-sol",
        "the endpoint",
    )
    assert retirements.announced("openai", "own-model", date(2026, 1, 1), TODAY).successor is None
