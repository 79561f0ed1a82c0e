"""Template messages: existence, language, status, and the parameters that the template asks for."""

from whatsapp_simulator.errors import coded, invalid, malformed, missing
from whatsapp_simulator.http import JSON, GraphError
from whatsapp_simulator.messages_validation.checks import Context, distinct, obj, objects, one_of, only, text
from whatsapp_simulator.messages_validation.template_buttons import check_buttons
from whatsapp_simulator.messages_validation.template_parameters import (
    check_header,
    check_texts,
    parameters_of,
)
from whatsapp_simulator.messages_validation.template_shape import TemplateShape, shape_of
from whatsapp_simulator.state import Template

_COMPONENTS = ("header", "body", "button", "limited_time_offer", "carousel", "order_status", "footer")


def check_template(context: Context, content: JSON) -> Template:
    """The template that is sent; its parameters fit."""
    only(content, ("name", "language", "components", "namespace"), "template")
    name = text(content, "name", "template['name']", 512)
    language = obj(content, "language", "template['language']")
    code = text(language, "code", "template['language']['code']", 16)
    if language.get("policy") is not None:
        one_of(language, "policy", "template['language']['policy']", ("deterministic",))
    template = _sendable(context, name, code)
    if template.shape is None:
        template.shape = shape_of(template.components, template.parameter_format)
    components: list[JSON] = []
    if content.get("components") is not None:
        components = objects(content, "components", "template['components']", 0, 50)
    _check_components(context, template.shape, components)
    return template


def _sendable(context: Context, name: str, language: str) -> Template:
    template = context.world.template(context.number.waba_id, name, language)
    if template is None or template.status not in {"APPROVED", "PAUSED", "DISABLED"}:
        raise coded(132001, f"template name ({name}) does not exist in {language}")
    if template.status == "PAUSED":
        raise coded(132015, f"template {name} is paused because of its quality")
    if template.status == "DISABLED":
        raise coded(132016, f"template {name} is disabled")
    return template


def _check_components(context: Context, shape: TemplateShape, components: list[JSON]) -> None:
    given: dict[str, JSON] = {}
    buttons: list[JSON] = []
    for component in components:
        kind = _kind(component)
        if kind == "button":
            buttons.append(component)
        elif kind in given:
            raise malformed(f"Duplicated component of type {kind}.")
        else:
            given[kind] = component
    check_header(context, shape, parameters_of(given.get("header"), "header"))
    check_texts(context, "body", shape, shape.body, parameters_of(given.get("body"), "body"))
    code = check_buttons(context, shape, buttons)
    _check_code(given.get("body"), code)
    _check_offer(context, shape, given.get("limited_time_offer"))
    _check_cards(context, shape, given.get("carousel"))


def _kind(component: JSON) -> str:
    kind = component.get("type")
    if kind is None:
        raise missing("template['components']['type']")
    if not isinstance(kind, str) or kind.lower() not in _COMPONENTS:
        raise malformed(f"Param template['components']['type'] must be one of {_COMPONENTS} - got {kind!r}.")
    return kind.lower()


def _check_code(body: JSON | None, code: str | None) -> None:
    """The button of an authentication template repeats the code of the body."""
    if code is not None and body is not None and body["parameters"][0].get("text") != code:
        raise coded(132012, "button: the code differs from the code in the body")


def _check_offer(context: Context, shape: TemplateShape, offer: JSON | None) -> None:
    """The end of a limited-time offer: milliseconds since 1970, to come."""
    given = parameters_of(offer, "limited_time_offer")
    if not shape.limited_time_offer:
        if given:
            raise _mismatch("limited_time_offer: the template has no offer that ends")
        return
    if not given:
        raise missing("limited_time_offer['expiration_time_ms']")
    if len(given) > 1 or given[0].get("type") != "limited_time_offer":
        raise coded(132012, "limited_time_offer: Format mismatch, expected one limited_time_offer")
    expiry = obj(given[0], "limited_time_offer", "limited_time_offer").get("expiration_time_ms")
    if expiry is None:
        raise missing("limited_time_offer['expiration_time_ms']")
    if isinstance(expiry, bool) or not isinstance(expiry, int):
        raise malformed("Param limited_time_offer['expiration_time_ms'] must be an integer.")
    if expiry <= context.world.clock.now() * 1000:
        raise invalid("limited_time_offer['expiration_time_ms'] must be in the future.")


def _check_cards(context: Context, shape: TemplateShape, carousel: JSON | None) -> None:
    if not shape.cards:
        if carousel is not None:
            raise _mismatch("carousel: the template has no cards")
        return
    cards = objects(carousel or {}, "cards", "carousel['cards']", 2, 10)
    products = shape.cards[0].header_format == "PRODUCT"
    if len(cards) != len(shape.cards) and not (products and len(shape.cards) == 2):
        raise _mismatch(f"carousel: number of cards ({len(cards)}) does not match ({len(shape.cards)})")
    indices = [_card_index(card, len(cards)) for card in cards]
    distinct(indices, "card_index")
    for index, card in zip(indices, cards, strict=True):
        inner = objects(card, "components", "carousel['cards']['components']", 0, 10)
        _check_components(context, shape.cards[min(index, len(shape.cards) - 1)], inner)


def _card_index(card: JSON, count: int) -> int:
    index = card.get("card_index")
    if index is None:
        raise missing("carousel['cards']['card_index']")
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        raise invalid(f"carousel['cards']['card_index'] must be between 0 and {count - 1}.")
    return index


def _mismatch(details: str) -> GraphError:
    return coded(132000, details)
