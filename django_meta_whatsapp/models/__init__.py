"""The tables of the product. Import models from here."""

from django_meta_whatsapp.models.account import AccountState, QualityRating, WhatsAppAccount, WhatsAppAPIKey
from django_meta_whatsapp.models.campaign import (
    CampaignPriority,
    CampaignStatus,
    PauseCause,
    RecipientStatus,
    SkipReason,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
)
from django_meta_whatsapp.models.campaign_event import CampaignEventKind, WhatsAppCampaignEvent
from django_meta_whatsapp.models.catalog import WhatsAppCatalogProduct
from django_meta_whatsapp.models.consent import ConsentKind, ConsentSource, WhatsAppConsentEvent
from django_meta_whatsapp.models.contact import (
    WhatsAppBlockedUser,
    WhatsAppContact,
    WhatsAppContactAccount,
    WhatsAppContactIdentity,
    WhatsAppLabel,
)
from django_meta_whatsapp.models.flow import FlowStatus, WhatsAppFlow, WhatsAppFlowResponse
from django_meta_whatsapp.models.ladder import MessageStatus
from django_meta_whatsapp.models.message import (
    AttemptState,
    MediaState,
    MessageDirection,
    WhatsAppConversation,
    WhatsAppMedia,
    WhatsAppMessage,
    WhatsAppSendAttempt,
)
from django_meta_whatsapp.models.pacing import (
    WhatsAppCampaignRun,
    WhatsAppNumberHold,
    WhatsAppReach,
    WhatsAppReachedPerson,
)
from django_meta_whatsapp.models.rate import WhatsAppRate
from django_meta_whatsapp.models.segment import WhatsAppSegment
from django_meta_whatsapp.models.signup import SignupStatus, WhatsAppSignup
from django_meta_whatsapp.models.template import TemplateCategory, TemplateStatus, WhatsAppTemplate
from django_meta_whatsapp.models.waiting_status import WhatsAppWaitingStatus
from django_meta_whatsapp.models.webhook_gap import WhatsAppWebhookGap
from django_meta_whatsapp.models.webhook_log import WebhookState, WhatsAppUnroutedTarget, WhatsAppWebhookLog

__all__ = [
    "AccountState",
    "AttemptState",
    "CampaignEventKind",
    "CampaignPriority",
    "CampaignStatus",
    "ConsentKind",
    "ConsentSource",
    "FlowStatus",
    "MediaState",
    "MessageDirection",
    "MessageStatus",
    "PauseCause",
    "QualityRating",
    "RecipientStatus",
    "SignupStatus",
    "SkipReason",
    "TemplateCategory",
    "TemplateStatus",
    "WebhookState",
    "WhatsAppAPIKey",
    "WhatsAppAccount",
    "WhatsAppBlockedUser",
    "WhatsAppCampaign",
    "WhatsAppCampaignEvent",
    "WhatsAppCampaignRecipient",
    "WhatsAppCampaignRun",
    "WhatsAppCatalogProduct",
    "WhatsAppConsentEvent",
    "WhatsAppContact",
    "WhatsAppContactAccount",
    "WhatsAppContactIdentity",
    "WhatsAppConversation",
    "WhatsAppFlow",
    "WhatsAppFlowResponse",
    "WhatsAppLabel",
    "WhatsAppMedia",
    "WhatsAppMessage",
    "WhatsAppNumberHold",
    "WhatsAppRate",
    "WhatsAppReach",
    "WhatsAppReachedPerson",
    "WhatsAppSegment",
    "WhatsAppSendAttempt",
    "WhatsAppSignup",
    "WhatsAppTemplate",
    "WhatsAppUnroutedTarget",
    "WhatsAppWaitingStatus",
    "WhatsAppWebhookGap",
    "WhatsAppWebhookLog",
]
