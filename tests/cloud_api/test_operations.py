"""Operations describe the requests that Meta documents, and read its answers leniently."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from django_meta_whatsapp.cloud_api import content as c
from django_meta_whatsapp.cloud_api.calls import MESSAGE, READ, WRITE, Call, FilePart
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.operations import (
    blocking,
    business,
    catalog,
    media,
    messages,
    signups,
    templates,
)
from tests.cloud_api.operation_words import PHONE, SIGNUP, WABA

FILE = FilePart(io.BytesIO(b"abc"), 3, "a.pdf", "application/pdf")

# method, path, kind, query, body
REQUESTS: list[tuple[Call[Any], tuple[str, str, str, dict[str, str], Any]]] = [
    (
        messages.mark_as_read(PHONE, "wamid.X"),
        (
            "POST",
            f"{PHONE}/messages",
            WRITE,
            {},
            {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.X"},
        ),
    ),
    (
        messages.mark_as_read(PHONE, "wamid.X", typing=True),
        (
            "POST",
            f"{PHONE}/messages",
            WRITE,
            {},
            {
                "messaging_product": "whatsapp",
                "status": "read",
                "message_id": "wamid.X",
                "typing_indicator": {"type": "text"},
            },
        ),
    ),
    (
        templates.list_templates(WABA, fields="name", name="order", status="APPROVED"),
        (
            "GET",
            f"{WABA}/message_templates",
            READ,
            {"limit": "100", "fields": "name", "name": "order", "status": "APPROVED"},
            None,
        ),
    ),
    (templates.get_template("9", fields="id"), ("GET", "9", READ, {"fields": "id"}, None)),
    (
        templates.create_template(WABA, {"name": "n"}),
        ("POST", f"{WABA}/message_templates", WRITE, {}, {"name": "n"}),
    ),
    (
        templates.edit_template("9", {"category": "UTILITY"}),
        ("POST", "9", WRITE, {}, {"category": "UTILITY"}),
    ),
    (
        templates.delete_template(WABA, "order"),
        ("DELETE", f"{WABA}/message_templates", WRITE, {"name": "order"}, None),
    ),
    (
        templates.delete_template(WABA, "order", "9"),
        ("DELETE", f"{WABA}/message_templates", WRITE, {"name": "order", "hsm_id": "9"}, None),
    ),
    (templates.unpause_template("9"), ("POST", "9/unpause", WRITE, {}, None)),
    (media.upload(PHONE, FILE), ("POST", f"{PHONE}/media", WRITE, {}, None)),
    (media.media_url("5"), ("GET", "5", READ, {}, None)),
    (media.media_url("5", PHONE), ("GET", "5", READ, {"phone_number_id": PHONE}, None)),
    (media.delete_media("5", PHONE), ("DELETE", "5", WRITE, {"phone_number_id": PHONE}, None)),
    (
        media.start_upload("app1", "a.pdf", 3, "application/pdf"),
        (
            "POST",
            "app1/uploads",
            WRITE,
            {"file_name": "a.pdf", "file_length": "3", "file_type": "application/pdf"},
            None,
        ),
    ),
    (
        media.upload_chunk("upload:MTph=?sig=AR_1", FILE, offset=7),
        ("POST", "upload:MTph%3D", WRITE, {"sig": "AR_1"}, None),
    ),
    (
        blocking.block(PHONE, ["+15550001111", "US.13491208655302741918"]),
        (
            "POST",
            f"{PHONE}/block_users",
            WRITE,
            {},
            {
                "messaging_product": "whatsapp",
                "block_users": [{"user": "+15550001111"}, {"user_id": "US.13491208655302741918"}],
            },
        ),
    ),
    (
        blocking.unblock(PHONE, ["+15550001111"]),
        (
            "DELETE",
            f"{PHONE}/block_users",
            WRITE,
            {},
            {"messaging_product": "whatsapp", "block_users": [{"user": "+15550001111"}]},
        ),
    ),
    (
        blocking.blocked_users(PHONE, 50, "cur"),
        ("GET", f"{PHONE}/block_users", READ, {"limit": "50", "after": "cur"}, None),
    ),
    (signups.create_signup(WABA, **SIGNUP), ("POST", f"{WABA}/signups", WRITE, {}, SIGNUP)),
    (
        signups.create_signup(WABA, **SIGNUP, accept_terms=True, promo_code="X1"),
        (
            "POST",
            f"{WABA}/signups",
            WRITE,
            {},
            {**SIGNUP, "promo_code": "X1", "policy": {"tos": signups.TERMS_URL, "accepted": True}},
        ),
    ),
    (
        signups.update_signup("7", promo_code="X2", status="DISABLED"),
        ("POST", "signups/7", WRITE, {}, {"promo_code": "X2", "status": "DISABLED"}),
    ),
    (signups.get_signup("7"), ("GET", "signups/7", READ, {"fields": signups.SIGNUP_FIELDS}, None)),
    (
        signups.list_signups(WABA, limit=10),
        ("GET", f"{WABA}/signups", READ, {"limit": "10", "fields": signups.SIGNUP_FIELDS}, None),
    ),
    (
        catalog.products("C1", 10, "cur"),
        ("GET", "C1/products", READ, {"limit": "10", "after": "cur", "fields": catalog.PRODUCT_FIELDS}, None),
    ),
    (catalog.commerce_settings(PHONE), ("GET", f"{PHONE}/whatsapp_commerce_settings", READ, {}, None)),
    (
        catalog.update_commerce_settings(PHONE, is_cart_enabled=False),
        ("POST", f"{PHONE}/whatsapp_commerce_settings", WRITE, {"is_cart_enabled": "false"}, None),
    ),
    (business.phone_number(PHONE, fields="id"), ("GET", PHONE, READ, {"fields": "id"}, None)),
    (
        business.phone_numbers(WABA, fields="id"),
        ("GET", f"{WABA}/phone_numbers", READ, {"limit": "100", "fields": "id"}, None),
    ),
    (business.waba(WABA, fields="id"), ("GET", WABA, READ, {"fields": "id"}, None)),
    (
        business.register(PHONE, "123456", data_localization_region="IN"),
        (
            "POST",
            f"{PHONE}/register",
            WRITE,
            {},
            {"messaging_product": "whatsapp", "pin": "123456", "data_localization_region": "IN"},
        ),
    ),
    (
        business.deregister(PHONE),
        ("POST", f"{PHONE}/deregister", WRITE, {}, {"messaging_product": "whatsapp"}),
    ),
    (
        business.request_code(PHONE, method="VOICE"),
        ("POST", f"{PHONE}/request_code", WRITE, {}, {"code_method": "VOICE", "language": "en_US"}),
    ),
    (
        business.verify_code(PHONE, "123-456"),
        ("POST", f"{PHONE}/verify_code", WRITE, {}, {"code": "123456"}),
    ),
    (
        business.business_profile(PHONE),
        ("GET", f"{PHONE}/whatsapp_business_profile", READ, {"fields": business.PROFILE_FIELDS}, None),
    ),
    (
        business.update_business_profile(PHONE, {"about": "Mugs"}),
        (
            "POST",
            f"{PHONE}/whatsapp_business_profile",
            WRITE,
            {},
            {"messaging_product": "whatsapp", "about": "Mugs"},
        ),
    ),
    (business.subscribed_apps(WABA), ("GET", f"{WABA}/subscribed_apps", READ, {}, None)),
    (business.subscribe_app(WABA), ("POST", f"{WABA}/subscribed_apps", WRITE, {}, {})),
    (
        business.subscribe_app(WABA, callback_url="https://x.example/w", verify_token="v"),
        (
            "POST",
            f"{WABA}/subscribed_apps",
            WRITE,
            {},
            {"override_callback_uri": "https://x.example/w", "verify_token": "v"},
        ),
    ),
    (business.unsubscribe_app(WABA), ("DELETE", f"{WABA}/subscribed_apps", WRITE, {}, None)),
    (business.debug_token("tok"), ("GET", "debug_token", READ, {"input_token": "tok"}, None)),
    (business.health_status("9"), ("GET", "9", READ, {"fields": "health_status"}, None)),
]


@pytest.mark.parametrize(
    ("call", "expected"), REQUESTS, ids=[f"{n}-{call.path}" for n, (call, _) in enumerate(REQUESTS)]
)
def test_a_call_is_what_meta_documents(
    call: Call[Any], expected: tuple[str, str, str, dict[str, str], Any]
) -> None:
    assert (call.method, call.path, call.kind, call.query, call.body) == expected


def test_an_upload_carries_the_file_and_its_type() -> None:
    call = media.upload(PHONE, FILE)
    assert (call.form, call.file) == ({"messaging_product": "whatsapp", "type": "application/pdf"}, FILE)
    assert call.parse({"id": 900}) == "900"


def test_a_resumable_upload_sends_the_bytes_alone_and_gives_a_handle() -> None:
    call = media.upload_chunk("upload:MTph", FILE, offset=7)
    assert (call.raw, call.file, call.headers) == (FILE, None, {"file_offset": "7"})
    assert (call.auth_scheme, call.parse({"h": "4::aW"})) == ("OAuth", "4::aW")
    assert media.start_upload("1", "a", 1, "image/png").parse({"id": "upload:MTph"}) == "upload:MTph"


@pytest.mark.parametrize(
    ("filename", "given", "sent"),
    [
        ("note.M4A", "application/octet-stream", "audio/mp4"),
        ("note", "audio/x-m4a", "audio/mp4"),
        ("note", "Audio/M4A", "audio/mp4"),
        ("note.mp3", "audio/mpeg", "audio/mpeg"),
    ],
)
def test_m4a_recordings_go_as_mp4(filename: str, given: str, sent: str) -> None:
    assert media.uploadable_type(filename, given) == sent


def test_a_message_is_sent_once_and_carries_what_belongs_to_it() -> None:
    call = messages.send_message(
        PHONE, "+15550001111", c.Text("hi"), reply_to="wamid.Q", callback_data="dmw1.abc"
    )
    assert (call.method, call.path, call.kind) == ("POST", f"{PHONE}/messages", MESSAGE)
    assert call.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+15550001111",
        "type": "text",
        "text": {"body": "hi", "preview_url": False},
        "context": {"message_id": "wamid.Q"},
        "biz_opaque_callback_data": "dmw1.abc",
    }


@pytest.mark.parametrize("user", ["US.13491208655302741918", "US.ENT.11815799212886844830"])
def test_a_user_id_goes_into_its_own_field(user: str) -> None:
    body = messages.send_message(PHONE, user, c.Text("hi")).body
    assert body is not None
    assert body["recipient"] == user
    assert "to" not in body


def test_a_group_is_addressed_by_its_id() -> None:
    body = messages.send_message(PHONE, "120363", c.Text("hi"), recipient_type="group").body
    assert body is not None
    assert (body["to"], body["recipient_type"]) == ("120363", "group")


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("phone_number_id", lambda: messages.send_message("", "+15550001111", c.Text("hi"))),
        ("to", lambda: messages.send_message(PHONE, "", c.Text("hi"))),
        ("to", lambda: messages.send_message(PHONE, "15550001111", c.Text("hi"))),
        ("to", lambda: messages.send_message(PHONE, "+0155500011", c.Text("hi"))),
        ("to", lambda: messages.send_message(PHONE, "+1 555 000 1111", c.Text("hi"))),
        (
            "recipient_type",
            lambda: messages.send_message(PHONE, "+15550001111", c.Text("hi"), recipient_type="all"),
        ),
        (
            "callback_data",
            lambda: messages.send_message(PHONE, "+15550001111", c.Text("hi"), callback_data="x" * 513),
        ),
        (
            "reply_to",
            lambda: messages.send_message(PHONE, "+15550001111", c.Reaction("w", "x"), reply_to="w"),
        ),
        ("body", lambda: messages.send_message(PHONE, "+15550001111", c.Text(""))),
        ("message_id", lambda: messages.mark_as_read(PHONE, "")),
        ("waba_id", lambda: templates.delete_template("", "order")),
        ("name", lambda: templates.delete_template(WABA, "")),
        ("users", lambda: blocking.block(PHONE, [])),
        ("users", lambda: blocking.block(PHONE, ["+15550001111"] * 1001)),
        ("signup_message", lambda: signups.create_signup(WABA, **{**SIGNUP, "signup_message": ""})),
        ("signup_message", lambda: signups.create_signup(WABA, **{**SIGNUP, "signup_message": "x" * 301})),
        (
            "privacy_policy_url",
            lambda: signups.create_signup(WABA, **{**SIGNUP, "privacy_policy_url": "x.example"}),
        ),
        ("website_url", lambda: signups.create_signup(WABA, **SIGNUP, website_url="http://x.example")),
        ("promo_code", lambda: signups.create_signup(WABA, **SIGNUP, promo_code="SPRING 10")),
        (
            "promo_code",
            lambda: signups.create_signup(WABA, **{**SIGNUP, "confirmation_message": "Use {{promo_code}}"}),
        ),
        (
            "confirmation_message",
            lambda: signups.create_signup(WABA, **{**SIGNUP, "confirmation_message": "Hi {{name}}"}),
        ),
        ("status", lambda: signups.update_signup("7", status="DELETED")),
        ("signup_id", lambda: signups.get_signup("")),
        ("pin", lambda: business.register(PHONE, "12345")),
        ("method", lambda: business.request_code(PHONE, method="PIGEON")),
        ("about", lambda: business.update_business_profile(PHONE, {"about": ""})),
        ("about", lambda: business.update_business_profile(PHONE, {"about": "x" * 140})),
        (
            "websites[1]",
            lambda: business.update_business_profile(PHONE, {"websites": ["https://x.example", "x.example"]}),
        ),
        (
            "websites[0]",
            lambda: business.update_business_profile(PHONE, {"websites": ["https://" + "x" * 250]}),
        ),
        (
            "websites",
            lambda: business.update_business_profile(PHONE, {"websites": ["https://x.example"] * 3}),
        ),
        ("verify_token", lambda: business.subscribe_app(WABA, callback_url="https://x.example")),
        (
            "callback_url",
            lambda: business.subscribe_app(
                WABA, callback_url="https://x.example/" + "x" * 200, verify_token="v"
            ),
        ),
    ],
)
def test_what_meta_would_refuse_is_refused_by_name(field: str, build: Callable[[], object]) -> None:
    with pytest.raises(InvalidMessage) as caught:
        build()
    assert caught.value.field == field


def test_an_id_never_reaches_into_another_path() -> None:
    assert templates.get_template("9/../1?x=1").path == "9%2F..%2F1%3Fx%3D1"


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        ({"cursors": {"after": "abc"}, "next": "https://graph.example/x?after=abc"}, "abc"),
        ({"next": "https://graph.example/x?limit=5&after=xyz"}, "xyz"),
        ({"cursors": {"after": "abc"}}, None),
        ({"next": "https://graph.example/x"}, None),
        ({"next": 7}, None),
        (None, None),
        ("broken", None),
    ],
)
def test_a_list_ends_where_meta_names_no_next_page(paging: Any, after: str | None) -> None:
    body = {"data": [{"id": "1"}, "noise"], "paging": paging}
    page = templates.list_templates(WABA).parse(body)
    assert (page.data, page.after, page.raw) == ([{"id": "1"}], after, body)
    assert templates.list_templates(WABA).parse({"data": None}).data == []
