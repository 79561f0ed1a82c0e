"""Catalogs: our product rows, and how a number shows its catalog."""

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.operations import catalog as operations
from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.services import catalog
from django_meta_whatsapp.services.accounts import async_client_for, client_for, phone_number_id
from django_meta_whatsapp.services.steps import arun, run

__all__ = [
    "aget_commerce_settings",
    "async_catalog_products",
    "aupdate_commerce_settings",
    "get_commerce_settings",
    "sync_catalog_products",
    "update_commerce_settings",
]


def sync_catalog_products(catalog_id: str, account: WhatsAppAccount | None = None) -> dict[str, int]:
    """Fetches every product of a catalog and stores it as a row, found again by your own number for it (`retailer_id`).

    Rows of products that Meta no longer lists become inactive. Returns `{"synced": n}`, the number of products.
    Without `account` the rows belong to the account row of the settings' PHONE_NUMBER_ID.
    Raises MetaAPIError; the pages read before it are stored. Source: the reference; Meta's page "Product catalog".
    """
    return run(catalog.sync(catalog_id, account), account)


async def async_catalog_products(catalog_id: str, account: WhatsAppAccount | None = None) -> dict[str, int]:
    """`sync_catalog_products`, awaited."""
    return await arun(catalog.sync(catalog_id, account), account)


def get_commerce_settings(account: WhatsAppAccount | None = None) -> JSON:
    """Whether the number shows its catalog and a cart: `{"is_cart_enabled", "is_catalog_visible", "id"}`.

    Raises MetaAPIError. Source: Meta's page "Commerce settings".
    """
    return client_for(account).run(operations.commerce_settings(phone_number_id(account)))


async def aget_commerce_settings(account: WhatsAppAccount | None = None) -> JSON:
    """`get_commerce_settings`, awaited."""
    return await async_client_for(account).run(operations.commerce_settings(phone_number_id(account)))


def update_commerce_settings(
    is_cart_enabled: bool | None = None,
    is_catalog_visible: bool | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """Changes what is not None. Returns `{"success": True}`. Raises MetaAPIError. Source: Meta's page "Commerce settings"."""
    return client_for(account).run(
        operations.update_commerce_settings(
            phone_number_id(account), is_cart_enabled=is_cart_enabled, is_catalog_visible=is_catalog_visible
        )
    )


async def aupdate_commerce_settings(
    is_cart_enabled: bool | None = None,
    is_catalog_visible: bool | None = None,
    account: WhatsAppAccount | None = None,
) -> JSON:
    """`update_commerce_settings`, awaited."""
    return await async_client_for(account).run(
        operations.update_commerce_settings(
            phone_number_id(account), is_cart_enabled=is_cart_enabled, is_catalog_visible=is_catalog_visible
        )
    )
