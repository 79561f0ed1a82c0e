"""How much of its allowance an app and a WhatsApp business account have used, as the headers of each answer tell.

Source: the Graph API's page "Rate limiting"; headers `X-App-Usage` and `X-Business-Use-Case-Usage`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MINUTE = 60.0
_REGAIN = ("estimated_time_to_regain_access",)
_SHARES = ("call_count", "total_cputime", "total_time")


def used(headers: Mapping[str, str]) -> float:
    """Percent of the allowance, of whatever is used up most; 0 where nothing is told. headers: names in lower case."""
    shares = (share for case in _cases(headers) for share in _numbers(case, _SHARES))
    return max((share for share in shares if share > 0), default=0.0)


def regain_access(headers: Mapping[str, str]) -> float:
    """Seconds until Meta lets us in again, not below 0: the longest that is told."""
    minutes = (number for case in _cases(headers) for number in _numbers(case, _REGAIN))
    return max((number for number in minutes if number > 0), default=0.0) * MINUTE


def _cases(headers: Mapping[str, str]) -> Iterator[Any]:
    yield _object(headers.get("x-app-usage", ""))
    for group in _object(headers.get("x-business-use-case-usage", "")).values():
        if isinstance(group, list):
            yield from group


def _object(header: str) -> dict[str, Any]:
    try:
        value = json.loads(header or "{}")
    except (ValueError, RecursionError):
        # A hint in a shape of its own is no hint.
        return {}
    return value if isinstance(value, dict) else {}


def _numbers(case: Any, names: Sequence[str]) -> Iterator[float]:
    for name in names if isinstance(case, dict) else ():
        try:
            yield float(case.get(name, 0))
        except (TypeError, ValueError):
            continue
