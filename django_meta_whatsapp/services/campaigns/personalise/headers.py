"""What a campaign's mappings put into a template's header."""

import mimetypes
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import template_components as tc
from django_meta_whatsapp.cloud_api.content.people import Location
from django_meta_whatsapp.cloud_api.content.text_media import Document, Image, Video
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.template_variables import TemplateVariables
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.services.campaigns.personalise import slots
from django_meta_whatsapp.services.campaigns.personalise.mappings import Mappings
from django_meta_whatsapp.services.campaigns.personalise.slots import Upload, Uploaded
from django_meta_whatsapp.services.campaigns.personalise.values import Fit

TEXT_LIMIT = 60
FILENAME_LIMIT = 240
PLACE_LIMIT = 1000
FILE = "file"
_SOURCES = ("id", "link", "media", FILE)
_PLACE = ("latitude", "longitude", "name", "address")
_PLACE_FITS = {
    "latitude": slots.degrees(90),
    "longitude": slots.degrees(180),
    "name": slots.optional_text(PLACE_LIMIT),
    "address": slots.optional_text(PLACE_LIMIT),
}
_PRODUCT = ("product_retailer_id", "catalog_id")
_PDF = "application/pdf"

Build = Callable[[Any], JSON]


def header(mappings: Mappings, variables: TemplateVariables, *, has_file: bool) -> tuple[Any, Build] | None:
    """The template of the header with its slots, and what makes a component of it; None for a header that needs nothing.

    has_file: whether the campaign has a file of its own, which fills a header that nothing else fills.
    """
    format_ = variables.header_format
    if format_ in ("", "TEXT"):
        return _text(mappings, variables)
    if format_ in _MEDIA:
        return _media(mappings, format_, has_file=has_file), partial(_build_media, format_)
    if format_ not in _OBJECTS:
        raise CampaignNotRunnable(f"The Cloud API cannot fill the {mappings.told(f'{format_} header')}.")
    hint, names, fits, build = _OBJECTS[format_]
    told = mappings.told(f"{format_} header")
    given = mappings.find("header")
    if not isinstance(given, Mapping):
        raise mappings.unfilled("header", told, hint)
    _refuse_strangers(told, given, names)
    return mappings.template("header", told, given, fits, slots.text()), build


def _text(mappings: Mappings, variables: TemplateVariables) -> tuple[Any, Build] | None:
    if not variables.header:
        return None
    fit = slots.text(TEXT_LIMIT)
    if variables.named:
        return {name: mappings.header(name, fit) for name in variables.header}, tc.header_text
    return [mappings.header(name, fit) for name in variables.header], tc.header_text


def _refuse_strangers(told: str, given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    if strange := given.keys() - set(names):
        raise CampaignNotRunnable(
            f'The template\'s {told}: "{min(map(str, strange))}" is not known here; there are {", ".join(names)}.'
        )


def _media(mappings: Mappings, format_: str, *, has_file: bool) -> JSON:
    told = mappings.told(f"{format_} header")
    given = mappings.find("header")
    if given is None and has_file and not mappings.prefix:
        given = {FILE: True}
    if isinstance(given, str) or (isinstance(given, Mapping) and "field" in given):
        return {"source": mappings.leaf("header", told, given, slots.medium)}
    if not isinstance(given, Mapping):
        raise mappings.unfilled("header", told, 'with "link", "id", "media" or "file"')
    _refuse_strangers(told, given, (*_SOURCES, "filename") if format_ == "DOCUMENT" else _SOURCES)
    sources = [name for name in _SOURCES if name in given]
    if len(sources) != 1:
        raise CampaignNotRunnable(f"The template's {told}: give one of {', '.join(_SOURCES)}.")
    built = _source(mappings, told, format_, sources[0], given[sources[0]], has_file=has_file)
    if "filename" in given:
        declared = {"value": given["filename"]} if isinstance(given["filename"], str) else given["filename"]
        built["filename"] = mappings.leaf("header.filename", told, declared, slots.text(FILENAME_LIMIT))
    return built


def _source(mappings: Mappings, told: str, format_: str, name: str, given: Any, *, has_file: bool) -> JSON:
    key = f"{mappings.prefix}header"
    if name == FILE:
        if given is not True or not has_file or mappings.prefix:
            raise CampaignNotRunnable(f"The template's {told}: the campaign has no header file.")
        return {"upload": Upload(key, format_.lower(), told)}
    if name == "media":
        if isinstance(given, bool) or not isinstance(given, int):
            raise CampaignNotRunnable(f'The template\'s {told}: "media" must be the id of a stored file.')
        return {"upload": Upload(key, format_.lower(), told, given)}
    declared = {"value": given} if isinstance(given, str | int) else given
    fit = slots.link if name == "link" else slots.media_id
    return {"source": mappings.leaf(f"header.{name}", told, declared, fit)}


def _build_media(format_: str, given: JSON) -> JSON:
    uploaded: Uploaded | None = given.get("upload")
    source = uploaded.media_id if uploaded else str(given.get("source") or "")
    if not source:
        raise InvalidMessage("header", "has no file: it is not at Meta yet")
    where = {"id": source} if source.isdecimal() else {"link": source}
    if format_ != "DOCUMENT":
        return tc.header_media(_MEDIA[format_](**where))
    filename = str(given.get("filename") or (uploaded.filename if uploaded else ""))
    mime_type = mimetypes.guess_type(where.get("link", ""))[0] or _PDF
    return tc.header_media(Document(**where, filename=filename, mime_type=mime_type))


_MEDIA: dict[str, type[Image] | type[Video] | type[Document]] = {
    "IMAGE": Image,
    "VIDEO": Video,
    "DOCUMENT": Document,
}


def _build_place(given: JSON) -> JSON:
    labels = {name: str(given.get(name) or "") for name in ("name", "address")}
    return tc.header_location(Location(given.get("latitude", ""), given.get("longitude", ""), **labels))


def _build_product(given: JSON) -> JSON:
    return tc.header_product(*(str(given.get(name) or "") for name in reversed(_PRODUCT)))


_OBJECTS: dict[str, tuple[str, tuple[str, ...], Mapping[str, Fit], Build]] = {
    "LOCATION": ('with "latitude" and "longitude"', _PLACE, _PLACE_FITS, _build_place),
    "PRODUCT": ('with "product_retailer_id" and "catalog_id"', _PRODUCT, {}, _build_product),
}
