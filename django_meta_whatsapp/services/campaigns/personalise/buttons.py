"""What a campaign's mappings put into a template's buttons."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import template_components as tc
from django_meta_whatsapp.cloud_api.content.commerce import RETAILER_ID_LIMIT
from django_meta_whatsapp.cloud_api.template_variables import ButtonVariable
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.services.campaigns.personalise import slots
from django_meta_whatsapp.services.campaigns.personalise.mappings import Mappings

Build = Callable[[Any], JSON]
FLOW_TOKEN_LIMIT = 512
THUMBNAIL = "thumbnail_product_retailer_id"
_OBJECTS = {
    "flow": ("flow_token", "flow_action_data"),
    "catalog": (THUMBNAIL,),
    "mpm": (THUMBNAIL, "sections"),
}
_FITS = {"flow_token": slots.text(FLOW_TOKEN_LIMIT), THUMBNAIL: slots.text(RETAILER_ID_LIMIT)}
_PLAIN = {"flow": "flow_token", "catalog": THUMBNAIL}
"""What a plain value fills in the object of a button."""


def button(mappings: Mappings, variable: ButtonVariable, *, is_code: bool) -> tuple[Any, Build]:
    """The template of a button that needs a value, and what makes a component of it.

    is_code: whether it carries the code of an authentication template.
    """
    if variable.sub_type in ("mpm", "order_details"):
        key, told = f"button_{variable.index}", mappings.button_told(variable)
        given = mappings.of_button(variable)
        if not isinstance(given, Mapping):
            raise mappings.unfilled(
                key, told, "with the products" if variable.sub_type == "mpm" else "with the order"
            )
        return _object(mappings, variable, given)
    fit = {"url": slots.url_end(), "copy_code": slots.code(tc.COPY_CODE_LIMIT)}[variable.sub_type]
    slot = mappings.button(variable, slots.text(tc.OTP_LIMIT) if is_code else fit)
    build = tc.url if variable.sub_type == "url" else tc.copy_code
    return slot, partial(build, variable.index)


def optional_button(mappings: Mappings, variable: ButtonVariable) -> tuple[Any, Build] | None:
    """The same for a button that may have a value; None when nothing is mapped."""
    given = mappings.of_button(variable)
    if given is None:
        return None
    key, told = f"button_{variable.index}", mappings.button_told(variable)
    if variable.sub_type == "quick_reply":
        return mappings.leaf(key, told, given, slots.text(tc.PAYLOAD_LIMIT)), partial(
            tc.quick_reply, variable.index
        )
    if isinstance(given, str) or (isinstance(given, Mapping) and ("field" in given or "value" in given)):
        name = _PLAIN[variable.sub_type]
        return {name: mappings.leaf(key, told, given, _FITS[name])}, partial(
            _BUILD[variable.sub_type], variable.index
        )
    if not isinstance(given, Mapping):
        raise mappings.unfilled(key, told)
    return _object(mappings, variable, given)


def _object(mappings: Mappings, variable: ButtonVariable, given: Mapping[str, Any]) -> tuple[Any, Build]:
    key, told = f"button_{variable.index}", mappings.button_told(variable)
    names = _OBJECTS.get(variable.sub_type)
    if names and (strange := given.keys() - set(names)):
        raise CampaignNotRunnable(
            f'The template\'s {told}: "{min(map(str, strange))}" is not known here; there are {", ".join(names)}.'
        )
    template = mappings.template(key, told, given, _FITS, slots.as_it_is)
    return template, partial(_BUILD[variable.sub_type], variable.index)


def _flow(index: int, given: JSON) -> JSON:
    return tc.flow(index, str(given.get("flow_token") or ""), given.get("flow_action_data"))


def _catalog(index: int, given: JSON) -> JSON:
    return tc.catalog(index, str(given.get(THUMBNAIL) or ""))


def _mpm(index: int, given: JSON) -> JSON:
    sections = given.get("sections")
    return tc.mpm(index, str(given.get(THUMBNAIL) or ""), sections if isinstance(sections, list) else [])


_BUILD: dict[str, Callable[[int, JSON], JSON]] = {
    "flow": _flow,
    "catalog": _catalog,
    "mpm": _mpm,
    "order_details": tc.order_details,
}
