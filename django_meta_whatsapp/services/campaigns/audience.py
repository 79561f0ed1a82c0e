"""Who a campaign goes to, in the documented order: resolver, named provider, contacts, CSV.

Sources are read as streams. People who are blocked or have opted out are left out whatever the source, and so is whoever
is named a second time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils.module_loading import import_string

from django_meta_whatsapp import phones
from django_meta_whatsapp.cloud_api.events.reading import storable
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidAudience, InvalidSetting, WhatsAppError
from django_meta_whatsapp.models import (
    TemplateCategory,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    audiences,
)
from django_meta_whatsapp.models.audiences import Provider
from django_meta_whatsapp.models.contact import user_identity
from django_meta_whatsapp.services import accounts, acquaintance, contacts, suppression
from django_meta_whatsapp.services.batches import SIZE
from django_meta_whatsapp.services.campaigns import contact_fields
from django_meta_whatsapp.services.campaigns.candidates import Candidate
from django_meta_whatsapp.services.campaigns.contact_filters import filtered
from django_meta_whatsapp.services.campaigns.csv_audience import from_csv
from django_meta_whatsapp.services.campaigns.personalise import fields_named

PAGE = 1000


def resolve_audience(campaign: WhatsAppCampaign) -> list[dict[str, Any]]:
    """See `iter_audience`; the whole list at once."""
    return list(iter_audience(campaign))


def iter_audience(campaign: WhatsAppCampaign) -> Iterator[dict[str, Any]]:
    """`{"phone": "+4512345678", "name": "…", "params": {…}}` for each person of the audience, once.

    Holds a few hundred people at a time, and a digest of each one seen, 80 MB for a million. `phone` is the
    business-scoped user id of somebody whose number is not known. Entries without a usable number are left out.
    Raises InvalidAudience or InvalidFile for an audience that cannot be resolved, InvalidSetting for a setting that names
    it wrongly.
    """
    template = campaign.template
    account = accounts.account_or_default(campaign.account or (template.account if template else None))
    category = template.category if template else TemplateCategory.MARKETING
    seen: set[bytes] = set()
    for batch in in_batches(candidates(campaign, account)):
        people = [(candidate, person) for candidate in batch if (person := candidate.person())]
        identities = [person.identities(account.portfolio_id)[0] for _, person in people]
        known = acquaintance.find(identities)
        refused = suppression.refusals(account, identities, category=category, known=known)
        for identity, (candidate, person) in zip(identities, people, strict=True):
            who = known[identity].pk if identity in known else identity
            digest = blake2b(str(who).encode(), digest_size=16).digest()
            if identity not in refused and digest not in seen:
                seen.add(digest)
                address = person.phone or person.user_id
                yield {"phone": address, "name": person.name, "params": dict(candidate.params)}


def in_batches(candidates: Iterable[Candidate], size: int = SIZE) -> Iterator[list[Candidate]]:
    """The candidates, a few hundred at a time."""
    stream = iter(candidates)
    while batch := list(islice(stream, size)):
        yield batch


def candidates(campaign: WhatsAppCampaign, account: WhatsAppAccount, after: int = 0) -> Iterator[Candidate]:
    """Everybody whom the campaign's audience names, as it names them: nobody is left out yet.

    after: the position behind which to begin, in sources that have positions.
    """
    resolved = _resolved(campaign)
    if resolved is not None:
        return _from_items(resolved)
    provider = audiences.provider(campaign.audience_type)
    if provider is not None:
        return _from_provider(campaign, provider)
    if campaign.audience_type == audiences.CONTACTS:
        return _from_contacts(campaign, account, after)
    if campaign.audience_type == audiences.CSV:
        return from_csv(campaign, after)
    raise audiences.unknown(campaign.audience_type)


def _resolved(campaign: WhatsAppCampaign) -> Iterable[Any] | None:
    """What the host's resolver returns. None, from it or without one: the audience type decides."""
    path = whatsapp_settings.CAMPAIGN_RESOLVER
    return _called(path, "CAMPAIGN_RESOLVER", campaign) if path else None


def _called(path: str, setting: str, *arguments: Any, **named: Any) -> Any:
    try:
        function: Callable[..., Any] = import_string(path)
    except ImportError as error:
        raise InvalidSetting(setting, f"{path!r} cannot be imported: {error}.") from error
    return _host(lambda: function(*arguments, **named), path)


