"""Recipients a second that a campaign's audience is frozen with: our contacts, and a CSV file of people whom nobody knows.

``python -m benchmarks.freezing [--rows N] [--sources contacts,csv] [--on postgres,sqlite]``. Needs PostgreSQL on 127.0.0.1:5432
(PGHOST, PGPORT, PGUSER say otherwise). Makes databases of its own and drops them again.

Each person has two template variables, each number is read and each rule of the gate asked. Of a CSV's people, contacts and
identities are made as well. The memory is what the process grew by at most while it froze.
"""

import argparse
import sys

from benchmarks import vendors

NAME = "whatsapp_bench_freezing"
_CHILD = "from benchmarks.freezing_run import run; run({rows}, {sources})"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sources", default="contacts,csv", help="audiences, with commas")
    parser.add_argument("--on", default=vendors.ALL, help="databases, with commas")
    options = parser.parse_args()
    print(f"machine      {vendors.machine()}, one process", flush=True)
    child = _CHILD.format(rows=options.rows, sources=options.sources.split(","))
    vendors.run_on(options.on, NAME, child)
    return 0


if __name__ == "__main__":
    sys.exit(main())
