"""How much of its hourly allowance the app has used: the usage headers, and error 80007 (reference: rate limits).

Sends do not count: they have their own throughput. Hours are those of the simulated clock.
"""

from whatsapp_simulator.errors import coded
from whatsapp_simulator.http import RawHeaders

_HOUR = 3600


class Usage:
    """Management calls per WABA in the current hour."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hour = 0
        self._counts: dict[str, int] = {}
        self._headers: dict[str, RawHeaders] = {}

    def count(self, waba_id: str, now: float, throttle_status: int) -> None:
        """Count a management call; error 80007 when the hour's allowance is used up."""
        hour = int(now) // _HOUR
        if hour != self._hour:
            self._hour = hour
            self._counts.clear()
            self._headers.clear()
        used = self._counts[waba_id] = self._counts.get(waba_id, 0) + 1
        self._headers.pop(waba_id, None)
        if self._limit and used > self._limit:
            raise coded(80007, "Too many management calls to this account.", http_status=throttle_status)

    def headers(self, waba_id: str) -> RawHeaders:
        """``X-App-Usage`` and, for a known WABA, ``X-Business-Use-Case-Usage``."""
        headers = self._headers.get(waba_id)
        if headers is None:
            headers = self._headers[waba_id] = self._build(waba_id)
        return headers

    def _build(self, waba_id: str) -> RawHeaders:
        used = self._counts.get(waba_id, 0)
        percent = min(100, used * 100 // self._limit) if self._limit else 0
        figures = f'"call_count":{percent},"total_cputime":{percent},"total_time":{percent}'
        headers = [(b"x-app-usage", f"{{{figures}}}".encode())]
        if waba_id:
            wait = 60 if percent >= 100 else 0  # minutes
            case = f'{{"type":"whatsapp",{figures},"estimated_time_to_regain_access":{wait}}}'
            headers.append((b"x-business-use-case-usage", f'{{"{waba_id}":[{case}]}}'.encode()))
        return headers
