"""Messages outside campaigns: they come before any campaign, in the same pace."""

from django_meta_whatsapp.cloud_api.errors import MetaAPIError
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services.pacing.number import full_rate, number_of
from django_meta_whatsapp.services.pacing.refusals import NUMBER_TOO_FAST, PAIR_TOO_FAST


def place_for(account: WhatsAppAccount, identity: str) -> float:
    """Takes the number's next place; the seconds until it comes, REPLY_MAX_WAIT at most: then Meta has the last word."""
    return number_of(account).reply(full_rate(account), identity, whatsapp_settings.REPLY_MAX_WAIT)


def refused(account: WhatsAppAccount, identity: str, error: MetaAPIError) -> None:
    """Meta's answer to one message: slows the number, or closes the person for a while, for everybody who sends."""
    if error.code in NUMBER_TOO_FAST:
        number_of(account).throttled(full_rate(account), error.retry_after or 0.0)
    elif error.code == PAIR_TOO_FAST:
        number_of(account).pair_refused(identity, error.retry_after or 0.0)
