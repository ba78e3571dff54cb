from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcli.errorbodies import MESSAGE_LIMIT
from plcli.errors import Exit
from plcli.failures import EXIT_OF_KIND, CallFailed, classify, failed


def openai(message: str = "no", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": None, "param": None, "code": None, **fields}}


def violation(quota: Any) -> dict[str, Any]:
    return {"@type": "QuotaFailure", "violations": ["odd", {"quotaId": quota}]}


def gemini(code: int, status: str, message: str = "no", details: Any = ()) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


def say(status: int, body: Any = "", **headers: str) -> CallFailed:
    return classify(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (307, "", "protocol", False),
        (400, openai(), "invalid", False),
        (400, openai(code="model_not_found"), "not_found", False),
        (400, openai(code="moderation_blocked", type="image_generation_user_error"), "safety", False),
        (400, openai(code="content_policy_violation"), "safety", False),
        (400, openai(code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}), "safety", False),
        (400, openai(code=None, innererror={"code": "ResponsibleAIPolicyViolation"}), "safety", False),
        (400, openai(code="contentFilter"), "safety", False),
        (400, openai(code="InputImageSensitiveContentDetected.PrivacyInformation", type="BadRequest"), "safety", False),
        (400, openai(code="data_inspection_failed"), "safety", False),
        (422, openai("NSFW content detected", code="nsfw"), "safety", False),
        (
            400,
            {"code": "Client specified …", "error": "Generated image rejected by content moderation."},
            "safety",
            False,
        ),
        (400, openai("litellm.ContentPolicyViolationError: no", code="400"), "safety", False),
        (403, openai("Your input was flagged", code=403), "safety", False),
        (400, gemini(400, "INVALID_ARGUMENT", "It violates Google's Responsible AI practices."), "safety", False),
        (401, openai("the safety system has no such key"), "auth", False),
        (400, openai("Invalid value: 'x'", code="invalid_value", param="moderation"), "invalid", False),
        (400, openai(code="billing_hard_limit_reached"), "quota", False),
        (400, gemini(400, "INVALID_ARGUMENT"), "invalid", False),
        (400, gemini(400, "INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}]), "auth", False),
        (400, openai("Incorrect API key provided.", code="invalid-argument"), "auth", False),
        (401, openai(code="invalid_api_key"), "auth", False),
        (402, "", "quota", False),
        (403, openai(), "permission", False),
        (404, openai(), "not_found", False),
        (408, "", "timeout", True),
        (409, "", "server", True),
        (413, "", "invalid", False),
        (422, {"detail": "no"}, "invalid", False),
        (429, openai(code="rate_limit_exceeded"), "rate_limit", True),
        (429, openai(code="insufficient_quota", type="insufficient_quota"), "quota", False),
        (429, gemini(429, "RESOURCE_EXHAUSTED"), "rate_limit", True),
        (429, gemini(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: x, limit: 0, model: m"), "quota", False),
        (429, gemini(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: x, limit: 0.5"), "rate_limit", True),
        (429, gemini(429, "RESOURCE_EXHAUSTED", details=[violation("RequestsPerDayPerModel")]), "quota", False),
        (429, gemini(429, "RESOURCE_EXHAUSTED", details=[violation("RequestsPerMinute")]), "rate_limit", True),
        (429, gemini(429, "RESOURCE_EXHAUSTED", details=[violation(3), {"violations": "odd"}]), "rate_limit", True),
        (403, gemini(403, "PERMISSION_DENIED", details=[{"reason": "BILLING_DISABLED"}]), "quota", False),
        (500, openai(), "server", True),
        (504, gemini(504, "DEADLINE_EXCEEDED"), "server", True),
        (503, gemini(503, "UNAVAILABLE"), "server", True),
        (529, "", "server", True),
    ],
)
def test_a_status_and_what_the_body_says_make_one_kind(status: int, body: Any, kind: str, retryable: bool) -> None:
    error = say(status, body)
    assert (error.failure.kind, error.retryable, error.failure.status) == (kind, retryable, status)
    assert error.exit == EXIT_OF_KIND[kind]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (openai("Incorrect API key"), "Incorrect API key"),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"object": "error", "message": "too long", "type": "BadRequestError", "param": None, "code": 400}, "too long"),
        ({"detail": "Not Found"}, "Not Found"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "busy"}}},
            "Provider returned error: busy",
        ),
        ({"error": {"message": "no", "metadata": {"raw": {"odd": 1}}}}, "no"),
        (
            {"detail": [{"loc": ["body", "model"], "msg": "field required"}, {"loc": [0], "msg": "bad"}]},
            "body.model: field required; 0: bad",
        ),
        (gemini(400, "INVALID_ARGUMENT", "wrong schema"), "wrong schema"),
        ([gemini(400, "INVALID_ARGUMENT", "wrong schema")], "wrong schema"),
        ("plain\n text ", "plain text"),
        ("<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>", "502 Bad Gateway"),
        ("<p>Nothing <b>here</b></p>", "Nothing here"),
        ({"error": {"unknown": 1}}, '{"error": {"unknown": 1}}'),
        ({"error": None}, '{"error": null}'),
        ("", "the server answered 400"),
        (None, "the server answered 400"),
        ([], "[]"),
    ],
)
def test_the_message_is_found_in_bodies_of_every_habit(body: Any, message: str) -> None:
    assert say(400, body).failure.message == message


