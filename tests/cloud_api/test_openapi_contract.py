"""Every body that we can build validates against Meta's own OpenAPI description, where it covers it.

The description is partly written by machines. `ODDITIES` lists each place where Meta's documentation pages say
otherwise, and how the schema is read there; everything else is taken as it stands.
"""

import csv
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from django_meta_whatsapp.cloud_api import content as c
from django_meta_whatsapp.cloud_api.calls import JSON, Call
from django_meta_whatsapp.cloud_api.operations import blocking, business, messages, templates
from django_meta_whatsapp.cloud_api.operations.template_definition import TemplateDefinition
from django_meta_whatsapp.models import WhatsAppTemplate
from django_meta_whatsapp.services.campaigns.personalise import personaliser
from tests.campaigns.test_sendable import CSV, KINDS, Kind
from tests.cloud_api.samples import CONTENTS

FILE = Path(__file__).parents[2] / "../shared/reference/openapi/business-messaging-api_v23.0.yaml"
PHONE, WABA = "222000222000222", "111000111000111"
MESSAGE_SCHEMAS = {
    "text": "TextMessage",
    "image": "ImageMessage",
    "video": "VideoMessage",
    "audio": "AudioMessage",
    "document": "DocumentMessage",
    "sticker": "StickerMessage",
    "location": "LocationMessage",
    "contacts": "ContactsMessage",
    "reaction": "ReactionMessage",
    "interactive": "InteractiveMessage",
    "template": "TemplateMessage",
}
NEW_INTERACTIVE_TYPES = [
    "cta_url",
    "location_request_message",
    "request_contact_info",
    "voice_call",
    "carousel",
    "address_message",
    "order_details",
    "order_status",
]


def _messages_are_closed_twice(schemas: JSON) -> None:
    """Each message is `allOf` the envelope and a closed object that lacks it, so no message could ever pass: the
    whole is closed instead of that part. The envelope lacks our data and the recipient by user id."""
    envelope = schemas["BaseMessageProperties"]
    envelope["properties"] |= {"biz_opaque_callback_data": {"type": "string", "maxLength": 512}}
    for name in MESSAGE_SCHEMAS.values():
        schemas[name]["allOf"][1].pop("additionalProperties", None)
        schemas[name]["unevaluatedProperties"] = False


def _the_list_of_interactive_types_is_old(schemas: JSON) -> None:
    """Types that Meta documents are missing, and with them their actions."""
    schemas["InteractiveObject"]["properties"]["type"]["enum"] += NEW_INTERACTIVE_TYPES
    known = schemas["ActionObject"]
    named = ["cta_url", "send_location", "request_contact_info", "voice_call", "address_message"]
    named += ["review_and_pay", "review_order"]
    known["oneOf"] += [
        {"required": ["cards"], "properties": {"cards": {"type": "array", "minItems": 2, "maxItems": 10}}},
        {"required": ["name"], "properties": {"name": {"enum": named}}},
    ]


def _a_list_has_a_longer_body(schemas: JSON) -> None:
    """The page about lists allows 4,096 characters; the description has 1,024 for all."""
    schemas["BodyObject"]["properties"]["text"]["maxLength"] = 4096


def _a_catalog_needs_no_thumbnail(schemas: JSON) -> None:
    """The thumbnail is optional on the page and required here."""
    for action in schemas["ActionObject"]["oneOf"]:
        if action["properties"].get("name", {}).get("enum") == ["catalog_message"]:
            action["required"] = ["name"]


def _template_components_are_old(schemas: JSON) -> None:
    """The pattern of `index` excludes 0 and 1; newer components and buttons are missing."""
    properties = schemas["TemplateComponent"]["properties"]
    properties["index"]["pattern"] = "^[0-9]$"
    properties["type"]["enum"] += ["limited_time_offer", "carousel"]
    properties["sub_type"]["enum"] += ["copy_code", "flow", "CATALOG", "mpm", "order_details"]


