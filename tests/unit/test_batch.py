from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from plcli.batch import AHEAD, Batch, Job
from plcli.cancel import Cancel
from plcli.pace import Pace
from plcli.specs import Limits


class Counting:
    """Work that says how much of it runs at once; each piece waits for `wanted` to run, or a moment."""

    def __init__(self, wanted: int) -> None:
        self.most = self.now = 0
        self._lock = threading.Condition()
        self._wanted = wanted

    def __call__(self) -> int:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.most >= self._wanted, timeout=5)
        with self._lock:
            self.now -= 1
        return 1


def batch(works: list[Callable[[], int]], at_once: int = 4, pace: Pace | None = None) -> Batch[int]:
    shared = pace or Pace()
    return Batch([Job(work, shared) for work in works], at_once=at_once, cancel=Cancel())


def ran(made: Batch[int]) -> list[int]:
    return [done.number for ended in made.ended() for done in ended]


@pytest.mark.parametrize(("at_once", "limit", "most"), [(4, None, 4), (4, 2, 2), (1, None, 1), (2, 9, 2)])
def test_as_many_run_at_once_as_may(at_once: int, limit: int | None, most: int) -> None:
    work = Counting(most)
    made = batch([work] * 8, at_once, Pace(Limits(concurrency=limit)))
    assert sorted(ran(made)) == list(range(8))
    assert work.most == most
    assert (made.running, made.waiting) == (0, False)


def test_a_slow_model_does_not_hold_up_the_others() -> None:
    blocked, free = Pace(), Pace()
    blocked.hold(float("inf"))
    jobs = [Job(lambda: 1, blocked), Job(lambda: 1, free), Job(lambda: 1, free)]
    made: Batch[int] = Batch(jobs, at_once=2, cancel=Cancel())
    seen = []
    for ended in made.ended(tick=0.01):
        seen += [done.number for done in ended]
        if len(seen) == 2:
            made.stop()
    assert seen == [1, 2]


def test_what_a_job_raises_is_handed_over() -> None:
    def fail() -> int:
        raise LookupError("no")

    done = [done for ended in batch([fail, lambda: 2]).ended() for done in ended]
    assert sorted((one.number, type(one.error), one.result) for one in done) == [
        (0, LookupError, None),
        (1, type(None), 2),
    ]


def test_a_system_that_bears_no_more_threads_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Scarce(threading.Thread):
        def start(self) -> None:
            if work.started - work.ended >= 2:
                raise RuntimeError("can't start new thread")
            work.started += 1
            super().start()

    class Work:
        started = ended = 0

        def __call__(self) -> int:
            return 1

    work = Work()
    monkeypatch.setattr("plcli.batch.Thread", Scarce)
    made = batch([work] * 6, at_once=6)
    seen = []
    for ended in made.ended():
        work.ended += len(ended)
        seen += [done.number for done in ended]
    assert sorted(seen) == list(range(6))


def test_a_stopped_batch_ends_what_runs_and_starts_nothing_more() -> None:
    made = batch([lambda: 1] * 5, at_once=1)
    seen = 0
    for ended in made.ended():
        seen += len(ended)
        made.stop()
    assert (seen, made.waiting, made.interrupted) == (1, True, False)


def test_an_interrupted_batch_cancels_what_runs() -> None:
    cancel = Cancel()
    made: Batch[int] = Batch([Job(lambda: int(cancel.wait(30)), Pace())] * 3, at_once=2, cancel=cancel)
    made.interrupt()
    results = [done.result for ended in made.ended() for done in ended]
    assert results == [1, 1]
    assert (made.waiting, made.interrupted) == (True, True)


def test_whoever_interrupts_twice_does_not_wait() -> None:
    never = threading.Event()
    made = batch([lambda: int(never.wait(60))])
    made.interrupt()
    made.interrupt()
    assert ran(made) == []
    never.set()


def test_tokens_are_told_to_the_pace() -> None:
    pace = Pace(Limits(tpm=10))
    made: Batch[int] = Batch([Job(lambda: 100, pace)] * 2, at_once=1, cancel=Cancel(), tokens=lambda used: used)
    for _ in made.ended(tick=0.01):
        if made.pause is not None:
            made.stop()
    assert made.waiting


# Drawing jobs


class Drawn:
    """Jobs that count how many were drawn, and how many had ended by then."""

    def __init__(self, *paces: Pace) -> None:
        self.count = self.ended = 0
        self.ahead = 0
        self._paces = paces

    def __iter__(self) -> Iterator[Job[int]]:
        for n in range(1000):
            self.count += 1
            self.ahead = max(self.ahead, self.count - self.ended)
            yield Job(lambda: 1, self._paces[n % len(self._paces)])

    def settled(self, made: Batch[int], until: int) -> None:
        for ended in made.ended(tick=0.01):
            self.ended += len(ended)
            if self.ended >= until:
                made.stop()


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("at_once", [1, 4])
def test_jobs_are_drawn_when_they_may_start_and_not_many_sooner(eager: bool, at_once: int) -> None:
    jobs = Drawn(Pace())
    made: Batch[int] = Batch(jobs, at_once=at_once, cancel=Cancel(), eager=eager)
    assert jobs.count == 0
    jobs.settled(made, 40)
    # Those that run, those that start in their places before what they gave is dealt with, and one behind them.
    assert jobs.ahead <= (2 * at_once if eager else at_once) + 1
    assert jobs.count < 60


def test_jobs_behind_those_that_are_held_back_are_looked_at_up_to_a_bound() -> None:
    blocked, free = Pace(), Pace()
    blocked.hold(float("inf"))
    jobs = Drawn(blocked, blocked, blocked, free)
    made: Batch[int] = Batch(jobs, at_once=2, cancel=Cancel())
    jobs.settled(made, 20)
    assert jobs.ended >= 20
    assert jobs.count <= 20 * 4 + AHEAD
    jobs = Drawn(blocked)
    made = Batch(jobs, at_once=2, cancel=Cancel())
    next(made.ended(tick=0.01))
    assert (jobs.count, made.running) == (AHEAD, 0)


@pytest.mark.parametrize("eager", [False, True])
def test_eager_jobs_start_before_what_others_gave_is_dealt_with(eager: bool) -> None:
    made: Batch[int] = Batch([Job(lambda: 1, Pace())] * 9, at_once=1, cancel=Cancel(), eager=eager)
    ended = next(made.ended())
    assert ([done.number for done in ended], made.running) == ([0], int(eager))
    made.stop()
