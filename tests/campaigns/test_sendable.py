"""Each kind of template, from the campaign to Meta and into the conversation."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp.cloud_api.template_texts import sent_text
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppMessage, WhatsAppTemplate
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import runner
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.freeze import freeze
from django_meta_whatsapp.services.campaigns.states import Counts
from tests.campaigns.conftest import MakeCampaign
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

CATALOG = "444000444000444"
BODY = {"type": "BODY", "text": "Look at this."}


def header(format_: str, **more: Any) -> dict[str, Any]:
    return {"type": "HEADER", "format": format_, **more}


def buttons(*each: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(each)}


def sent_header(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": kind, kind: value}]}


def sent_button(sub_type: str, index: str, parameter: dict[str, Any]) -> dict[str, Any]:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def sent_body(*values: str) -> dict[str, Any]:
    return {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}


def action(**value: Any) -> dict[str, Any]:
    return {"type": "action", "action": value}


@dataclass
class Kind:
    """A template, what fills it, and what then comes out for a person with the columns below."""

    components: list[dict[str, Any]]
    mappings: dict[str, Any]
    sent: list[dict[str, Any]]
    text: str
    more: dict[str, Any] = field(default_factory=dict)


CSV = (
    "phone,name,order,photo,total,ends,token,lat\n"
    "+4520000001,ann o'neil,A 1/ü,https://cdn.example/1.jpg,1234.5,2100-12-31T18:00:00+05:30,tok1,55.5\n"
)
OFFER = {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Ends soon", "has_expiration": True}}
CARD = {
    "components": [
        header("IMAGE"),
        {"type": "BODY", "text": "Only {{1}} for you."},
        buttons(
            {"type": "QUICK_REPLY", "text": "Buy"},
            {"type": "URL", "text": "See", "url": "https://shop.example/{{1}}"},
        ),
    ]
}
PRODUCT_CARD = {"components": [header("PRODUCT"), buttons({"type": "SPM", "text": "View"})]}
SECTIONS = [{"title": "Cups", "product_items": [{"product_retailer_id": "SKU1"}]}]
URL_CODE = "https://www.whatsapp.com/otp/code/?otp_type=ONE_TAP&code=otp{{1}}"

KINDS: dict[str, Kind] = {
    "text header, footer and every free button": Kind(
        [
            header("TEXT", text="Order {{1}}"),
            {"type": "BODY", "text": "Hi {{1}}, it is {{2}}."},
            {"type": "FOOTER", "text": "Sample Shop"},
            buttons(
                {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{1}}"},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550009999"},
                {"type": "QUICK_REPLY", "text": "Help"},
            ),
        ],
        {
            "header_1": "order",
            "1": {"field": "name", "format": "title"},
            "2": {"value": "10 %"},
            "button_0": "order",
            "button_2": {"field": "token", "default": "none"},
        },
        [
            {"type": "header", "parameters": [{"type": "text", "text": "A 1/ü"}]},
            sent_body("Ann O'Neil", "10 %"),
            sent_button("url", "0", {"type": "text", "text": "A%201/%C3%BC"}),
            sent_button("quick_reply", "2", {"type": "payload", "payload": "tok1"}),
        ],
        "Order A 1/ü\nHi Ann O'Neil, it is 10 %.\nSample Shop\n"
        "[Track: https://shop.example/t/A%201/%C3%BC] [Call: +15550009999] [Help]",
    ),
    "picture by a link that differs from person to person": Kind(
        [header("IMAGE"), BODY],
        {"header": "photo"},
        [sent_header("image", {"link": "https://cdn.example/1.jpg"})],
        "[image]\nLook at this.",
    ),
    "film by a link": Kind(
        [header("VIDEO"), BODY],
        {"header": {"link": "https://cdn.example/v.mp4"}},
        [sent_header("video", {"link": "https://cdn.example/v.mp4"})],
        "[video]\nLook at this.",
    ),
    "document with a name": Kind(
        [header("DOCUMENT"), BODY],
        {"header": {"link": "https://cdn.example/i.pdf", "filename": {"field": "token", "format": "upper"}}},
        [sent_header("document", {"link": "https://cdn.example/i.pdf", "filename": "TOK1.pdf"})],
        "[document] TOK1\nLook at this.",
    ),
    "place": Kind(
        [header("LOCATION"), BODY],
        {
            "header": {
                "latitude": {"field": "lat"},
                "longitude": 12.5,
                "name": "Depot",
                "address": "1 Example Rd",
            }
        },
        [
            sent_header(
                "location",
                {"latitude": "55.5", "longitude": "12.5", "name": "Depot", "address": "1 Example Rd"},
            )
        ],
        "[location] Depot\nLook at this.",
    ),
    "one product": Kind(
        [header("PRODUCT"), BODY, buttons({"type": "SPM", "text": "View"})],
        {"header": {"product_retailer_id": "SKU1", "catalog_id": CATALOG}},
        [sent_header("product", {"product_retailer_id": "SKU1", "catalog_id": CATALOG})],
        "[product] SKU1\nLook at this.\n[View]",
    ),
    "named variables": Kind(
        [{"type": "BODY", "text": "Dear {{first_name}}, {{total}} to pay, {{first_name}}."}],
        {
            "first_name": {"field": "name", "format": "first_word"},
            "total": {"field": "total", "format": "currency", "currency": "INR", "locale": "en_IN"},
        },
        [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "parameter_name": "first_name", "text": "ann"},
                    {"type": "text", "parameter_name": "total", "text": "₹1,234.50"},
                ],
            }
        ],
        "Dear ann, ₹1,234.50 to pay, ann.",
        {"parameter_format": "NAMED"},
    ),
    "flow": Kind(
        [BODY, buttons({"type": "FLOW", "text": "Book", "flow_id": "333"})],
        {
            "button_0": {
                "flow_token": {"field": "token"},
                "flow_action_data": {"who": {"field": "name"}, "n": 2},
            }
        },
        [sent_button("flow", "0", action(flow_token="tok1", flow_action_data={"who": "ann o'neil", "n": 2}))],
        "Look at this.\n[Book]",
    ),
    "catalog": Kind(
        [BODY, buttons({"type": "CATALOG", "text": "View catalog"})],
        {"button_0": {"value": "SKU1"}},
        [sent_button("CATALOG", "0", action(thumbnail_product_retailer_id="SKU1"))],
        "Look at this.\n[View catalog]",
    ),
    "several products": Kind(
        [BODY, buttons({"type": "MPM", "text": "View items"})],
        {"button_0": {"thumbnail_product_retailer_id": "SKU1", "sections": SECTIONS}},
        [sent_button("mpm", "0", action(thumbnail_product_retailer_id="SKU1", sections=SECTIONS))],
        "Look at this.\n[View items]",
    ),
    "limited-time offer": Kind(
        [
            header("IMAGE"),
            OFFER,
            BODY,
            buttons(
                {"type": "COPY_CODE", "example": "SAVE20"},
                {"type": "URL", "text": "Shop", "url": "https://shop.example/{{1}}"},
            ),
        ],
        {
            "header": {"link": "https://cdn.example/o.jpg"},
            "offer": "ends",
            "button_0": {"field": "token", "format": "upper"},
            "button_1": "token",
        },
        [
            sent_header("image", {"link": "https://cdn.example/o.jpg"}),
            sent_button("copy_code", "0", {"type": "coupon_code", "coupon_code": "TOK1"}),
            sent_button("url", "1", {"type": "text", "text": "tok1"}),
            {
                "type": "limited_time_offer",
                "parameters": [
                    {
                        "type": "limited_time_offer",
                        "limited_time_offer": {"expiration_time_ms": 4133939400000},
                    }
                ],
            },
        ],
        "[image]\nEnds soon\nLook at this.\n[Copy code: TOK1] [Shop: https://shop.example/tok1]",
        {"category": "MARKETING"},
    ),
    "carousel of pictures": Kind(
        [{"type": "BODY", "text": "Hi {{1}}!"}, {"type": "CAROUSEL", "cards": [CARD, CARD]}],
        {
            "1": "token",
            "cards": [
                {"header": "photo", "1": "total", "button_0": "token", "button_1": "token"},
                {
                    "header": {"link": "https://cdn.example/2.jpg"},
                    "1": {"value": "9"},
                    "button_1": {"value": "b"},
                },
            ],
        },
        [
            sent_body("tok1"),
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": 0,
                        "components": [
                            sent_header("image", {"link": "https://cdn.example/1.jpg"}),
                            sent_body("1234.5"),
                            sent_button("url", "1", {"type": "text", "text": "tok1"}),
                            sent_button("quick_reply", "0", {"type": "payload", "payload": "tok1"}),
                        ],
                    },
                    {
                        "card_index": 1,
                        "components": [
                            sent_header("image", {"link": "https://cdn.example/2.jpg"}),
                            sent_body("9"),
                            sent_button("url", "1", {"type": "text", "text": "b"}),
                        ],
                    },
                ],
            },
        ],
        "Hi tok1!\n• [image]\nOnly 1234.5 for you.\n[Buy] [See: https://shop.example/tok1]\n"
        "• [image]\nOnly 9 for you.\n[Buy] [See: https://shop.example/b]",
        {"category": "MARKETING"},
    ),
    "carousel of products, more than were defined": Kind(
        [BODY, {"type": "CAROUSEL", "cards": [PRODUCT_CARD, PRODUCT_CARD]}],
        {"cards": [{"header": {"product_retailer_id": f"SKU{n}", "catalog_id": CATALOG}} for n in (1, 2, 3)]},
        [
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": n,
                        "components": [
                            sent_header(
                                "product", {"product_retailer_id": f"SKU{n + 1}", "catalog_id": CATALOG}
                            )
                        ],
                    }
                    for n in range(3)
                ],
            }
        ],
        "Look at this.\n• [product] SKU1\n[View]\n• [product] SKU2\n[View]\n• [product] SKU3\n[View]",
        {"category": "MARKETING"},
    ),
    "login code to be copied": Kind(
        [{"type": "BODY"}, buttons({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"})],
        {"1": "token"},
        [sent_body("tok1"), sent_button("url", "0", {"type": "text", "text": "tok1"})],
        "tok1\n[Copy]",
        {"category": "AUTHENTICATION"},
    ),
    "login code with one tap, as Meta gives the template back": Kind(
        [
            {"type": "BODY", "text": "*{{1}}* is your verification code."},
            buttons({"type": "URL", "text": "Copy code", "url": URL_CODE}),
        ],
        {"1": "token"},
        [sent_body("tok1"), sent_button("url", "0", {"type": "text", "text": "tok1"})],
        "*tok1* is your verification code.\n[Copy code]",
        {"category": "AUTHENTICATION"},
    ),
}


def make_template(
    simulator: SimulatorServer, account: WhatsAppAccount, components: list[dict[str, Any]], **more: Any
) -> WhatsAppTemplate:
    """An approved template, at Meta and as our row."""
    simulator.control.template("offer", components=components, **more)
    return WhatsAppTemplate.objects.create(
        account=account,
        name="offer",
        language="en_US",
        category=more.get("category", "UTILITY"),
        status="APPROVED",
        components=components,
    )


def sent(simulator: SimulatorServer) -> list[Any]:
    """The components of the messages that Meta took."""
    return [each["body"]["template"].get("components") for each in simulator.control.messages()]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_template_goes_out_as_it_is_mapped_and_reads_as_it_was_sent(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, make_campaign: MakeCampaign, kind: Kind
) -> None:
    template = make_template(simulator, whatsapp_account, kind.components, **kind.more)
    campaign: WhatsAppCampaign = make_campaign(CSV, template=template, parameter_mappings=kind.mappings)
    assert runner.run(campaign.pk) == Counts(sent=1, failed=0), list(
        campaign.recipients.values_list("error_message", "skip_reason")
    )
    assert sent(simulator) == [kind.sent]
    message = WhatsAppMessage.objects.get()
    assert message.message_body == kind.text
    assert message.content["components"] == kind.sent
    # Whoever sends the same without a campaign finds the same text.
    assert sent_text(kind.components, message.content) == kind.text.replace(
        "[document] TOK1", "[document] TOK1.pdf"
    )


OFFER_ENDS = "2099-01-31T18:00:00+00:00"


@pytest.mark.parametrize("declared", ["ends", {"value": OFFER_ENDS}])
def test_an_offer_that_is_over_goes_to_nobody(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, make_campaign: MakeCampaign, declared: Any
) -> None:
    components = [OFFER, BODY, buttons({"type": "URL", "text": "Shop", "url": "https://shop.example"})]
    template = make_template(simulator, whatsapp_account, components, category="MARKETING")
    campaign = make_campaign(
        f"phone,name,ends\n+4520000001,Ann,{OFFER_ENDS}\n+4520000002,Bob,2020-01-01\n",
        template=template,
        parameter_mappings={"offer": declared},
    )
    assignment = assign(campaign)
    assert freeze(assignment)
    late = datetime.fromisoformat(OFFER_ENDS) - timezone.now()
    with clock.moved(late):
        if declared == "ends":
            assert runner.run(campaign.pk) == Counts(sent=0, failed=1)
        else:
            with pytest.raises(CampaignNotRunnable, match="end of the offer: is over"):
                runner.run(campaign.pk)
    assert sent(simulator) == []
    rows = list(campaign.recipients.order_by("pk").values_list("status", "error_message"))
    if declared == "ends":
        assert rows == [
            ("failed", "offer: is over"),
            ("skipped", "end of the offer: is over; line 3"),
        ]
