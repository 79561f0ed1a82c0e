"""Payments in a chat, and the providers that take them (Meta's pages on payments)."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event
from django_meta_whatsapp.cloud_api.events.reading import identity, mapping, required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatusEvent(Event):
    """What became of the payment of an order that we sent.

    status: `pending`, `captured`, `failed` … reference_id: ours, of the order. transaction: Meta's object.
    """

    message_id: str
    status: str
    reference_id: str = ""
    recipient_id: str = ""
    recipient_user_id: str = ""
    transaction: JSON = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentConfigurationEvent(Event):
    """A configuration for payments got another state: `Active`, `Needs Connecting` or `Needs Testing`."""

    configuration_name: str
    status: str = ""
    provider_name: str = ""
    provider_mid: str = ""


def read_payment_status(change: Change, part: JSON) -> PaymentStatusEvent:
    """One item of `statuses[]` that is about a payment."""
    message_id, status = required(part, "id"), required(part, "status").lower()
    payment = mapping(part.get("payment"))
    transaction, reference = mapping(payment.get("transaction")), text(payment.get("reference_id"))
    # One order may be tried several times: each transaction has states of its own.
    return PaymentStatusEvent(
        event_id=identity("payment", message_id, reference, text(transaction.get("id")), status),
        **change.common(part, epoch=part.get("timestamp")),
        message_id=message_id,
        status=status,
        reference_id=reference,
        recipient_id=text(part.get("recipient_id")),
        recipient_user_id=text(part.get("recipient_user_id")),
        transaction=transaction,
    )


def read_payment_configuration(change: Change) -> Iterator[Event]:
    """A value of the field `payment_configuration_update`."""
    value = change.value
    yield PaymentConfigurationEvent(
        **change.whole("payment_configuration"),
        configuration_name=required(value, "configuration_name"),
        status=text(value.get("status")),
        provider_name=text(value.get("provider_name")),
        provider_mid=text(value.get("provider_mid")),
    )
