"""The block list of a phone number (Meta: block users page)."""

from dataclasses import dataclass, field

from whatsapp_simulator.errors import coded, malformed, missing, title
from whatsapp_simulator.http import JSON, Answer, GraphError, Request, answer
from whatsapp_simulator.paging import page
from whatsapp_simulator.phones import international, wa_id_of
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import MESSAGING, PhoneNumber
from whatsapp_simulator.world import World

_USERS_PER_CALL = 1000
_LIST_MAX = 64_000
_LATE = "More than 24 hours have passed since the user last wrote to this number, or it is not on WhatsApp."


@dataclass(slots=True)
class _Outcome:
    """What became of the users of one call."""

    done: list[JSON] = field(default_factory=list)
    failed: list[JSON] = field(default_factory=list)

    def fail(self, user: JSON, error: GraphError) -> None:
        """Report ``user`` as failed with ``error``."""
        whole = error.envelope("")["error"]
        self.failed.append(
            {**user, "errors": [{key: whole[key] for key in ("message", "code", "error_data")}]}
        )


class _PartlyFailed(GraphError):
    """139100, with the outcome of every user beside the error."""

    def __init__(self, body: JSON) -> None:
        super().__init__(139100, title(139100), "Some users could not be blocked or unblocked.")
        self._body = body

    def envelope(self, trace_id: str) -> JSON:
        return {**self._body, **super().envelope(trace_id)}


@route("POST", "/{phone_number_id}/block_users", permission=MESSAGING)
def block(world: World, request: Request, phone_number_id: str) -> Answer:
    """Block people who wrote to this number in the last 24 hours; those who fail are reported, the others are blocked.

    Omits: other businesses on WhatsApp, who cannot be blocked (only the number itself is known, 131021).
    """
    number = world.phone_numbers[phone_number_id]
    outcome = _Outcome()
    for given in _users(request):
        user, wa_id = _identified(world, number, given)
        error = _refusal(world, number, wa_id)
        if error is not None:
            outcome.fail(user, error)
            continue
        number.blocked.setdefault(wa_id, world.clock.now())
        outcome.done.append(user)
    return _report(world, number, outcome, "added_users")


@route("DELETE", "/{phone_number_id}/block_users", permission=MESSAGING)
def unblock(world: World, request: Request, phone_number_id: str) -> Answer:
    """Take people off the list, however long ago they wrote."""
    number = world.phone_numbers[phone_number_id]
    outcome = _Outcome()
    for given in _users(request):
        user, wa_id = _identified(world, number, given)
        if number.blocked.pop(wa_id, None) is None:
            outcome.fail(user, coded(100, "The user is not blocked."))
        else:
            outcome.done.append(user)
    return _report(world, number, outcome, "removed_users")


def _users(request: Request) -> list[JSON]:
    body = request.json()
    if body.get("messaging_product") != "whatsapp":
        raise missing("messaging_product")
    users = body.get("block_users")
    if users is None:
        raise missing("block_users")
    if not isinstance(users, list) or not all(isinstance(user, dict) for user in users) or not users:
        raise malformed("Param block_users must be a non-empty array of objects.")
    if len(users) > _USERS_PER_CALL:
        raise coded(130429, f"One call can name {_USERS_PER_CALL} users.")
    for user in users:
        if not isinstance(user.get("user") or user.get("user_id"), str):
            raise missing("block_users[]['user']")
    return users


def _identified(world: World, number: PhoneNumber, given: JSON) -> tuple[JSON, str]:
    """How the answer names a user, and the wa_id ("" when a business-scoped user id is not known)."""
    if given.get("user"):
        wa_id = wa_id_of(international(given["user"], number.country_code))
        return {"input": given["user"], "wa_id": wa_id}, wa_id
    user_id = given["user_id"]
    return {"input": user_id, "user_id": user_id}, world.user_ids.get(user_id, "")


def _refusal(world: World, number: PhoneNumber, wa_id: str) -> GraphError | None:
    if wa_id == number.digits:
        return coded(131021, "A business cannot block itself.")
    if wa_id in number.blocked:
        return None
    if not wa_id or not world.window_open(number, wa_id):
        return coded(131047, _LATE)
    if len(number.blocked) >= _LIST_MAX:
        return coded(139101, f"The block list holds {_LIST_MAX} users.")
    return None


def _report(world: World, number: PhoneNumber, outcome: _Outcome, key: str) -> Answer:
    changes = world.stores.block_list_changes
    changes[number.id] = changes.get(number.id, 0) + bool(outcome.done)
    result: JSON = {key: outcome.done} if outcome.done else {}
    body: JSON = {"messaging_product": "whatsapp", "block_users": result}
    if not outcome.failed:
        return answer(body)
    result["failed_users"] = outcome.failed
    raise _PartlyFailed(body)


@route("GET", "/{phone_number_id}/block_users", permission=MESSAGING)
def blocked(world: World, request: Request, phone_number_id: str) -> Answer:
    """The blocked users, in pages without ``next``; a list that changes meanwhile is 139102."""
    number = world.phone_numbers[phone_number_id]

    def render(wa_id: str) -> JSON:
        return {"messaging_product": "whatsapp", "wa_id": wa_id}

    mark = str(world.stores.block_list_changes.get(phone_number_id, 0))
    stale = coded(139102, "Start again from the first page.")
    return answer(page(request, list(number.blocked), render, links=False, mark=mark, stale=stale))
