"""Template messages (Meta's page "template messages"); their components come from `template_components`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised


@dataclass(frozen=True, slots=True)
class Template(Summarised):
    """An approved template. language: exactly as approved (`en` and `en_US` are two templates)."""

    type: ClassVar[str] = "template"
    name: str
    language: str = "en"
    components: Sequence[JSON] = ()

    def payload(self) -> JSON:
        """See `Content.payload`."""
        built: JSON = {
            "name": checks.text("name", self.name, 512),
            "language": {"code": checks.text("language", self.language, 20), "policy": "deterministic"},
        }
        return {**built, "components": list(self.components)} if self.components else built
