"""`python -m tests.chaos`: one run, its verdict, and the exit code that follows from it."""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import Plan
from tests.chaos.run import run
from tests.chaos.verdict import Verdict


def _parser() -> argparse.ArgumentParser:
    default = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--profile", choices=("A", "B"), default=default.profile, help="A: ask about unknown; B: resend")
    add("--seed", type=int, default=default.seed)
    add("--recipients", type=int, default=default.recipients)
    add("--kills", type=int, default=default.kills)
    add("--broker", choices=("redis", "none"), default=default.broker)
    add("--rate", type=int, default=default.rate, help="messages a second of the number")
    add("--lease", type=float, default=default.lease, help="LEASE_SECONDS")
    return parser


def _tell(plan: Plan, verdict: Verdict) -> None:
    width = max(map(len, verdict.counts))
    print(f"\n{plan}")
    for what, number in verdict.counts.items():
        print(f"  {what:<{width}}  {number:>8,}")
    for fault in verdict.faults:
        print(f"  FAULT: {fault}")
    print("  FAILED" if verdict.faults else "  HOLDS", flush=True)


def _line(text: str) -> None:
    print(text, flush=True)


def _end(number: int, frame: object) -> None:
    """Told to stop: nothing that was started may stay."""
    sys.exit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, _end)
    plan = Plan(**vars(_parser().parse_args()))
    folder = Path(tempfile.mkdtemp(prefix=f"whatsapp-chaos-{plan.profile}{plan.seed}-"))
    folder.chmod(0o755)
    kept = True
    try:
        verdict = run(plan, folder, _line)
        kept = bool(verdict.faults)
    finally:
        if kept:
            print(f"The logs are in {folder}")
        else:
            shutil.rmtree(folder)
    _tell(plan, verdict)
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
