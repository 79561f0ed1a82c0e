"""Meta's question whether an address is ours (Meta's page "create webhook endpoint"), the same at every door."""

from collections.abc import Mapping

from django_meta_whatsapp.services import signatures

LONGEST_CHALLENGE = 256


def answer(query: Mapping[str, str]) -> tuple[str, int]:
    """Text and HTTP status for the query of a GET: the challenge, if the verify token is one of ours."""
    if query.get("hub.mode") != "subscribe":
        return "hub.mode must be subscribe.", 400
    if not signatures.is_verify_token(query.get("hub.verify_token", "")):
        return "The verify token is wrong.", 403
    challenge = query.get("hub.challenge", "")
    if not 0 < len(challenge) <= LONGEST_CHALLENGE:
        return "hub.challenge is missing or too long.", 400
    return challenge, 200
