"""One more row of each model, each with related rows of its own."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from django_meta_whatsapp import models
from tests.models import rows

_numbers = count(1)
TOKEN, SECRET, VERIFY = "EAAB-token", "app-secret-value", "verify-token-value"


def _account() -> models.WhatsAppAccount:
    return rows.account(access_token=TOKEN, app_secret=SECRET, verify_token=VERIFY)


def _thread() -> models.WhatsAppConversation:
    label = models.WhatsAppLabel.objects.create(name=f"Label {next(_numbers)}")
    return rows.conversation(account=_account(), label=label)


def _template() -> models.WhatsAppTemplate:
    return models.WhatsAppTemplate.objects.create(account=_account(), name="order_update", language="en_US")


def _segment() -> models.WhatsAppSegment:
    filters = {"labels__name": "VIP"}
    return models.WhatsAppSegment.objects.create(name=f"Segment {next(_numbers)}", filters=filters)


def _campaign() -> models.WhatsAppCampaign:
    template = _template()
    return rows.campaign(
        account=template.account,
        template=template,
        segment=_segment(),
        status_reason="The token has expired.",
    )


def _message() -> models.WhatsAppMessage:
    thread = _thread()
    return rows.message(thread, campaign=_campaign(), reply_to=rows.message(thread))


def _recipient() -> models.WhatsAppCampaignRecipient:
    return rows.recipient(_campaign(), contact=rows.contact(), chat_message=_message())


def _attempt() -> models.WhatsAppSendAttempt:
    recipient = _recipient()
    return models.WhatsAppSendAttempt.objects.create(
        account=_account(),
        token=f"dmw1.{next(_numbers)}",
        recipient=recipient,
        chat_message=recipient.chat_message,
    )


def _flow() -> models.WhatsAppFlow:
    return models.WhatsAppFlow.objects.create(account=_account(), name=f"Flow {next(_numbers)}")


def _flow_response() -> models.WhatsAppFlowResponse:
    message = _message()
    return models.WhatsAppFlowResponse.objects.create(
        account=message.account,
        flow=_flow(),
        conversation=message.conversation,
        message=message,
        completed_at=timezone.now(),
    )


def _signup() -> models.WhatsAppSignup:
    return models.WhatsAppSignup.objects.create(
        account=_account(),
        display_name="News",
        signup_message="Shall we write?",
        confirmation_message="Welcome",
        privacy_policy_url="https://shop.example/privacy",
        auto_add_to_label=models.WhatsAppLabel.objects.create(name=f"Label {next(_numbers)}"),
    )


def _contact() -> models.WhatsAppContact:
    person = rows.contact(name="Asha", subscribed_via_signup=_signup())
    models.WhatsAppContactAccount.objects.create(contact=person, account=_account())
    return person


BUILDERS: dict[type[Any], Callable[[], Any]] = {
    models.WhatsAppAccount: _account,
    models.WhatsAppAPIKey: lambda: models.WhatsAppAPIKey.objects.issue("Shop front", _account())[0],
    models.WhatsAppContact: _contact,
    models.WhatsAppContactIdentity: lambda: _contact().identities.get(),
    models.WhatsAppContactAccount: lambda: _contact().account_states.get(),
    models.WhatsAppConsentEvent: lambda: models.WhatsAppConsentEvent.objects.create(
        contact=_contact(),
        account=_account(),
        kind="opted_out",
        marketing_only=False,
        source="word",
        text="stop",
        message=_message(),
        event_id="word:wamid.1",
        happened_at=timezone.now(),
    ),
    models.WhatsAppLabel: lambda: models.WhatsAppLabel.objects.create(name=f"Label {next(_numbers)}"),
    models.WhatsAppSegment: _segment,
    models.WhatsAppRate: lambda: models.WhatsAppRate.objects.create(
        country_prefix=str(next(_numbers)),
        category="MARKETING",
        currency="EUR",
        price=Decimal("0.048300"),
        valid_from=date(2026, 1, 1),
    ),
    models.WhatsAppBlockedUser: lambda: models.WhatsAppBlockedUser.objects.create(
        account=_account(), identity=f"p:45{next(_numbers):08}", meta_error="131021"
    ),
    models.WhatsAppConversation: _thread,
    models.WhatsAppMessage: _message,
    models.WhatsAppSendAttempt: _attempt,
    models.WhatsAppMedia: lambda: models.WhatsAppMedia.objects.create(
        account=_account(), media_id="1", media_type="image", mime_type="image/png"
    ),
    models.WhatsAppCampaign: _campaign,
    models.WhatsAppCampaignEvent: lambda: models.WhatsAppCampaignEvent.objects.create(
        campaign=_campaign(), kind="paused", by="ann", reason="Lunch"
    ),
    models.WhatsAppCampaignRecipient: _recipient,
    models.WhatsAppCampaignRun: lambda: models.WhatsAppCampaignRun.objects.create(
        campaign=_campaign(), runner="host:1", expires_at=timezone.now()
    ),
    models.WhatsAppNumberHold: lambda: models.WhatsAppNumberHold.objects.create(
        account=_account(), holder="host:1", expires_at=timezone.now()
    ),
    models.WhatsAppReach: lambda: models.WhatsAppReach.objects.create(portfolio=str(next(_numbers))),
    models.WhatsAppReachedPerson: lambda: models.WhatsAppReachedPerson.objects.create(
        reach=models.WhatsAppReach.objects.create(portfolio=str(next(_numbers))),
        contact_key=next(_numbers),
        reached_at=timezone.now(),
    ),
    models.WhatsAppTemplate: _template,
    models.WhatsAppCatalogProduct: lambda: models.WhatsAppCatalogProduct.objects.create(
        account=_account(), catalog_id="4", retailer_id="SKU1", name="Mug"
    ),
    models.WhatsAppSignup: _signup,
    models.WhatsAppFlow: _flow,
    models.WhatsAppFlowResponse: _flow_response,
    models.WhatsAppWebhookGap: lambda: models.WhatsAppWebhookGap.objects.create(
        account=_account(), began_at=timezone.now(), ended_at=timezone.now()
    ),
    models.WhatsAppUnroutedTarget: lambda: models.WhatsAppUnroutedTarget.objects.create(
        webhook=models.WhatsAppWebhookLog.objects.create(body=b"{}", state="unrouted", unrouted_count=1),
        target="999",
        known="",
    ),
    models.WhatsAppWaitingStatus: lambda: models.WhatsAppWaitingStatus.objects.create(
        account=_account(),
        message_id="wamid.1",
        event_id="status:wamid.1:read:45",
        key=f"{next(_numbers):064}",
        status="read",
        happened_at=timezone.now(),
    ),
    models.WhatsAppWebhookLog: lambda: models.WhatsAppWebhookLog.objects.create(
        body=b'{"object": "whatsapp"}'
    ),
}
