from __future__ import annotations

import os
import signal
import threading

import pytest

from plcli.cancel import Cancel


def test_whoever_waits_is_woken() -> None:
    cancel = Cancel()
    assert not cancel.wait(0)
    threading.Timer(0.01, cancel.ask).start()
    assert cancel.wait(30)
    assert cancel.asked


def test_what_is_being_done_is_ended() -> None:
    cancel, ended = Cancel(), list[str]()
    with cancel.ending(lambda: ended.append("first")):
        with cancel.ending(lambda: ended.append("over")):
            pass
        cancel.ask()
    assert ended == ["first"]


def test_what_begins_too_late_is_ended_at_once() -> None:
    cancel, ended = Cancel(), list[int]()
    cancel.ask()
    with cancel.ending(lambda: ended.append(1)):
        assert ended == [1]


@pytest.mark.skipif(os.name == "nt", reason="needs a timer that interrupts")
def test_an_interrupt_at_any_moment_of_a_wait_is_one() -> None:
    cancel, came = Cancel(), 0
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for n in range(2_000):
            try:
                signal.setitimer(signal.ITIMER_REAL, (1 + n % 60) / 1_000_000)
                cancel.wait(0.001)
            except KeyboardInterrupt:
                came += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert came == 2_000
