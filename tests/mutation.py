"""`make mutation`: mutants of the ladder, the ledger and the phone rules, and the share that the tests kill.

One after the other: they share a test database. Takes about half an hour; stopped, it goes on where it was.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

LEAST = 0.85
MUTMUT = Path(sys.executable).with_name("mutmut")


def main() -> int:
    subprocess.run([MUTMUT, "run", "--max-children", "1", *sys.argv[1:]], check=True)
    told = subprocess.run(
        [MUTMUT, "results", "--all", "true"], check=True, capture_output=True, text=True
    ).stdout
    states = Counter(line.rsplit(": ", 1)[1] for line in told.splitlines() if ": " in line)
    tried = sum(states.values()) - states["not checked"]
    killed = states["killed"] + states["timeout"]
    print(dict(states))
    print(f"{killed} of {tried} mutants killed: {killed / tried:.1%} (at least {LEAST:.0%} is asked for)")
    return 0 if killed >= LEAST * tried else 1


if __name__ == "__main__":
    sys.exit(main())
