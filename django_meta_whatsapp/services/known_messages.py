"""Messages that have their rows already. One message has one row: its id at Meta is unique among all our numbers.

Two numbers may tell of the same message when one shares the history of the other, such as a number that was added anew.
"""

from collections.abc import Collection, Iterable, Mapping

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage


def find(message_ids: Collection[str]) -> dict[str, WhatsAppMessage]:
    """The rows by Meta's ids, whichever number they belong to. One query, by the unique index."""
    if not message_ids:
        return {}
    return {str(row.message_id): row for row in WhatsAppMessage.objects.filter(message_id__in=message_ids)}


def own(account: WhatsAppAccount, known: Mapping[str, WhatsAppMessage]) -> dict[str, WhatsAppMessage]:
    """Those of `known` that belong to the account."""
    return {message_id: row for message_id, row in known.items() if row.account_id == account.pk}


def others(account: WhatsAppAccount, known: Mapping[str, WhatsAppMessage], message_ids: Iterable[str]) -> int:
    """How many of these messages belong to another account: nothing is done with them."""
    return sum(each in known and known[each].account_id != account.pk for each in message_ids)
