"""The simulator in a thread, for tests."""

from threading import Thread
from types import TracebackType
from typing import Self

import uvloop

from whatsapp_simulator.app import Simulator
from whatsapp_simulator.control import Control
from whatsapp_simulator.protocol import listen, make_server
from whatsapp_simulator.settings import Settings

_STOP_SECONDS = 10


class SimulatorServer:
    """A running simulator on a free port of 127.0.0.1::

        with SimulatorServer(Settings(throughput=1000)) as sim:
            sim.base_url                   # "http://127.0.0.1:40123"
            sim.control.ledger()

    The world lives in the server's thread: look at it through ``control``.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._app = Simulator(settings)
        self._server = make_server(self._app)
        self._socket = listen("127.0.0.1", 0)
        self._thread = Thread(target=self._run, name="whatsapp-simulator", daemon=True)
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.control = Control(self.base_url)

    def _run(self) -> None:
        uvloop.run(self._server.serve(sockets=[self._socket]))

    def start(self) -> None:
        """Start the thread and wait until the simulator answers."""
        self._thread.start()
        self.control.health()

    def stop(self) -> None:
        """Close all connections and end the thread."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
