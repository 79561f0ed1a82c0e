"""pytest fixtures for your own tests: the simulator, an account that speaks to it, and its webhooks posted to your site.

Load them in `conftest.py` with `pytest_plugins = ["django_meta_whatsapp.testing"]`. They need the packages `pytest-django`
and `django-meta-whatsapp[simulator]`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import media_threads
from django_meta_whatsapp.services.pacing import number
from whatsapp_simulator.testing import SimulatorServer


@pytest.fixture(scope="session")
def simulator_server() -> Iterator[SimulatorServer]:
    """The simulator in a thread of this process, for the whole session."""
    with SimulatorServer() as server:
        yield server


@pytest.fixture
def simulator(simulator_server: SimulatorServer, settings: Any) -> SimulatorServer:
    """The simulator with its default world, and WHATSAPP pointing at it.

    `simulator.base_url` is its address, `simulator.control` the client of its control plane.
    """
    simulator_server.control.reset()
    # It has forgotten whom earlier tests wrote to, so our side must not keep these people waiting.
    number.forget()
    settings.WHATSAPP = {**settings.WHATSAPP, "GRAPH_BASE_URL": simulator_server.base_url}
    return simulator_server


@pytest.fixture
def whatsapp_account(db: None, simulator: SimulatorServer) -> WhatsAppAccount:
    """An account row for the simulator's phone number."""
    return WhatsAppAccount.objects.create(
        name="Simulated shop",
        phone_number_id="222000222000222",
        waba_id="111000111000111",
        portfolio_id="333000333000333",
        display_phone_number="+1 555-000-9999",
        access_token="simulator-token",
        app_secret="simulator-app-secret",
    )


@pytest.fixture
def webhook_site(
    transactional_db: None, simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, live_server: Any
) -> Iterator[SimulatorServer]:
    """The simulator, posting its webhooks to a live server of this project.

    Wait for them with `simulator.control.drain()`.
    """
    simulator.control.webhooks(url=f"{live_server.url}{reverse('django_meta_whatsapp:webhook')}")
    yield simulator
    # What comes late would write into the next test's tables.
    simulator.control.drain(timeout=10)
    media_threads.close()
