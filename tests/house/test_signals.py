"""Every signal and its arguments are documented, as the comment above it declares them."""

import inspect
import re
from pathlib import Path

from django.dispatch import Signal

from django_meta_whatsapp import signals

DECLARED = re.compile(r"(?P<about>(?:^# .+\n)+)(?P<name>\w+) = Signal\(\)", re.MULTILINE)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "signals.md"


def declared() -> dict[str, list[str]]:
    """Each signal's arguments, from the comment above it; internal signals left out."""
    found = DECLARED.finditer(inspect.getsource(signals))
    return {
        each["name"]: re.findall(r"(\w+): ", each["about"])
        for each in found
        if not each["about"].startswith("# Internal.")
    }


def test_every_signal_declares_its_arguments() -> None:
    public = {name for name, value in vars(signals).items() if isinstance(value, Signal)} - {
        "work_due",
        "messages_known",
    }
    assert set(declared()) == public
    assert len(public) >= 9
    assert all("event_id" in arguments for arguments in declared().values())


def test_every_signal_and_argument_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: re.findall(r"`(\w+)`", arguments) for name, arguments in rows} == declared()
