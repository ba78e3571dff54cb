from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from plcli.documents import parse
from plcli.errors import Problem, SpecError
from plcli.templates import Kind, check, fill, names, needed

VALUES: dict[str, Any] = {
    "city": "Paris",
    "xs": [1, 2, 3],
    "flag": True,
    "nothing": None,
    "ratio": 1.5,
    "order": {"items": 2, "keys": "k", "buyer": {"name": "Ann"}},
    "rows": [{"n": n, "name": f"r{n}"} for n in range(300)],
    "long": "word " * 20_000,
}


def filled(text: str, kind: Kind = "jinja2") -> str:
    return fill(text, VALUES, kind=kind, file="x.yaml")


def problems(text: str, kind: Kind = "jinja2", **options: Any) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as caught:
        fill(text, VALUES, kind=kind, file="x.yaml", **options)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ city }}!\n", "Hello Paris!\n"),
        ("{{ xs }} {{ flag }} {{ nothing }} {{ ratio }}", "[1,2,3] true null 1.5"),
        ("{{ order.buyer }}", '{"name":"Ann"}'),
        ("{{ 'is ' ~ flag ~ xs }}", "is true[1,2,3]"),
        ("{{ order.items }} {{ order.keys }} {{ order['buyer'].name }} {{ xs[0] }} {{ xs.1 }}", "2 k Ann 1 2"),
        (
            "{% for r in rows[:3] %}{{ loop.index }}:{{ r.name | upper }}{{ ',' if not loop.last }}{% endfor %}",
            "1:R0,2:R1,3:R2",
        ),
        ("{% for key, value in order.buyer.items() %}{{ key }}={{ value }}{% endfor %}", "name=Ann"),
        ("{% for x in xs if x > 1 %}{{ x }}{% else %}none{% endfor %}", "23"),
        ("{% for x in [] %}{% else %}none{% endfor %}", "none"),
        ("{% for x in xs %}{{ loop.cycle('a', 'b') }}{% endfor %}", "aba"),
        ("{% if flag and 2 in xs and 1 < 2 <= 2 %}yes{% elif city %}no{% endif %}", "yes"),
        ("{% set n = namespace(sum=0) %}{% for x in xs %}{% set n.sum = n.sum + x %}{% endfor %}{{ n.sum }}", "6"),
        ("{% set a %}<{{ city }}>{% endset %}{{ a }}{{ a }}", "<Paris><Paris>"),
        ("{% with a=1 %}{{ a }}{% endwith %}{% filter upper %}a{% endfilter %}", "1A"),
        (
            "{{ xs | join('-') }} {{ ', '.join(xs) }} {{ rows[:2] | join('/', attribute='name') }}",
            "1-2-3 1, 2, 3 r0/r1",
        ),
        ("{{ rows | selectattr('n', 'lt', 2) | map(attribute='name') | list }}", '["r0","r1"]'),
        (
            "{{ city.replace('a', 'o') }} {{ city | replace('P', 'p') }} {{ city.split('r') }}",
            'Poris paris ["Pa","is"]',
        ),
        (
            "{{ xs | sum }} {{ xs | max }} {{ xs | first }} {{ xs | reverse | list }} {{ xs | length }}",
            "6 3 1 [3,2,1] 3",
        ),
        (
            "{{ {'b': '<é>'} | tojson }} {{ [1] | tojson(indent=1) }} {{ city | tojson }}",
            '{"b":"<é>"} [\n 1\n] "Paris"',
        ),
        ("{{ 'a\nb' | indent(2) }} {{ 3.14159 | round(2) }} {{ '5' | int + 1 }}", "a\n  b 3.14 6"),
        (
            "{{ 7 // 2 }} {{ 7 % 2 }} {{ 2 ** 10 }} {{ 'ab' * 2 }} {{ -ratio }} {{ [0] + xs }}",
            "3 1 1024 abab -1.5 [0,1,2,3]",
        ),
        ("{{ missing | default('none') }}{% if other is defined %}{{ other }}{% endif %}", "none"),
        ("{{ '<b>' }} {{ '<b>' | e }}", "<b> &lt;b&gt;"),
        ("{% raw %}{{ city }}{% endraw %}{# gone #}", "{{ city }}"),
        ("a\r\n{{ city }}\r\n", "a\r\nParis\r\n"),
        ("{{ range(3) }}", "[0,1,2]"),
        ('{"a": {"b": 1}} {{ city }}', '{"a": {"b": 1}} Paris'),
    ],
)
def test_jinja2_fills_what_prompts_need(text: str, expected: str) -> None:
    assert check(text, "jinja2") == ()
    assert filled(text) == expected


def test_f_strings_fill_plain_names_only() -> None:
    assert filled("{city} {{x}} {xs} {flag}", "f-string") == "Paris {x} [1,2,3] true"
    assert names("{city} {{x}} {xs}", "f-string") == {"city", "xs"}
    for text in ("{city.x}", "{city[0]}", "{city!r}", "{city:>9}", "{}", "{0}", "{ city }", "{", "}", "{a{b}}"):
        (fault, *_) = check(text, "f-string")
        assert "{name}" in (fault.hint or "")
        assert problems(text, "f-string")


