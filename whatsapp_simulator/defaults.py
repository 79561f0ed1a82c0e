"""What the default world holds besides its accounts: templates and products."""

from typing import Any

TEMPLATES: dict[str, str] = {
    "hello_world": "Welcome and congratulations! This message shows that your number can send.",
    "order_update": "Hello {{1}}, your order {{2}} is on its way.",
}
"""Name -> body of the approved utility templates (en_US)."""

_PRODUCTS = (
    ("SKU1", "Enamel mug", "₹499.00", "in stock"),
    ("SKU2", "Canvas bag", "₹799.00", "in stock"),
    ("SKU3", "Steel bottle", "₹1,249.00", "in stock"),
    ("SKU4", "Wool scarf", "₹1,999.00", "out of stock"),
    ("SKU5", "Gift card", "₹1,000.00", "available for order"),
)


def products() -> dict[str, dict[str, Any]]:
    """The products of the default catalog by retailer id. Prices are formatted texts, as Meta gives them."""
    return {
        retailer_id: {
            "id": f"70000000000000{number}",
            "retailer_id": retailer_id,
            "name": name,
            "description": f"{name} of the sample shop",
            "price": price,
            "currency": "INR",
            "availability": availability,
            "image_url": f"https://shop.example/images/{retailer_id.lower()}.jpg",
            "url": f"https://shop.example/products/{retailer_id.lower()}",
        }
        for number, (retailer_id, name, price, availability) in enumerate(_PRODUCTS, 1)
    }
