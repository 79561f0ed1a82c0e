"""The generated pages of docs/ say what the code says."""

from pathlib import Path

import pytest

from django_meta_whatsapp.conf import ALIASES, declared_settings
from docs import generate

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == generate.PAGES[name](), "run `make docs`"


def test_every_setting_and_alias_is_documented() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert [row.name for row in declared_settings() if f"\n| `{row.name}` |" not in page] == []
    assert [alias for alias in ALIASES if f"\n| `{alias}` |" not in page] == []
    assert "WHATSAPP_USE_CELERY" in page
