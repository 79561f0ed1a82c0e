"""Every number of Meta's has a class, and nothing of an error is lost on its way to the caller."""

import json
import pickle
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import errors
from django_meta_whatsapp.cloud_api.client import AsyncClient, Client
from django_meta_whatsapp.cloud_api.error_codes import (
    EXCEPTIONS,
    classify,
    error_class_of,
    error_from_envelope,
    has_code,
)
from django_meta_whatsapp.cloud_api.errors import (
    AuthError,
    DownloadRefused,
    ErrorClass,
    InvalidMessage,
    MaybeSentError,
    MetaAPIError,
    NotSentError,
    Outcome,
    RequestError,
    RetryLaterError,
    RetryNowError,
    TemplateError,
    ThrottledError,
    WhatsAppError,
)

# Meta's error pages, one list per class.
NUMBERS = {
    ErrorClass.RETRY_NOW: "1 2 130429 131000 131016 131056 131057 133004 138004 139102 139103",
    ErrorClass.RETRY_LATER: """4 17 32 613 80007 80008 80009 80014 131049 131208 131211 131214 132069 133000
        133008 133009 133015 133016 134101 136024 138002 138005 138009 138012 138013 2494100""",
    ErrorClass.RECIPIENT: """130403 130472 130497 131020 131021 131026 131030 131041 131047 131050 131062 131201
        131203 131207 131212 137000 138001 138006 138007 139100""",
    ErrorClass.TEMPLATE: """131063 132001 132007 132015 132016 132068 134100 134102 2388019 2388023 2388024
        2388039 2388040 2388047 2388072 2388073 2388293 2388299""",
    ErrorClass.ACCOUNT: """33 368 131031 131037 131042 131044 131045 131048 131064 131215 133006 133010 134011
        138000 138018 139000 139101 147002 147003 147004 147005 2388001 2388012 2388091 2388093 2388103 2494165
        2593079 2593085""",
    ErrorClass.AUTH: "0 3 10 104 131005 190 200 210 294 299",
    ErrorClass.REQUEST: """100 131008 131009 131051 131052 131053 131055 131059 131202 131204 131209 131210 131213
        132000 132005 132008 132012 132018 133005 135000 136025 138003 138019 138020 138021 138022 138023 139001
        139002 139003 139004 139006 147001 200005 200006 200007 1752041 2494164 2494166 2494167 2494168 2494176
        2494177 2494179 2593107 2593108""",
}
TABLE = [(int(number), expected) for expected, numbers in NUMBERS.items() for number in numbers.split()]

ENVELOPE: dict[str, Any] = {
    "message": "(#131008) Required parameter is missing",
    "type": "OAuthException",
    "code": 131008,
    "error_subcode": 2494010,
    "error_user_title": "A part is missing",
    "error_user_msg": "Fill in the recipient.",
    "is_transient": False,
    "error_data": {"messaging_product": "whatsapp", "details": "Parameter 'to' is mandatory."},
    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    "fbtrace_id": "AbCdEf0123456789",
}


@pytest.mark.parametrize(("number", "expected"), TABLE)
def test_every_number_of_meta_s_pages_has_its_class(number: int, expected: ErrorClass) -> None:
    assert classify(number) is expected
    assert error_class_of(number) is expected
    error = error_from_envelope({"code": number}, 400, {})
    assert type(error) is EXCEPTIONS[expected]
    assert error.error_class is expected
    assert error.title not in ("", "Meta refused this")


@pytest.mark.parametrize("number", [2388024, 2494168, 2494100, 2388091])
def test_a_known_subcode_decides_wherever_meta_puts_it(number: int) -> None:
    assert classify(100, number) is classify(number)
    assert error_from_envelope({"code": 100, "error_subcode": number}, 400, {}).matches(number)
    assert error_from_envelope({"code": number}, 400, {}).matches(number, 1)


def test_a_subcode_that_is_not_known_leaves_the_code_its_class() -> None:
    assert classify(190, 463) is ErrorClass.AUTH
    assert classify(100, 33) is ErrorClass.REQUEST
    assert classify(130429, 2494055) is ErrorClass.RETRY_NOW


@pytest.mark.parametrize("number", [199, 300, 777, -1])
def test_an_unknown_code_is_the_request_s_fault_unless_meta_calls_it_transient(number: int) -> None:
    assert classify(number) is ErrorClass.REQUEST
    assert classify(number, is_transient=True) is ErrorClass.RETRY_NOW
    assert classify(131026, is_transient=True) is ErrorClass.RECIPIENT


def test_the_whole_envelope_survives() -> None:
    error = error_from_envelope(ENVELOPE, 400, {})
    assert isinstance(error, RequestError)
    assert error.envelope == ENVELOPE
    assert error.outcome is Outcome.REJECTED
    assert (error.code, error.subcode, error.http_status) == (131008, 2494010, 400)
    assert (error.user_title, error.user_message) == ("A part is missing", "Fill in the recipient.")
    assert error.title == "Required parameter is missing"
    assert error.details == "Parameter 'to' is mandatory."
    assert error.fbtrace_id == "AbCdEf0123456789"
    assert str(error) == (
        "Required parameter is missing. Parameter 'to' is mandatory. A part is missing. Fill in the recipient. "
        "(code 131008, subcode 2494010, HTTP 400, trace AbCdEf0123456789)"
    )


