"""Products follow the catalog at Meta."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_meta_whatsapp.errors import AuthError, MetaAPIError
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCatalogProduct
from tests.utils.conftest import Call
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db

CATALOG = "444000444000444"


def test_products_are_kept_by_our_own_number(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    synced = call("sync_catalog_products", CATALOG, whatsapp_account)
    rows = WhatsAppCatalogProduct.objects.filter(account=whatsapp_account, catalog_id=CATALOG)
    assert synced == {"synced": rows.count()} == {"synced": 5}
    mug = rows.get(retailer_id="SKU1")
    assert (mug.name, mug.price, mug.currency, mug.availability) == (
        "Enamel mug",
        "₹499.00",
        "INR",
        "in stock",
    )
    assert mug.meta_product_id not in ("", "SKU1")
    assert mug.image_url.startswith("https://")
    assert mug.synced_at is not None


def test_a_second_sync_updates_and_retires(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    call("sync_catalog_products", CATALOG, whatsapp_account)
    rows = WhatsAppCatalogProduct.objects.filter(account=whatsapp_account)
    mug = rows.get(retailer_id="SKU1")
    long_ago = timezone.now() - timedelta(days=1)
    rows.filter(pk=mug.pk).update(name="Old", is_active=False)
    gone = WhatsAppCatalogProduct.objects.create(
        account=whatsapp_account, catalog_id=CATALOG, retailer_id="GONE", synced_at=long_ago
    )
    elsewhere = WhatsAppCatalogProduct.objects.create(
        account=whatsapp_account, catalog_id="5", retailer_id="GONE", synced_at=long_ago
    )
    assert call("sync_catalog_products", CATALOG, whatsapp_account) == {"synced": 5}
    for row in (mug, gone, elsewhere):
        row.refresh_from_db()
    assert (mug.name, mug.is_active) == ("Enamel mug", True)
    assert (gone.is_active, elsewhere.is_active) == (False, True)


def test_a_failed_sync_retires_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, call: Call
) -> None:
    row = WhatsAppCatalogProduct.objects.create(
        account=whatsapp_account, catalog_id=CATALOG, retailer_id="GONE"
    )
    simulator.control.fail(190, path="products")
    with pytest.raises(AuthError):
        call("sync_catalog_products", CATALOG, whatsapp_account)
    row.refresh_from_db()
    assert row.is_active


def test_without_an_account_the_rows_belong_to_the_settings_number(
    simulator: SimulatorServer, call: Call
) -> None:
    call("sync_catalog_products", CATALOG)
    assert WhatsAppAccount.objects.get().phone_number_id == "222000222000222"
    assert WhatsAppCatalogProduct.objects.count() == 5


def test_a_catalog_that_meta_does_not_know_is_its_error(simulator: SimulatorServer, call: Call) -> None:
    with pytest.raises(MetaAPIError):
        call("sync_catalog_products", "1")


def test_the_catalog_is_shown_or_hidden(simulator: SimulatorServer, call: Call) -> None:
    assert call("update_commerce_settings", is_catalog_visible=True)["success"] is True
    assert call("get_commerce_settings")["is_catalog_visible"] is True
    call("update_commerce_settings", is_cart_enabled=False, is_catalog_visible=False)
    settings = call("get_commerce_settings")
    assert (settings["is_cart_enabled"], settings["is_catalog_visible"]) == (False, False)
