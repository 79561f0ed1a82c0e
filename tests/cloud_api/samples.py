"""One sample of everything that can be sent, in each of its shapes; the contract test validates every one."""

from django_meta_whatsapp.cloud_api import content as c
from django_meta_whatsapp.cloud_api.content import template_components as tc

ORDER = {
    "reference_id": "order-77",
    "type": "physical-goods",
    "currency": "INR",
    "total_amount": {"value": 49900, "offset": 100},
    "payment_settings": [{"type": "payment_gateway", "payment_gateway": {"type": "razorpay"}}],
    "order": {
        "status": "pending",
        "items": [
            {
                "retailer_id": "SKU1",
                "name": "Mug",
                "amount": {"value": 49900, "offset": 100},
                "quantity": 1,
            }
        ],
        "subtotal": {"value": 49900, "offset": 100},
    },
}
CARD = {
    "name": {"formatted_name": "Asha Rao", "first_name": "Asha"},
    "phones": [{"phone": "+15550002222", "type": "CELL", "wa_id": "15550002222"}],
    "emails": [{"email": "asha@shop.example", "type": "WORK"}],
    "urls": [{"url": "https://shop.example"}],
    "birthday": "1990-12-31",
}
SECTIONS = [
    {"title": "Cups", "product_items": [{"product_retailer_id": "SKU1"}]},
    {"title": "Plates", "product_items": [{"product_retailer_id": "SKU2"}]},
]
PICTURE = c.Image(link="https://cdn.example/a.jpg")
COMPONENTS = [
    tc.header_media(
        c.Document(id="9001", filename="invoice", mime_type="application/pdf", caption="dropped")
    ),
    tc.body(["Asha", tc.currency("$9.99", "USD", 9990), tc.date_time("1 May 2026")]),
    tc.quick_reply(0, "TRACK"),
    tc.url(1, "ORD-9"),
    tc.copy_code(2, "SAVE20"),
    tc.flow(3, "tok", {"k": "v"}),
    tc.catalog(4, "SKU1"),
    tc.mpm(5, "SKU1", SECTIONS),
    tc.order_details(6, ORDER),
]

CONTENTS: dict[str, c.Content] = {
    "text": c.Text("Ready: https://shop.example/o/1", preview_url=True),
    "image": c.Image(id="9001", caption="A mug"),
    "video": c.Video(link="https://cdn.example/v.mp4", caption="A film"),
    "audio": c.Audio(id="9002"),
    "voice": c.Audio(id="9002", voice=True, caption="dropped"),
    "document": c.Document(id="9003", filename="invoice", mime_type="application/pdf", caption="Yours"),
    "sticker": c.Sticker(id="9004", caption="dropped"),
    "location": c.Location(12.9716, 77.5946, "Depot", "1 Example Rd"),
    "contacts": c.Contacts([CARD]),
    "reaction": c.Reaction("wamid.X", "👍"),
    "reaction_removed": c.Reaction("wamid.X", ""),
    "reply_buttons": c.ReplyButtons(
        "Ok?", [c.Button("yes", "Yes"), c.Button("no", "No")], header=PICTURE, footer="Thanks"
    ),
    "list": c.ListMessage(
        "Pick one",
        "Choose",
        [c.Section("Mornings", [c.Row("r1", "Nine", "to ten")]), c.Section("Evenings", [c.Row("r2", "Six")])],
        header="Slots",
        footer="Thanks",
    ),
    "cta_url": c.CtaUrl("See it", "Open", "https://shop.example", header="New"),
    "location_request": c.LocationRequest("Where are you?"),
    "contact_info_request": c.ContactInfoRequest("May we call?"),
    "call_permission": c.CallPermissionRequest("May we call?"),
    "voice_call": c.VoiceCall("Any questions?", "Call us", ttl_minutes=60),
    "flow": c.FlowMessage(
        body="Book", cta="Book now", flow_id="333", flow_token="t", screen="FIRST", data={"k": "v"}
    ),
    "flow_by_endpoint": c.FlowMessage(
        body="Book", cta="Book now", flow_name="booking", action="data_exchange"
    ),
    "address": c.AddressMessage(
        body="Where to?",
        values={"name": "Asha"},
        saved_addresses=[{"id": "a1", "value": {"city": "Pune"}}],
        validation_errors={"in_pin_code": "unknown"},
    ),
    "product": c.Product("C1", "SKU1", "A mug", "Tea not included"),
    "product_alone": c.Product("C1", "SKU1"),
    "product_list": c.ProductList("C1", SECTIONS, header="All", body="Everything", footer="Enjoy"),
    "catalog": c.CatalogMessage("Have a look", "SKU1", "Enjoy"),
    "catalog_without_thumbnail": c.CatalogMessage("Have a look"),
    "product_carousel": c.ProductCarousel("C1", ["SKU1", "SKU2"], "Two of them"),
    "media_carousel": c.MediaCarousel(
        "News",
        [c.Card(header=PICTURE, body=text, display_text="Shop", url="https://shop.example") for text in "ab"],
    ),
    "media_carousel_with_replies": c.MediaCarousel(
        "News", [c.Card(header=PICTURE, buttons=[c.Button(f"b{n}", "More")]) for n in range(2)]
    ),
    "order_details": c.OrderDetails("Please pay", ORDER, header=PICTURE, footer="Thanks"),
    "order_status": c.OrderStatus(
        body="On its way",
        reference_id="order-77",
        status="shipped",
        description="By bike",
        payment={"status": "captured", "timestamp": 1767000000},
    ),
    "template": c.Template("hello_world", "en_US"),
    "template_with_everything": c.Template("order_update", "en_US", COMPONENTS),
    "template_with_location": c.Template("visit", "en", [tc.header_location(c.Location(1, 2, "Depot"))]),
    "template_with_product": c.Template("one", "en", [tc.header_product("C1", "SKU1")]),
    "template_with_offer": c.Template("offer", "en", [tc.limited_time_offer(1798700000000)]),
    "template_with_carousel": c.Template(
        "cards", "en", [tc.carousel([[tc.header_media(PICTURE), tc.quick_reply(0, "A")] for _ in range(2)])]
    ),
    "template_with_code": c.Template("login", "en", tc.authentication("123456")),
    "raw": c.Raw("text", {"body": "as it is"}),
}
