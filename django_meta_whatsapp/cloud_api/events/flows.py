"""Flows: published, throttled, and alerts about their endpoints (Meta's page "flows webhook reference")."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.events.base import Change, Event
from django_meta_whatsapp.cloud_api.events.reading import objects, required, text

_ALERTS = ("ENDPOINT_ERROR_RATE", "CLIENT_ERROR_RATE", "ENDPOINT_LATENCY", "ENDPOINT_AVAILABILITY")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStatusEvent(Event):
    """status, previous_status: `DRAFT`, `PUBLISHED`, `DEPRECATED`, `BLOCKED` or `THROTTLED`."""

    flow_id: str
    status: str
    previous_status: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAlertEvent(Event):
    """An alert about a flow began or ended. The figures that belong to `alert` (rates, latencies) are in `raw`.

    alert: `ENDPOINT_ERROR_RATE`, `CLIENT_ERROR_RATE`, `ENDPOINT_LATENCY` or `ENDPOINT_AVAILABILITY`.
    state: `ACTIVATED` or `DEACTIVATED`. errors: `{"error_type", "error_rate", "error_count"}`.
    """

    flow_id: str
    alert: str
    state: str = ""
    message: str = ""
    errors: list[JSON] = dataclass_field(default_factory=list)


def read_flow(change: Change) -> Iterator[Event]:
    """A value of the field `flows`. Nothing for an event of a name that is not known."""
    value = change.value
    event = required(value, "event").upper()
    if event == "FLOW_STATUS_CHANGE":
        yield FlowStatusEvent(
            **change.whole("flow_status"),
            flow_id=required(value, "flow_id"),
            status=required(value, "new_status").upper(),
            previous_status=text(value.get("old_status")).upper(),
            message=text(value.get("message")),
        )
    elif event in _ALERTS:
        yield FlowAlertEvent(
            **change.whole("flow_alert"),
            flow_id=required(value, "flow_id"),
            alert=event,
            state=text(value.get("alert_state")).upper(),
            message=text(value.get("message")),
            errors=objects(value.get("errors")),
        )
