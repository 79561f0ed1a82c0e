"""``python -m whatsapp_simulator``: run the simulator as a process."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Sequence

import uvloop

from whatsapp_simulator.app import Simulator
from whatsapp_simulator.protocol import Server, listen, make_server
from whatsapp_simulator.settings import Settings

_DEFAULTS = Settings()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m whatsapp_simulator", description="A local Meta: the WhatsApp Cloud API in memory."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8025, help="0 chooses a free port")
    add("--webhook-url", default="", help="where webhooks are posted")
    add("--app-secret", default=_DEFAULTS.app_secret, help="signs webhooks")
    add("--verify-token", default=_DEFAULTS.verify_token)
    add("--access-token", default=_DEFAULTS.access_token)
    add("--seed", type=int, default=0, help="makes chance repeatable")
    add(
        "--throughput", type=int, default=_DEFAULTS.throughput, help="messages a second of the default number"
    )
    add("--no-pair-rate", dest="pair_rate", action="store_false", help="no limit per recipient")
    add("--window-errors", choices=("webhook", "answer"), default=_DEFAULTS.window_errors)
    add("--throttle-status", type=int, choices=(400, 429), default=_DEFAULTS.throttle_status)
    add("--no-bodies", dest="store_bodies", action="store_false", help="keep no message bodies in the ledger")
    add("--require-appsecret-proof", action="store_true")
    add("--auto-approve-templates", action="store_true", help="new templates need no review")
    return parser


async def _serve(server: Server, host: str, port: int) -> None:
    listener = listen(host, port)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, server)
    address = f"http://{host}:{listener.getsockname()[1]}"
    sys.stdout.write(f"whatsapp_simulator is listening on {address}\n")
    sys.stdout.flush()
    await server.serve(sockets=[listener])
    listener.close()


def _stop(server: Server) -> None:
    server.should_exit = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM."""
    options = vars(_parser().parse_args(arguments))
    # The ledger keeps everything and has no cycles: looking through it for garbage would only cause pauses.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    host, port = options.pop("host"), options.pop("port")
    try:
        uvloop.run(_serve(make_server(Simulator(Settings(**options))), host, port))
    except OSError as error:
        sys.stderr.write(f"whatsapp_simulator cannot listen on {host}:{port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
