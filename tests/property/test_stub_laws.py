"""Laws of stubs: the first that fits answers, and what is recorded is what is answered from then on."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plcli.documents import parse
from plcli.errors import SpecError
from plcli.insertion import insert
from plcli.matchers import equal
from plcli.specs import MATCHERS
from plcli.specs.tool import Stub
from plcli.stubs import NoStub, Stubs
from plcli.stubwriting import record_stub
from plcli.toolbox import load_tool
from plcli.workspace import find

relaxed = settings(deadline=None)
on_disk = settings(deadline=None, max_examples=15)

NAMES = st.sampled_from([*sorted(MATCHERS), "city", "$ref", "<<", "on", "1", ""]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=8
)
TEXTS = st.sampled_from(["on", "1:30", "a\nb\n", "- a", "'''\n\"\"\"", "\x00", "\u2028", "# no", "😀"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSONS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
ARGUMENTS = st.dictionaries(NAMES, JSONS, max_size=3)

HEADS = {
    "yaml": "# mine\nkind: stubs\nstubs:\n  - {when: {city: Paris}, return: 1}  # one\n\n  # the rest\n  - return: 0\n",
    "toml": '# mine\n[[stubs]]\nwhen = {city = "Paris"}\nreturn = 1\n\n# the rest\n[[stubs]]\nreturn = 0',
    "json": '{"kind": "stubs", "stubs": [{"when": {"city": "Paris"}, "return": 1}, {"return": 0}]}',
    "none": "",
}


@pytest.mark.parametrize("format", HEADS)
@given(parameters=st.sampled_from(["parameters: {}", "format: {type: text}"]), first=ARGUMENTS, data=st.data())
@on_disk
def test_what_was_recorded_is_answered_and_nothing_else_changes(
    format: str, parameters: str, first: dict[str, object], data: st.DataObject
) -> None:
    one: object = first
    if parameters.startswith("format"):
        one = data.draw(TEXTS)
    other = data.draw(TEXTS if isinstance(one, str) else ARGUMENTS | st.just({"city": "Paris"}))
    results = [data.draw(JSONS) for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        (home / "x.yaml").write_text(f"kind: tool\nname: x\n{parameters}\n")
        (home / "plcli.toml").write_text("folders = {tools = '.'}")
        if HEADS[format]:
            (home / f"x.stubs.{format}").write_text(HEADS[format])
        before = answered(home, other)
        for result in results:
            path = record_stub(find(home), load_tool(find(home), "x"), one, result)
            assert same(answered(home, one), result)
            assert record_stub(find(home), load_tool(find(home), "x"), one, result) is None
            if not equal(one, other):
                assert same(answered(home, other), before)
            if path is not None and format in ("yaml", "toml"):
                for line in HEADS[format].splitlines():
                    assert line in path.read_text(encoding="utf-8")


def answered(home: Path, arguments: object) -> object:
    """What the stubs on the disk answer to a call; `NoStub` where none does."""
    try:
        return Stubs(load_tool(find(home), "x").stubs, str).answer(arguments).result
    except NoStub:
        return NoStub


def same(left: object, right: object) -> bool:
    return left is right or equal(left, right)


GAPS = st.lists(st.sampled_from(["", "  # a comment: - x", "# left", "      # right"]), max_size=2)
ITEMS = st.sampled_from(
    [
        "- a: 1",
        "- {a: [1, {b: 2}]}  # tail",
        "- a: |\n      text\n      - more\n\n",
        "- a: |+\n      text\n\n",
        "- a: 'two\n\n      lines'",
        "- a:\n      - b\n      - c:\n          d: # nothing",
        "- a:",
        '- "a": >-\n      folded\n      text',
        "-\n    a: 1",
        "- ? a\n    : [1,\n       2]",
    ]
)


@given(
    lines=st.lists(st.tuples(GAPS, ITEMS), min_size=1, max_size=4),
    before=GAPS,
    after=GAPS,
    item=ARGUMENTS.filter(bool),
    end=st.sampled_from(["", "\n"]),
    data=st.data(),
)
@example(lines=[([], "- a: 1")], before=[], after=[], item={"x" * 1100: "y"}, end="", data=None)
@example(lines=[([], "- a: 1")], before=[], after=["      # right"], item={"b": "c\nd\n"}, end="\n", data=None)
@relaxed
def test_an_item_is_put_in_and_every_other_byte_stays(
    lines: list[tuple[list[str], str]],
    before: list[str],
    after: list[str],
    item: dict[str, object],
    end: str,
    data: st.DataObject | None,
) -> None:
    body = "".join("".join(f"{gap}\n" for gap in gaps) + f"  {text}\n" for gaps, text in lines)
    tail = "".join(f"{gap}\n" for gap in after)
    text = ("kind: x\nlist:\n" + "".join(f"{gap}\n" for gap in before) + body + tail).removesuffix("\n") + end
    document = parse(text, file="x", format="yaml")
    items = document.value["list"]
    index = data.draw(st.integers(0, len(items))) if data else 1
    try:
        made = insert(document, "list", index, item)
    except SpecError:
        # A text that the end of the file cuts off would gain a line end from whatever comes below it.
        assert not text.endswith("\n")
        assert index == len(items)
        return
    assert equal(made.value["list"], [*items[:index], item, *items[index:]])
    new = made.text.decode()
    start = next((n for n in range(len(text)) if text[n] != new[n]), len(text))
    assert new.endswith(text[start:])


CONDITIONS = st.dictionaries(st.sampled_from("ab"), st.integers(0, 2) | st.just([1]), max_size=2)


@given(conditions=st.lists(CONDITIONS, max_size=4), calls=st.lists(CONDITIONS, max_size=4))
@relaxed
def test_the_first_stub_that_fits_answers_and_answers_in_turn_are_counted(
    conditions: list[dict[str, object]], calls: list[dict[str, object]]
) -> None:
    stubs = [{"when": when, "return_in_turn": [[n, 0], [n, 1]]} for n, when in enumerate(conditions)]
    answering = Stubs([Stub.model_validate(stub) for stub in stubs], str)
    turns = [0] * len(stubs)
    for call in calls:
        fits = [n for n, when in enumerate(conditions) if all(k in call and call[k] == v for k, v in when.items())]
        if fits:
            assert answering.answer(call).result == [fits[0], min(turns[fits[0]], 1)]
            turns[fits[0]] += 1
        else:
            with pytest.raises(NoStub):
                answering.answer(call)
