"""Sending one message, at most once: the gate, then row and attempt committed, then the call, then what became of it."""

from dataclasses import dataclass

from django.db.models import Q

from django_meta_whatsapp import phones
from django_meta_whatsapp.cloud_api.calls import JSON, Call
from django_meta_whatsapp.cloud_api.content import Content
from django_meta_whatsapp.cloud_api.errors import MetaAPIError, Outcome
from django_meta_whatsapp.cloud_api.operations import messages
from django_meta_whatsapp.cloud_api.template_texts import sent_text
from django_meta_whatsapp.errors import InvalidInput, SendRefused
from django_meta_whatsapp.models import (
    TemplateCategory,
    TemplateStatus,
    WhatsAppAccount,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppTemplate,
)
from django_meta_whatsapp.models.contact import phone_identity, user_identity
from django_meta_whatsapp.services import (
    accounts,
    budget,
    contacts,
    outbox_rows,
    suppression,
    tokens,
    transactions,
)
from django_meta_whatsapp.services.contacts import Person
from django_meta_whatsapp.services.outbox_rows import Committed
from django_meta_whatsapp.services.pacing import conversations
from django_meta_whatsapp.services.recipients import address_of, person_at
from django_meta_whatsapp.services.steps import Job, arun, ask, pause, run
from django_meta_whatsapp.services.templates import components_of

ACCOUNT_OFF = "account_off"
TEMPLATE_NOT_APPROVED = "template_not_approved"

_DEDUPE_KEY_LENGTH = 255


def send_message(
    account: WhatsAppAccount | None,
    to: str | WhatsAppContact,
    content: Content,
    *,
    dedupe_key: str | None = None,
    category: str | None = None,
) -> WhatsAppMessage:
    """Sends `content` to one person; see `django_meta_whatsapp.utils.send_message`."""
    return run(_sending(account, to, content, dedupe_key, category), account)


async def asend_message(
    account: WhatsAppAccount | None,
    to: str | WhatsAppContact,
    content: Content,
    *,
    dedupe_key: str | None = None,
    category: str | None = None,
) -> WhatsAppMessage:
    """`send_message`, awaited."""
    return await arun(_sending(account, to, content, dedupe_key, category), account)


def _sending(
    account: WhatsAppAccount | None,
    to: str | WhatsAppContact,
    content: Content,
    dedupe_key: str | None,
    category: str | None,
) -> Job[WhatsAppMessage]:
    draft = _checked(account, to, content, dedupe_key, category)
    if isinstance(draft, WhatsAppMessage):
        return draft
    # Before anything is committed: whoever is interrupted while waiting leaves nothing behind.
    yield from pause(conversations.place_for(draft.account, draft.identity))
    committed = draft.commit()
    if isinstance(committed, WhatsAppMessage):
        return committed
    try:
        answer = yield from ask(committed.call)
    except MetaAPIError as error:
        outbox_rows.settle_failure(committed, error)
        conversations.refused(draft.account, draft.identity, error)
        if error.outcome == Outcome.MAYBE_SENT:
            return outbox_rows.reread(committed)
        raise
    except BaseException:
        # Interrupted, or a cancelled task: the message may have gone out.
        outbox_rows.settle_unknown(committed, "Interrupted while Meta was being called.")
        raise
    outbox_rows.settle_accepted(committed, answer)
    return outbox_rows.reread(committed)


