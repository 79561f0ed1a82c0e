"""The code in README and docs runs: each page from top to bottom, against the simulator.

Blocks fenced as `python` are run; those fenced as `py` (a host's settings and URLs) are only compiled.
"""

import re
from pathlib import Path

import pytest

from whatsapp_simulator.testing import SimulatorServer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(python|py)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, kind: str) -> list[str]:
    return [code for language, code in BLOCK.findall(page.read_text()) if language == kind]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name
)
@pytest.mark.django_db(transaction=True)
def test_the_code_of_a_page_runs(page: Path, simulator: SimulatorServer) -> None:
    namespace: dict[str, object] = {"__name__": "snippet"}
    for number, code in enumerate(blocks(page, "python"), start=1):
        exec(compile(code, f"{page.name}, block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "py")], ids=lambda page: page.name)
def test_the_code_for_a_hosts_files_compiles(page: Path) -> None:
    for number, code in enumerate(blocks(page, "py"), start=1):
        compile(code, f"{page.name}, block {number}", "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
