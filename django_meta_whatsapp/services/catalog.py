"""Catalogs: our rows follow the products that Meta lists."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from django_meta_whatsapp.cloud_api.calls import Page
from django_meta_whatsapp.cloud_api.operations import catalog
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCatalogProduct
from django_meta_whatsapp.services import accounts
from django_meta_whatsapp.services.batches import upsert
from django_meta_whatsapp.services.steps import Job, each_page

_FROM_META = [
    "meta_product_id",
    "name",
    "description",
    "price",
    "currency",
    "availability",
    "image_url",
    "is_active",
    "synced_at",
]
_URL_LENGTH = 2000


def sync(catalog_id: str, account: WhatsAppAccount | None) -> Job[dict[str, int]]:
    """Stores every product of a catalog, page by page: `{"synced": n}`. Products that Meta no longer lists become inactive."""
    row = accounts.account_or_default(account)
    started = timezone.now()
    seen: set[str] = set()

    def store(page: Page) -> None:
        rows = {each.retailer_id: each for each in _rows(row, catalog_id, page, started)}
        upsert(
            WhatsAppCatalogProduct,
            list(rows.values()),
            unique=["account", "catalog_id", "retailer_id"],
            update=_FROM_META,
        )
        seen.update(rows)

    yield from each_page(catalog.products(catalog_id), store)
    gone = WhatsAppCatalogProduct.objects.filter(account=row, catalog_id=catalog_id, is_active=True)
    gone.exclude(synced_at__gte=started).update(is_active=False)
    return {"synced": len(seen)}


def _rows(
    account: WhatsAppAccount, catalog_id: str, page: Page, started: datetime
) -> list[WhatsAppCatalogProduct]:
    return [_product(account, catalog_id, each, started) for each in page.data if each.get("retailer_id")]


def _product(
    account: WhatsAppAccount, catalog_id: str, product: Mapping[str, Any], started: datetime
) -> WhatsAppCatalogProduct:
    image = _text(product, "image_url", _URL_LENGTH + 1)
    return WhatsAppCatalogProduct(
        account=account,
        catalog_id=catalog_id,
        retailer_id=_text(product, "retailer_id", 255),
        meta_product_id=_text(product, "id", 100),
        name=_text(product, "name", 500),
        description=_text(product, "description"),
        price=_text(product, "price", 100),
        currency=_text(product, "currency", 10),
        availability=_text(product, "availability", 50),
        # Half an address shows nothing.
        image_url=image if len(image) <= _URL_LENGTH else "",
        synced_at=started,
    )


def _text(product: Mapping[str, Any], key: str, length: int | None = None) -> str:
    value = product.get(key)
    return str(value)[:length] if value is not None else ""
