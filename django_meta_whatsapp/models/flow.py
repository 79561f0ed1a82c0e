"""WhatsApp Flows and the answers that people give in them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.fields import PhoneField
from django_meta_whatsapp.models.message import WhatsAppConversation


class FlowStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    PUBLISHED = "PUBLISHED", _("Published")
    DEPRECATED = "DEPRECATED", _("Deprecated")
    BLOCKED = "BLOCKED", _("Blocked")
    THROTTLED = "THROTTLED", _("Throttled")


class WhatsAppFlow(models.Model):
    """A flow: a form inside WhatsApp."""

    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="flows"
    )
    name = models.CharField(_("name"), max_length=255)
    meta_flow_id = models.CharField(_("Meta's ID"), max_length=100, blank=True, db_index=True)
    categories = models.JSONField(_("categories"), default=list, blank=True)
    flow_json = models.JSONField(_("Flow JSON"), default=dict, blank=True)
    is_dynamic = models.BooleanField(_("asks an endpoint"), default=False)
    endpoint_uri = models.URLField(_("endpoint"), max_length=2000, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=FlowStatus, default=FlowStatus.DRAFT)
    validation_errors = models.JSONField(_("Meta's findings"), default=list, blank=True)
    heard_at = models.JSONField(
        _("newest news"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Kind of news to Meta's time of it, its weight and its id."),
    )
    sent_count = models.PositiveIntegerField(_("sent"), default=0, editable=False)
    completion_count = models.PositiveIntegerField(_("completed"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class WhatsAppFlowResponse(models.Model):
    """What one person entered in a flow. `processed` is the host's to set."""

    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="flow_responses"
    )
    flow = models.ForeignKey(
        WhatsAppFlow,
        verbose_name=_("flow"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="responses",
    )
    conversation = models.ForeignKey(
        WhatsAppConversation,
        verbose_name=_("conversation"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="flow_responses",
    )
    message = models.OneToOneField(
        "WhatsAppMessage", verbose_name=_("message"), on_delete=models.CASCADE, related_name="flow_response"
    )
    phone_number = PhoneField(_("phone number"), blank=True)
    response_data = models.JSONField(_("answers"), default=dict)
    flow_token = models.CharField(_("flow token"), max_length=512, blank=True)
    completed_at = models.DateTimeField(_("completed"))
    processed = models.BooleanField(_("processed"), default=False)

    class Meta:
        verbose_name = _("flow response")
        verbose_name_plural = _("flow responses")
        ordering = ["-completed_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.flow or _('flow')} · {self.phone_number}"
