"""What a door answers, text and HTTP status, so that all doors say the same."""

from typing import Final

KEPT: Final = ("ok", 200)
ODD_QUERY: Final = ("The query cannot be read.", 400)
CUT_SHORT: Final = ("The body ended early.", 400)
NOT_GENUINE: Final = ("The signature is missing or wrong.", 403)
TOO_LARGE: Final = ("The body is too large.", 413)
UNAVAILABLE: Final = ("Not now. Please send it again.", 503)

HEADERS: Final = {
    "Content-Type": "text/plain; charset=utf-8",
    # The challenge of a handshake is the caller's text: no browser may take it for a page.
    "X-Content-Type-Options": "nosniff",
}
METHODS: Final = ("GET", "POST")
