"""All benchmarks, one after another: `python -m benchmarks [--list] [NAME …]`. Each is a module of its own, with options.

Figures are worth comparing within one run on one machine; read the ratios.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def benchmarks() -> dict[str, str]:
    """Name to what it measures: the modules of this folder that end with a verdict. A server that one of them starts does not
    end, and has none.
    """
    sources = {path.stem: path.read_text() for path in sorted(HERE.glob("[!_]*.py"))}
    runnable = {name: source for name, source in sources.items() if "sys.exit(main())" in source}
    return {
        name: (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        for name, source in runnable.items()
    }


def main() -> int:
    """Runs those that are named, or all; fails when one does."""
    known = benchmarks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--list", action="store_true", help="what there is")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(known)):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    failed = []
    for name in options.names or known:
        print(f"{name}: {known[name]}", flush=True)
        if (
            not options.list
            and subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        ):
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
