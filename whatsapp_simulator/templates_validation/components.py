"""All components of a template together: which ones a category has, and what they ask of each other."""

import copy

from whatsapp_simulator.errors import missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.templates_validation.buttons import check_buttons, check_expiration, check_otp_button
from whatsapp_simulator.templates_validation.checks import items_of, kind_of, text_of, wrong
from whatsapp_simulator.templates_validation.texts import BODY_MAX, check_body, check_footer, check_header
from whatsapp_simulator.world import World

_KINDS = frozenset(
    {"HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL", "CALL_PERMISSION_REQUEST"}
)
_OFFER_BODY_MAX = 600
_PRODUCT_BODY_MAX = 160
_OFFER_TEXT_MAX = 16
_COMPONENTS_MAX = 7
_CARDS = (2, 10)


def checked_components(world: World, definition: JSON, *, category: str, named: bool) -> list[JSON]:
    """A checked copy of ``definition["components"]`` with types and formats in upper case."""
    components = copy.deepcopy(items_of(definition, "components", "components", 1, _COMPONENTS_MAX))
    parts = _by_kind(components)
    if category == "AUTHENTICATION":
        _check_authentication(parts)
    else:
        _check_parts(world, parts, category=category, named=named)
    return components


def _by_kind(components: list[JSON]) -> dict[str, JSON]:
    parts: dict[str, JSON] = {}
    for index, component in enumerate(components):
        kind = component["type"] = kind_of(component, "type", f"components[{index}]")
        if kind not in _KINDS:
            raise wrong(f"components[{index}]: {kind} is not a component type.")
        if kind in parts:
            raise wrong(f"A template can have one {kind} component only.")
        parts[kind] = component
    return parts


def _check_authentication(parts: dict[str, JSON]) -> None:
    for kind in ("BODY", "BUTTONS"):
        if kind not in parts:
            raise missing(f"components: {kind}")
    if parts.keys() - {"BODY", "FOOTER", "BUTTONS"}:
        raise wrong("Authentication templates have a BODY, a FOOTER and BUTTONS only.")
    if parts["BODY"].get("text") is not None:
        raise wrong("The body of an authentication template is Meta's own: it can't have a text.")
    if not isinstance(parts["BODY"].get("add_security_recommendation", False), bool):
        raise wrong("add_security_recommendation must be a boolean.")
    if "FOOTER" in parts:
        check_expiration(parts["FOOTER"])
    check_otp_button(parts["BUTTONS"])


def _check_parts(world: World, parts: dict[str, JSON], *, category: str, named: bool) -> None:
    header = check_header(world, parts["HEADER"], named=named) if "HEADER" in parts else ""
    buttons = check_buttons(parts["BUTTONS"]) if "BUTTONS" in parts else []
    if "BODY" not in parts:
        raise missing("components: BODY")
    longest = BODY_MAX
    if "LIMITED_TIME_OFFER" in parts:
        longest = _OFFER_BODY_MAX
        _check_offer(parts, header, buttons, category)
    elif "SPM" in buttons:
        longest = _PRODUCT_BODY_MAX
    check_body(parts["BODY"], named=named, longest=longest)
    if "FOOTER" in parts:
        check_footer(parts["FOOTER"])
    if (header == "PRODUCT") != ("SPM" in buttons):
        raise wrong("A PRODUCT header and an SPM button need each other.")
    if "CAROUSEL" in parts:
        if header or buttons or "FOOTER" in parts:
            raise wrong("A carousel template has a BODY beside its cards, nothing else.")
        _check_carousel(world, parts["CAROUSEL"], category=category, named=named)


def _check_offer(parts: dict[str, JSON], header: str, buttons: list[str], category: str) -> None:
    offer = parts["LIMITED_TIME_OFFER"].get("limited_time_offer")
    if category != "MARKETING":
        raise wrong("Limited-time offers are MARKETING templates.")
    if not isinstance(offer, dict):
        raise missing("LIMITED_TIME_OFFER['limited_time_offer']")
    text_of(offer, "limited_time_offer", _OFFER_TEXT_MAX)
    if not isinstance(offer.get("has_expiration", False), bool):
        raise wrong("limited_time_offer['has_expiration'] must be a boolean.")
    if header not in {"", "IMAGE", "VIDEO"}:
        raise wrong("The header of a limited-time offer is an IMAGE or a VIDEO.")
    if "FOOTER" in parts:
        raise wrong("Limited-time offers can't have a FOOTER.")
    if buttons not in (["URL"], ["COPY_CODE", "URL"]):
        raise wrong("The buttons of a limited-time offer are COPY_CODE, which may be left out, and one URL.")


def _check_carousel(world: World, carousel: JSON, *, category: str, named: bool) -> None:
    shapes = set()
    for index, card in enumerate(items_of(carousel, "cards", "CAROUSEL['cards']", *_CARDS)):
        where = f"cards[{index}]"
        parts = _by_kind(items_of(card, "components", f"{where}['components']", 2, 3))
        for kind in ("HEADER", "BUTTONS"):
            if kind not in parts:
                raise missing(f"{where}: {kind}")
        header = check_header(world, parts["HEADER"], named=named)
        if header not in {"IMAGE", "VIDEO", "PRODUCT"}:
            raise wrong(f"{where}: the header of a card is an IMAGE, a VIDEO or a PRODUCT.")
        if "BODY" in parts:
            check_body(parts["BODY"], named=named, longest=_PRODUCT_BODY_MAX)
        buttons = check_buttons(parts["BUTTONS"], most=2)
        if header == "PRODUCT" and category != "MARKETING":
            raise wrong(f"{where}: cards with products are for MARKETING templates.")
        if header == "PRODUCT" and buttons not in (["SPM"], ["URL"]):
            raise wrong(f"{where}: a product card has one SPM or one URL button.")
        shapes.add((frozenset(parts), header, tuple(buttons)))
    if len(shapes) > 1:
        raise wrong("All cards of a carousel must have the same components.")
