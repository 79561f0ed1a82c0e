"""Meta as `whatsapp_setup` meets it; an account, a campaign and a flow; a file that Meta keeps; what was announced."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppFlow
from tests.services.altered_graph import Altered, altered
from tests.services.media_shelf import Shelf, serving
from tests.services.setting_up import CALLBACK, given
from tests.webhooks import posting
from whatsapp_simulator.testing import SimulatorServer


@pytest.fixture
def graph(simulator: SimulatorServer) -> SimulatorServer:
    """The simulator, knowing an address for webhooks, and sending none."""
    simulator.control.webhooks(url=CALLBACK, enabled=False)
    return simulator


@pytest.fixture
def altered_graph(graph: SimulatorServer, settings: Any) -> Iterator[Altered]:
    with altered(graph.base_url) as (address, changes):
        given(settings, GRAPH_BASE_URL=address)
        yield changes


@pytest.fixture
def account() -> WhatsAppAccount:
    """The account of the payload files, with a portfolio of its own."""
    return WhatsAppAccount.objects.create(
        name="Shop", phone_number_id=posting.NUMBER, waba_id=posting.WABA, portfolio_id="333"
    )


@pytest.fixture
def campaign() -> WhatsAppCampaign:
    return WhatsAppCampaign.objects.create(name="Sale")


@pytest.fixture
def flow(account: WhatsAppAccount) -> WhatsAppFlow:
    """The flow of the payload files. Another one is older."""
    WhatsAppFlow.objects.create(account=account, name="newest", meta_flow_id="99")
    return WhatsAppFlow.objects.create(account=account, name="rating", meta_flow_id="77")


@pytest.fixture
def announced() -> Iterator[list[dict[str, Any]]]:
    """What whatsapp_message_sent brought, always outside of a transaction."""
    received: list[dict[str, Any]] = []

    def receiver(**kwargs: Any) -> None:
        assert not transaction.get_connection().in_atomic_block
        received.append(kwargs)

    signals.whatsapp_message_sent.connect(receiver)
    yield received
    signals.whatsapp_message_sent.disconnect(receiver)


@pytest.fixture
def shelf(settings: Any, tmp_path: Path) -> Iterator[Shelf]:
    """Meta with one file, which nobody but the test fetches."""
    with serving(Shelf()) as (address, meta):
        settings.WHATSAPP = {
            **settings.WHATSAPP,
            "GRAPH_BASE_URL": address,
            "FETCH_INBOUND_MEDIA": True,
            "WEBHOOK_INLINE": False,
        }
        settings.MEDIA_ROOT = str(tmp_path)
        yield meta


@pytest.fixture
def unsigned(settings: Any) -> None:
    """Webhook bodies count without a signature."""
    settings.WHATSAPP = {**settings.WHATSAPP, "ALLOW_UNSIGNED_WEBHOOKS": True}
