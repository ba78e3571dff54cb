"""The checks by which a new answer is held against a logged one: what each looks at, and when it passes.

A check that cannot be told, because one of the answers does not show what it is about, raises `Undecided`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeVar

from plcli import canonical
from plcli.brevity import around, counted, cut, first_difference
from plcli.canonical import calls_of, pictures_of, plain, state_of, text_of, words_of
from plcli.expect import parse_output
from plcli.matchers import equal
from plcli.media import Json
from plcli.observing import latency_ms, tokens_of
from plcli.providers import answer
from plcli.records import Record
from plcli.regexes import Undecided
from plcli.response import ImagePart

LONGEST = 2_000
"""Characters of what was wanted, and of what came, that a check keeps."""

SHOWN = 60
"""Characters of each that its message shows."""

SHORTEST_MS = 100
"""Milliseconds that a shorter answer counts as: its time is the machine's rather than the model's."""

ALIKE_STEPS = 10**10
"""The most that the numbers of characters of two texts may multiply to, where they differ, to be told how alike."""

_ROUNDING = 1e-9

Fact = TypeVar("Fact")


class Sides(NamedTuple):
    """What a check looks at: the logged run, the new one, its number, and the schema of the output asked for."""

    then: Record
    now: Record
    bound: float = 1.0
    schema: Json = None


class Found(NamedTuple):
    """What a check found: whether it passes, what the two answers hold, and why it fails."""

    passed: bool
    wanted: Json = None
    got: Json = None
    message: str | None = None


PASSED = Found(True)


class Kind(NamedTuple):
    """A check by name: what passes it, for people; how it judges; and the number it takes, if any.

    A `times` is how many times as much as before is let through, a `share` lies over 0 and up to 1; without
    a `bound` the number must be written.
    """

    help: str
    judge: Callable[[Sides], Found]
    takes: Literal["nothing", "times", "share"] = "nothing"
    bound: float | None = None


def _exact(sides: Sides) -> Found:
    old, new = canonical.answer_of(sides.then), canonical.answer_of(sides.now)
    pairs = [(f"{name}: ", old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new)) if name != "parts"]
    parts = zip_longest(old["parts"], new["parts"])
    pairs += ((f"parts[{n}]: ", was, now) for n, (was, now) in enumerate(parts))
    unlike = (_differs(was, now, where) for where, was, now in pairs if not equal(was, now))
    return next(unlike, PASSED)


def _text(sides: Sides) -> Found:
    old, new = words_of(sides.then), words_of(sides.now)
    return PASSED if plain(old) == plain(new) else _reworded(old, new)


def _json(sides: Sides) -> Found:
    old, new = _parsed(sides.then, "logged"), _parsed(sides.now, "new")
    return PASSED if equal(old, new) else _differs(old, new)


def _tool_calls(sides: Sides) -> Found:
    old, new = calls_of(sides.then), calls_of(sides.now)
    unlike = ((one, other) for one, other in zip_longest(old, new, fillvalue=()) if not equal(one, other))
    first = next(unlike, None)
    if first is None:
        return PASSED
    wanted, got = ([call for calls in rounds for call in calls] for rounds in (old, new))
    was, now = around(_called(first[0]), _called(first[1]), SHOWN)
    return _differs(wanted, got)._replace(message=f"was {was}, is {now}")


def _finish(sides: Sides) -> Found:
    old, new = (run.response.finish_reason if run.response is not None else None for run in (sides.then, sides.now))
    return PASSED if old == new else _differs(old, new)


def _state(sides: Sides) -> Found:
    old, new = _ended(sides.then), _ended(sides.now)
    return PASSED if old == new else Found(False, old, new, f"was {old}, is {new}")


def _schema(sides: Sides) -> Found:
    if sides.schema is None:
        raise Undecided("the request asks for no structured output")
    words = words_of(sides.now)
    reason = parse_output(words, sides.schema)[1]
    return PASSED if reason is None else Found(False, got=cut(words, LONGEST), message=reason)


def _images(sides: Sides) -> Found:
    old, new = pictures_of(sides.then), pictures_of(sides.now)
    if len(old) != len(new):
        return Found(False, len(old), len(new), f"was {counted(len(old), 'picture')}, is {len(new)}")
    for n, (one, other) in enumerate(zip(old, new, strict=True), start=1):
        # A picture that was not fetched is known by its address alone.
        known = one.media or one.url
        if known is not None and known == (other.media or other.url):
            continue
        was, now = _shape(one, f"logged picture {n}"), _shape(other, f"new picture {n}")
        if was != now:
            return Found(False, was, now, f"picture {n} was {was}, is {now}")
    return PASSED


def _usage(sides: Sides) -> Found:
    old, new = _known(sides, tokens_of, "number of tokens")
    return _at_most(old, new, sides.bound, lambda n: f"{n:,} token{'' if n == 1 else 's'}")


def _latency(sides: Sides) -> Found:
    old, new = _known(sides, lambda run: latency_ms(run) if run.exchanges else None, "time")
    if max(old, new) <= SHORTEST_MS:
        return Found(True, old, new)
    return _at_most(old, new, sides.bound, lambda ms: f"{ms:,} ms", at_least=SHORTEST_MS)


def _cost(sides: Sides) -> Found:
    old, new = _known(sides, lambda run: run.cost, "cost")
    found = _at_most(old.amount, new.amount, sides.bound, lambda amount: f"${amount:.6f}")
    # What has no price adds to what is known, on either side.
    if not (new.complete if found.passed else old.complete):
        whose = "new" if found.passed else "logged"
        raise Undecided(f"not everything that the {whose} run used has a price")
    return found


def _served_model(sides: Sides) -> Found:
    old, new = _known(sides, lambda run: run.served_model, "serving model")
    return PASSED if old == new else _differs(old, new)


def _similar(sides: Sides) -> Found:
    old, new = words_of(sides.then), words_of(sides.now)
    share = likeness(plain(old), plain(new))
    if share >= sides.bound:
        return PASSED
    found = _reworded(old, new)
    return found._replace(message=f"alike by {share:.3f}, not {sides.bound:g}: {found.message}")


KINDS: Mapping[str, Kind] = {
    "exact": Kind("the answers are equal but for ids, addresses and times", _exact),
    "text": Kind("the words are equal but for white space and the form of Unicode", _text),
    "json": Kind("both answers are JSON, and equal", _json),
    "tool-calls": Kind("the same calls, with the same arguments; those of one answer in any order", _tool_calls),
    "finish": Kind("the provider gives the same reason for stopping", _finish),
    "state": Kind("both ended in the same state", _state),
    "schema": Kind("the new output is valid under the schema of the request", _schema),
    "images": Kind("as many pictures, of the same sizes and types", _images),
    "usage": Kind("not more than so many times the tokens", _usage, "times", 1.1),
    "latency": Kind(
        f"not more than so many times as long; less than {SHORTEST_MS} ms count as that", _latency, "times", 2.0
    ),
    "cost": Kind("not more than so many times the cost", _cost, "times", 1.1),
    "served-model": Kind("the same model answered", _served_model),
    "similar": Kind("the words are alike by so much, from 0 to 1 (all the same)", _similar, "share"),
}
"""Every check by its name, in the order in which they are told."""


def likeness(old: str, new: str) -> float:
    """How alike two texts are: 1.0 where they are equal, 0.0 where they share no character.

    Raises `Undecided` where too much of them differs to be compared in bounded time.
    """
    if old == new:
        return 1.0
    from rapidfuzz.distance import Indel

    start = first_difference(old, new)
    end = min(first_difference(old[::-1], new[::-1]), min(len(old), len(new)) - start)
    one, other = old[start : len(old) - end], new[start : len(new) - end]
    if len(one) * len(other) > ALIKE_STEPS:
        raise Undecided(f"texts of {len(old):,} and {len(new):,} characters are too long to tell how alike they are")
    return 1.0 - Indel.distance(one, other) / (len(old) + len(new))


def _at_most(old: float, new: float, times: float, shown: Callable[[float], str], *, at_least: float = 0.0) -> Found:
    if new <= max(old, at_least) * times * (1 + _ROUNDING):
        return Found(True, old, new)
    return Found(False, old, new, f"was {shown(old)}, is {shown(new)}, more than {times:g} times as much")


def _known(sides: Sides, fact: Callable[[Record], Fact | None], name: str) -> tuple[Fact, Fact]:
    """A fact of both runs. Raises `Undecided` where one of them does not tell it."""
    old, new = fact(sides.then), fact(sides.now)
    if old is None or new is None:
        raise Undecided(f"the {name} of the {'logged' if old is None else 'new'} run is not known")
    return old, new


def _parsed(run: Record, whose: str) -> Json:
    """The structured output of a run, else its words as JSON. Raises `Undecided` where they are none."""
    if run.response is not None and run.response.output is not None:
        return run.response.output
    try:
        return answer.parse(words_of(run))
    except ValueError as error:
        raise Undecided(f"the {whose} answer is no JSON: {error}") from None


def _ended(run: Record) -> str:
    """The state, and of an error its kind, without which one error is as good as another."""
    state = state_of(run)
    return f"{state} ({run.error.kind})" if state == "error" and run.error is not None else state


def _shape(picture: ImagePart, name: str) -> str:
    """`1024x1024 image/png`. Drawings may have no size of their own; other pictures that were not measured raise."""
    if picture.width is None or picture.height is None:
        if picture.mime != "image/svg+xml":
            raise Undecided(f"the size of the {name} is not known")
        return f"{picture.mime} of any size"
    return f"{picture.width}x{picture.height} {picture.mime}"


def _called(calls: Sequence[Json]) -> str:
    written = ((call["name"], call["arguments"]) for call in calls)
    told = (f"{name}({given if isinstance(given, str) else text_of(given)})" for name, given in written)
    return ", ".join(told) or "no call"


def _differs(old: Json, new: Json, where: str = "") -> Found:
    """The finding that two values are not equal: what they are, as far as it can be kept."""
    was, now = _written(old), _written(new)
    wanted, got = (old, new) if max(len(was), len(now)) <= LONGEST else around(was, now, LONGEST)
    was, now = around(was, now, SHOWN)
    if isinstance(old, str) and isinstance(new, str):
        was, now = (json.dumps(text, ensure_ascii=False) for text in (was, now))
    return Found(False, wanted, got, f"{where}was {was}, is {now}")


def _reworded(old: str, new: str) -> Found:
    """The finding that words are not the same, shown from where they differ by more than white space."""
    found = _differs(plain(old), plain(new))
    return found._replace(wanted=old, got=new) if max(len(old), len(new)) <= LONGEST else found


def _written(value: Json) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else text_of(value)