def _contacts_are_narrower(schemas: JSON) -> None:
    """Phones of the type CELL are on the page; a message takes up to 257 contacts."""
    schemas["PhoneObject"]["properties"]["type"]["enum"] += ["CELL"]
    schemas["ContactsMessage"]["allOf"][1]["properties"]["contacts"]["maxItems"] = 257


def _a_profile_has_a_longer_description(schemas: JSON) -> None:
    """512 characters on the page, 256 here."""
    schemas["WhatsAppBusinessProfileUpdateRequest"]["properties"]["description"]["maxLength"] = 512


ODDITIES: list[Callable[[JSON], None]] = [
    _messages_are_closed_twice,
    _the_list_of_interactive_types_is_old,
    _a_list_has_a_longer_body,
    _a_catalog_needs_no_thumbnail,
    _template_components_are_old,
    _contacts_are_narrower,
    _a_profile_has_a_longer_description,
]


class Contract:
    """Meta's description, and what is wrong with a body according to it."""

    def __init__(self, document: JSON) -> None:
        self.paths = document["paths"]
        document = {**document, "components": deepcopy(document["components"])}
        for oddity in ODDITIES:
            oddity(document["components"]["schemas"])
        resource = Resource(contents=document, specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource("urn:meta", resource)

    def complaints(self, schema: JSON, body: Any) -> list[str]:
        """One line for each way in which `body` breaks `schema`."""
        validator = OAS31Validator(_absolute(schema), registry=self.registry)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]

    def component(self, name: str) -> JSON:
        """A schema by its name."""
        return {"$ref": f"#/components/schemas/{name}"}

    def request(self, path: str, method: str) -> JSON:
        """The schema of a request's JSON body."""
        schema: JSON = self.paths[path][method]["requestBody"]["content"]["application/json"]["schema"]
        return schema


