"""Multipart form bodies."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_form

__all__ = ["FormFile", "FormParserError", "parse_multipart"]


@dataclass(slots=True)
class FormFile:
    """An uploaded file: its name, declared media type and bytes."""

    filename: str
    content_type: str
    content: bytes


def parse_multipart(body: bytes, content_type: str) -> tuple[dict[str, str], dict[str, FormFile]]:
    """Fields and files of ``body``. A body that is no multipart form raises ``FormParserError``."""
    fields: dict[str, str] = {}
    files: dict[str, FormFile] = {}

    def on_field(part: Any) -> None:
        fields[part.field_name.decode()] = (part.value or b"").decode("utf-8", "replace")

    def on_file(part: Any) -> None:
        part.file_object.seek(0)
        files[part.field_name.decode()] = FormFile(
            (part.file_name or b"").decode("utf-8", "replace"),
            part.content_type or "",
            part.file_object.read(),
        )
        part.close()

    headers = {"Content-Type": content_type.encode("latin-1"), "Content-Length": str(len(body)).encode()}
    parse_form(headers, BytesIO(body), on_field, on_file)
    return fields, files
