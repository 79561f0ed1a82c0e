"""To whom and what is sent, the open window, and what reached the simulator."""

from typing import Any

from django.utils import timezone

from django_meta_whatsapp.cloud_api.content import Template
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppContact, WhatsAppContactAccount
from django_meta_whatsapp.services import contacts
from django_meta_whatsapp.services.contacts import Person
from whatsapp_simulator.testing import SimulatorServer

HELLO = Template("hello_world", "en_US")
HER = "+4512345678"


def ledger(simulator: SimulatorServer) -> list[dict[str, Any]]:
    return list(simulator.control.messages())


def let_write(simulator: SimulatorServer, account: WhatsAppAccount, phone: str = HER) -> WhatsAppContact:
    """The person has just written: the window is open at the simulator and here."""
    simulator.control.inbound(phone.removeprefix("+"), {"type": "text", "text": {"body": "hi"}})
    contact = contacts.ensure([Person(phone=phone)])[f"p:{phone[1:]}"]
    WhatsAppContactAccount.objects.create(account=account, contact=contact, last_inbound_at=timezone.now())
    return contact
