"""The requests that the lane takes, what it leaves to the application behind, and the bodies and signatures it accepts."""

import asyncio
from typing import Any

import pytest
from django.urls import NoReverseMatch, clear_url_caches

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppWebhookLog
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.webhooks.asgi_caller import call, nothing_behind, scope
from tests.webhooks.lane_caller import PATH, bodies, kept
from tests.webhooks.posting import SECRET, url

pytestmark = pytest.mark.usefixtures("hints_at_once")


def test_everything_else_goes_to_the_application_behind_untouched() -> None:
    seen: list[Any] = []

    async def behind(*arguments: Any) -> None:
        seen.append(arguments)

    async def nothing(*arguments: Any) -> Any:
        raise AssertionError

    lane = webhook_lane(behind)
    scopes: list[dict[str, Any]] = [
        {"type": "lifespan", "asgi": {"version": "3.0"}},
        {"type": "websocket", "path": PATH, "headers": []},
        scope("POST", "/whatsapp/webhook"),
        scope("POST", "/whatsapp/webhook/x"),
        scope("GET", "/"),
    ]

    async def run() -> None:
        for each in scopes:
            await lane(each, nothing, nothing)

    asyncio.run(run())
    assert [arguments[0] for arguments in seen] == scopes
    assert all(arguments[0] is each for arguments, each in zip(seen, scopes, strict=True))
    assert all(arguments[1:] == (nothing, nothing) for arguments in seen)


def test_the_address_is_that_of_the_urlconf_under_whatever_prefix(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    assert url() == PATH
    lane = webhook_lane(nothing_behind)
    body = bodies(1)[0]
    headers = {"X-Hub-Signature-256": sign(SECRET, body)}

    async def run() -> int:
        answer = await call(lane, "POST", f"/shop{PATH}", body, headers=headers, root_path="/shop")
        return answer.status_code

    assert asyncio.run(run()) == 200


def test_a_given_address_needs_no_urlconf(account: WhatsAppAccount, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.webhooks.no_urls"
    clear_url_caches()
    with pytest.raises(NoReverseMatch):
        webhook_lane(nothing_behind)
    lane = webhook_lane(nothing_behind, "/hook")
    assert asyncio.run(call(lane, "PUT", "/hook")).status_code == 405


# Bodies


def test_a_body_in_many_pieces_is_one(account: WhatsAppAccount, by_the_worker: None) -> None:
    body = bodies(1)[0]
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    headers = {"X-Hub-Signature-256": sign(SECRET, body)}
    assert (
        asyncio.run(call(webhook_lane(nothing_behind), "POST", PATH, pieces, headers=headers)).status_code
        == 200
    )
    assert kept() == [body]


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_read_no_further(
    account: WhatsAppAccount, settings: Any, announced: bool
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_MAX_BYTES": 1000}
    read = 0
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 400
        return {"type": "http.request", "body": b"x" * 400, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [("Content-Length", "400000")] if announced else []
    asyncio.run(_in_lane(scope("POST", PATH, headers), receive, send))
    assert (sent[0]["status"], read) == (413, 0 if announced else 1200)
    assert kept() == []


async def _in_lane(*arguments: Any) -> None:
    await webhook_lane(nothing_behind)(*arguments)


def test_a_client_that_goes_before_its_body_has_come_is_answered_nothing(account: WhatsAppAccount) -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(_in_lane(scope("POST", PATH), receive, send))
    assert (sent, kept()) == ([], [])


def test_two_signatures_are_none(account: WhatsAppAccount) -> None:
    body = bodies(1)[0]
    name = "X-Hub-Signature-256"
    twice = scope("POST", PATH, [(name, sign(SECRET, body)), (name, sign("other", body))])
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(_in_lane(twice, receive, send))
    assert (sent[0]["status"], kept()) == (403, [])


def test_a_signature_that_cannot_be_one_does_not_spoil_its_group(
    account: WhatsAppAccount, by_the_worker: None, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "APP_SECRET": "", "ALLOW_UNSIGNED_WEBHOOKS": True}
    odd = ["x" * 5000, "a\x00b", "sha256=" + "Z" * 64, ""]

    async def run() -> list[int]:
        lane = webhook_lane(nothing_behind)
        given = [call(lane, "POST", PATH, b"{}", headers={"X-Hub-Signature-256": each}) for each in odd]
        return [answer.status_code for answer in await asyncio.gather(*given)]

    assert asyncio.run(run()) == [200] * 4
    assert set(WhatsAppWebhookLog.objects.values_list("signature", flat=True)) == {""}
