"""What the tests of runs ask the simulator."""

from whatsapp_simulator.testing import SimulatorServer


def sent_to(simulator: SimulatorServer) -> list[str]:
    return sorted(message["to"] for message in simulator.control.messages())
