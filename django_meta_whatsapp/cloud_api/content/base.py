"""What every kind of message content has in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.summaries import describe


class Content(Protocol):
    """What one message says: Meta's name for its type, and the object that goes under that name."""

    @property
    def type(self) -> str:
        """Meta's message type (`"text"`, `"interactive"`, `"template"` …)."""

    def payload(self) -> Any:
        """The value that goes under the type's name: an object, or for contacts a list of objects.

        Raises InvalidMessage, naming the field and the limit, for content that Meta would refuse.
        """

    def summary(self) -> str:
        """One line of text that stands for the message in a list of chats."""


class Summarised(ABC):
    """Content whose summary follows from its payload."""

    type: ClassVar[str]

    @abstractmethod
    def payload(self) -> Any:
        """See `Content.payload`."""

    def summary(self) -> str:
        """One line of text that stands for the message in a list of chats."""
        return describe(self.type, self.payload())


@dataclass(frozen=True, slots=True)
class Raw:
    """Content that is already built: `body` is sent as it is under `type`, unchecked."""

    type: str
    body: JSON | list[JSON]

    def payload(self) -> JSON | list[JSON]:
        """The body, unchanged."""
        checks.text("type", self.type, 40)
        return self.body

    def summary(self) -> str:
        """One line of text that stands for the message in a list of chats."""
        return describe(self.type, self.body)
