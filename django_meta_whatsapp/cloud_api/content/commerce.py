"""Products and carousels (Meta's pages "share products", "product carousel" and "media carousel")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised
from django_meta_whatsapp.cloud_api.content.interactive import Button, link_button, reply_buttons
from django_meta_whatsapp.cloud_api.content.parts import frame, header_object
from django_meta_whatsapp.cloud_api.content.text_media import Image, Video

RETAILER_ID_LIMIT = 1024


def product_sections(field: str, sections: Sequence[Mapping[str, Any]]) -> list[JSON]:
    """1 to 10 sections with at most 30 products in all, in the shape that the reference and Meta share.

    sections: `[{"title": …, "product_items": [{"product_retailer_id": …}]}]`; a title has up to 24 characters
        and may be missing only when there is one section.
    """
    checks.count(field, sections, 1, 10)
    built = [_section(f"{field}[{n}]", section, len(sections) > 1) for n, section in enumerate(sections)]
    checks.count(
        f"{field}: products", [item for section in built for item in section["product_items"]], 1, 30
    )
    return built


def _section(field: str, section: Mapping[str, Any], titled: bool) -> JSON:
    items = checks.mapping(field, section).get("product_items")
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise checks.invalid(f"{field}.product_items", "must be a list of products")
    built: JSON = {
        "product_items": [_item(f"{field}.product_items[{n}]", item) for n, item in enumerate(items)]
    }
    title = section.get("title") or ""
    return {"title": checks.text(f"{field}.title", title, 24), **built} if titled or title else built


def _item(field: str, item: object) -> JSON:
    retailer_id = checks.mapping(field, item).get("product_retailer_id")
    key = f"{field}.product_retailer_id"
    return {"product_retailer_id": checks.text(key, str(retailer_id or ""), RETAILER_ID_LIMIT)}


@dataclass(frozen=True, slots=True)
class Product(Summarised):
    """One product of a catalog. retailer_id: your own number for it (Meta's "content ID")."""

    type: ClassVar[str] = "interactive"
    catalog_id: str
    retailer_id: str
    body: str = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action = {
            "catalog_id": checks.text("catalog_id", self.catalog_id, 100),
            "product_retailer_id": checks.text("retailer_id", self.retailer_id, RETAILER_ID_LIMIT),
        }
        return frame("product", action, body=self.body, footer=self.footer, body_required=False)


@dataclass(frozen=True, slots=True)
class ProductList(Summarised):
    """Up to 30 products in up to 10 sections (see `product_sections`). The text header is required."""

    type: ClassVar[str] = "interactive"
    catalog_id: str
    sections: Sequence[Mapping[str, Any]]
    header: str
    body: str
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action = {
            "catalog_id": checks.text("catalog_id", self.catalog_id, 100),
            "sections": product_sections("sections", self.sections),
        }
        header = checks.text("header", self.header, 60)
        return frame("product_list", action, body=self.body, header=header, footer=self.footer)


@dataclass(frozen=True, slots=True)
class CatalogMessage(Summarised):
    """The whole catalog. thumbnail_retailer_id: whose picture it shows; the first product's when empty."""

    type: ClassVar[str] = "interactive"
    body: str
    thumbnail_retailer_id: str = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action: JSON = {"name": "catalog_message"}
        if self.thumbnail_retailer_id:
            action["parameters"] = {"thumbnail_product_retailer_id": self.thumbnail_retailer_id}
        return frame("catalog_message", action, body=self.body, footer=self.footer)


@dataclass(frozen=True, slots=True)
class ProductCarousel(Summarised):
    """2 to 10 products of one catalog as cards side by side."""

    type: ClassVar[str] = "interactive"
    catalog_id: str
    retailer_ids: Sequence[str]
    body: str

    def payload(self) -> JSON:
        """See `Content.payload`."""
        catalog_id = checks.text("catalog_id", self.catalog_id, 100)
        checks.count("retailer_ids", self.retailer_ids, 2, 10)
        cards = [self._card(catalog_id, index, each) for index, each in enumerate(self.retailer_ids)]
        return frame("carousel", {"cards": cards}, body=self.body)

    @staticmethod
    def _card(catalog_id: str, index: int, retailer_id: str) -> JSON:
        number = checks.text(f"retailer_ids[{index}]", retailer_id, RETAILER_ID_LIMIT)
        return {
            "card_index": index,
            "type": "product",
            "action": {"product_retailer_id": number, "catalog_id": catalog_id},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card of a media carousel: a picture or a film by link, and a link button or up to 3 reply buttons.

    body: up to 160 characters and 2 line breaks, may be empty.
    """

    header: Image | Video
    body: str = ""
    display_text: str = ""
    url: str = ""
    buttons: Sequence[Button] = ()


@dataclass(frozen=True, slots=True)
class MediaCarousel(Summarised):
    """2 to 10 cards side by side. All cards carry the same kind of medium and the same kind of button."""

    type: ClassVar[str] = "interactive"
    body: str
    cards: Sequence[Card]

    def payload(self) -> JSON:
        """See `Content.payload`."""
        checks.count("cards", self.cards, 2, 10)
        if len({(card.header.type, len(card.buttons)) for card in self.cards}) > 1:
            raise checks.invalid("cards", "must all have the same kind of header and the same buttons")
        cards = [_media_card(f"cards[{index}]", index, card) for index, card in enumerate(self.cards)]
        return frame("carousel", {"cards": cards}, body=self.body)


def _media_card(field: str, index: int, card: Card) -> JSON:
    if not card.header.link:
        raise checks.invalid(f"{field}.header", "needs a link")
    if bool(card.buttons) == bool(card.url):
        raise checks.invalid(f"{field}.url", "give either a url or reply buttons")
    action = (
        {"buttons": reply_buttons(card.buttons)} if card.buttons else link_button(card.display_text, card.url)
    )
    built: JSON = {"card_index": index, "type": "button" if card.buttons else "cta_url"}
    built["header"] = header_object(card.header)
    if card.body:
        built["body"] = {"text": card_body(f"{field}.body", card.body)}
    return {**built, "action": action}


def card_body(field: str, body: str) -> str:
    """The text of a card when it has at most 160 characters and 2 line breaks."""
    if body.count("\n") > 2:
        raise checks.invalid(field, f"has {body.count(chr(10))} line breaks, at most 2 are allowed")
    return checks.text(field, body, 160)
