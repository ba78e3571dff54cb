"""The laws of differences: what is told is all there is, and nothing is told where there is nothing."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plcli import paths
from plcli.diffing.alignment import matched, stretches
from plcli.diffing.deltas import deltas, same_json
from plcli.diffing.differing import between, of_wires
from plcli.diffing.linechanges import Changed
from plcli.diffing.textchanges import Row, first_change, text_changes
from plcli.exchange import Target, canonical, key_of
from plcli.media import Json
from plcli.providers.registry import PROVIDERS, adapter
from plcli.render.differences import told
from plcli.request import Request
from tests.property import gemini_wires, images_wires, wires

laws = settings(suppress_health_check=[HealthCheck.too_slow])
texts = st.lists(st.text("ab .\u0301", max_size=6), max_size=30).map("\n".join)
targets = st.sampled_from(["responses.create", "images.edit"]).flatmap(
    lambda operation: st.sampled_from(["m", "other"]).map(lambda model: Target(operation, model))
)
APIS = {
    ("openai", "responses"): wires.responses_wires,
    ("openai", "chat"): wires.chat_wires,
    ("openai", "images"): images_wires.wires,
    ("gemini", "generate_content"): gemini_wires.wires,
    ("echo", "echo"): wires.responses_wires,
}


@st.composite
def sides(draw: st.DrawFn, values: Any) -> tuple[Any, Any]:
    """Two values that are often alike: one of them may be the other with something put in its place."""
    old = draw(values)
    new = copy.deepcopy(old) if draw(st.booleans()) else draw(values)
    if isinstance(new, dict) and new and draw(st.booleans()):
        new[draw(st.sampled_from(sorted(new)))] = draw(wires.json_values)
    return old, new


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, str, tuple[Json, Target], tuple[Json, Target]]:
    (provider, api), values = draw(st.sampled_from(list(APIS.items())))
    old, new = draw(sides(values | wires.json_values))
    return provider, api, (old, draw(targets)), (new, draw(targets))


@laws
@given(case=sent())
def test_wires_have_no_differences_exactly_where_their_keys_are_equal(case: Any) -> None:
    provider, api, old, new = case
    same = key_of(provider, api, old[1], old[0]) == key_of(provider, api, new[1], new[0])
    found = of_wires(provider, api, old, new)
    assert (found == ()) is same
    for difference in found:
        assert paths.show(paths.parse(difference.path)) == difference.path
        assert "\n" not in told(difference)


@laws
@given(data=st.data(), api=st.sampled_from(["responses", "chat"]))
def test_requests_without_a_difference_have_one_key(data: st.DataObject, api: str) -> None:
    old, other = (data.draw(wires.requests(api)) for _ in range(2))
    name = data.draw(st.sampled_from(["messages", "tools", "tool_choice", "output", "params", "image", "omit"]))
    new = old._replace(**{name: getattr(other, name)})
    assert between(old, old) == ()
    if between(old, new) == ():
        assert key_of_request(old) == key_of_request(new)


def key_of_request(request: Request) -> str:
    compiled = adapter(PROVIDERS[request.provider], request.api).compile(request)
    return key_of(request.provider, request.api, compiled.target, compiled.wire)


@given(pair=sides(wires.json_values))
def test_values_have_no_differences_exactly_where_they_are_one_json(pair: tuple[Json, Json]) -> None:
    old, new = pair
    assert (list(deltas(old, new)) == []) is same_json(old, new) is (canonical(old) == canonical(new))


@given(pair=sides(wires.json_values))
def test_a_difference_tells_what_stands_at_its_place(pair: tuple[Json, Json]) -> None:
    old, new = pair
    for difference in deltas(old, new):
        if difference.kind != "removed":
            assert same_json(paths.find(new, difference.path), difference.new)
        elif "[" not in difference.path:
            assert same_json(paths.find(old, difference.path), difference.old)


@given(pair=sides(st.lists(st.sampled_from("abcdef"), max_size=30)))
def test_an_alignment_rises_on_both_sides_and_leaves_nothing_out(pair: tuple[list[str], list[str]]) -> None:
    old, new = pair
    pairs = matched(old, new)
    assert all(old[i] == new[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))
    parts = list(stretches(old, new))
    assert [i for part in parts for i in part.old] == list(range(len(old)))
    assert [j for part in parts for j in part.new] == list(range(len(new)))
    assert all(part.same != following.same for part, following in pairwise(parts))


@given(items=st.lists(st.integers(), unique=True, max_size=60), at=st.integers(0, 60), put=st.lists(st.text()))
def test_what_is_put_in_between_leaves_all_others_matched(items: list[int], at: int, put: list[str]) -> None:
    new = [*items[:at], *put, *items[at:]]
    assert len(matched(items, new)) == len(items)
    assert [one.kind for one in deltas(items, new)] == ["added"] * len(put)


@given(pair=sides(texts) | st.tuples(texts, texts))
def test_the_rows_of_two_texts_make_one_of_the_other(pair: tuple[str, str]) -> None:
    old, new = pair
    rows = list(text_changes(old, new))
    assert [row for row in rows if row.sign != " "] == [] or old != new
    assert side(rows, old, "-") == old
    assert side(rows, new, "+") == new
    if old != new:
        assert first_change(old, new)


def side(rows: list[Row], text: str, sign: str) -> str:
    """The text of a side, its lines from the rows, and those that were left out from the text itself."""
    lines, given = [], text.split("\n")
    for row in rows:
        if row.skipped:
            lines += given[len(lines) : len(lines) + row.skipped]
        elif row.sign in (" ", sign, None):
            lines.append("".join(piece.text for piece in row.pieces if piece.sign in (" ", sign)))
    return "\n".join(lines)


@given(
    old=st.none() | st.binary(max_size=60) | texts.map(str.encode),
    new=st.binary(max_size=60) | texts.map(str.encode),
    name=st.sampled_from(["x.yaml", "x.toml", "x.json", "x.md", "-"]),
    place=st.lists(st.text(max_size=3) | st.integers(0, 3), max_size=3).map(tuple),
)
def test_a_file_tells_changed_lines_that_it_has(old: bytes | None, new: bytes, name: str, place: paths.Parts) -> None:
    file = Changed(name, new, old)
    for position in (file.changed(place), file.gone(place), file.position(place)):
        if position is not None and position[0] is not None:
            assert 1 <= position[0] <= new.count(b"\n") + 1
