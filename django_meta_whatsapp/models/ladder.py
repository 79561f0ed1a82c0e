"""The ladder: the states of an outbound message, in the order in which a later one outweighs an earlier one.

The state of a row is the highest rung seen, so any order of events gives the same row. `failed` stands below `delivered`,
because Meta does report a delivery after a failure.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MessageStatus(models.TextChoices):
    """The rungs, lowest first, and RECEIVED for inbound messages, which do not climb."""

    UNKNOWN = "unknown", _("Unknown")
    SENDING = "sending", _("Sending")
    ACCEPTED = "accepted", _("Accepted")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")
    PLAYED = "played", _("Played")
    RECEIVED = "received", _("Received")


RANK: dict[str, int] = {
    MessageStatus.UNKNOWN: 0,
    MessageStatus.SENDING: 0,
    MessageStatus.ACCEPTED: 1,
    MessageStatus.SENT: 2,
    MessageStatus.FAILED: 3,
    MessageStatus.DELIVERED: 4,
    MessageStatus.READ: 5,
    MessageStatus.PLAYED: 6,
}
"""`unknown` and `sending` share the ground: a call of unknown outcome is neither above nor below one under way."""

EVENT_STATES = ("sent", "failed", "delivered", "read", "played")
"""The states that Meta's status webhooks carry."""


def higher(current: str, seen: str) -> str:
    """The higher of two rungs; `current` when they are level. What is no rung, such as `pending`, is on the ground."""
    return seen if RANK[seen] > RANK.get(current, 0) else current
