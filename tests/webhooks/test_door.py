"""The webhook address: the handshake, limits, and what a host's settings must not break."""

import asyncio
import io
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from tests.webhooks.posting import SECRET, encoded, inbound, post, request, text_message, url

BODY = encoded(inbound(text_message()))
TOKEN = "tests-verify-token"


def handshake(**changes: str) -> Any:
    query = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444"}
    query |= {f"hub.{name}": value for name, value in changes.items()}
    return request("GET", query=query)


@pytest.mark.usefixtures("both_doors")
def test_the_handshake_answers_the_challenge_as_plain_text(transactional_db: None) -> None:
    answer = handshake()
    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("both_doors")
def test_every_active_account_s_verify_token_is_good(account: WhatsAppAccount) -> None:
    assert account.verify_token
    assert handshake(verify_token=account.verify_token).status_code == 200
    WhatsAppAccount.objects.update(is_active=False)
    assert handshake(verify_token=account.verify_token).status_code == 403


@pytest.mark.parametrize(
    "given", ["", "wrong", TOKEN[:-1], TOKEN + "x", "whatsapp_verify", "\u00e9", "\ud800"]
)
@pytest.mark.usefixtures("both_doors")
def test_a_wrong_verify_token_is_refused(account: WhatsAppAccount, given: str) -> None:
    assert handshake(verify_token=given.encode("utf-8", "replace").decode()).status_code == 403


@pytest.mark.usefixtures("both_doors")
def test_no_token_opens_a_door_for_which_none_is_set(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "VERIFY_TOKEN": ""}
    WhatsAppAccount.objects.update(verify_token="")
    assert handshake(verify_token="").status_code == 403


@pytest.mark.parametrize("changes", [{"mode": "unsubscribe"}, {"challenge": ""}, {"challenge": "1" * 257}])
@pytest.mark.usefixtures("both_doors")
def test_a_handshake_of_the_wrong_form_is_refused(transactional_db: None, changes: dict[str, str]) -> None:
    assert handshake(**changes).status_code == 400


@pytest.mark.usefixtures("both_doors")
def test_a_challenge_is_never_a_page(transactional_db: None) -> None:
    answer = handshake(challenge="<script>alert(1)</script>")
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.usefixtures("both_doors")
def test_other_methods_are_not_allowed(method: str) -> None:
    answer = request(method)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")


@pytest.mark.usefixtures("both_doors")
def test_a_query_with_more_fields_than_django_takes_is_refused(transactional_db: None) -> None:
    assert request("GET", query={f"hub.{number}": "1" for number in range(1100)}).status_code == 400


def big(size: int) -> bytes:
    start = encoded(inbound(text_message()))
    return start + b" " * (size - len(start))


@pytest.mark.usefixtures("both_doors")
def test_a_body_of_meta_s_largest_size_is_taken_whatever_django_s_limit_is(
    account: WhatsAppAccount, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert post(big(3 * 1024 * 1024)).status_code == 200
    assert WhatsAppMessage.objects.count() == 1


@pytest.mark.usefixtures("both_doors")
def test_a_larger_body_is_refused_and_not_stored(account: WhatsAppAccount) -> None:
    assert post(big(3 * 1024 * 1024 + 1)).status_code == 413
    assert WhatsAppWebhookLog.objects.count() == 0


def test_a_body_that_ends_early_is_refused(account: WhatsAppAccount) -> None:
    class Broken(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            raise OSError("connection reset")

    request = RequestFactory().post(url(), BODY, content_type="application/json")
    request.environ["wsgi.input"] = Broken()
    started: list[str] = []
    WSGIHandler()(request.environ, lambda status, headers: started.append(status))
    assert started == ["400 Bad Request"]
    assert WhatsAppWebhookLog.objects.count() == 0


def test_no_csrf_token_is_asked_for(account: WhatsAppAccount) -> None:
    client = Client(enforce_csrf_checks=True)
    headers = {"X-Hub-Signature-256": sign(SECRET, BODY)}
    assert client.post(url(), BODY, content_type="application/json", headers=headers).status_code == 200


def test_it_works_under_asgi(account: WhatsAppAccount) -> None:
    async def deliver() -> int:
        headers = {"X-Hub-Signature-256": sign(SECRET, BODY)}
        client = AsyncClient()
        answer = await client.post(url(), BODY, content_type="application/json", headers=headers)
        await sync_to_async(connections.close_all)()
        return int(answer.status_code)

    assert asyncio.run(deliver()) == 200
    assert WhatsAppMessage.objects.count() == 1


def test_a_host_with_atomic_requests_cannot_roll_the_journal_back(
    account: WhatsAppAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    assert post(BODY).status_code == 200
    assert (WhatsAppWebhookLog.objects.get().state, WhatsAppMessage.objects.count()) == ("done", 1)


def test_the_journal_is_committed_before_anything_is_applied(account: WhatsAppAccount) -> None:
    with CaptureQueriesContext(connection) as captured:
        post(BODY)
    statements = [query["sql"] for query in captured]
    kept = next(n for n, sql in enumerate(statements) if sql.startswith("INSERT") and "webhooklog" in sql)
    assert statements[kept + 1].startswith(("COMMIT", "RELEASE"))
    assert not any("whatsappmessage" in sql for sql in statements[:kept])
