"""Messages that ask for something: a place, a phone number, a call, a form (Meta's "interactive" pages)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised
from django_meta_whatsapp.cloud_api.content.parts import Header, frame


@dataclass(frozen=True, slots=True)
class LocationRequest(Summarised):
    """A text with a button that shares the user's location."""

    type: ClassVar[str] = "interactive"
    body: str

    def payload(self) -> JSON:
        """See `Content.payload`."""
        return frame("location_request_message", {"name": "send_location"}, body=self.body)


@dataclass(frozen=True, slots=True)
class ContactInfoRequest(Summarised):
    """A text with a button that shares the user's phone number (for users known by name only)."""

    type: ClassVar[str] = "interactive"
    body: str

    def payload(self) -> JSON:
        """See `Content.payload`."""
        return frame("request_contact_info", {"name": "request_contact_info"}, body=self.body)


@dataclass(frozen=True, slots=True)
class CallPermissionRequest(Summarised):
    """A text that asks whether the business may call."""

    type: ClassVar[str] = "interactive"
    body: str

    def payload(self) -> JSON:
        """See `Content.payload`."""
        return frame("call_permission_request", {"name": "call_permission_request"}, body=self.body)


@dataclass(frozen=True, slots=True)
class VoiceCall(Summarised):
    """A text with a button that calls the business. ttl_minutes: how long it works, 1 to 43,200."""

    type: ClassVar[str] = "interactive"
    body: str
    display_text: str
    ttl_minutes: int = 10080

    def payload(self) -> JSON:
        """See `Content.payload`."""
        if not 1 <= self.ttl_minutes <= 43200:
            raise checks.invalid("ttl_minutes", "must lie between 1 and 43200")
        label = checks.text("display_text", self.display_text, 20)
        parameters = {"display_text": label, "ttl_minutes": self.ttl_minutes}
        return frame("voice_call", {"name": "voice_call", "parameters": parameters}, body=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMessage(Summarised):
    """A text with a button that opens a WhatsApp Flow (a form).

    flow_id or flow_name: which flow, exactly one of them. cta: the button's label, up to 20 characters.
    flow_token: comes back with the answer. mode: `published`, or `draft` for an unpublished flow.
    action: `navigate` opens `screen` with `data`; `data_exchange` asks the flow's endpoint.
    """

    type: ClassVar[str] = "interactive"
    body: str
    cta: str
    flow_id: str = ""
    flow_name: str = ""
    flow_token: str = "unused"  # noqa: S105 - Meta's own default
    mode: str = "published"
    action: str = "navigate"
    screen: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    header: Header = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action = {"name": "flow", "parameters": self._parameters()}
        return frame("flow", action, body=self.body, header=self.header, footer=self.footer)

    def _parameters(self) -> JSON:
        if bool(self.flow_id) == bool(self.flow_name):
            raise checks.invalid("flow_id", "give either flow_id or flow_name")
        named = {"flow_id": self.flow_id} if self.flow_id else {"flow_name": self.flow_name}
        parameters: JSON = {
            "flow_message_version": "3",
            **named,
            "flow_cta": checks.text("cta", self.cta, 20),
            "mode": checks.one_of("mode", self.mode, ("published", "draft")),
            "flow_token": checks.text("flow_token", self.flow_token),
            "flow_action": checks.one_of("action", self.action, ("navigate", "data_exchange")),
        }
        opening = self._opening()
        return {**parameters, "flow_action_payload": opening} if opening else parameters

    def _opening(self) -> JSON:
        if self.action != "navigate":
            if self.screen or self.data:
                raise checks.invalid("screen", "a screen and its data go only with the action navigate")
            return {}
        if self.data and not self.screen:
            raise checks.invalid("screen", "data needs the screen that it is for")
        opening: JSON = {"screen": self.screen} if self.screen else {}
        return {**opening, "data": dict(self.data)} if self.data else opening


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressMessage(Summarised):
    """A form for a postal address (businesses and users in India). The answer comes as an `nfm_reply`.

    values: filled in beforehand; saved_addresses: `[{"id", "value": {…}}]`; validation_errors: by field.
    """

    type: ClassVar[str] = "interactive"
    body: str
    country: str = "IN"
    values: Mapping[str, str] = field(default_factory=dict)
    saved_addresses: Sequence[Mapping[str, Any]] = ()
    validation_errors: Mapping[str, str] = field(default_factory=dict)
    header: Header = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        parameters: JSON = {"country": checks.one_of("country", self.country, ("IN",))}
        if self.values:
            parameters["values"] = dict(self.values)
        if self.saved_addresses:
            parameters["saved_addresses"] = [dict(address) for address in self.saved_addresses]
        if self.validation_errors:
            parameters["validation_errors"] = dict(self.validation_errors)
        action = {"name": "address_message", "parameters": parameters}
        return frame("address_message", action, body=self.body, header=self.header, footer=self.footer)
