"""Orders that are paid in WhatsApp, where Meta offers it: Brazil and India (Meta's "payments" pages)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content import checks
from django_meta_whatsapp.cloud_api.content.base import Summarised
from django_meta_whatsapp.cloud_api.content.parts import Header, frame

ORDER_STATES = ("pending", "processing", "partially_shipped", "shipped", "completed", "canceled")


def order_parameters(parameters: Mapping[str, Any]) -> JSON:
    """An order in Meta's shape, with the keys checked that every country requires.

    parameters: `{"reference_id", "type": "digital-goods" | "physical-goods", "currency",
        "total_amount": {"value", "offset": 100}, "order": {"status", "items": […], "subtotal": {…}, …}, …}`.
    """
    for key in ("reference_id", "type", "currency", "total_amount", "order"):
        if not parameters.get(key):
            raise checks.invalid(f"parameters.{key}", "must not be empty")
    checks.one_of("parameters.type", parameters["type"], ("digital-goods", "physical-goods"))
    order = checks.mapping("parameters.order", parameters["order"])
    checks.one_of("parameters.order.status", str(order.get("status")), ORDER_STATES)
    if not order.get("items"):
        raise checks.invalid("parameters.order.items", "must not be empty")
    return dict(parameters)


@dataclass(frozen=True, slots=True)
class OrderDetails(Summarised):
    """A bill with a button to review and pay. parameters: see `order_parameters`."""

    type: ClassVar[str] = "interactive"
    body: str
    parameters: Mapping[str, Any]
    header: Header = ""
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        action = {"name": "review_and_pay", "parameters": order_parameters(self.parameters)}
        return frame("order_details", action, body=self.body, header=self.header, footer=self.footer)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatus(Summarised):
    """News about an order that was sent as `OrderDetails`.

    payment: `{"status", "timestamp"}` when the payment changed (Brazil).
    """

    type: ClassVar[str] = "interactive"
    body: str
    reference_id: str
    status: str
    description: str = ""
    payment: Mapping[str, Any] | None = None
    footer: str = ""

    def payload(self) -> JSON:
        """See `Content.payload`."""
        order = {"status": checks.one_of("status", self.status, ORDER_STATES)}
        if self.description:
            order["description"] = self.description
        parameters: JSON = {"reference_id": checks.text("reference_id", self.reference_id), "order": order}
        if self.payment:
            parameters["payment"] = dict(self.payment)
        action = {"name": "review_order", "parameters": parameters}
        return frame("order_status", action, body=self.body, footer=self.footer)
