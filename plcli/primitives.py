"""What an expression in a template can do: closed, pure primitives that pay for their work.

No primitive reaches a Python attribute that is not named here, and none makes more than the meter has
left. Which template syntax becomes which primitive is for `jinja_syntax` to say.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from itertools import islice
from typing import Any

from plcli.media import Json
from plcli.meter import MAX_BITS, NODE, Meter, Misuse, text_of

MAX_RANGE = 10_000
"""Numbers that one `range` may hold."""

_MAX_WIDTH = 100
_MAX_INDENT = 8
_SHOWN = 100
_SHOWN_KEYS = 8

METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            *("capitalize", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "islower", "isspace"),
            *("isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind"),
            *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"),
        )
    ),
    dict: frozenset(["get", "items", "keys", "values"]),
    list: frozenset(["count", "index"]),
}
"""The methods that a template can call, by type of value."""

LOOP_METHODS = frozenset(["changed", "cycle"])
"""The methods of `loop` that a template can call."""


class Primitives:
    """The primitives, all drawing on one meter.

    `undefined` is the type of a name without a value: any use of such an object raises the error that
    names it. `opaque` are types whose public attributes can be read though they are no JSON.
    """

    def __init__(self, meter: Meter, undefined: type[Any], opaque: tuple[type, ...]) -> None:
        self.meter = meter
        self._undefined = undefined
        self._opaque = opaque

    def text(self, value: Json) -> str:
        """A value as it stands in the filled text."""
        return text_of(self.meter.built(value), self._unprintable)

    def attribute(self, value: Any, name: str) -> Any:
        """`value.name`: a key of an object first, so that data cannot be shadowed by what Python calls it."""
        if isinstance(value, dict) and name in value:
            return value[name]
        if isinstance(value, self._opaque) and not name.startswith("_"):
            found = getattr(value, name, None)
            if not callable(found):
                return found
        return self._nothing(value, name)

    def item(self, value: Any, key: Any) -> Any:
        """`value[key]`."""
        self.meter.read(key)
        if isinstance(value, (str, list, tuple, dict)):
            try:
                return value[key]
            except (TypeError, LookupError):
                return self._nothing(value, key)
        return self.attribute(value, key) if isinstance(key, str) else self._nothing(value, key)

    def slice(self, value: Any, start: Any, stop: Any, step: Any) -> Any:
        """`value[start:stop:step]`."""
        if not isinstance(value, (str, list, tuple)):
            self._undefined_speaks(value)
            raise Misuse("only text and lists can be sliced")
        self._whole(part for part in (start, stop, step) if part is not None)
        return self.meter.built(value[start:stop:step])

    def method(self, value: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """`value.name(…)`, for the methods that are named here."""
        if isinstance(value, str) and name in ("join", "replace"):
            return self.join(args[0] if args else (), value) if name == "join" else self.replace(value, *args, **kwargs)
        if isinstance(value, self._opaque) and name in LOOP_METHODS:
            return getattr(value, name)(*args, **kwargs)
        if name not in METHODS.get(type(value), ()):
            self._undefined_speaks(value)
            raise Misuse(f"{_kind(value)} has no method `{name}`")
        self.meter.read([value, args, kwargs])
        return self._plain(getattr(value, name)(*args, **kwargs))

    def range(self, *args: Any) -> list[int]:
        """`range(…)`, as a list."""
        self._whole(args)
        numbers = range(*args)
        if numbers[MAX_RANGE:]:
            raise Misuse(f"a range holds at most {MAX_RANGE:,} numbers")
        self.meter.spend(len(numbers) * NODE)
        return list(numbers)

    def loop(self, items: Any, weight: int) -> Sequence[Any]:
        """What a `for` goes through, paid for in advance."""
        if not isinstance(items, (str, list, tuple, dict)):
            self._undefined_speaks(items)
            raise Misuse(f"cannot loop over {_kind(items)}")
        self.meter.go_round(len(items), weight)
        return list(items)

    def add(self, left: Any, right: Any) -> Any:
        """`left + right`."""
        self.meter.built([left, right])
        return left + right

    def multiply(self, left: Any, right: Any) -> Any:
        """`left * right`."""
        for value, times in ((left, right), (right, left)):
            if isinstance(value, (str, list, tuple)) and isinstance(times, int):
                self.meter.spend((NODE + len(value) * (1 if isinstance(value, str) else NODE)) * max(times, 0))
                return self.meter.built(value * times)
        _bound_bits(_bits(left) + _bits(right))
        return left * right

    def power(self, left: Any, right: Any) -> Any:
        """`left ** right`."""
        if isinstance(left, int) and isinstance(right, int):
            _bound_bits(_bits(left) * abs(right))
        try:
            return left**right
        except OverflowError:
            raise Misuse("a number gets too large") from None

    def modulo(self, left: Any, right: Any) -> Any:
        """`left % right`, of numbers."""
        if isinstance(left, str):
            raise Misuse("`%` does not format text here; write a ~ b")
        return left % right

    def join(self, items: Any, separator: Any = "", attribute: str | None = None) -> str:
        """`items | join(separator, attribute=…)`."""
        if not isinstance(items, (str, list, tuple, dict)):
            self._undefined_speaks(items)
            raise Misuse(f"cannot join {_kind(items)}")
        values = [item if attribute is None else self._reach(item, attribute) for item in items]
        between = self.text(separator)
        self.meter.spend(len(between) * len(values))
        return between.join([self.text(value) for value in values])

    def replace(self, value: Any, old: Any, new: Any, count: int | None = None) -> str:
        """`value | replace(old, new, count)`."""
        text, old_text, new_text = self.text(value), self.text(old), self.text(new)
        self.meter.spend(text.count(old_text) * len(new_text))
        return text.replace(old_text, new_text, -1 if count is None else count)

    def sum(self, items: Any, attribute: str | None = None, start: Any = 0) -> Any:
        """`items | sum(attribute=…, start=…)`, of numbers."""
        self.meter.read(items)
        numbers = [item if attribute is None else self._reach(item, attribute) for item in items]
        for number in (start, *numbers):
            if not isinstance(number, (int, float)):
                self._undefined_speaks(number)
                raise Misuse(f"cannot sum {_kind(number)}")
        return sum(numbers, start)

    def tojson(self, value: Any, indent: int | None = None) -> str:
        """`value | tojson(indent=…)`; compact without `indent`, keys in their own order."""
        if indent is None:
            text = self.text(value)
            return json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text
        if not isinstance(indent, int) or not 0 <= indent <= _MAX_INDENT:
            raise Misuse(f"an indent of JSON is a number from 0 to {_MAX_INDENT}")
        encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent, default=self._unprintable)
        pieces = []
        for piece in encoder.iterencode(value):
            self.meter.spend(NODE + len(piece))
            pieces.append(piece)
        return "".join(pieces)

    def indented(self, original: Callable[..., str]) -> Callable[..., str]:
        """`value | indent(width, first, blank)`, with a bounded width."""

        def indent(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
            text = self.text(value)
            size = len(width) if isinstance(width, str) else width
            if not 0 <= size <= _MAX_WIDTH:
                raise Misuse(f"an indent is at most {_MAX_WIDTH} wide")
            self.meter.spend((1 + len(text.splitlines())) * size + len(text))
            return original(text, width, first, blank)

        return indent

    def rounded(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`value | round(precision, method)`, with a bounded precision."""

        def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
            if not isinstance(value, (int, float)):
                self._undefined_speaks(value)
                raise Misuse(f"cannot round {_kind(value)}")
            if not -_MAX_WIDTH <= precision <= _MAX_WIDTH:
                raise Misuse(f"a precision is from -{_MAX_WIDTH} to {_MAX_WIDTH}")
            return original(value, precision, method)

        return rounded

    def metered(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """A filter or test of linear work that pays for what it reads and makes."""

        @functools.wraps(original)
        def metered(*args: Any, **kwargs: Any) -> Any:
            self.meter.read([args, kwargs])
            try:
                return self._plain(original(*args, **kwargs))
            except AttributeError:
                raise Misuse(f"`{original.__name__.removeprefix('do_')}` does not take {_kind(args[-1])}") from None

        return metered

    def table(self) -> dict[str, Callable[..., Any]]:
        """The primitives by the names under which `jinja` calls them; no template can write these names."""
        return {
            "(text)": self.text,
            "(built)": self.meter.built,
            "(read)": self.meter.read,
            "(loop)": self.loop,
            "(attribute)": self.attribute,
            "(item)": self.item,
            "(slice)": self.slice,
            "(method)": self.method,
            "(range)": self.range,
            "(Add)": self.add,
            "(Sub)": operator.sub,
            "(Mul)": self.multiply,
            "(Div)": operator.truediv,
            "(FloorDiv)": operator.floordiv,
            "(Mod)": self.modulo,
            "(Pow)": self.power,
        }

    def _plain(self, value: Any) -> Any:
        """What a filter or method gave, as JSON and paid for."""
        if isinstance(value, (Iterator, KeysView, ValuesView)) or type(value) is type({}.items()):
            value = list(value)
        elif isinstance(value, str):
            # `escape` gives a kind of text that would escape whatever is added to it.
            value = str(value)
        return self.meter.built(value)

    def _reach(self, value: Any, path: str) -> Any:
        for name in path.split("."):
            value = self.item(value, int(name) if name.isdecimal() else name)
        return value

    def _whole(self, values: Iterable[Any]) -> None:
        """Refuse what is no whole number, where only those make sense."""
        for value in values:
            if not isinstance(value, int):
                self._undefined_speaks(value)
                raise Misuse(f"expected a whole number, not {_kind(value)}")

    def _nothing(self, value: Any, name: Any) -> Any:
        self._undefined_speaks(value)
        # The name and the keys may be values too, of any length and any number of digits.
        short = isinstance(name, str | int) and _bits(name) <= _SHOWN
        sought = str(name)[:_SHOWN] if short else _kind(name)
        message = f"{_kind(value)} has no `{sought}`"
        if isinstance(value, dict):
            keys = [key[:_SHOWN] for key in islice(value, _SHOWN_KEYS) if isinstance(key, str)]
            message += f"; it has {', '.join(keys)}" if keys else "; it is empty"
        return self._undefined(hint=message, obj=value, name=sought)

    def _undefined_speaks(self, value: Any) -> None:
        if isinstance(value, self._undefined):
            str(value)

    def _unprintable(self, value: Any) -> str:
        self._undefined_speaks(value)
        raise Misuse(f"cannot print {_kind(value)}")


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _bound_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise Misuse("a number gets too large")


def _kind(value: Any) -> str:
    kinds: Mapping[type, str] = {str: "text", list: "a list", dict: "an object", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, (int, float)) else "this")
