"""Whatever is posted: no door answers 500, nothing fails inside, and no row comes under an account that it is not for.

`WHATSAPP_GARBAGE=200000` posts so many bodies instead of a few hundred.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_meta_whatsapp.cloud_api.signature import sign
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppConversation,
    WhatsAppFlow,
    WhatsAppFlowResponse,
    WhatsAppMessage,
    WhatsAppTemplate,
    WhatsAppUnroutedTarget,
    WhatsAppWaitingStatus,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.services import journal
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.webhooks import posting
from tests.webhooks.asgi_caller import call, nothing_behind
from tests.webhooks.garbage import BODIES, HEADERS, OTHER_NUMBER, OTHER_WABA
from tests.webhooks.posting import DOORS, NUMBER, SECRET, WABA, through_the_view

TOGETHER = 40
CASES = int(os.environ.get("WHATSAPP_GARBAGE", "240"))
OTHER_SECRET = "other-secret"
OF_ACCOUNTS: list[type[models.Model]] = [
    WhatsAppConsentEvent,
    WhatsAppFlowResponse,
    WhatsAppMessage,
    WhatsAppConversation,
    WhatsAppContactAccount,
    WhatsAppWaitingStatus,
]
"""What webhooks make for an account, in an order in which it can be deleted."""


@pytest.fixture
def accounts(transactional_db: None, settings: Any) -> list[WhatsAppAccount]:
    """Two numbers of two apps, each with a template and a flow that webhooks may name."""
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_INLINE": False}
    made = []
    for number, waba, secret in ((NUMBER, WABA, ""), (OTHER_NUMBER, OTHER_WABA, OTHER_SECRET)):
        account = WhatsAppAccount.objects.create(
            name=number, phone_number_id=number, waba_id=waba, portfolio_id=f"9{waba}", app_secret=secret
        )
        WhatsAppTemplate.objects.create(
            account=account, name="order_shipped", language="en_US", meta_template_id="900000000000001"
        )
        WhatsAppFlow.objects.create(account=account, name="survey", meta_flow_id="3330001")
        made.append(account)
    return made


def clear() -> None:
    of_nobody = (WhatsAppContactIdentity, WhatsAppContact, WhatsAppUnroutedTarget, WhatsAppWebhookLog)
    for model in (*OF_ACCOUNTS, *of_nobody):
        model._default_manager.all()._raw_delete(model._default_manager.db)  # type: ignore[attr-defined]


def shown(account: WhatsAppAccount) -> list[Any]:
    """All that webhooks may change of an account, its template and its flow."""
    unseen = ("access_token", "app_secret", "verify_token")
    fields = [field.name for field in WhatsAppAccount._meta.concrete_fields if field.name not in unseen]
    return [
        WhatsAppAccount.objects.values_list(*fields).get(pk=account.pk),
        list(WhatsAppTemplate.objects.filter(account=account).values()),
        list(WhatsAppFlow.objects.filter(account=account).values()),
    ]


def changes(raw: bytes) -> Iterator[tuple[str, str]]:
    """The number, else the business account, and the text of each change of a body, read by other means than the product's."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return
    for entry in parts(body, "entry"):
        for change in parts(entry, "changes"):
            try:
                number = change["value"]["metadata"]["phone_number_id"]
            except (TypeError, KeyError, IndexError):
                number = None
            if isinstance(number, str):
                number = number.replace("\0", "")  # which no database holds: one of nothing else is no number
            named = number if number and type(number) in (str, int) else entry.get("id")
            yield str(named), json.dumps(change)


def parts(whole: Any, key: str) -> list[Any]:
    found = whole.get(key) if isinstance(whole, dict) else None
    return found if isinstance(found, list) else []


def check_rows(mine: WhatsAppAccount, bodies: Sequence[bytes]) -> None:
    """All rows are of the account whose app signed, and what a message says was said to it."""
    for model in OF_ACCOUNTS:
        assert not model._default_manager.exclude(account=mine).exists(), model
    ours = (mine.phone_number_id, mine.waba_id)
    said = [text for raw in bodies for named, text in changes(raw) if named in ours]
    # Other ids may have been changed so that they can be stored.
    for message_id in WhatsAppMessage.objects.filter(message_id__startswith="wamid.").values_list(
        "message_id", flat=True
    ):
        assert any(json.dumps(message_id) in text for text in said), message_id


async def through_the_lane(signed: Sequence[tuple[bytes, dict[str, str]]]) -> list[Any]:
    """The answers to bodies that are posted at the same time."""
    lane = webhook_lane(nothing_behind)
    posts = [call(lane, "POST", posting.url(), raw, headers=headers) for raw, headers in signed]
    return await asyncio.gather(*posts)


@pytest.mark.timeout(120 + CASES // 10)
@settings(
    max_examples=max(CASES // TOGETHER, 1),
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    bodies=st.lists(BODIES, min_size=TOGETHER, max_size=TOGETHER),
    other=st.booleans(),
)
def test_signed_garbage_is_kept_and_harms_nobody(
    accounts: list[WhatsAppAccount], bodies: list[bytes], other: bool
) -> None:
    clear()
    mine, theirs = accounts[::-1] if other else accounts
    secret = OTHER_SECRET if other else SECRET
    before = shown(theirs)
    signed = [(raw, {"X-Hub-Signature-256": sign(secret, raw)}) for raw in bodies]
    answers = [through_the_view("POST", raw, headers, {}) for raw, headers in signed[::2]]
    answers += asyncio.run(through_the_lane(signed[1::2]))
    assert {answer.status_code for answer in answers} == {200}
    assert WhatsAppWebhookLog.objects.count() == TOGETHER
    while journal.process_due():
        pass
    # What is due again failed for a reason that is ours.
    ours = WhatsAppWebhookLog.objects.exclude(not_before=None)
    assert [row.error for row in ours] == []
    assert not WhatsAppWebhookLog.objects.filter(state="pending").exists()
    check_rows(mine, bodies)
    assert shown(theirs) == before


@pytest.mark.timeout(120 + CASES // 10)
@settings(
    max_examples=max(CASES // 8, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    raw=BODIES,
    header=st.sampled_from(HEADERS)
    | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80),
    query=st.dictionaries(
        st.sampled_from(["hub.mode", "hub.verify_token", "hub.challenge", "x"]),
        st.sampled_from(["subscribe", "", "\x00", "ÿ💥", "x" * 300, "1"]),
        max_size=3,
    ),
    door=st.sampled_from(sorted(DOORS)),
    method=st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "OPTIONS"]),
)
def test_unsigned_garbage_is_refused_and_leaves_nothing(
    accounts: list[WhatsAppAccount], raw: bytes, header: str, query: dict[str, str], door: str, method: str
) -> None:
    clear()
    assert DOORS[door]("POST", raw, {"X-Hub-Signature-256": header}, {}).status_code == 403
    assert DOORS[door](method, b"" if method == "GET" else raw, {}, query).status_code in (400, 403, 405)
    assert not WhatsAppWebhookLog.objects.exists()
