"""Which field fills which variable."""

from typing import Any

import pytest

from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidMessage
from django_meta_whatsapp.models import WhatsAppTemplate
from django_meta_whatsapp.services.campaigns.personalise import Personaliser, personaliser


def template(**fields: Any) -> WhatsAppTemplate:
    return WhatsAppTemplate(**{"name": "offer", "language": "en_US", "category": "MARKETING", **fields})


def components(filled: Personaliser, person: dict[str, Any]) -> Any:
    values, missing, faults = filled.fill(person)
    assert (missing, faults) == ((), ())
    return filled.content(values).payload()["components"]


def test_ten_comes_after_nine() -> None:
    body = " ".join(f"{{{{{n}}}}}" for n in range(1, 13))
    mappings = {str(n): f"field{n}" for n in (10, 1, 12, 2, 11, 3, 9, 4, 8, 5, 7, 6)}
    filled = personaliser(template(body_text=body), mappings)
    sent = components(filled, {f"field{n}": f"value {n}" for n in range(1, 13)})
    assert [each["text"] for each in sent[0]["parameters"]] == [f"value {n}" for n in range(1, 13)]


def test_header_body_and_button_have_variables_of_their_own() -> None:
    row = template(
        header={"type": "TEXT", "text": "Order {{1}}"},
        body_text="Hi {{1}}, {{2}} is ready.",
        buttons=[
            {"type": "QUICK_REPLY", "text": "Help"},
            {"type": "URL", "text": "Track", "url": "https://shop.example/t/{{1}}"},
            {"type": "COPY_CODE", "example": "SAVE20"},
        ],
    )
    mappings = {"1": "name", "2": "item", "header_1": "order", "button_1": "track", "button.2": "coupon"}
    person = {"name": "Ann", "item": "Tea", "order": "A-1", "track": "A-1/x", "coupon": "SAVE20"}
    header, body, url, code = components(personaliser(row, mappings), person)
    assert header == {"type": "header", "parameters": [{"type": "text", "text": "A-1"}]}
    assert [each["text"] for each in body["parameters"]] == ["Ann", "Tea"]
    assert (url["sub_type"], url["index"], url["parameters"]) == (
        "url",
        "1",
        [{"type": "text", "text": "A-1/x"}],
    )
    assert code["parameters"] == [{"type": "coupon_code", "coupon_code": "SAVE20"}]


@pytest.mark.parametrize("key", ["header_1", "header.1", "header", "1"])
def test_a_header_takes_its_own_key_or_the_plain_one_that_the_body_leaves_over(key: str) -> None:
    row = template(header={"type": "TEXT", "text": "Hi {{1}}"}, body_text="Welcome.")
    sent = components(personaliser(row, {key: "name"}), {"name": "Ann"})
    assert sent == [{"type": "header", "parameters": [{"type": "text", "text": "Ann"}]}]


def test_a_named_template_is_filled_by_name() -> None:
    row = template(header={"type": "TEXT", "text": "For {{who}}"}, body_text="{{what}} costs {{price}}.")
    filled = personaliser(row, {"price": "amount", "what": "item", "who": "name"})
    header, body = components(filled, {"name": "Ann", "item": "Tea", "amount": 3})
    assert header["parameters"] == [{"type": "text", "parameter_name": "who", "text": "Ann"}]
    assert body["parameters"] == [
        {"type": "text", "parameter_name": "what", "text": "Tea"},
        {"type": "text", "parameter_name": "price", "text": "3"},
    ]


