"""In-app signups: links at Meta, and our rows in step with them."""

from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.errors import MetaAPIError
from django_meta_whatsapp.cloud_api.operations import signups
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import SignupStatus, WhatsAppAccount, WhatsAppSignup
from django_meta_whatsapp.services import accounts
from django_meta_whatsapp.services.batches import upsert
from django_meta_whatsapp.services.steps import Job, all_entries, ask

_FROM_CALLER = [
    "account",
    "display_name",
    "signup_message",
    "confirmation_message",
    "privacy_policy_url",
    "website_url",
    "promo_code",
    "status",
    "updated_at",
]


def require_account(account: WhatsAppAccount | None) -> WhatsAppAccount:
    """`account`; InvalidInput (a ValueError) when there is none or when it has no `waba_id`."""
    if account is None:
        raise InvalidInput("account", "A signup belongs to an account: pass one.")
    if not account.waba_id:
        raise InvalidInput("account", "The account has no waba_id, which signups need.")
    return account


def create(account: WhatsAppAccount, **values: str) -> Job[JSON]:
    """Creates a link and its row; values: see `operations.signups.create_signup`."""
    answer = yield from _create_with_terms(account.waba_id, values)
    if answer.get("id"):
        row = WhatsAppSignup(account=account, signup_id=str(answer["id"]), **values)
        upsert(WhatsAppSignup, [row], unique=["signup_id"], update=_FROM_CALLER)
    return answer


def _create_with_terms(waba_id: str, values: dict[str, Any]) -> Job[JSON]:
    """Meta wants the agreement to its terms with a business's first link, and refuses it with every later one."""
    plain = signups.create_signup(waba_id, **values)
    agreeing = signups.create_signup(waba_id, accept_terms=True, **values)
    try:
        return (yield from ask(plain))
    except MetaAPIError as error:
        if not signups.terms_needed(error):
            raise
    try:
        return (yield from ask(agreeing))
    except MetaAPIError as error:
        # Somebody else has agreed in between.
        if not signups.terms_known(error):
            raise
    return (yield from ask(plain))


def update(signup_id: str, **changes: str | None) -> Job[JSON]:
    """Changes what is not None, at Meta and in our row."""
    wanted: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    if not wanted:
        raise InvalidInput("promo_code", "Give something to change.")
    answer = yield from ask(signups.update_signup(signup_id, **wanted))
    WhatsAppSignup.objects.filter(signup_id=signup_id).update(**wanted)
    return answer


def disable(signup_id: str) -> Job[JSON]:
    """Switches a link off; Meta deletes none."""
    return update(signup_id, status=SignupStatus.DISABLED.value)


def fetch(account: WhatsAppAccount | None) -> Job[list[JSON]]:
    """Every link of the account's WABA."""
    return all_entries(signups.list_signups(accounts.waba_id(account)))