def test_code_type_param_and_request_id_are_kept() -> None:
    failure = say(400, openai(code="c", type="t", param="p"), X_Request_Id="req_1").failure
    assert (failure.code, failure.type, failure.param, failure.request_id) == ("c", "t", "p", "req_1")
    failure = say(429, gemini(429, "RESOURCE_EXHAUSTED", details=[{"reason": "RATE_LIMIT_EXCEEDED"}])).failure
    assert (failure.code, failure.type) == ("RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED")
    assert say(400, openai(code=400)).failure.code is None
    assert say(400, openai(code=1211)).failure.code == "1211"


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry_after_ms": "1500", "retry_after": "9"}, "", 1.5),
        ({"retry_after": "2.5"}, "", 2.5),
        ({"retry_after": "-1"}, "", None),
        ({"retry_after": "nan"}, "", None),
        ({"retry_after": "inf"}, "", None),
        ({"retry_after": "soon"}, "", None),
        ({"retry_after": "Fri, 31 Dec 1999 23:59:59 GMT"}, "", 0.0),
        ({}, gemini(429, "X", details=[{"@type": "RetryInfo", "retryDelay": "48.9s"}]), 48.9),
        ({}, gemini(429, "X", details=[{"retryDelay": "-3s"}]), None),
        ({}, gemini(429, "X", details=[{"retryDelay": 3}, "odd"]), None),
        ({}, gemini(429, "X", "Please retry in 48.902s."), 48.902),
        ({}, openai("Rate limit reached. Please try again in 20ms. Visit …"), 0.02),
        ({}, openai("Please try again in 1m30.5s."), 90.5),
        ({}, openai("Please retry after 6 seconds."), 6.0),
        ({}, openai("Please try again in 2 minutes."), 120.0),
        ({}, openai("Please try again in 10 milliseconds"), 0.01),
        ({}, openai("Please try again in a moment"), None),
    ],
)
def test_the_wait_is_read_from_headers_and_bodies(headers: dict[str, str], body: Any, seconds: float | None) -> None:
    waited = say(429, body, **headers).failure.retry_after
    assert waited == (None if seconds is None else pytest.approx(seconds))


def test_a_date_to_retry_after_becomes_seconds() -> None:
    then = datetime.now(UTC) + timedelta(seconds=100)
    waited = say(503, "", Retry_After=then.strftime("%a, %d %b %Y %H:%M:%S GMT")).failure.retry_after
    assert waited is not None
    assert 90 < waited <= 100


def test_x_should_retry_overrules_the_status() -> None:
    assert say(400, openai(), x_should_retry="true").retryable
    assert not say(500, openai(), x_should_retry="false").retryable
    assert say(500, openai(), x_should_retry="maybe").retryable


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (
            400,
            openai(
                "Function tools with reasoning_effort are not supported for gpt-6 in /v1/chat/completions. "
                "Please use /v1/responses instead."
            ),
            "api: responses",
        ),
        (400, openai(code="unsupported_parameter", param="temperature"), "omit"),
        (401, openai(), "OPENAI_API_KEY"),
        (400, gemini(400, "X", details=[{"reason": "API_KEY_INVALID"}]), "GEMINI_API_KEY"),
        (400, gemini(400, "X", "Function call is missing a thought_signature in parts."), "as they came"),
        (401, gemini(401, "X", details=[{"reason": "ACCESS_TOKEN_EXPIRED"}]), "print-access-token"),
        (403, gemini(403, "X", "Your API key was reported as leaked."), "new key"),
        (404, gemini(404, "NOT_FOUND", "Publisher Model `projects/p/locations/r/…` not found."), "vertex.location"),
        (404, gemini(404, "NOT_FOUND", "Not found: cache content metadata 1."), "body.cachedContent"),
        (403, gemini(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)"), "body.cachedContent"),
        (400, gemini(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), "Vertex"),
        (404, gemini(404, "NOT_FOUND"), "api_version"),
        (404, openai(), "model id"),
        (404, "<html>Not found</html>", "/v1"),
        (404, openai("The API deployment does not exist.", code="DeploymentNotFound"), "azure.deployment"),
        (401, openai("Access denied due to invalid subscription key", code="401"), "api_key_env"),
        (400, openai("API version not supported", code="BadRequest"), "api_version"),
        (400, openai("Unrecognized request argument supplied: stream_options"), "stream: {usage: false}"),
        (422, {"detail": [{"loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]}, "omit"),
        (500, openai("Unsupported param: tools", type="server_error"), "leave `tools` out"),
        (405, {"detail": "Method Not Allowed"}, "base_url"),
        (302, "", "base_url"),
    ],
)
def test_the_hint_says_what_to_change(status: int, body: Any, hint: str) -> None:
    assert hint in (say(status, body).hint or "")


def test_azure_says_what_its_filter_found() -> None:
    results = {"hate": {"filtered": False}, "jailbreak": {"filtered": True, "detected": True}, "odd": 1}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results}
    failure = say(400, openai("The prompt was filtered", code="content_filter", innererror=inner)).failure
    assert (failure.kind, failure.message) == ("safety", "The prompt was filtered (filtered: jailbreak)")
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": results, "revised_prompt": "A fox"}
    failure = say(400, openai("Your request was rejected", code="content_policy_violation", inner_error=inner)).failure
    assert (failure.kind, failure.message) == ("safety", "Your request was rejected (filtered: jailbreak)")


def test_a_server_may_name_its_error_and_explain_it_beside() -> None:
    assert say(500, {"error": "server_error", "message": "no result"}).failure.message == "server_error: no result"
    assert say(400, {"error": "prompt required"}).failure.message == "prompt required"


def test_a_place_inside_a_list_is_no_option_to_leave_out() -> None:
    assert say(400, openai(code="unsupported_value", param="messages[0].role")).hint is None


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://evil.example/path?token=secret", "evil.example"),
        ("https://user:secret@evil.example:8443/", "evil.example"),
        ("/secret/login", "another path"),
        ("http://[secret", "another path"),
        ("", "another path"),
    ],
)
def test_a_redirect_names_the_other_host_only(location: str, named: str) -> None:
    message = say(307, "", Location=location).failure.message
    assert named in message
    assert "secret" not in message