def test_a_value_that_is_no_json_is_a_problem_in_every_kind() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (float("nan"), float("inf"), deep, object()):
        for text, kind in (("{{ x }}", "jinja2"), ("{x}", "f-string")):
            with pytest.raises(SpecError):
                fill(text, {"x": value}, kind=kind, file="x")  # type: ignore[arg-type]


def test_many_placeholders_in_a_long_f_string_are_filled() -> None:
    assert len(filled("{city}\n" * 200_000, "f-string")) == 1_200_000


def test_kind_none_fills_nothing() -> None:
    assert filled("{{ city }} {city} {%", "none") == "{{ city }} {city} {%"
    assert names("{{ city }}", "none") == needed("{{ city }}", "none") == set()


@pytest.mark.parametrize("kind", ["jinja2", "f-string"])
def test_all_missing_names_are_reported_at_once_with_their_lines(kind: Kind) -> None:
    text = "{{ a }}\n{{ citty }}\n{{ city }}{{ a }}" if kind == "jinja2" else "{a}\n{citty}\n{city}{a}"
    first, second = problems(text, kind, path="messages[0]", locate=lambda line: (10 + line, 5))
    assert (first.line, first.column, first.path) == (11, 5, "messages[0]")
    assert "`a` has no value" in first.message
    assert "--var a=" in (first.hint or "")
    assert second.line == 12
    assert second.hint == "did you mean `city`?"


def test_a_fault_names_the_line_of_the_text_where_the_file_cannot() -> None:
    (problem,) = problems("one\ntwo {{ order.nope }}", locate=lambda line: (7, 3))
    assert problem.message == "an object has no `nope`; it has items, keys, buyer (line 2 of the text)"
    assert problem.where == "x.yaml:7:3"


def test_a_fault_in_a_literal_block_points_at_its_line() -> None:
    document = parse("prompt: |\n  one\n  {{ nope }}\n", file="x.yaml", format="yaml")
    with pytest.raises(SpecError) as caught:
        fill(document.value["prompt"], {}, file="x.yaml", locate=lambda line: document.position(("prompt",), line=line))
    assert caught.value.where == "x.yaml:3"
    assert "line" not in caught.value.message


def test_names_tell_what_a_text_uses_and_what_it_needs() -> None:
    text = "{{ a }}{% for x in xs %}{{ x }}{{ b.c }}{% endfor %}{% set d = e %}{{ d }}{{ f | d(1) }}{{ g is defined }}"
    assert names(text, "jinja2") == {"a", "xs", "b", "e", "f", "g"}
    assert needed(text, "jinja2") == {"a", "xs", "b", "e"}
    assert names("{{ range }}", "jinja2") == {"range"}
    assert names("{{ broken", "jinja2") == needed("{{ broken", "jinja2") == set()


def test_everything_unknown_is_found_at_once_with_its_line() -> None:
    faults = check("{{ a | uper }}\n{{ b is evn }}\n{% include 'x' %}{{ a.format(1) }}", "jinja2")
    assert [(fault.line, fault.message) for fault in faults] == [
        (1, "there is no filter `uper`"),
        (2, "there is no test `evn`"),
        (3, "`include` is not available in a template"),
        (3, "`format` cannot be called in a template"),
    ]
    assert faults[0].hint == "did you mean `upper`?"
    assert "content: {file" in (faults[2].hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ city", "unexpected end of template"),
        ("{{ }}", "expected an expression"),
        ("{% if %}", "expected an expression"),
        ("{% endfor %}", "unknown tag 'endfor'"),
        ("{# open", "missing end of comment tag"),
        ("{% macro a() %}{% endmacro %}", "`macro` is not available"),
        ("{% call a() %}{% endcall %}", "`call` is not available"),
        ("{% block a %}{% endblock %}", "`block` is not available"),
        ("{% extends 'a' %}", "`extends` is not available"),
        ("{% import 'a' as b %}", "`import` is not available"),
        ("{% from 'a' import b %}", "`from … import` is not available"),
        ("{% autoescape true %}{% endautoescape %}", "`autoescape` is not available"),
        ("{% for x in xs recursive %}{% endfor %}", "`for … recursive` is not available"),
        ("{{ len(xs) }}", "`len` cannot be called"),
        ("{{ upper(city) }}", "`upper` cannot be called"),
        ("{{ range(*xs) }}", "`*` and `**` are not available"),
        ("{{ city | trim(*xs) }}", "`*` and `**` are not available"),
        ("{{ range() }}", "`range` cannot be called"),
        ("{{ xs.append(1) }}", "`append` cannot be called"),
        ("{{ city.__class__ }}", "text has no `__class__`"),
        ("{{ city['__class__'] }}", "text has no `__class__`"),
        ("{{ city | attr('__class__') }}", "there is no filter `attr`"),
        ("{{ xs | map(attribute='__class__') | list }}", "unsafe"),
        ("{{ self.__init__ }}", "has no `__init__`"),
        ("{% for x in xs %}{{ loop._iterator }}{% endfor %}", "has no `_iterator`"),
        ("{% for x in xs %}{{ loop }}{% endfor %}", "cannot print"),
        ("{{ namespace(a=1) }}", "cannot print"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", "can only concatenate"),
        ("{{ '%s' % 1 }}", "`%` does not format text"),
        ("{% for x in 5 %}{% endfor %}", "cannot loop over a number"),
        ("{{ city.items() }}", "text has no method `items`"),
        ("{{ city | dictsort }}", "`dictsort` does not take text"),
        ("{{ city | round }}", "cannot round text"),
        ("{{ xs | round(9, 'ceil') }}", "cannot round a list"),
        ("{{ xs[9] }}", "a list has no `9`"),
        ("{{ {} .a }}", "an object has no `a`; it is empty"),
        ("{{ 1e400 }}", "too large"),
        ("{{ 1e308 * 10 }}", "out of range"),
    ],
)
def test_what_a_template_cannot_do_is_a_problem(text: str, message: str) -> None:
    assert message in problems(text)[0].message