def test_an_authentication_template_shows_one_code_in_body_and_button() -> None:
    row = template(
        category="AUTHENTICATION", buttons=[{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]
    )
    body, button = components(personaliser(row, {"1": "code"}), {"code": "482913"})
    assert body["parameters"] == [{"type": "text", "text": "482913"}]
    assert (button["sub_type"], button["parameters"]) == ("url", [{"type": "text", "text": "482913"}])


def test_meta_s_own_components_outweigh_the_row_s_fields() -> None:
    row = template(body_text="old", components=[{"type": "BODY", "text": "Hi {{1}}"}])
    assert components(personaliser(row, {"1": "name"}), {"name": "Ann"})[0]["parameters"][0]["text"] == "Ann"


def test_a_template_without_variables_needs_nobody_s_fields() -> None:
    filled = personaliser(template(body_text="Hello"), {})
    assert (filled.fields, filled.fill({})) == ((), ({}, (), ()))
    assert "components" not in filled.content({}).payload()


@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_a_person_without_a_value_lacks_the_variable(value: Any) -> None:
    filled = personaliser(template(body_text="Hi {{1}}"), {"1": "name"})
    assert filled.fill({"name": value}).missing == ("1",)
    assert filled.fill({}).missing == ("1",)


def test_field_names_are_compared_without_case_and_text_is_made_fit_for_meta() -> None:
    filled = personaliser(template(body_text="Hi {{1}}"), {"1": "First Name"})
    assert filled.fill({"FIRST NAME": " Ann\n\tMarie      Lee "}).values == {"1": "Ann Marie Lee"}


def test_the_chat_shows_the_text_as_it_was_read() -> None:
    filled = personaliser(template(body_text="Hi {{1}}, {{ 2 }}!"), {"1": "name", "2": "thing"})
    assert filled.text({"1": "Ann", "2": "tea"}) == "Hi Ann, tea!"
    assert personaliser(template(body_text=""), {}).text({}) == "offer"


@pytest.mark.parametrize(
    ("fields", "mappings", "told"),
    [
        ({"body_text": "{{1}} {{2}}"}, {"1": "name"}, r'variable \{\{2\}\} is not filled: add "2"'),
        ({"body_text": "{{1}}"}, {"1": ""}, 'add "1"'),
        ({"body_text": "{{1}}"}, {"1": 5}, 'add "1"'),
        (
            {"header": {"type": "TEXT", "text": "{{1}}"}, "body_text": "{{1}}"},
            {"1": "name"},
            'add "header_1"',
        ),
        ({"body_text": "x", "header": {"type": "IMAGE"}}, {}, "IMAGE header"),
        ({"body_text": "x", "header": {"type": "LOCATION"}}, {}, "LOCATION header"),
        (
            {"body_text": "x", "buttons": [{"type": "MPM", "text": "View"}]},
            {},
            'add "button_0".*with the products',
        ),
        (
            {"components": [{"type": "BODY", "text": "x"}, {"type": "CAROUSEL", "cards": []}]},
            {},
            "carousel has no cards",
        ),
        ({"body_text": "x"}, None, "must be an object"),
    ],
)
def test_what_cannot_be_filled_is_told_before_anybody_is_messaged(
    fields: dict[str, Any], mappings: Any, told: str
) -> None:
    with pytest.raises(CampaignNotRunnable, match=told):
        personaliser(template(**fields), mappings)


def test_a_value_that_meta_would_refuse_is_refused_here() -> None:
    filled = personaliser(
        template(body_text="x", buttons=[{"type": "COPY_CODE", "example": "A"}]), {"button_0": "code"}
    )
    with pytest.raises(InvalidMessage, match="letters and digits"):
        filled.content({"button_0": "not a code!"})


CARD: dict[str, Any] = {
    "components": [{"type": "HEADER", "format": "PRODUCT"}, {"type": "BODY", "text": "Only {{1}}!"}]
}
MUG = {"product_retailer_id": "SKU1", "catalog_id": "C1"}
FILLED_CARD = {"header": MUG, "1": "price"}


def headed(format_: str) -> list[dict[str, Any]]:
    return [{"type": "HEADER", "format": format_}, {"type": "BODY", "text": "x"}]


def buttoned(type_: str) -> list[dict[str, Any]]:
    button = {"type": type_, "text": "Go"}
    return [{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": [button]}]


def carousel(*cards: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "BODY", "text": "x"}, {"type": "CAROUSEL", "cards": list(cards)}]


@pytest.mark.parametrize(
    ("components", "mappings", "told"),
    [
        (headed("IMAGE"), {"header": {}}, "IMAGE header: give one of id, link, media, file"),
        (headed("IMAGE"), {"header": {"id": "1", "link": "https://x.example"}}, "give one of"),
        (headed("IMAGE"), {"header": {"id": "abc"}}, "must be the id of a file at Meta"),
        (headed("IMAGE"), {"header": {"link": "http://x.example/a.png"}}, "begins with https"),
        (headed("IMAGE"), {"header": {"link": "https://x.example/" + "a" * 2000}}, "up to 2000 characters"),
        (headed("IMAGE"), {"header": {"media": "12"}}, '"media" must be the id of a stored file'),
        (headed("IMAGE"), {"header": {"file": True}}, "the campaign has no header file"),
        (headed("IMAGE"), {"header": {"id": "1", "filename": "a"}}, '"filename" is not known here'),
        (headed("IMAGE"), {"header": ["https://x.example"]}, "IMAGE header is not filled"),
        (headed("GIF"), {"header": {"id": "1"}}, "cannot fill the GIF header"),
        (headed("DOCUMENT"), {"header": {"id": "1", "filename": "x" * 241}}, "at most 240"),
        (headed("LOCATION"), {"header": "place"}, 'with "latitude" and "longitude"'),
        (
            headed("LOCATION"),
            {"header": {"latitude": 91, "longitude": 0}},
            "latitude: must be a number of degrees",
        ),
        (headed("LOCATION"), {"header": {"latitude": {"value": "x"}}}, "must be a number of degrees"),
        (headed("LOCATION"), {"header": {"lat": 1}}, '"lat" is not known here; there are latitude'),
        (headed("PRODUCT"), {"header": {"catalog_id": "C1"}}, "retailer_id: must not be empty"),
        (buttoned("COPY_CODE"), {"button_0": {"value": "SAVE 20"}}, "must consist of letters and digits"),
        (buttoned("COPY_CODE"), {"button_0": {"value": "x" * 21}}, "at most 20 are allowed"),
        (buttoned("QUICK_REPLY"), {"button_0": {"value": "x" * 257}}, "at most 256 are allowed"),
        (buttoned("QUICK_REPLY"), {"button_0": ["x"]}, "a field's name"),
        (buttoned("FLOW"), {"button_0": {"token": "x"}}, '"token" is not known here; there are flow_token'),
        (buttoned("FLOW"), {"button_0": 5}, "button at place 0 is not filled"),
        (buttoned("MPM"), {"button_0": {"sections": []}}, "thumbnail_product_retailer_id: must not be empty"),
        (
            buttoned("ORDER_DETAILS"),
            {"button_0": {"type": "digital-goods"}},
            "reference_id: must not be empty",
        ),
        (carousel(CARD, CARD), {}, "PRODUCT header of card 0 is not filled"),
        (
            carousel(CARD, CARD),
            {"cards": [FILLED_CARD, {"header": MUG}]},
            r"variable \{\{1\}\} of card 1 is not",
        ),
        (carousel(CARD, CARD), {"cards": [FILLED_CARD]}, "1 cards, the template has 2"),
        (carousel(CARD, CARD, CARD), {"cards": [FILLED_CARD] * 4}, "4 cards, the template has 3"),
        (carousel(CARD, CARD), {"cards": [FILLED_CARD] * 11}, "11 cards, the template has 2"),
        (carousel(CARD, CARD), {"cards": {"0": FILLED_CARD}}, "must be a list with an object for each card"),
        (carousel(CARD, CARD), {"cards": [{**FILLED_CARD, "2": "x"}] * 2}, 'Card 0: "2" fills nothing'),
    ],
)
def test_an_object_that_is_wrong_is_told_with_its_part(
    components: list[dict[str, Any]], mappings: dict[str, Any], told: str
) -> None:
    with pytest.raises(CampaignNotRunnable, match=told):
        personaliser(template(components=components), mappings)


def test_the_text_of_a_card_may_not_grow_beyond_its_limit() -> None:
    filled = personaliser(template(components=carousel(CARD, CARD)), {"cards": [FILLED_CARD] * 2})
    assert filled.fill({"price": "x" * 154}).faults == ()
    assert filled.fill({"price": "x" * 155}).faults == (
        "body of card 0: has 161 characters, at most 160 are allowed",
        "body of card 1: has 161 characters, at most 160 are allowed",
    )


@pytest.mark.parametrize(
    ("photo", "fault"),
    [("ftp://x.example/a.png", "begins with https"), ("https://x.example/a b.png", "link")],
)
def test_a_person_s_picture_that_meta_cannot_fetch_is_told(photo: str, fault: str) -> None:
    filled = personaliser(template(components=headed("IMAGE")), {"header": "photo"})
    assert fault in filled.fill({"photo": photo}).faults[0]
    assert filled.fill({"photo": "900000000000001"}).values == {"header": "900000000000001"}


def test_a_message_whose_file_is_not_at_meta_is_not_built() -> None:
    filled = personaliser(template(components=headed("IMAGE")), {}, has_file=True)
    with pytest.raises(InvalidMessage, match="not at Meta yet"):
        filled.content({})
    assert filled.text({}) == "[image]\nx"