@dataclass(frozen=True, slots=True)
class _Addressee:
    """Whom a message is for. address: as Meta takes it; contact: None for somebody we have no row of."""

    address: str
    identities: list[str]
    person: Person
    contact: WhatsAppContact | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A message that may be sent. identity: of the person, for the pace; text: how it reads."""

    account: WhatsAppAccount
    contact: WhatsAppContact
    identity: str
    content: Content
    text: str
    category: str
    call: Call[JSON]
    token: str
    dedupe_key: str | None

    def commit(self) -> Committed | WhatsAppMessage:
        """The message, ready to be sent; or that of another caller who was first with the key."""
        if self.content.type == "template":
            budget.count(self.account, self.contact.pk)
        return outbox_rows.commit(
            self.account,
            self.contact,
            self.content,
            self.category,
            self.call,
            self.token,
            self.dedupe_key,
            self.text,
        )


def _checked(
    account: WhatsAppAccount | None,
    to: str | WhatsAppContact,
    content: Content,
    dedupe_key: str | None,
    category: str | None,
) -> _Draft | WhatsAppMessage:
    """The message, if it may be sent; or the first one with the same `dedupe_key`."""
    transactions.refuse_inside()
    if dedupe_key is not None and not 1 <= len(dedupe_key) <= _DEDUPE_KEY_LENGTH:
        raise InvalidInput("dedupe_key", f"1 to {_DEDUPE_KEY_LENGTH} characters are expected.")
    account = accounts.account_or_default(account)
    first = outbox_rows.first_with(account, dedupe_key)
    if first is not None:
        return first
    if not account.can_send:
        raise SendRefused(ACCOUNT_OFF, f"The account {account} is switched off or restricted.")
    addressee = _addressee(account, to)
    token = tokens.new_token()
    # Built before any row, because it checks the content.
    call = messages.send_message(account.phone_number_id, addressee.address, content, callback_data=token)
    template = _template(account, content)
    category = _category(template, content, category)
    suppression.check_identities(account, addressee.identities, content, category)
    contact = addressee.contact or _introduce(account, addressee.person)
    identity = addressee.identities[0] if addressee.identities else f"c:{contact.pk}"
    text = _text(template, content)
    return _Draft(account, contact, identity, content, text, category, call, token, dedupe_key)


def _addressee(account: WhatsAppAccount, to: str | WhatsAppContact) -> _Addressee:
    if isinstance(to, WhatsAppContact):
        identities = contacts.identities_of([to.pk]).get(to.pk, [])
        return _Addressee(_address(account, to, identities), identities, Person(), to)
    address = address_of(to, field="to")
    person = person_at(address)
    named = list(person.identities(account.portfolio_id))
    contact = next(iter(contacts.find_contacts(named).values()), None)
    known = contacts.identities_of([contact.pk])[contact.pk] if contact else named
    return _Addressee(address, known, person, contact)


def _address(account: WhatsAppAccount, contact: WhatsAppContact, identities: list[str]) -> str:
    if contact.phone:
        return phones.from_digits(contact.phone)
    for prefix, sign in ((phone_identity(""), "+"), (user_identity(account.portfolio_id, ""), "")):
        for identity in identities:
            if identity.startswith(prefix):
                return sign + identity.removeprefix(prefix)
    raise InvalidInput("to", "This contact has neither a phone number nor a user ID of this portfolio.")


def _introduce(account: WhatsAppAccount, person: Person) -> WhatsAppContact:
    found = contacts.ensure([person], portfolio_id=account.portfolio_id)
    return found[person.identities(account.portfolio_id)[0]]


def _text(template: WhatsAppTemplate | None, content: Content) -> str:
    """What the person reads, as far as we know it."""
    if template is None:
        return content.summary()
    return sent_text(components_of(template), content.payload()) or content.summary()


def _category(template: WhatsAppTemplate | None, content: Content, category: str | None) -> str:
    """The category that the gate goes by: Meta's own where we know the template, else the caller's.

    A template that we do not know and that nobody has placed counts as marketing: the strictest.
    """
    if content.type != "template":
        return ""
    if template is None:
        return (category or TemplateCategory.MARKETING).upper()
    if template.status != TemplateStatus.APPROVED:
        raise SendRefused(
            TEMPLATE_NOT_APPROVED, f"The template {template} is {template.status}; only APPROVED can be sent."
        )
    return template.category


def _template(account: WhatsAppAccount, content: Content) -> WhatsAppTemplate | None:
    """The row of a template, the account's own first; numbers of one business account share their templates."""
    if content.type != "template":
        return None
    match content.payload():
        case {"name": str(name), "language": {"code": str(language)}}:
            pass
        case _:
            return None
    shared = Q(account=account) | Q(account=None)
    if account.waba_id:
        shared |= Q(account__waba_id=account.waba_id)
    rows = WhatsAppTemplate.objects.filter(shared, name=name, language=language)
    return min(rows, key=lambda row: (row.account_id != account.pk, row.account_id is None), default=None)
