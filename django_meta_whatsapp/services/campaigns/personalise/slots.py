"""The places of a message that differ from person to person or wait for an upload, and the filling of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.errors import InvalidMessage
from django_meta_whatsapp.services.campaigns.personalise.values import Fit, Value

LINK_LIMIT = 2000
_URL_SAFE = "/:?#[]@!$&'()*+,;=%~-._"


@dataclass(frozen=True, slots=True)
class Slot:
    """One value. key: how recipients' rows name it (`1`, `header_1`, `button_0.flow_token`); told: as people are told of it."""

    key: str
    told: str
    value: Value
    fit: Fit


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file at Meta. filename: its own name, for documents."""

    media_id: str
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that must be at Meta before the first message. media: the id of a WhatsAppMedia row; None for the campaign's
    own file. kind: `image`, `video` or `document`, as the template wants it; told: as people are told of it."""

    key: str
    kind: str
    told: str
    media: int | None = None


def slots_in(template: Any) -> Iterator[Slot]:
    """The slots of a template of JSON, in its order."""
    yield from (leaf for leaf in _leaves(template) if isinstance(leaf, Slot))


def uploads_in(template: Any) -> Iterator[Upload]:
    """The uploads of a template of JSON."""
    yield from (leaf for leaf in _leaves(template) if isinstance(leaf, Upload))


def _leaves(template: Any) -> Iterator[Any]:
    if isinstance(template, Mapping):
        for value in template.values():
            yield from _leaves(value)
    elif isinstance(template, list | tuple):
        for value in template:
            yield from _leaves(value)
    else:
        yield template


Fill = Callable[[Mapping[str, Any], Mapping[str, Uploaded]], Any]


def filler(template: Any) -> Fill:
    """What makes of values and uploads the template with them in its slots; None for one that is not there."""
    if isinstance(template, Slot):
        key = template.key
        return lambda values, uploads: values.get(key)
    if isinstance(template, Upload):
        key = template.key
        return lambda values, uploads: uploads.get(key)
    if not any(isinstance(leaf, Slot | Upload) for leaf in _leaves(template)):
        return lambda values, uploads: template
    if isinstance(template, Mapping):
        named = [(name, filler(value)) for name, value in template.items()]
        return lambda values, uploads: {name: fill(values, uploads) for name, fill in named}
    listed = [filler(value) for value in template]
    return lambda values, uploads: [fill(values, uploads) for fill in listed]


def text(limit: int | None = None) -> Fit:
    """A text on one line: line breaks and runs of blanks, which Meta refuses, become one blank."""

    def fit(value: Any) -> str | None:
        line = " ".join(str(value).split())
        if limit is not None and len(line) > limit:
            raise ValueError(f"has {len(line)} characters, at most {limit} are allowed")
        return line or None

    return fit


def url_end(limit: int = LINK_LIMIT) -> Fit:
    """The end of a web address: what may not stand in one is percent-encoded."""
    line = text()

    def fit(value: Any) -> str | None:
        end = quote(line(value) or "", safe=_URL_SAFE)
        if len(end) > limit:
            raise ValueError(f"has {len(end)} characters, at most {limit} are allowed")
        return end or None

    return fit


def code(limit: int) -> Fit:
    """Letters and digits."""
    line = text(limit)

    def fit(value: Any) -> Any:
        found = line(value)
        if found and not (found.isascii() and found.isalnum()):
            raise ValueError("must consist of letters and digits")
        return found

    return fit


def link(value: Any) -> str:
    """A web address that Meta can fetch."""
    found = str(value).strip()
    if not found.lower().startswith("https://") or len(found) > LINK_LIMIT or len(found.split()) != 1:
        raise ValueError(f"must be a link of up to {LINK_LIMIT} characters that begins with https://")
    return found


def media_id(value: Any) -> str:
    """The id of a file at Meta."""
    found = str(value).strip()
    if not found.isdecimal() or len(found) > 64:
        raise ValueError("must be the id of a file at Meta")
    return found


def medium(value: Any) -> str:
    """A link or the id of a file at Meta."""
    found = str(value).strip()
    return media_id(found) if found.isdecimal() else link(found)


def degrees(limit: int) -> Fit:
    """A latitude or longitude."""

    def fit(value: Any) -> str:
        try:
            return checks.coordinate("", str(value).strip(), limit)
        except InvalidMessage as error:
            raise ValueError(error.why) from error

    return fit


def as_it_is(value: Any) -> Any:
    """Anything that JSON has a scalar for; other values as text."""
    return value if isinstance(value, str | int | float) else str(value)


def optional_text(limit: int) -> Fit:
    """Like `text`; what is empty stays so."""
    line = text(limit)
    return lambda value: line(value) or ""
