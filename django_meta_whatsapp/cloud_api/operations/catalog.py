"""Catalogs: their products, and how a number shows them (Meta's "product catalog" and "commerce settings" pages)."""

from django_meta_whatsapp.cloud_api.calls import JSON, READ, WRITE, Call, Page, as_is
from django_meta_whatsapp.cloud_api.operations.common import first_entry, page, paging_query, path

PRODUCT_FIELDS = (
    "id,retailer_id,name,description,price,sale_price,currency,availability,visibility,image_url,url"
)


def products(catalog_id: str, limit: int = 100, after: str | None = None) -> Call[Page]:
    """The products of a catalog.

    Messages name a product by its `retailer_id`, never by `id`. Prices are texts such as `"₹499.00"`.
    """
    query = {**paging_query(limit, after), "fields": PRODUCT_FIELDS}
    return Call("GET", path(catalog_id=catalog_id, edge="products"), page, READ, query=query)


def commerce_settings(phone_number_id: str) -> Call[JSON]:
    """Whether the number shows its catalog and a cart: `{"is_cart_enabled", "is_catalog_visible", "id"}`."""
    return Call("GET", _settings(phone_number_id), first_entry, READ)


def update_commerce_settings(
    phone_number_id: str, *, is_cart_enabled: bool | None = None, is_catalog_visible: bool | None = None
) -> Call[JSON]:
    """Changes what is given; None leaves a setting as it is."""
    wanted = {"is_cart_enabled": is_cart_enabled, "is_catalog_visible": is_catalog_visible}
    query = {name: str(value).lower() for name, value in wanted.items() if value is not None}
    return Call("POST", _settings(phone_number_id), as_is, WRITE, query=query)


def _settings(phone_number_id: str) -> str:
    return path(phone_number_id=phone_number_id, edge="whatsapp_commerce_settings")
