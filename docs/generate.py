"""Writes the generated pages of this folder: `python -m docs.generate`. A test fails when one of them is out of date."""

from collections.abc import Callable
from pathlib import Path

from django_meta_whatsapp.conf import ALIASES, Declared, declared_settings
from whatsapp_simulator import coverage

HERE = Path(__file__).parent

SETTINGS_HEAD = """\
# Settings

One dict in the Django settings, read at the moment of use:

```py
WHATSAPP = {
    "ACCESS_TOKEN": "…",
    "PHONE_NUMBER_ID": "…",
    "WABA_ID": "…",
    "APP_SECRET": "…",
    "VERIFY_TOKEN": "…",
}
```

An account (`WhatsAppAccount`) brings its own token, number, business account and secrets; the dict is for calls
without an account and for what an account leaves blank. `manage.py check` tells unknown, misspelt and wrong keys.

`WHATSAPP_USE_CELERY` stands on its own (default `False`): background work goes through Celery.

| Key | Type | Default | Unit | Meaning |
|---|---|---|---|---|
"""

ALIASES_HEAD = """
These spellings are understood too, with a warning that names the right one:

| Spelling | Key |
|---|---|
"""


def settings_page() -> str:
    """docs/settings.md, from the declarations in `conf.py`."""
    rows = [_row(declared) for declared in declared_settings()]
    aliases = [f"| `{alias}` | `{key}` |\n" for alias, key in ALIASES.items()]
    return SETTINGS_HEAD + "".join(rows) + ALIASES_HEAD + "".join(aliases)


def _row(declared: Declared) -> str:
    kind = " or ".join(kind.__name__ for kind in declared.types)
    secret = " Secret." if declared.secret else ""
    return f"| `{declared.name}` | {kind} | `{declared.default!r}` | {declared.unit} | {declared.about}{secret} |\n"


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page, "simulator-coverage.md": coverage.page}
"""File name to what it must hold."""


def main() -> None:
    """Writes every page."""
    for name, content in PAGES.items():
        (HERE / name).write_text(content(), encoding="utf-8")


if __name__ == "__main__":
    main()
