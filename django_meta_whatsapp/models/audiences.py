"""What an audience may be: contacts, a CSV file, or a provider that the settings name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidAudience, InvalidSetting
from django_meta_whatsapp.models import filters

CONTACTS, CSV = "contacts", "csv"
PROVIDER_KEYS = ("provider", "phone_field", "name_field", "parameters")


@dataclass(frozen=True, slots=True)
class Provider:
    """A function of the host. parameters: the names of its keyword arguments; defaults: what some of them are without a say."""

    path: str
    phone_field: str
    name_field: str
    parameters: tuple[str, ...]
    defaults: Mapping[str, Any]

    def arguments(self, given: object) -> dict[str, Any]:
        """Its keyword arguments, when a campaign gives those. Raises InvalidAudience, naming one that it does not take."""
        if not isinstance(given, Mapping):
            raise InvalidAudience(filters.FIELD, "an object is expected: parameter to value.")
        for name in given:
            if name not in self.parameters:
                known = f"it takes {', '.join(self.parameters)}" if self.parameters else "it takes none"
                raise InvalidAudience(
                    filters.FIELD, f"{name!r} is no parameter of this audience's provider; {known}."
                )
        return {**self.defaults, **given}


def provider(audience_type: str) -> Provider | None:
    """The provider behind an audience's name: a dotted path in the settings, or a dict with the keys of PROVIDER_KEYS.

    Raises InvalidSetting for one that is neither.
    """
    if audience_type not in whatsapp_settings.AUDIENCES:
        return None
    given = whatsapp_settings.AUDIENCES[audience_type]
    spec = given if isinstance(given, Mapping) else {"provider": given}
    path, parameters = spec.get("provider"), spec.get("parameters") or ()
    if not isinstance(path, str):
        raise InvalidSetting("AUDIENCES", f"{audience_type!r} names no provider.")
    if not isinstance(parameters, Mapping | list | tuple) or not all(isinstance(p, str) for p in parameters):
        why = f"{audience_type!r}: parameters must be a list of names, or a dict of names and defaults."
        raise InvalidSetting("AUDIENCES", why)
    return Provider(
        path,
        spec.get("phone_field") or whatsapp_settings.PHONE_FIELD,
        spec.get("name_field") or whatsapp_settings.NAME_FIELD,
        tuple(parameters),
        parameters if isinstance(parameters, Mapping) else {},
    )


def check(audience_type: str, given_filters: object, *, has_segment: bool) -> None:
    """Raises InvalidAudience, naming the campaign's field and the key, for an audience that could never be resolved."""
    found = provider(audience_type)
    if has_segment and (found or audience_type != CONTACTS):
        raise InvalidAudience("segment", "a segment is one of contacts: the audience must be contacts.")
    if found:
        found.arguments(given_filters)
    elif audience_type == CONTACTS:
        filters.check(given_filters)
    elif audience_type != CSV and not whatsapp_settings.CAMPAIGN_RESOLVER:
        raise unknown(audience_type)


def unknown(audience_type: str) -> InvalidAudience:
    known = ", ".join((CONTACTS, CSV, *map(str, whatsapp_settings.AUDIENCES)))
    return InvalidAudience("audience_type", f"{audience_type!r} is not known; there are {known}.")
