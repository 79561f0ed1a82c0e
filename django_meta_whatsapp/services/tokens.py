"""The token of a send attempt. It travels as `biz_opaque_callback_data`, and Meta repeats it in each status webhook.

Several systems may share a WhatsApp business account, and each sees the others' statuses: the prefix tells ours.
"""

import re
import secrets

_PREFIX = "dmw1."
_OURS = re.compile(r"dmw1\.[0-9a-f]{32}")


def new_token() -> str:
    """A token that nobody else has: the prefix and 128 random bits as 32 hexadecimal digits."""
    return _PREFIX + secrets.token_hex(16)


def is_ours(text: str) -> bool:
    """Whether `text` has the form of our tokens."""
    return _OURS.fullmatch(text) is not None
