"""What a message can say: one frozen dataclass per message type, checked against Meta's limits."""

from django_meta_whatsapp.cloud_api.content.base import Content, Raw
from django_meta_whatsapp.cloud_api.content.commerce import (
    Card,
    CatalogMessage,
    MediaCarousel,
    Product,
    ProductCarousel,
    ProductList,
)
from django_meta_whatsapp.cloud_api.content.interactive import (
    Button,
    CtaUrl,
    ListMessage,
    ReplyButtons,
    Row,
    Section,
)
from django_meta_whatsapp.cloud_api.content.payments import OrderDetails, OrderStatus
from django_meta_whatsapp.cloud_api.content.people import Contacts, Location, Reaction
from django_meta_whatsapp.cloud_api.content.requests import (
    AddressMessage,
    CallPermissionRequest,
    ContactInfoRequest,
    FlowMessage,
    LocationRequest,
    VoiceCall,
)
from django_meta_whatsapp.cloud_api.content.templates import Template
from django_meta_whatsapp.cloud_api.content.text_media import (
    Audio,
    Document,
    Image,
    Media,
    Sticker,
    Text,
    Video,
)

__all__ = [
    "AddressMessage",
    "Audio",
    "Button",
    "CallPermissionRequest",
    "Card",
    "CatalogMessage",
    "ContactInfoRequest",
    "Contacts",
    "Content",
    "CtaUrl",
    "Document",
    "FlowMessage",
    "Image",
    "ListMessage",
    "Location",
    "LocationRequest",
    "Media",
    "MediaCarousel",
    "OrderDetails",
    "OrderStatus",
    "Product",
    "ProductCarousel",
    "ProductList",
    "Raw",
    "Reaction",
    "ReplyButtons",
    "Row",
    "Section",
    "Sticker",
    "Template",
    "Text",
    "Video",
    "VoiceCall",
]
