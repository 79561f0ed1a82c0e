"""Which files Meta takes, and how large they may be (Meta: media page)."""

from whatsapp_simulator.errors import coded, malformed

_MB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
_KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "audio": (16 * _MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")),
    "document": (
        100 * _MB,
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}wordprocessingml.document",
            f"{_OFFICE}spreadsheetml.sheet",
            f"{_OFFICE}presentationml.presentation",
        ),
    ),
    "image": (5 * _MB, ("image/jpeg", "image/png")),
    "video": (16 * _MB, ("video/mp4", "video/3gpp")),
}
_STICKER = "image/webp"
_STATIC_STICKER_MAX = 100 * 1024
_ANIMATED_STICKER_MAX = 500 * 1024
_LIMITS = {mime_type: limit for limit, mime_types in _KINDS.values() for mime_type in mime_types}


def check_file(mime_type: str, content: bytes) -> None:
    """Error 100 for a type that Meta does not take and for an empty file, 131053 for one that is too large."""
    base_type = mime_type.partition(";")[0].strip().lower()
    if base_type not in _LIMITS and base_type != _STICKER:
        known = ", ".join([*_LIMITS, _STICKER])
        raise malformed(
            f"Param file must be a file with one of the following types: {known}. "
            f"Received file of type '{base_type}'."
        )
    if not content:
        raise malformed("Param file must not be empty.")
    limit = _sticker_limit(content) if base_type == _STICKER else _LIMITS[base_type]
    if len(content) > limit:
        raise coded(131053, f"The file has {len(content)} bytes, the limit for {base_type} is {limit}.")


def _sticker_limit(content: bytes) -> int:
    # An extended WebP file says in its flags whether it is animated.
    animated = content[12:16] == b"VP8X" and len(content) > 20 and content[20] & 2
    return _ANIMATED_STICKER_MAX if animated else _STATIC_STICKER_MAX
