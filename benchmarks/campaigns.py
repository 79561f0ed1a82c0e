"""Messages a second that one process sends for a campaign, all rows written, beside a bare aiohttp loop and a sequential sender.

``python -m benchmarks.campaigns [--messages N] [--on postgres,sqlite] [--latency S]``. Needs PostgreSQL on 127.0.0.1:5432
(PGHOST, PGPORT, PGUSER say otherwise). Makes databases of its own and drops them again.

A campaign with two variables goes to people who have no thread with the number yet, through `runner.run`: recipient, attempt,
message and conversation are written and committed, the mark before its call. A stand-in for Meta, a process of its own, answers
after the latency (benchmarks/graph.py). The yardstick sends as many bodies of the same size with aiohttp and writes nothing.
"""

import argparse
import sys

from benchmarks import vendors
from benchmarks.graph import graph

NAME = "whatsapp_bench_campaigns"
_CHILD = "from benchmarks.campaign_run import run; run({messages}, profile={profile!r})"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--on", default=vendors.ALL, help="databases, with commas")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds until Meta answers")
    parser.add_argument("--profile", default="", help="write where the time goes into this file (cProfile)")
    options = parser.parse_args()
    print(f"machine      {vendors.machine()}, one process", flush=True)
    with graph(options.latency) as url:
        child = _CHILD.format(messages=options.messages, profile=options.profile)
        vendors.run_on(options.on, NAME, child, WHATSAPP_BENCH_GRAPH=url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
