"""From a template and a campaign's mappings to a Personaliser. Whatever can be told before the first person is told here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import template_components as tc
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.cloud_api.template_texts import (
    CARD_MARK,
    Piece,
    Text,
    body_text,
    joined,
    message_text,
    text_of,
)
from django_meta_whatsapp.cloud_api.template_variables import (
    TemplateVariables,
    component_of,
    template_variables,
)
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import TemplateCategory, WhatsAppTemplate
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns.personalise import formats, headers, slots
from django_meta_whatsapp.services.campaigns.personalise.buttons import button, optional_button
from django_meta_whatsapp.services.campaigns.personalise.mappings import CARDS, Mappings
from django_meta_whatsapp.services.campaigns.personalise.personaliser import Limit, Part, Personaliser
from django_meta_whatsapp.services.campaigns.personalise.slots import Slot
from django_meta_whatsapp.services.templates import components_of

Components = Sequence[Mapping[str, Any]]
BODY_LIMIT, OFFER_BODY_LIMIT, SHORT_BODY_LIMIT = 1024, 600, 160
OFFER = ("offer", "limited_time_offer")


def personaliser(template: WhatsAppTemplate, mappings: object, *, has_file: bool = False) -> Personaliser:
    """Matches what the template needs with the campaign's mappings. has_file: whether the campaign has a header file.

    Raises CampaignNotRunnable, naming the variable, for one that no mapping fills or that is filled wrongly.
    """
    components = components_of(template)
    variables = template_variables(components)
    is_code = template.category == TemplateCategory.AUTHENTICATION
    found = Mappings.of(mappings, () if is_code else variables.body, template.language)
    parts = _parts(found, variables, is_code=is_code, has_file=has_file)
    if variables.needs_expiration:
        parts.append(_offer(found))
    shown = _shown(components, parts)
    limits = _limits(components, parts)
    if component_of(components, "CAROUSEL"):
        cards, texts, more = _carousel(found, components, variables)
        parts.append(cards)
        shown, limits = joined([shown, *texts]), limits + more
    unused = tuple(sorted(found.mapped.keys() - found.used))
    built = Personaliser(
        template.name, template.language, tuple(part for _, part in parts), shown, tuple(limits), unused
    )
    try:
        built.check()
    except InvalidMessage as error:
        raise CampaignNotRunnable(f"The campaign's parameters: {error}.") from error
    return built


Named = tuple[str, Part]
"""A part with its name: `header`, `body`, `button_0` …"""


def _parts(mappings: Mappings, variables: TemplateVariables, *, is_code: bool, has_file: bool) -> list[Named]:
    """The parts of a template, or of a card."""
    parts: list[Named] = []

    def add(name: str, made: tuple[Any, Callable[[Any], JSON]] | None) -> None:
        if made is not None:
            parts.append((name, Part(*made)))

    add("header", headers.header(mappings, variables, has_file=has_file))
    if variables.body:
        fit = slots.text(tc.OTP_LIMIT if is_code else None)
        texts = {name: mappings.body(name, fit) for name in variables.body}
        add("body", (texts if variables.named else list(texts.values()), tc.body))
    for needed in variables.buttons:
        add(f"button_{needed.index}", button(mappings, needed, is_code=is_code))
    for optional in variables.optional_buttons:
        add(f"button_{optional.index}", optional_button(mappings, optional))
    return parts


def _offer(mappings: Mappings) -> Named:
    told = "end of the offer"
    declared = mappings.find(*OFFER)
    if declared is None:
        raise mappings.unfilled(OFFER[0], told, "with a date or a field that has one")
    end = mappings.leaf(OFFER[0], told, declared, _milliseconds)
    return "offer", Part(end, _end_of_offer, is_timed=True)


def _end_of_offer(milliseconds: int) -> JSON:
    built = tc.limited_time_offer(milliseconds)
    if milliseconds <= clock.now().timestamp() * 1000:
        raise InvalidMessage("offer", "is over")
    return built


def _milliseconds(value: Any) -> int:
    end = formats.moment(value, timezone.get_default_timezone())
    if end <= clock.now():
        raise ValueError("is over")
    return int(end.timestamp() * 1000)


def _carousel(
    mappings: Mappings, components: Components, variables: TemplateVariables
) -> tuple[Named, list[Text], list[Limit]]:
    """The carousel with the text and the limits of its cards."""
    defined = [
        card.get("components") or () for card in component_of(components, "CAROUSEL").get("cards") or ()
    ]
    if not defined:
        raise CampaignNotRunnable("The template's carousel has no cards.")
    given = _cards_given(mappings, variables, len(defined))
    cards, texts, limits = [], [], []
    for number, mapped in enumerate(given):
        place = min(number, len(defined) - 1)
        inner = variables.cards[place]
        found = Mappings.of(mapped, inner.body, mappings.language, f"card_{number}_")
        parts = _parts(found, inner, is_code=False, has_file=False)
        if strange := found.mapped.keys() - found.used:
            raise CampaignNotRunnable(f'Card {number}: "{min(strange)}" fills nothing.')
        cards.append(tuple(part for _, part in parts))
        texts.append(Text((CARD_MARK, *_shown(defined[place], parts).pieces)))
        limits += _limits(defined[place], parts, f" of card {number}")
    return ("carousel", Part(None, tc.carousel, tuple(cards))), texts, limits


def _cards_given(mappings: Mappings, variables: TemplateVariables, defined: int) -> list[Any]:
    given = mappings.find(CARDS)
    if given is None:
        given = [{}] * defined
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise CampaignNotRunnable(f'"{CARDS}" must be a list with an object for each card.')
    # Meta lets product cards that were defined twice be sent up to ten times.
    free = variables.cards[0].header_format == "PRODUCT" and defined == 2
    if len(given) != defined and not (free and 2 <= len(given) <= 10):
        raise CampaignNotRunnable(f'"{CARDS}" has {len(given)} cards, the template has {defined}.')
    return given


def _shown(components: Components, parts: Sequence[Named]) -> Text:
    by_name = dict(parts)
    keys = {name: _keys(part.template) for name, part in parts}
    return message_text(components, keys, _labels(by_name.get("header")))


def _keys(template: Any) -> dict[str, str]:
    """The keys of a part's slots by the name or number of their variable."""
    if isinstance(template, Slot):
        return {"1": template.key}
    if isinstance(template, list):
        return {slot.key.rpartition("_")[2]: slot.key for slot in template if isinstance(slot, Slot)}
    named = template.items() if isinstance(template, Mapping) else ()
    return {name: slot.key for name, slot in named if isinstance(slot, Slot)}