def _absolute(value: Any) -> Any:
    """The schema with its references pointing into the whole document."""
    if isinstance(value, dict):
        changed = {key: _absolute(each) for key, each in value.items()}
        if isinstance(changed.get("$ref"), str):
            changed["$ref"] = "urn:meta" + changed["$ref"]
        return changed
    return [_absolute(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def contract() -> Contract:
    if not FILE.exists():
        pytest.skip("Meta's OpenAPI description is not here")
    # The pure-Python loader takes ten times as long over this megabyte.
    return Contract(yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


@pytest.mark.parametrize("name", CONTENTS)
def test_every_message_validates(contract: Contract, name: str) -> None:
    content = CONTENTS[name]
    call = messages.send_message(PHONE, "+15550001111", content, callback_data="dmw1.abc")
    schema = contract.component(MESSAGE_SCHEMAS[content.type])
    assert contract.complaints(schema, call.body) == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_message_of_a_campaign_validates(contract: Contract, kind: Kind) -> None:
    category = kind.more.get("category", "UTILITY")
    template = WhatsAppTemplate(name="x", language="en_US", category=category, components=kind.components)
    filled = personaliser(template, kind.mappings)
    values = filled.fill(dict(zip(*csv.reader(CSV.splitlines()), strict=True))).values
    call = messages.send_message(PHONE, "+15550001111", filled.content(values), callback_data="dmw1.abc")
    assert contract.complaints(contract.component("TemplateMessage"), call.body) == []


def test_a_reply_validates(contract: Contract) -> None:
    call = messages.send_message(PHONE, "+15550001111", c.Text("yes"), reply_to="wamid.X")
    assert contract.complaints(contract.component("TextMessage"), call.body) == []


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("text", lambda body: body.update(unknown=1)),
        ("text", lambda body: body.pop("to")),
        ("text", lambda body: body["text"].update(boddy="x")),
        ("sticker", lambda body: body["sticker"].update(caption="x")),
        ("location", lambda body: body["location"].update(latitude=1.5)),
        ("reply_buttons", lambda body: body["interactive"]["action"].clear()),
        ("list", lambda body: body["interactive"]["action"].update(button="x" * 21)),
        ("template_with_everything", lambda body: body["template"]["components"][2].update(index="first")),
        ("contacts", lambda body: body["contacts"][0].update(nickname="x")),
    ],
)
def test_the_contract_notices_a_body_that_is_wrong(
    contract: Contract, name: str, damage: Callable[[JSON], object]
) -> None:
    call = messages.send_message(PHONE, "+15550001111", CONTENTS[name])
    body = deepcopy(call.body)
    assert body is not None
    damage(body)
    assert contract.complaints(contract.component(MESSAGE_SCHEMAS[body["type"]]), body)


DEFINITION = TemplateDefinition(
    name="order_update",
    language="en_US",
    category="UTILITY",
    header={"type": "TEXT", "text": "Order {{1}}"},
    body_text="Hello {{1}}, it left.",
    footer_text="Sample Shop",
    buttons=[
        {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{1}}"},
        {
            "type": "FLOW",
            "text": "Rate us",
            "flow_id": "333",
            "flow_action": "navigate",
            "navigate_screen": "A",
        },
    ],
)
LOGIN = TemplateDefinition(name="login", language="en", category="AUTHENTICATION")
BODIES: list[tuple[str, str, Call[Any]]] = [
    ("/{Version}/{WABA-ID}/message_templates", "post", templates.create_template(WABA, DEFINITION.payload())),
    ("/{Version}/{WABA-ID}/message_templates", "post", templates.create_template(WABA, LOGIN.payload())),
    (
        "/{Version}/{TEMPLATE_ID}",
        "post",
        templates.edit_template("9", {"components": DEFINITION.components()}),
    ),
    ("/{Version}/{Phone-Number-ID}/block_users", "post", blocking.block(PHONE, ["+15550001111"])),
    ("/{Version}/{Phone-Number-ID}/block_users", "delete", blocking.unblock(PHONE, ["+15550001111"])),
    ("/{Version}/{Phone-Number-ID}/register", "post", business.register(PHONE, "123456")),
    (
        "/{Version}/{Phone-Number-ID}/register",
        "post",
        business.register(PHONE, "123456", data_localization_region="IN"),
    ),
    ("/{Version}/{Phone-Number-ID}/request_code", "post", business.request_code(PHONE)),
    ("/{Version}/{Phone-Number-ID}/verify_code", "post", business.verify_code(PHONE, "123-456")),
    (
        "/{Version}/{Phone-Number-ID}/whatsapp_business_profile",
        "post",
        business.update_business_profile(
            PHONE,
            {
                "about": "Mugs",
                "address": "1 Example Rd",
                "description": "x" * 512,
                "email": "shop@shop.example",
                "websites": ["https://shop.example"],
                "vertical": "RETAIL",
            },
        ),
    ),
    ("/{Version}/{WABA-ID}/subscribed_apps", "post", business.subscribe_app(WABA)),
    (
        "/{Version}/{WABA-ID}/subscribed_apps",
        "post",
        business.subscribe_app(WABA, callback_url="https://shop.example/w", verify_token="v"),
    ),
]


@pytest.mark.parametrize(
    ("path", "method", "call"), BODIES, ids=[f"{n}-{call.path}" for n, (_, _, call) in enumerate(BODIES)]
)
def test_every_other_body_validates(contract: Contract, path: str, method: str, call: Call[Any]) -> None:
    assert call.method == method.upper()
    assert contract.complaints(contract.request(path, method), call.body) == []


@pytest.mark.parametrize("typing", [False, True])
def test_a_read_receipt_validates(contract: Contract, typing: bool) -> None:
    call = messages.mark_as_read(PHONE, "wamid.X", typing=typing)
    assert contract.complaints(contract.component("MarkMessageRequestPayload"), call.body) == []
