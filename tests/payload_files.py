"""Real-shaped webhook bodies: `tests/payloads/<field>__<case>.json`, one case per file."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "payloads"


def load_payload(name: str) -> dict[str, Any]:
    """The body in `<name>.json`."""
    body: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return body


def payload_names() -> list[str]:
    """The names of all files, without their extension."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