def _host(call: Callable[[], Any], path: str) -> Any:
    """What the host's code returns; whatever it raises makes the audience one that cannot be resolved."""
    try:
        return call()
    except WhatsAppError:
        raise
    except Exception as error:
        raise InvalidAudience("audience", f"{path} raised {type(error).__name__}: {error}") from error


def _from_items(items: Iterable[Any]) -> Iterator[Candidate]:
    for number, item in enumerate(_streamed(items, "CAMPAIGN_RESOLVER"), start=1):
        if not isinstance(item, Mapping) or not isinstance(item.get("params") or {}, Mapping):
            raise InvalidAudience("audience", f'entry {number} is no dict with "phone", "name" and "params".')
        phone, name = _text(item.get("phone")), _text(item.get("name"))
        params = {field: _plain(value) for field, value in (item.get("params") or {}).items()}
        yield Candidate(phone, name, params, where=f"entry {number}")


def _from_provider(campaign: WhatsAppCampaign, provider: Provider) -> Iterator[Candidate]:
    arguments = provider.arguments(campaign.audience_filters)
    wanted = fields_named(campaign.parameter_mappings)
    items = _called(provider.path, "AUDIENCES", **arguments)
    for number, item in enumerate(_streamed(items, provider.path), start=1):
        params = {field: value for field in wanted if (value := _read(item, field)) is not None}
        # Our own contacts hold complete international digits; everything else holds what somebody typed.
        is_typed = not isinstance(item, WhatsAppContact)
        phone = _text(_read(item, provider.phone_field))
        if phone and not is_typed:
            phone = phones.from_digits(phone)
        yield Candidate(
            phone, _text(_read(item, provider.name_field)), params, is_typed, where=f"entry {number}"
        )


def _streamed(items: Any, path: str) -> Iterator[Any]:
    rows = items.iterator(chunk_size=PAGE) if isinstance(items, QuerySet) else items
    if not isinstance(rows, Iterable):
        raise InvalidAudience("audience", f"{path} returned {type(items).__name__}, not a list or queryset.")
    stream = iter(rows)
    while (item := _host(lambda: next(stream, _END), path)) is not _END:
        yield item


_END = object()


def _read(item: Any, field: str) -> Any:
    """The value of a field: a key or an attribute; `profile__phone` looks into what `profile` holds."""
    for name in field.split("__"):
        item = item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
    return _plain(item)


def _plain(value: Any) -> Any:
    """Without what no database holds: NUL characters, halves of surrogate pairs, NaN."""
    return storable(value) if isinstance(value, str | float) else value


def _text(value: Any) -> str:
    plain = _plain(value)
    return "" if plain is None else str(plain)


def _from_contacts(campaign: WhatsAppCampaign, account: WhatsAppAccount, after: int) -> Iterator[Candidate]:
    """Contacts by pages of their id: no query stays open while the caller writes."""
    found = WhatsAppContact.objects.filter(opted_out=False, is_blocked=False)
    if campaign.segment:
        found = filtered(found, campaign.segment.filters, account)
    allowed = filtered(found, campaign.audience_filters, account).order_by("pk")
    last = after
    wanted = {field.lower() for field in fields_named(campaign.parameter_mappings)}
    while page := contact_fields.read(allowed.filter(pk__gt=last)[:PAGE]):
        last = page[-1].pk
        yield from _with_user_ids(page, account, wanted)


def _with_user_ids(
    page: Sequence[contact_fields.Known], account: WhatsAppAccount, wanted: Iterable[str]
) -> Iterator[Candidate]:
    unnumbered = contacts.identities_of([contact.pk for contact in page if not contact.phone])
    prefix = user_identity(account.portfolio_id, "")
    own = contact_fields.of(page, {*contact_fields.PLAIN, *wanted})
    for contact in page:
        user_id = ""
        if not contact.phone:
            identities = unnumbered.get(contact.pk, [])
            user_id = next((each.removeprefix(prefix) for each in identities if each.startswith(prefix)), "")
        yield Candidate(
            contact.phone, contact.name, own[contact.pk], is_typed=False, user_id=user_id, position=contact.pk
        )
