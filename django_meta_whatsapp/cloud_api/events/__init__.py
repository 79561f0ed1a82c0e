"""Webhook bodies as typed events."""

from django_meta_whatsapp.cloud_api.events.accounts import (
    AccountAlertEvent,
    AccountReviewEvent,
    AccountUpdateEvent,
    BusinessCapabilityEvent,
    PhoneNameEvent,
    PhoneQualityEvent,
    SecurityEvent,
)
from django_meta_whatsapp.cloud_api.events.base import Event, UnknownEvent, Unreadable
from django_meta_whatsapp.cloud_api.events.business import PartnerSolutionEvent, UsernameEvent
from django_meta_whatsapp.cloud_api.events.calls import CallEvent, CallStatusEvent
from django_meta_whatsapp.cloud_api.events.coexistence import (
    AppContactEvent,
    HistoryMessageEvent,
    HistoryProgressEvent,
)
from django_meta_whatsapp.cloud_api.events.errors import ErrorDetail, SystemErrorEvent
from django_meta_whatsapp.cloud_api.events.flows import FlowAlertEvent, FlowStatusEvent
from django_meta_whatsapp.cloud_api.events.groups import GroupEvent
from django_meta_whatsapp.cloud_api.events.messages import REVISIONS, EchoEvent, MessageEvent
from django_meta_whatsapp.cloud_api.events.parsing import parse
from django_meta_whatsapp.cloud_api.events.payments import PaymentConfigurationEvent, PaymentStatusEvent
from django_meta_whatsapp.cloud_api.events.preferences import UserPreferenceEvent
from django_meta_whatsapp.cloud_api.events.statuses import Pricing, StatusEvent
from django_meta_whatsapp.cloud_api.events.templates import (
    TemplateCategoryEvent,
    TemplateComponentsEvent,
    TemplateEvent,
    TemplateQualityEvent,
    TemplateStatusEvent,
)

__all__ = [
    "REVISIONS",
    "AccountAlertEvent",
    "AccountReviewEvent",
    "AccountUpdateEvent",
    "AppContactEvent",
    "BusinessCapabilityEvent",
    "CallEvent",
    "CallStatusEvent",
    "EchoEvent",
    "ErrorDetail",
    "Event",
    "FlowAlertEvent",
    "FlowStatusEvent",
    "GroupEvent",
    "HistoryMessageEvent",
    "HistoryProgressEvent",
    "MessageEvent",
    "PartnerSolutionEvent",
    "PaymentConfigurationEvent",
    "PaymentStatusEvent",
    "PhoneNameEvent",
    "PhoneQualityEvent",
    "Pricing",
    "SecurityEvent",
    "StatusEvent",
    "SystemErrorEvent",
    "TemplateCategoryEvent",
    "TemplateComponentsEvent",
    "TemplateEvent",
    "TemplateQualityEvent",
    "TemplateStatusEvent",
    "UnknownEvent",
    "Unreadable",
    "UserPreferenceEvent",
    "UsernameEvent",
    "parse",
]
