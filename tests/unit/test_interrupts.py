"""Signals that end a run: held back while it is written down, and never lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from plcli.interrupts import SIGNALS, held_back, listen, noted

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_each_of_them_interrupts_once(number: signal.Signals) -> None:
    listen()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    signal.raise_signal(number)


def test_what_is_held_back_counts_at_the_end() -> None:
    listen()
    done: list[str] = []

    def work() -> None:
        with held_back():
            signal.raise_signal(signal.SIGTERM)
            done.append("written down")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done


def test_what_the_caller_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    listen()
    with held_back():
        signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGHUP)


def test_what_is_noted_stops_only_the_work_that_may_be_stopped() -> None:
    listen()
    with noted() as notes:
        signal.raise_signal(signal.SIGINT)
        assert (notes.came, notes.leaving) == (True, False)
        for _ in range(2):
            stopped = False
            try:
                with notes.stoppable():
                    signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                stopped = True
            assert stopped
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_work_is_stopped_once() -> None:
    listen()
    written: list[str] = []
    with noted() as notes:
        try:
            with notes.stoppable():
                signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
            written.append("the record")
        assert (written, notes.leaving) == (["the record"], True)
