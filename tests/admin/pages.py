"""The pages of the admin, and what stands in them."""

from typing import Any

from django.urls import reverse


def url(model: str, page: str, *arguments: Any) -> str:
    return reverse(f"admin:django_meta_whatsapp_{model}_{page}", args=arguments)


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text
