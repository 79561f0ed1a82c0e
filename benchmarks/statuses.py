"""Statuses applied a second, from the journal to the rows: messages and campaign recipients both climb.

``python -m benchmarks.statuses [--messages N] [--sizes 1,20,200] [--on postgres,sqlite]``. Needs PostgreSQL on 127.0.0.1:5432
(PGHOST, PGPORT, PGUSER say otherwise). Makes databases of its own and drops them again.

A campaign has been sent: each recipient has its message and its attempt. Meta then tells that each message was sent,
delivered and read, with the attempt's token and a price, in the order of a campaign under way and in webhooks of `size`
statuses. They stand signed in the journal, and one process applies them as whatsapp_worker does. The yardstick beside it knows
everything beforehand: it only writes one status and one time on the same rows, in batches of 400, and commits. A second one,
where wrk and granian are there, is a bare ASGI application that answers webhooks with 200 and does nothing.
"""

import argparse
import sys

from benchmarks import vendors, webhooks

NAME = "whatsapp_bench_statuses"
_CHILD = "from benchmarks.applying import run; run({messages}, {sizes}, {bare})"


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=5000, help="each told of three times")
    parser.add_argument(
        "--sizes", type=_sizes, default=[1, 20, 200], help="statuses in a webhook, with commas"
    )
    parser.add_argument("--on", default=vendors.ALL, help="databases, with commas")
    options = parser.parse_args()
    print(f"machine      {vendors.machine()}, one process", flush=True)
    bare = webhooks.bare_rate()
    if bare is None:
        print("bare ASGI    not measured: needs wrk and granian", flush=True)
    else:
        print(f"bare ASGI    {bare:,.0f} requests/s on one core", flush=True)
    child = _CHILD.format(messages=options.messages, sizes=options.sizes, bare=bare)
    vendors.run_on(options.on, NAME, child)
    return 0


if __name__ == "__main__":
    sys.exit(main())
