from __future__ import annotations

import threading

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
