"""Whom a message is for: a phone number in ``to`` or a business-scoped user id in ``recipient``."""

import re
from typing import NamedTuple

from whatsapp_simulator.errors import invalid, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.phones import international, wa_id_of
from whatsapp_simulator.state import PhoneNumber
from whatsapp_simulator.world import World

_USER_ID = re.compile(r"[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}$")
_NUMBER = re.compile(r"\+?[0-9() .-]+$")
_DIGITS_MIN, _DIGITS_MAX = 7, 15


class Recipient(NamedTuple):
    """``given`` is what the caller wrote. Either ``wa_id`` or ``user_id`` is set; ``to`` wins over ``recipient``.

    ``person`` is the key of this person in the world: the wa_id, also where the caller knows the user id only, or
    the user id of somebody who never wrote.
    """

    given: str
    wa_id: str
    user_id: str
    person: str


def recipient_of(world: World, number: PhoneNumber, body: JSON) -> Recipient:
    """The recipient of a send. Errors: 131008 none given, 131009 not a number or id, 100 a group or wrong kind."""
    kind = body.get("recipient_type", "individual")
    if kind != "individual":
        raise malformed(f"Param recipient_type must be one of {{INDIVIDUAL}} - got {kind!r}.")
    to = body.get("to")
    if to is None:
        return _by_user_id(world, body)
    if not isinstance(to, str):
        raise malformed("Param to must be a string.")
    digits = international(to, number.country_code)
    if not _NUMBER.match(to) or not _DIGITS_MIN <= len(digits) <= _DIGITS_MAX:
        raise invalid(f"Param to is not a valid phone number: {to!r}")
    user_id = body.get("recipient")
    wa_id = wa_id_of(digits)
    return Recipient(to, wa_id, user_id if isinstance(user_id, str) else "", wa_id)


def _by_user_id(world: World, body: JSON) -> Recipient:
    user_id = body.get("recipient")
    if user_id is None:
        raise missing("to")
    if not isinstance(user_id, str) or not _USER_ID.match(user_id):
        raise invalid("Param recipient is not a valid business-scoped user ID.")
    return Recipient(user_id, "", user_id, world.user_ids.get(user_id, user_id))