STATE = "{% set ns = namespace(a=['x'], s='x' * 100) %}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 300000000 }}",
        "{{ [0] * 300000000 }}",
        "{{ 300000000 * 'a' }}",
        "{{ 9 ** 9999999 }}",
        "{{ 2 ** 4000 * 2 ** 4000 }}",
        "{{ 1.5 ** 99999 }}",
        "{{ ('f' * 100000) | int(base=16) }}",
        "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}",
        "{% for i in range(10000) %}{{ long }}{% endfor %}",
        "{% for i in range(10000) %}" + "{% if flag %}{% endif %}" * 900 + "{% endfor %}",
        "{% set q %}{% for i in range(10000) %}" + "x" * 900_000 + "{% endfor %}{% endset %}",
        "{% for a in xs %}" * 15 + "{% endfor %}" * 15,
        STATE + "{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        STATE + "{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        STATE + "{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}",
        STATE + "{% for i in range(60) %}{% set ns.a = {'a': ns.a, 'b': ns.a} %}{% endfor %}",
        STATE + "{% for i in range(10000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a | tojson(indent=8) }}",
        STATE + "{% for i in range(900) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}{{ ns.a == [ns.a] }}" * 900,
        "{{ 'a' | indent(999999999) }}",
        "{{ 'a' | indent(long) }}",
        "{{ 1.5 | round(99999999, 'ceil') }}",
        "{{ long | replace('', long) }}",
        "{{ long.replace('', long) }}",
        "{{ long | join(long) }}",
        "{{ long.join(long) }}",
        "{{ xs | tojson(indent=99999999) }}",
        "{{ range(999999999) }}",
        "{{ range(10 ** 30) }}",
        "{{ xs | map('(loop)', -1000000) | list }}",
        "{{ [long] * 100000 }}",
        "{{ long | e | e }}" * 100,
        "{% for i in range(10000) %}{% set y = long.split() %}{% endfor %}",
        "{% for i in range(10000) %}{% if long == long ~ 'x' %}{% endif %}{% endfor %}",
        "{% for i in range(10000) %}{% if rows | sort(attribute='name') %}{% endif %}{% endfor %}",
        "{{ " + "(" * 9_000,
        "{{ " + "[" * 9_000,
        "{{ " + "-" * 15_000 + "1 }}",
        "{{ 1" + " + 1" * 4_000 + " }}",
        "{{ 1" + " ~ 1" * 400_000 + " }}",
        "{{ city" + ".a" * 9_000 + " }}",
        "{{ city" + " | upper" * 6_000 + " }}",
        "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
        "{% for x in xs %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "9" * 900_000 + " }}",
        "{{" * 500_000,
        "{# " * 300_000,
        "{% raw %}" * 100_000,
        "{{ 1 }}" * 150_000,
        "a" * 2_000_000 + "{{ city }}",
    ],
)
def test_a_hostile_template_ends_in_a_problem(text: str) -> None:
    assert problems(text)[0].message


def test_large_values_and_many_rows_are_no_abuse() -> None:
    text = (
        "{% for row in rows %}{{ loop.index }}/{{ rows | length }} {{ row.name | upper }} {{ rows[0].n }}\n{% endfor %}"
    )
    many = [{"n": n, "name": f"r{n}"} for n in range(10_000)]
    assert fill(text, {"rows": many}, file="x").count("\n") == 10_000
    assert len(fill("{{ text }}", {"text": "x" * 4_000_000}, file="x")) == 4_000_000


def test_text_without_marks_does_not_import_jinja2() -> None:
    code = (
        "import sys; from plcli.templates import fill; "
        "fill('a {b} }}', {}, file='x'); fill('{a}', {'a': 1}, kind='f-string', file='x'); "
        "print(sorted({'jinja2', 'rapidfuzz', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