@pytest.mark.parametrize(
    ("error_data", "details"),
    [("Languages differ", "Languages differ"), ({"x": 1}, ""), (None, ""), (7, "")],
)
def test_error_data_may_be_text_or_anything(error_data: object, details: str) -> None:
    error = error_from_envelope({"code": 100, "error_data": error_data}, 400, {})
    assert error.details == details
    assert error.envelope["error_data"] == error_data


def test_a_message_that_is_missing_is_replaced_by_what_the_code_means() -> None:
    assert error_from_envelope({"code": 132001}, 404, {}).title.startswith("The template does not exist")


def test_the_trace_id_is_taken_from_the_header_when_the_body_has_none() -> None:
    assert error_from_envelope({"code": 1}, 400, {"X-FB-Trace-ID": "Header1"}).fbtrace_id == "Header1"


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        (80007, {}, None),
        (80007, {"Retry-After": "30"}, 30.0),
        (80007, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        (80007, {"Retry-After": "9" * 400}, 86400.0),
        (131049, {}, 86400.0),
        (134101, {}, 600.0),
        (134101, {"Retry-After": "5"}, 600.0),
        (131008, {"Retry-After": "30"}, None),
    ],
)
def test_a_hint_to_wait_is_told_in_seconds(code: int, headers: dict[str, str], seconds: float | None) -> None:
    assert error_from_envelope({"code": code}, 400, headers).retry_after == seconds


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        ('{"111": [{"type": "whatsapp", "estimated_time_to_regain_access": 19}]}', 1140.0),
        (
            '{"1": [{"estimated_time_to_regain_access": 2}], "2": [{"estimated_time_to_regain_access": 3}]}',
            180.0,
        ),
        ('{"111": [{"call_count": 95}]}', None),
        ('{"111": []}', None),
        ("{}", None),
        ("[1]", None),
        ('{"111": 5}', None),
        ('{"111": [{"estimated_time_to_regain_access": "soon"}]}', None),
        ('{"111": [{"estimated_time_to_regain_access": NaN}]}', None),
        ('{"111": [{"estimated_time_to_regain_access": 1e999}]}', 86400.0),
        ('{"111": [{"estimated_time_to_regain_access": -5}]}', None),
        ("no json", None),
    ],
)
def test_the_usage_header_tells_when_to_come_back(usage: str, seconds: float | None) -> None:
    error = error_from_envelope({"code": 4}, 400, {"X-Business-Use-Case-Usage": usage})
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("envelope", "complete"),
    [
        ({"code": 1}, True),
        ({"code": 0}, True),
        ({"code": "131000"}, True),
        ({"code": "abc"}, False),
        ({"code": True}, False),
        ({"code": None}, False),
        ({"message": "x"}, False),
        ("error", False),
        (None, False),
    ],
)
def test_only_an_error_with_a_numeric_code_is_complete(envelope: object, complete: bool) -> None:
    assert has_code(envelope) is complete


def test_a_code_written_as_text_counts() -> None:
    assert isinstance(error_from_envelope({"code": "190"}, 401, {}), AuthError)


ALL_ERRORS = [
    error_from_envelope({**ENVELOPE, "code": code}, 400, {"Retry-After": "7"})
    for code in (1, 4, 131026, 132001, 131031, 190, 100)
] + [
    NotSentError("refused"),
    MaybeSentError("timeout", http_status=502),
    InvalidMessage("body", "at most 4096 characters"),
    DownloadRefused("too large"),
]


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_pickles_with_all_it_knows(error: WhatsAppError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert (str(copy), copy.args) == (str(error), error.args)


def test_the_tree_has_one_root_and_the_throttled_share_a_branch() -> None:
    every = [value for value in vars(errors).values() if isinstance(value, type)]
    exceptions = [value for value in every if issubclass(value, Exception)]
    assert all(issubclass(value, WhatsAppError) for value in exceptions)
    assert issubclass(RetryNowError, ThrottledError)
    assert issubclass(RetryLaterError, ThrottledError)
    assert issubclass(InvalidMessage, ValueError)
    documented = errors.__doc__ or ""
    assert [value.__name__ for value in exceptions if value.__name__ not in documented] == []


def test_every_class_has_an_exception_of_its_own() -> None:
    assert set(EXCEPTIONS) == set(ErrorClass)
    assert all(exception.error_class is error_class for error_class, exception in EXCEPTIONS.items())
    assert len(set(EXCEPTIONS.values())) == len(ErrorClass)


def test_a_maybe_sent_error_invites_nobody_to_repeat() -> None:
    error = MaybeSentError("timeout")
    assert error.outcome is Outcome.MAYBE_SENT
    assert error.error_class not in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)
    assert not isinstance(error, ThrottledError)


def test_an_error_without_numbers_reads_as_a_sentence() -> None:
    assert str(MetaAPIError("It broke")) == "It broke."
    assert str(TemplateError("Paused!", details="Paused!", code=132015)) == "Paused! (code 132015)"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_s_repr_shows_neither_token_nor_secret(kind: type[Client] | type[AsyncClient]) -> None:
    text = repr(kind("EAAtoken", app_secret="s3cret"))
    assert "EAAtoken" not in text
    assert "s3cret" not in text
    assert "graph.facebook.com" in text


@pytest.mark.parametrize("token", ["", "with space", "line\nbreak", "tökén", "nul\0"])
def test_a_token_that_cannot_be_one_is_told_at_once_and_not_shown(token: str) -> None:
    with pytest.raises(AuthError) as told:
        Client(token)
    assert not token or token not in str(told.value)
    assert json.dumps(told.value.envelope) == "{}"
