"""One simulator in a thread for all of these tests; every test gets the default world."""

from collections.abc import Iterator

import pytest

from tests.simulator.caller import Caller
from tests.simulator.receiver import Receiver
from tests.simulator.verifier import Verifier
from whatsapp_simulator.control import Control
from whatsapp_simulator.testing import SimulatorServer


@pytest.fixture(scope="session")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer() as running:
        yield running


@pytest.fixture
def sim(server: SimulatorServer) -> Control:
    """The control plane of a simulator that holds the default world and posts no webhooks."""
    server.control.reset()
    return server.control


@pytest.fixture
def api(sim: Control) -> Caller:
    return Caller(sim.base_url)


@pytest.fixture
def receiver(sim: Control) -> Iterator[Receiver]:
    """A webhook target that the simulator posts to."""
    receiver = Receiver()
    sim.webhooks(url=receiver.url, retry_base=0.01, batch_wait=0.005)
    yield receiver
    sim.reset()
    receiver.close()


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    """A callback address that can be verified with the token "open"."""
    verifier = Verifier()
    yield verifier
    verifier.close()
