"""From a person's fields to the template message that they get; `docs/campaigns.md` has the mappings' form."""

from django_meta_whatsapp.services.campaigns.personalise.compiling import personaliser
from django_meta_whatsapp.services.campaigns.personalise.mappings import fields_named
from django_meta_whatsapp.services.campaigns.personalise.personaliser import Filled, Personaliser
from django_meta_whatsapp.services.campaigns.personalise.slots import Slot, Upload, Uploaded

__all__ = [
    "Filled",
    "Personaliser",
    "Slot",
    "Upload",
    "Uploaded",
    "fields_named",
    "personaliser",
]
