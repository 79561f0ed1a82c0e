"""Meta's words for "too fast"."""

NUMBER_TOO_FAST = (130429, 80007, 4)
"""Codes for a number, a WhatsApp business account and an app that send too fast."""
PAIR_TOO_FAST = 131056
"""Code for too many messages to one person."""
