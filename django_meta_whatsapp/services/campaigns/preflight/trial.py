"""A message of a campaign to numbers of one's own, before the campaign is sent."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidInput, WhatsAppError
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign
from django_meta_whatsapp.services import outbox
from django_meta_whatsapp.services.campaigns import uploads
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.preflight import people

MOST_NUMBERS = 10
_KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the message to one number. status: of the message, "" for none; why: what kept it from going."""

    phone: str
    status: str = ""
    message_id: str = ""
    why: str = ""


def send_trial(
    campaign_id: int, numbers: Sequence[str], *, account: WhatsAppAccount | None = None, key: str = ""
) -> list[Trial]:
    """Sends the campaign's message, as its first recipient would read it, to at most MOST_NUMBERS numbers.

    The gate applies, and nobody becomes a recipient of the campaign. key: of this test; a number gets the message once for each
    key, whoever asks again. Without one each call is a test of its own.
    Raises CampaignNotRunnable for a campaign that could not run, or whose values need a preflight first; InvalidInput for too
    many numbers or too long a key; InsideTransaction in a transaction.
    """
    if not 1 <= len(numbers) <= MOST_NUMBERS:
        raise InvalidInput("numbers", f"1 to {MOST_NUMBERS} numbers are expected.")
    if len(key) > _KEY_LENGTH:
        raise InvalidInput("key", f"at most {_KEY_LENGTH} characters are expected.")
    campaign = WhatsAppCampaign.objects.select_related("account", "template__account").get(pk=campaign_id)
    assignment = uploads.bound(assign(campaign, account))
    rows = people.first(campaign_id, 1)
    if not rows and assignment.personaliser.slots:
        raise CampaignNotRunnable(
            "Preflight the campaign first: a test shows the values of its first recipient."
        )
    content = assignment.personaliser.content(rows[0].parameters if rows else {})
    key = key or uuid.uuid4().hex
    trials = []
    for number in dict.fromkeys(numbers):
        dedupe_key = f"campaign-test:{campaign_id}:{key}:{number.strip()[:100]}"
        try:
            message = outbox.send_message(assignment.account, number, content, dedupe_key=dedupe_key)
        except WhatsAppError as error:
            trials.append(Trial(number, why=str(error)))
        else:
            trials.append(Trial(number, message.status, str(message.message_id or "")))
    return trials