def test_messages_are_bounded() -> None:
    assert len(say(400, openai("x" * 10**6)).failure.message) == MESSAGE_LIMIT
    assert len(say(400, "<html>" + "x" * 10**6).failure.message) <= MESSAGE_LIMIT
    assert len(say(400, openai(code="c" * 10**6)).failure.code or "") <= MESSAGE_LIMIT


@pytest.mark.parametrize("piece", ["<", "<title", "try again in ", "try again in 1m", "retry in 1", " \n", "ms"])
def test_no_body_makes_reading_slow(piece: str) -> None:
    started = time.perf_counter()
    say(429, piece * 200_000)
    say(429, openai(piece * 200_000))
    assert time.perf_counter() - started < 2


def test_half_a_surrogate_pair_does_no_harm() -> None:
    failure = say(400, openai("a\ud800b", code="\ud800")).failure
    assert failure.message == "a?b"
    failure.model_dump_json().encode("utf-8")


def test_a_failure_without_a_status_is_unavailable_and_not_retried_by_itself() -> None:
    error = failed("connection", "connection refused by h:1", "is the server running?")
    assert (error.exit, error.retryable, error.hint) == (Exit.UNAVAILABLE, False, "is the server running?")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "code",
                    "status",
                    "type",
                    "param",
                    "details",
                    "detail",
                    "innererror",
                    "loc",
                    "msg",
                    "retryDelay",
                    "reason",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "location", "x-request-id"]),
    st.text(max_size=30),
)


@settings(deadline=None, max_examples=100)
@given(st.integers(100, 999), JSON, HEADERS)
def test_no_body_breaks_the_reading(status: int, body: Any, headers: dict[str, str]) -> None:
    error = classify(status, body, headers)
    assert error.failure.kind in EXIT_OF_KIND
    assert error.failure.message
    wait = error.failure.retry_after
    assert wait is None or wait >= 0
    json.loads(error.failure.model_dump_json())


@pytest.mark.parametrize(("asked", "hint"), [("5", "more --retries"), ("3600", "wait 3600 s")])
def test_the_hint_of_a_rate_limit_knows_a_long_wait(asked: str, hint: str) -> None:
    assert hint in str(classify(429, {}, {"Retry-After": asked}).failure.hint)


@pytest.mark.parametrize(
    ("details", "end"),
    [
        (
            {"moderation_stage": "output", "categories": ["violence", "sexual"]},
            " (found in the output: violence, sexual)",
        ),
        ({"moderation_stage": "input"}, " (found in the input)"),
        ({"categories": ["violence", 3, None]}, " (found: violence)"),
        ({"moderation_stage": ["x"], "categories": {"a": 1}}, ""),
        ("everything", ""),
        (None, ""),
    ],
)
def test_a_block_says_where_and_what_was_found(details: Any, end: str) -> None:
    error = {"message": "No.", "code": "moderation_blocked", "moderation_details": details}
    failure = classify(400, {"error": error}, {}).failure
    assert (failure.kind, failure.message) == ("safety", f"No.{end}")
