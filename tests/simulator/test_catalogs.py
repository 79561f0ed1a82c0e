"""Catalogs and commerce settings."""

from urllib.parse import quote

from tests.simulator.caller import NUMBER, WABA, Caller
from whatsapp_simulator.control import Control

CATALOG = "444000444000444"
PATH = f"{CATALOG}/products"


def test_products_have_few_fields_by_default_and_the_others_on_request(api: Caller) -> None:
    first = api.call("GET", PATH).json["data"][0]
    assert set(first) == {"id", "retailer_id", "name"}
    first = api.call("GET", f"{PATH}?fields=retailer_id,price,currency,sale_price").json["data"][0]
    assert first == {"retailer_id": "SKU1", "price": "₹499.00", "currency": "INR", "id": first["id"]}


def test_products_come_page_by_page(api: Caller) -> None:
    seen, path = [], f"{PATH}?limit=2"
    while path:
        body = api.call("GET", path).json
        seen += [product["retailer_id"] for product in body["data"]]
        path = body["paging"].get("next", "").partition("/v22.0/")[2]
    assert seen == ["SKU1", "SKU2", "SKU3", "SKU4", "SKU5"]


def test_a_page_can_be_left_backwards(api: Caller) -> None:
    first = api.call("GET", f"{PATH}?limit=2").json
    assert "previous" not in first["paging"]
    second = api.call("GET", first["paging"]["next"].partition("/v22.0/")[2]).json
    back = api.call("GET", second["paging"]["previous"].partition("/v22.0/")[2]).json
    assert back["data"] == first["data"]


def test_a_page_beyond_the_end_is_empty_and_has_no_paging(api: Caller) -> None:
    after = api.call("GET", PATH).json["paging"]["cursors"]["after"]
    assert api.call("GET", f"{PATH}?after={after}").json == {"data": []}


def test_products_are_found_by_retailer_id(api: Caller) -> None:
    wanted = quote('{"retailer_id":{"eq":"SKU3"}}')
    assert [item["retailer_id"] for item in api.call("GET", f"{PATH}?filter={wanted}").json["data"]] == [
        "SKU3"
    ]
    assert api.call("GET", f"{PATH}?filter=SKU3").code == 100


def test_a_new_product_has_a_formatted_price_and_can_be_sent(api: Caller, sim: Control) -> None:
    product = {"retailer_id": "DESK", "name": "Desk", "currency": "USD", "price": 123_450}
    assert api.call("POST", PATH, product).status == 200
    wanted = quote('{"retailer_id":{"eq":"DESK"}}')
    (item,) = api.call("GET", f"{PATH}?fields=price,availability&filter={wanted}").json["data"]
    assert (item["price"], item["availability"]) == ("$1,234.50", "in stock")
    action = {"catalog_id": CATALOG, "product_retailer_id": "DESK"}
    assert api.interactive({"type": "product", "action": action}).status == 200
    assert api.call("POST", PATH, product).code == 100
    assert api.call("POST", PATH, {**product, "retailer_id": "D2", "availability": "maybe"}).code == 100
    assert api.call("POST", PATH, {"retailer_id": "D3"}).code == 100


def test_catalogs_need_their_own_permission(api: Caller, sim: Control) -> None:
    sim.token("manager", permissions=["whatsapp_business_management"])
    assert api.call("GET", PATH, token="manager").code == 10


def test_an_account_tells_its_catalogs(api: Caller) -> None:
    assert [item["id"] for item in api.call("GET", f"{WABA}/product_catalogs").json["data"]] == [CATALOG]


def test_cart_and_catalog_are_switched_on_and_off(api: Caller) -> None:
    path = f"{NUMBER}/whatsapp_commerce_settings"
    (settings,) = api.call("GET", path).json["data"]
    assert (settings["is_cart_enabled"], settings["is_catalog_visible"]) == (True, False)
    assert api.call("POST", f"{path}?is_catalog_visible=true").json == {"success": True}
    (settings,) = api.call("GET", path).json["data"]
    assert (settings["is_cart_enabled"], settings["is_catalog_visible"]) == (True, True)
    assert api.call("POST", f"{path}?is_cart_enabled=maybe").code == 100