def _labels(header: Part | None) -> list[Piece]:
    """What is told of a header that is no text: a file's or a place's name, a product's number."""
    if header is None or not isinstance(header.template, Mapping):
        return []
    found = next(
        (
            header.template[name]
            for name in ("filename", "name", "product_retailer_id")
            if name in header.template
        ),
        "",
    )
    if isinstance(found, Slot):
        return [(found.key, "")]
    return [str(found)] if found else []


def _limits(components: Components, parts: Sequence[Named], where: str = "") -> list[Limit]:
    """The texts whose length depends on what fills them."""
    keys = {name: _keys(part.template) for name, part in parts if name in ("header", "body")}
    limits = []
    if keys.get("body"):
        text = text_of(body_text(components), keys["body"])
        limits.append(Limit(f"body{where}", text, _body_limit(components, is_card=bool(where))))
    header = component_of(components, "HEADER")
    if keys.get("header") and str(header.get("format") or "").upper() == "TEXT":
        text = text_of(str(header.get("text") or ""), keys["header"])
        limits.append(Limit(f"header{where}", text, headers.TEXT_LIMIT))
    return limits


def _body_limit(components: Components, *, is_card: bool) -> int:
    buttons = component_of(components, "BUTTONS").get("buttons") or ()
    if is_card or any(str(each.get("type", "")).upper() == "SPM" for each in buttons):
        return SHORT_BODY_LIMIT
    return OFFER_BODY_LIMIT if component_of(components, "LIMITED_TIME_OFFER") else BODY_LIMIT
