"""Actions of commerce messages: products, lists, catalogs, carousels and orders."""

from collections.abc import Iterable

from whatsapp_simulator.errors import invalid, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.actions import check_buttons, cta_url, parameters_of
from whatsapp_simulator.messages_validation.checks import (
    Context,
    distinct,
    obj,
    objects,
    one_of,
    optional_obj,
    text,
)
from whatsapp_simulator.messages_validation.media import check_source
from whatsapp_simulator.state import Catalog

_ITEMS_MAX = 30
_CARD_BODY_MAX = 160
_ORDER_STATES = ("pending", "processing", "partially_shipped", "shipped", "completed", "canceled")


def _catalog(context: Context, action: JSON) -> Catalog:
    catalog_id = text(action, "catalog_id", "action['catalog_id']", 64)
    catalog = context.world.catalogs.get(catalog_id)
    if catalog is None or catalog.waba_id != context.number.waba_id:
        raise invalid(f"Catalog {catalog_id} is not connected to this WhatsApp Business Account.")
    return catalog


def _sku(item: JSON) -> str:
    return text(item, "product_retailer_id", "product_retailer_id", 256)


def product(context: Context, action: JSON) -> None:
    """One product of a connected catalog."""
    catalog = _catalog(context, action)
    sku = _sku(action)
    if sku not in catalog.products:
        raise invalid(f"Product {sku} was not found in catalog {catalog.id}.")


def product_list(context: Context, action: JSON) -> None:
    """Up to ten sections, thirty items in all; unknown items are dropped as long as one is known."""
    catalog = _catalog(context, action)
    skus = check_sections(action, "action['sections']")
    if not any(sku in catalog.products for sku in skus):
        raise invalid(f"No product of the list was found in catalog {catalog.id}.")


def check_sections(action: JSON, path: str) -> list[str]:
    """The products of one to ten sections, thirty in all; more than one section need titles."""
    sections = objects(action, "sections", path, 1, 10)
    skus: list[str] = []
    for index, section in enumerate(sections):
        if len(sections) > 1 or section.get("title") is not None:
            text(section, "title", f"{path}[{index}]['title']", 24)
        items = objects(section, "product_items", f"{path}[{index}]['product_items']", 1, _ITEMS_MAX)
        skus.extend(_sku(item) for item in items)
    if len(skus) > _ITEMS_MAX:
        raise invalid(f"Total item count exceeds the maximum of {_ITEMS_MAX}.")
    return skus


def check_known(context: Context, skus: Iterable[str]) -> None:
    """At least one of the products is in a catalog that is connected to the WABA."""
    connected = [each for each in context.world.catalogs.values() if each.waba_id == context.number.waba_id]
    if not connected:
        raise invalid("No catalog is connected to this WhatsApp Business Account.")
    if not any(sku in catalog.products for sku in skus for catalog in connected):
        raise invalid("No product was found in the catalogs of this WhatsApp Business Account.")


def catalog_message(context: Context, action: JSON) -> None:
    """The whole catalog; the thumbnail is optional."""
    one_of(action, "name", "action['name']", ("catalog_message",))
    if not any(catalog.waba_id == context.number.waba_id for catalog in context.world.catalogs.values()):
        raise invalid("No catalog is connected to this WhatsApp Business Account.")
    parameters = optional_obj(action, "parameters", "action['parameters']")
    if parameters:
        text(parameters, "thumbnail_product_retailer_id", "thumbnail_product_retailer_id", 256)


def carousel(context: Context, action: JSON) -> None:
    """Two to ten cards, either all products of one catalog or all media with a link or reply buttons."""
    cards = objects(action, "cards", "action['cards']", 2, 10)
    indices, kinds, headers = [], set(), set()
    for position, card in enumerate(cards):
        path = f"action['cards'][{position}]"
        index = card.get("card_index")
        if index is None:
            raise missing(f"{path}['card_index']")
        if not isinstance(index, int) or not 0 <= index <= 9:
            raise invalid(f"{path}['card_index'] must be between 0 and 9.")
        indices.append(index)
        kind = one_of(card, "type", f"{path}['type']", ("product", "cta_url", "button"))
        kinds.add("product" if kind == "product" else "media")
        if kind == "product":
            product(context, obj(card, "action", f"{path}['action']"))
            headers.add(card["action"]["catalog_id"])
        else:
            headers.add(_media_card(context, card, path))
    distinct(indices, "card_index")
    if len(kinds) > 1 or len(headers) > 1:
        raise invalid(
            "All cards of a carousel must be of the same kind and use the same catalog or header type."
        )


def _media_card(context: Context, card: JSON, path: str) -> str:
    header = obj(card, "header", f"{path}['header']")
    kind = one_of(header, "type", f"{path}['header']['type']", ("image", "video"))
    medium = obj(header, kind, f"{path}['header']['{kind}']")
    if medium.get("link") is None:
        raise missing(f"{path}['header']['{kind}']['link']")
    check_source(context, kind, medium, f"{path}['header']['{kind}']")
    body = optional_obj(card, "body", f"{path}['body']")
    if body is not None:
        words = text(body, "text", f"{path}['body']['text']", _CARD_BODY_MAX)
        if words.count("\n") > 2:
            raise invalid(f"{path}['body']['text'] may have at most two line breaks.")
    action = obj(card, "action", f"{path}['action']")
    if action.get("buttons") is not None:
        check_buttons(objects(action, "buttons", f"{path}['action']['buttons']", 1, 3))
    else:
        cta_url(context, action)
    return kind


def order_details(context: Context, action: JSON) -> None:
    """A bill to review and pay."""
    parameters = parameters_of(action, "review_and_pay")
    path = "action['parameters']"
    text(parameters, "reference_id", f"{path}['reference_id']", 60)
    one_of(parameters, "type", f"{path}['type']", ("digital-goods", "physical-goods"))
    text(parameters, "currency", f"{path}['currency']", 3, shortest=3)
    total = _amount(parameters, "total_amount", f"{path}['total_amount']")
    order = obj(parameters, "order", f"{path}['order']")
    one_of(order, "status", f"{path}['order']['status']", ("pending",))
    for item in objects(order, "items", f"{path}['order']['items']", 1, 999):
        text(item, "name", "items['name']", 60)
        _amount(item, "amount", "items['amount']")
    expected = _amount(order, "subtotal", f"{path}['order']['subtotal']")
    for key, sign in (("tax", 1), ("shipping", 1), ("discount", -1)):
        if order.get(key) is not None:
            expected += sign * _amount(order, key, f"{path}['order']['{key}']")
    if expected != total:
        raise invalid("total_amount must be subtotal + tax + shipping - discount.")


def _amount(parent: JSON, key: str, path: str) -> int:
    amount = obj(parent, key, path)
    value = amount.get("value")
    if not isinstance(value, int) or amount.get("offset") != 100:
        raise invalid(f"{path} needs an integer value with an offset of 100.")
    return value


def order_status(context: Context, action: JSON) -> None:
    """A change of the order of an earlier bill."""
    parameters = parameters_of(action, "review_order")
    text(parameters, "reference_id", "action['parameters']['reference_id']", 60)
    order = obj(parameters, "order", "action['parameters']['order']")
    one_of(order, "status", "action['parameters']['order']['status']", _ORDER_STATES)
