"""Products, catalogs and orders. They need an open 24-hour window. Raw: no gate, no row."""

from collections.abc import Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import (
    CatalogMessage,
    OrderDetails,
    OrderStatus,
    Product,
    ProductCarousel,
    ProductList,
    Text,
)
from django_meta_whatsapp.cloud_api.content.parts import Header
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.phones import to_digits
from django_meta_whatsapp.utils.sending import asend_content, send_content

__all__ = [
    "asend_catalog_link_message",
    "asend_catalog_message",
    "asend_multi_product_message",
    "asend_order_details_message",
    "asend_order_status_message",
    "asend_product_carousel_message",
    "asend_single_product_message",
    "send_catalog_link_message",
    "send_catalog_message",
    "send_multi_product_message",
    "send_order_details_message",
    "send_order_status_message",
    "send_product_carousel_message",
    "send_single_product_message",
]


def send_single_product_message(
    phone_number: str,
    catalog_id: str,
    retailer_id: str,
    body: str,
    footer: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends the card of one product. retailer_id: your own number for it, not Meta's product ID.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Share products".
    """
    return send_content(phone_number, Product(catalog_id, retailer_id, body, footer), None, account)


async def asend_single_product_message(
    phone_number: str,
    catalog_id: str,
    retailer_id: str,
    body: str,
    footer: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_single_product_message`, awaited."""
    return await asend_content(phone_number, Product(catalog_id, retailer_id, body, footer), None, account)


def send_multi_product_message(
    phone_number: str,
    catalog_id: str,
    sections: Sequence[Mapping[str, Any]],
    header: str,
    body: str,
    footer: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends up to 30 products in up to 10 sections.

    sections: `[{"title": "Mugs", "product_items": [{"product_retailer_id": "SKU1"}]}]`; titles up to 24 characters.
    header: required, up to 60 characters.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Share products".
    """
    return send_content(phone_number, ProductList(catalog_id, sections, header, body, footer), None, account)


async def asend_multi_product_message(
    phone_number: str,
    catalog_id: str,
    sections: Sequence[Mapping[str, Any]],
    header: str,
    body: str,
    footer: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_multi_product_message`, awaited."""
    return await asend_content(
        phone_number, ProductList(catalog_id, sections, header, body, footer), None, account
    )


def send_catalog_message(
    phone_number: str,
    thumbnail_retailer_id: str,
    body: str,
    footer: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends the whole catalog. thumbnail_retailer_id: whose picture it shows; with "" the first product's.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Share products".
    """
    return send_content(phone_number, CatalogMessage(body, thumbnail_retailer_id, footer), None, account)


async def asend_catalog_message(
    phone_number: str,
    thumbnail_retailer_id: str,
    body: str,
    footer: str = "",
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_catalog_message`, awaited."""
    return await asend_content(
        phone_number, CatalogMessage(body, thumbnail_retailer_id, footer), None, account
    )


def send_product_carousel_message(
    phone_number: str,
    catalog_id: str,
    retailer_ids: Sequence[str],
    body: str,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends 2 to 10 products as cards side by side.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference; Meta's page "Product carousel messages".
    """
    return send_content(phone_number, ProductCarousel(catalog_id, retailer_ids, body), None, account)


async def asend_product_carousel_message(
    phone_number: str,
    catalog_id: str,
    retailer_ids: Sequence[str],
    body: str,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_product_carousel_message`, awaited."""
    return await asend_content(phone_number, ProductCarousel(catalog_id, retailer_ids, body), None, account)


def _catalog_link(wa_number: str) -> Text:
    return Text(f"https://wa.me/c/{to_digits(wa_number)}", preview_url=True)


def send_catalog_link_message(
    phone_number: str,
    wa_number: str,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a text with the link to the catalog of a business number (`https://wa.me/c/<wa_number>`).

    wa_number: international digits of the business number; a `+` and separators are dropped.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: the reference.
    """
    return send_content(phone_number, _catalog_link(wa_number), None, account)


async def asend_catalog_link_message(
    phone_number: str,
    wa_number: str,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_catalog_link_message`, awaited."""
    return await asend_content(phone_number, _catalog_link(wa_number), None, account)


def send_order_details_message(
    phone_number: str,
    body: str,
    parameters: Mapping[str, Any],
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends a bill with a button to review and pay (Brazil, India); see `content.OrderDetails`.

    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Payments".
    """
    return send_content(
        phone_number, OrderDetails(body, parameters, header, footer), reply_message_id, account
    )


async def asend_order_details_message(
    phone_number: str,
    body: str,
    parameters: Mapping[str, Any],
    header: Header = "",
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_order_details_message`, awaited."""
    return await asend_content(
        phone_number, OrderDetails(body, parameters, header, footer), reply_message_id, account
    )


def send_order_status_message(
    phone_number: str,
    body: str,
    reference_id: str,
    status: str,
    description: str = "",
    payment: Mapping[str, Any] | None = None,
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Sends news about an order that was sent as a bill.

    status: `pending`, `processing`, `partially_shipped`, `shipped`, `completed` or `canceled`.
    Raw: see `send_content` for the arguments that all share, the answer and the errors.
    Source: Meta's page "Payments".
    """
    return send_content(
        phone_number,
        OrderStatus(
            body=body,
            reference_id=reference_id,
            status=status,
            description=description,
            payment=payment,
            footer=footer,
        ),
        reply_message_id,
        account,
    )


async def asend_order_status_message(
    phone_number: str,
    body: str,
    reference_id: str,
    status: str,
    description: str = "",
    payment: Mapping[str, Any] | None = None,
    footer: str = "",
    reply_message_id: str | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`send_order_status_message`, awaited."""
    return await asend_content(
        phone_number,
        OrderStatus(
            body=body,
            reference_id=reference_id,
            status=status,
            description=description,
            payment=payment,
            footer=footer,
        ),
        reply_message_id,
        account,
    )
