"""Catalogs and what a phone number shows of them (Meta: catalog products and commerce settings pages)."""

import json

from whatsapp_simulator.errors import malformed
from whatsapp_simulator.fields import select
from whatsapp_simulator.http import JSON, Answer, Request, answer, success
from whatsapp_simulator.paging import page
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import CATALOG, Catalog
from whatsapp_simulator.world import World

_DEFAULT_FIELDS = ("id", "retailer_id", "name")
_FIELDS = (
    "id", "retailer_id", "name", "description", "price", "sale_price", "currency", "availability", "image_url",
    "additional_image_urls", "url", "visibility", "review_status", "condition", "brand", "category", "inventory",
    "retailer_product_group_id",
)  # fmt: skip
_AVAILABILITY = ("in stock", "out of stock", "preorder", "available for order", "discontinued", "pending")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "BRL": "R$"}
_NODE = "ProductItem"


@route("GET", "/{catalog_id}/products", permission=CATALOG)
def products(world: World, request: Request, catalog_id: str) -> Answer:
    """The products of a catalog with ``fields`` and a filter by retailer id, in pages; prices are formatted texts."""
    items = list(world.catalogs[catalog_id].products.values())
    wanted = _retailer_id(request.query.get("filter", ""))
    if wanted:
        items = [item for item in items if item["retailer_id"] == wanted]
    fields = request.query.get("fields", "")
    return answer(page(request, items, lambda item: select(_node(item), fields, _DEFAULT_FIELDS, _NODE)))


def _node(item: JSON) -> JSON:
    return {**dict.fromkeys(_FIELDS), "visibility": "published", "review_status": "approved", **item}


def _retailer_id(text: str) -> str:
    if not text:
        return ""
    try:
        wanted = json.loads(text)["retailer_id"]["eq"]
    except (ValueError, KeyError, TypeError):
        raise malformed('Param filter must be JSON such as {"retailer_id": {"eq": "SKU1"}}.') from None
    return str(wanted)


@route("POST", "/{catalog_id}/products", permission=CATALOG)
def add_product(world: World, request: Request, catalog_id: str) -> Answer:
    """Add a product; the price is given in hundredths of the currency and read back as a formatted text.

    Omits: review of products, variants, feeds and batches.
    """
    params = request.params()
    catalog = world.catalogs[catalog_id]
    retailer_id, name, currency = (str(params.get(key) or "") for key in ("retailer_id", "name", "currency"))
    price = str(params.get("price", ""))
    if not retailer_id or not name or len(currency) != 3 or not price.isdecimal():
        raise malformed("A product needs retailer_id, name, currency and a price in hundredths.")
    if retailer_id in catalog.products:
        raise malformed(f"There is already a product {retailer_id}.")
    availability = str(params.get("availability", "in stock"))
    if availability not in _AVAILABILITY:
        raise malformed(f"availability must be one of {', '.join(_AVAILABILITY)}.")
    optional: JSON = {
        key: params[key] for key in ("description", "image_url", "url", "brand", "category") if key in params
    }
    catalog.products[retailer_id] = {
        "id": world.new_id(),
        "retailer_id": retailer_id,
        "name": name,
        "price": _formatted(int(price), currency),
        "currency": currency,
        "availability": availability,
        **optional,
    }
    return answer({"id": catalog.products[retailer_id]["id"]})


def _formatted(hundredths: int, currency: str) -> str:
    return f"{_SYMBOLS.get(currency, currency + ' ')}{hundredths // 100:,}.{hundredths % 100:02}"


@route("GET", "/{waba_id}/product_catalogs")
def product_catalogs(world: World, request: Request, waba_id: str) -> Answer:
    """The catalogs that are connected to a WABA."""
    catalogs = [catalog for catalog in world.catalogs.values() if catalog.waba_id == waba_id]
    return answer(page(request, catalogs, _catalog_node))


def _catalog_node(catalog: Catalog) -> JSON:
    return {"name": catalog.name, "id": catalog.id}


@route("GET", "/{phone_number_id}/whatsapp_commerce_settings")
def commerce_settings(world: World, request: Request, phone_number_id: str) -> Answer:
    """Whether a phone number shows a cart and its catalog."""
    settings = world.phone_numbers[phone_number_id].details.get("commerce", {})
    shown = {
        "is_cart_enabled": True,
        "is_catalog_visible": False,
        **settings,
        "id": f"7{phone_number_id[1:]}",
    }
    return answer({"data": [shown]})


@route("POST", "/{phone_number_id}/whatsapp_commerce_settings")
def change_commerce_settings(world: World, request: Request, phone_number_id: str) -> Answer:
    """Switch cart and catalog on and off."""
    params = request.params()
    settings = {}
    for key in ("is_cart_enabled", "is_catalog_visible"):
        if key in params:
            word = str(params[key]).lower()
            if word not in {"true", "false"}:
                raise malformed(f"Param {key} must be true or false.")
            settings[key] = word == "true"
    world.phone_numbers[phone_number_id].details.setdefault("commerce", {}).update(settings)
    return success()
