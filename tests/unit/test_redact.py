"""Secrets by value, by place and by shape; and what is none."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from plcli.errors import SpecError
from plcli.keyshapes import PatternError, pattern
from plcli.media import MediaRef, Redacted, decode, digest_of, encode
from plcli.redact import HELD_LIMIT, MARK, Redactor

KEY = "s3cr3t/va+lue=="
NOBODY = Redactor()


def test_a_known_value_is_marked_wherever_it_stands() -> None:
    redactor = Redactor([KEY])
    assert redactor.text(f"a{KEY}b {KEY}") == f"a{MARK}b {MARK}"


@pytest.mark.parametrize(
    "spelled",
    [
        quote(KEY, safe=""),
        "s3cr3t%2fva%2blue%3d%3d",
        KEY.replace("/", "\\/"),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        *(base64.b64encode(b"user:"[:n] + KEY.encode() + b":tail").decode() for n in range(4)),
        *(base64.urlsafe_b64encode(b"user:"[:n] + KEY.encode()).decode() for n in range(4)),
    ],
)
def test_a_known_value_is_found_in_other_spellings(spelled: str) -> None:
    assert MARK in Redactor([KEY]).text(f"before {spelled} after")
    assert isinstance(Redactor([KEY]).json(spelled), Redacted)


def test_a_value_with_quotes_is_found_inside_json() -> None:
    secret = 'pass"word\\wörd'
    for text in (json.dumps({"a": secret}), json.dumps({"a": secret}, ensure_ascii=False)):
        assert Redactor([secret]).text(text) == f'{{"a": "{MARK}"}}'


def test_values_that_overlap_leave_nothing() -> None:
    redactor = Redactor(["abcdefgh", "efghijkl", "abcdefghijklmnop"])
    assert redactor.text("xabcdefghijkly") == f"x{MARK}y"
    assert redactor.text("abcdefghijklmnopq") == f"{MARK}q"
    assert Redactor(["aaaaaaaa"]).text("a" * 20) == MARK


def test_short_values_are_not_looked_for() -> None:
    assert Redactor(["", " ", "1234567", "redacted"]).text("1234567 redacted") == "1234567 redacted"


def test_a_value_is_looked_for_without_the_space_around_it() -> None:
    assert Redactor([f" {KEY}\n"]).text(KEY) == MARK


def test_the_lines_of_a_value_are_found_alone() -> None:
    lines = ["MIIEpAIBAAKCAQEA0123456789", "q9Xk2Lw8Zr4Tn6Vb1Yc3", "end"]
    redactor = Redactor(["\n".join(lines)])
    assert [redactor.text(f"t: {line}\r") for line in lines] == [f"t: {MARK}\r", f"t: {MARK}\r", "t: end\r"]
    assert redactor.text("\n".join(lines)) == MARK


def test_a_redactor_learns_more() -> None:
    first = Redactor([KEY], ["corp-[0-9]{4}"])
    second = first.also(["another-value"])
    assert second.text(f"{KEY} another-value corp-1234") == f"{MARK} {MARK} {MARK}"
    assert first.text("another-value") == "another-value"


A20 = "abcdefghij0123456789"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC/+==\n-----END RSA PRIVATE KEY-----"

SECRETS = [
    f"sk-{A20}",
    f"sk-proj-{A20}_-{A20}",
    f"sk-ant-api03-{A20}",
    f"AIza{A20}{A20[:15]}",
    f"ghp_{A20}",
    f"ghs_{A20}",
    f"github_pat_{A20}",
    f"xoxb-{A20}",
    "AKIAIOSFODNN7EXAMPLE",
    f"glpat-{A20}",
    f"hf_{A20}{A20}",
    f"gsk_{A20}{A20}",
    f"npm_{A20}{A20}",
    f"pypi-{A20}{A20}{A20}",
    f"SG.{A20}.{A20}",
    f"sk_live_{A20}",
    f"rk_live_{A20}",
    f"dop_v1_{'0a' * 32}",
    JWT,
    PEM,
    PEM.replace("\n", "\\n"),
]


@pytest.mark.parametrize("secret", SECRETS)
def test_well_known_keys_are_found_by_their_shape(secret: str) -> None:
    for before, after in (("", ""), ("KEY=", "\n"), ("the key '", "' works"), ('{"a":"', '"}'), ("日本", "。")):
        shown = NOBODY.text(before + secret + after)
        assert shown == before + MARK + after
        assert isinstance(NOBODY.json([before + secret + after])[0], Redacted)


def test_a_private_key_that_is_cut_is_found_too() -> None:
    assert NOBODY.text(PEM.partition("-----END")[0] + "'") == f"{MARK}'"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Bearer {A20}", f"Bearer {MARK}"),
        (f"authorization: Basic {A20}==", f"authorization: Basic {MARK}"),
        (f'"x-api-key": "{A20}"', f'"x-api-key": "{MARK}"'),
        (f'{{\\"Authorization\\": \\"Bearer {A20}\\"}}', f'{{\\"Authorization\\": \\"Bearer {MARK}\\"}}'),
        (f"Cookie: session={A20}; b=c", f"Cookie: {MARK}; b=c"),
        ("https://h/x?key=hunter2hunter2&a=b", f"https://h/x?key={MARK}&a=b"),
        ("https://h/x?a=b&api_key=hunter2hunter2", f"https://h/x?a=b&api_key={MARK}"),
        ("https://h/x?X-Amz-Signature=0123abcd0123abcd", f"https://h/x?X-Amz-Signature={MARK}"),
        ("GET /x?access_token=hunter2hunter2#f", f"GET /x?access_token={MARK}#f"),
    ],
)
def test_secrets_are_found_by_their_place_in_a_text(text: str, shown: str) -> None:
    assert NOBODY.text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the bearer of this letter, internationally-known-1",
        "sk-fading-circle-container-element",
        "task-force-abcdefghij0123456789",
        "disk-0123456789abcdefghijkl",
        "hf_transformers_model_v2_large_0001",
        "npm_config_registry_url_2",
        "AKIA in a sentence",
        "https://h/x?key=YOUR_API_KEY",
        "https://h/x?key=$KEY&token={{ token }}&a=<key>",
        "https://h/x?key=xxxxxxxxxxxx",
        "authorization: Bearer YOUR_TOKEN_HERE",
        "Authorization: Bearer ${GATEWAY_TOKEN}",
        "a cookie: chocolate, and an API-key: ask your administrator",
        "monkey=0123456789abcdef",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "-----BEGIN CERTIFICATE-----\nMIIEow\n-----END CERTIFICATE-----",
        "gAAAAABn0_encrypted_reasoning-content_0123456789abcdefghij==",
        "call_0123456789abcdefghij msg_0123456789abcdefghij resp_0123456789abcdefghij rs_0123456789abcdef",
    ],
)
def test_what_is_no_secret_is_unchanged(text: str) -> None:
    assert NOBODY.text(text) == text
    assert NOBODY.json({"a": text}) == {"a": text}


def test_a_wire_loses_whole_strings_and_a_plain_value_the_secret_alone() -> None:
    value = {"a": [f"x {KEY}", 1, None, True, 1.5], KEY: {"b": "c"}}
    redactor = Redactor([KEY])
    wire = redactor.json(value)
    assert wire["a"] == [Redacted(digest_of(f"x {KEY}".encode())), 1, None, True, 1.5]
    assert redactor.plain(value)["a"] == [f"x {MARK}", 1, None, True, 1.5]
    assert decode(encode(wire)) == wire


def test_keys_of_objects_are_redacted_and_stay_apart() -> None:
    one, two = "first-secret-1", "second-secret-2"
    value = Redactor([one, two]).json({one: 1, f"{two}x": 2, "c": 3})
    assert list(value.values()) == [1, 2, 3]
    assert not any(secret in json.dumps(value) for secret in (one, two))


def test_tuples_of_records_are_looked_into() -> None:
    assert Redactor([KEY]).plain({"a": (KEY, "b")}) == {"a": (MARK, "b")}


def test_media_keep_their_references() -> None:
    ref = MediaRef("sha256:00", "image/png")
    named = MediaRef("sha256:00", "image/png", "data-url", prefix=f"data:image/png;name=sk-{A20};base64,")
    assert NOBODY.json([ref, named, Redacted("sha256:1")]) == [ref, Redacted("sha256:00"), Redacted("sha256:1")]


def test_credentials_of_builtin_tools_are_redacted_by_their_place() -> None:
    tool = {"type": "mcp", "authorization": "abc", "headers": {"X": "def", "Y": "${TOKEN}", "N": 1}}
    wire: dict[str, Any] = {"tools": [tool, "odd"], "authorization": "a word"}
    redacted = NOBODY.json(wire)
    assert redacted["tools"][0] == {
        "type": "mcp",
        "authorization": Redacted(digest_of(b"abc")),
        "headers": {"X": Redacted(digest_of(b"def")), "Y": "${TOKEN}", "N": 1},
    }
    assert redacted["authorization"] == "a word"
    assert NOBODY.plain(wire)["tools"][0]["authorization"] == MARK
    assert wire["tools"][0]["authorization"] == "abc"


@pytest.mark.parametrize("text", ["", "${TOKEN}", "Bearer ${TOKEN}"])
def test_an_unfilled_place_stays_so_that_it_can_be_filled_again(text: str) -> None:
    wire = {"tools": [{"authorization": text}]}
    assert NOBODY.json(wire) == wire


def test_a_schema_that_speaks_of_headers_is_no_place() -> None:
    wire = {
        "tools": [
            {
                "type": "function",
                "parameters": {"properties": {"authorization": {"type": "string"}, "headers": {"a": "b"}}},
            }
        ]
    }
    assert NOBODY.json(wire) == wire


def test_headers_are_redacted_by_name_and_by_value() -> None:
    headers = {"Authorization": "x", "X-Goog-Api-Key": "y", "Set-Cookie": "z", "x-request-id": "r", "x-echo": KEY}
    assert Redactor([KEY]).headers(headers) == {
        "Authorization": MARK,
        "X-Goog-Api-Key": MARK,
        "Set-Cookie": MARK,
        "x-request-id": "r",
        "x-echo": MARK,
    }


def test_bytes_of_text_are_marked_and_bytes_of_anything_else_are_not_kept() -> None:
    redactor = Redactor([KEY])
    clean = "clean — text".encode()
    assert redactor.bytes(clean) is clean
    assert redactor.bytes(f"key: {KEY}".encode()) == f"key: {MARK}".encode()
    assert redactor.bytes(b"\xff\x00") == b"\xff\x00"
    assert redactor.bytes(b"\xff" + KEY.encode()) is None
    assert redactor.bytes(b"\xff\xfe" + KEY.encode("utf-16-le")) is None


def test_lone_surrogates_do_no_harm() -> None:
    redactor = Redactor(["secret-\udc80-value"])
    assert redactor.text("\ud83d secret-\udc80-value") == f"\ud83d {MARK}"
    assert isinstance(redactor.json("secret-\udc80-value"), Redacted)
    assert redactor.bytes(b"\xff") == b"\xff"


def test_deep_json_does_not_end_in_a_traceback() -> None:
    value = json.loads("[" * 400 + f'"{KEY}"' + "]" * 400)
    assert KEY not in json.dumps(encode(Redactor([KEY]).json(value)))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("corp-[0-9a-f]{8}", "corp-0123abcd"),
        (r"\bACME_\w{4,40}\b", "ACME_secret"),
        ("(?:red|blue)-[^ ]{4}", "blue-1234"),
        (r"a\.b\+[\]\-]x?", "a.b+]x"),
    ],
)
def test_patterns_of_the_workspace_are_found(source: str, text: str) -> None:
    assert Redactor((), [source]).text(f"<{text}>") == f"<{MARK}>"
    assert isinstance(Redactor((), [source]).json(text), Redacted)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "a+",
        "(a+)+$",
        "(a*)*b",
        "a{1,}",
        "a{,5}",
        "(a|a){20}",
        "(?:a{1,9}){9}",
        "(?=a)a",
        "(?<!a)b",
        "(?i)a",
        "(?P<secret>a)",
        r"(a)\1",
        "^a$",
        "a?",
        "a??b",
        "a{2}{2}",
        "a{300}",
        "a" * 300,
        "[a-z]{1,200}[a-z]{1,200}",
        "a?" * 10 + "b",
        "(a|a)" * 10,
        "[a",
        "(a",
        "a)",
        "[z-a]",
        "a{5,2}",
        "\\",
        "{",
        "]",
    ],
)
def test_patterns_that_could_take_long_or_mean_nothing_are_refused(source: str) -> None:
    with pytest.raises(PatternError):
        pattern(source)


def test_refused_patterns_are_problems_of_the_workspace_file() -> None:
    with pytest.raises(SpecError) as caught:
        Redactor((), ["a+", "fine", "(b"])
    assert [(problem.file, problem.path) for problem in caught.value.problems] == [
        ("plcli.toml", "redact[0]"),
        ("plcli.toml", "redact[2]"),
    ]
    with pytest.raises(SpecError, match="more than 16"):
        Redactor((), ["a"] * 17)


@pytest.mark.parametrize(
    "secret", [KEY, *SECRETS, f"Bearer {A20}", f"x-api-key: {A20}", "https://h/?key=hunter2hunter2"]
)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_stream_marks_secrets_however_they_were_cut(secret: str, size: int) -> None:
    redactor = Redactor([KEY])
    text = f"before {secret}; after, and (more)"
    stream = redactor.stream()
    shown = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.flush()
    assert shown == redactor.text(text)
    assert MARK in shown


def test_a_stream_with_patterns_of_the_workspace_marks_them() -> None:
    redactor = Redactor((), ["corp [0-9a-f]{4,8}"])
    stream = redactor.stream()
    text = "x" * 400 + " corp 0123abcd " + "y" * 400
    assert "".join(map(stream.feed, text)) + stream.flush() == redactor.text(text)


def test_a_stream_shows_words_at_once() -> None:
    stream = Redactor(["§-secret-value"]).stream()
    assert [stream.feed(word) for word in ("Hello", " world", ". Tas", "k-1 ")] == ["Hello", " world", ". Tas", "k-1 "]


@pytest.mark.parametrize(
    "piece", ["sk-" + "a1" * 500, "-----BEGIN PRIVATE KEY-----" + "a" * 900 + "-", "?key=" + "a" * 900]
)
def test_a_stream_does_not_wait_for_ever(piece: str) -> None:
    stream = NOBODY.stream()
    shown = stream.feed(piece) + "".join(stream.feed("b" * 900 + "-") for _ in range(20))
    assert piece not in shown
    assert MARK in shown[:20]
    assert len(stream.flush()) <= HELD_LIMIT
