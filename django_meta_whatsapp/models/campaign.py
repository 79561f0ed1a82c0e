"""Campaigns and their recipients."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.errors import InvalidAudience, InvalidInput, InvalidSetting
from django_meta_whatsapp.models import audiences, hours
from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.contact import WhatsAppContact
from django_meta_whatsapp.models.fields import OpaqueIdField, PhoneField
from django_meta_whatsapp.models.indexes import PartialIndex
from django_meta_whatsapp.models.message import WhatsAppMessage
from django_meta_whatsapp.models.segment import WhatsAppSegment
from django_meta_whatsapp.models.template import WhatsAppTemplate


class CampaignStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class PauseCause(models.TextChoices):
    """Why a campaign stands still. The first four end by themselves when their cause is gone; the others need a person."""

    TEMPLATE = "template", _("Template not approved")
    ACCOUNT = "account", _("Account switched off")
    QUALITY = "quality", _("Quality has dropped")
    UNREACHABLE = "unreachable", _("Meta cannot be reached")
    PERSON = "person", _("Paused by a person")
    TEMPLATE_REFUSED = "template_refused", _("Meta refused the template")
    ACCOUNT_REFUSED = "account_refused", _("Meta refused the account")
    TOKEN = "token", _("Token missing or refused")
    SILENCE = "silence", _("Meta does not answer")
    ERROR_BUDGET = "error_budget", _("Too many failures")
    SETUP = "setup", _("Cannot run as it is set up")


class CampaignPriority(models.IntegerChoices):
    """The weight of a campaign among those that share a number: its part of the rate is its weight in the sum of theirs."""

    LOW = 1, _("Low")
    NORMAL = 3, _("Normal")
    HIGH = 9, _("High")


_OTHER_HOURS = {"send_window": "quiet_hours", "quiet_hours": "send_window"}


class WhatsAppCampaign(models.Model):
    """One template sent to an audience.

    parameter_mappings: template variable to the field that fills it, such as `{"1": "name"}`; see docs/campaigns.md.
    header_file: uploaded once for each number that the campaign is sent from.
    frozen_through: how far a freezing came that was stopped and can be gone on with. preflight: the report, as JSON.
    wake_at: policy time before which no tick hands a running campaign to a worker; NULL for any time.
    budget_from_tried, budget_from_failed: the counts when it was last started or resumed, from which the error budget goes on.
    The counts follow the recipients' rows: `sent_count` is what Meta accepted, read messages count as delivered too.
    """

    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
    )
    name = models.CharField(_("name"), max_length=255)
    template = models.ForeignKey(
        WhatsAppTemplate,
        verbose_name=_("template"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
    )
    audience_type = models.CharField(
        _("audience"),
        max_length=50,
        default="contacts",
        help_text=_("contacts, csv, or a name of WHATSAPP['AUDIENCES']."),
    )
    segment = models.ForeignKey(
        WhatsAppSegment,
        verbose_name=_("segment"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text=_("Of contacts; filters narrow it further."),
    )
    audience_filters = models.JSONField(
        _("audience filters"),
        default=dict,
        blank=True,
        help_text=_("Of contacts; for a provider of the settings the parameters that it takes."),
    )
    csv_file = models.FileField(_("CSV file"), upload_to="whatsapp_campaign_csv/", blank=True, max_length=255)
    parameter_mappings = models.JSONField(_("parameters"), default=dict, blank=True)
    header_file = models.FileField(
        _("header file"),
        upload_to="whatsapp_campaign_media/",
        blank=True,
        max_length=255,
        help_text=_("For a template with a picture, film or document on top."),
    )
    status = models.CharField(
        _("status"), max_length=10, choices=CampaignStatus, default=CampaignStatus.DRAFT
    )
    status_reason = models.CharField(_("reason"), max_length=500, blank=True)
    pause_cause = models.CharField(
        _("cause of the pause"), max_length=20, choices=PauseCause, blank=True, editable=False
    )
    status_changed_at = models.DateTimeField(_("state changed"), null=True, blank=True, editable=False)
    cloned_from = models.ForeignKey(
        "self",
        verbose_name=_("copy of"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="clones",
    )
    scheduled_at = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    expires_at = models.DateTimeField(
        _("expires"),
        null=True,
        blank=True,
        help_text=_("Whoever has not been messaged until then is skipped."),
    )
    send_window = models.CharField(
        _("send window"),
        max_length=20,
        blank=True,
        help_text=_("Local hours of each person, such as 09:00-18:00; always; empty: that of the settings."),
    )
    quiet_hours = models.CharField(
        _("quiet hours"),
        max_length=20,
        blank=True,
        help_text=_("Local hours of each person, such as 21:00-08:00; never; empty: those of the settings."),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        choices=CampaignPriority,
        default=CampaignPriority.NORMAL,
        blank=True,
        help_text=_("How much of the number's rate this campaign gets beside others."),
    )
    wake_at = models.DateTimeField(_("goes on at"), null=True, blank=True, editable=False)
    frozen_at = models.DateTimeField(_("audience frozen"), null=True, blank=True, editable=False)
    frozen_through = OpaqueIdField(max_length=64, blank=True, editable=False)
    preflight = models.JSONField(_("preflight"), default=dict, blank=True, editable=False)
    preflighted_at = models.DateTimeField(_("preflighted"), null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True, editable=False)
    total_count = models.PositiveIntegerField(_("recipients"), default=0, editable=False)
    skipped_count = models.PositiveIntegerField(_("skipped"), default=0, editable=False)
    sent_count = models.PositiveIntegerField(_("sent"), default=0, editable=False)
    delivered_count = models.PositiveIntegerField(_("delivered"), default=0, editable=False)
    read_count = models.PositiveIntegerField(_("read"), default=0, editable=False)
    failed_count = models.PositiveIntegerField(_("failed"), default=0, editable=False)
    rejected_count = models.PositiveIntegerField(_("failed, never accepted"), default=0, editable=False)
    unknown_count = models.PositiveIntegerField(_("unknown"), default=0, editable=False)
    budget_from_tried = models.PositiveIntegerField(default=0, editable=False)
    budget_from_failed = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["status", "scheduled_at"], name="wa_campaign_due")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Tells wrong hours, and an audience that could never be resolved, at the field. A frozen audience is past that."""
        super().clean()
        wrong = self._wrong_times()
        if self.frozen_at is None:
            wrong |= self._wrong_audience()
        if wrong:
            # Without codes: for some, a form would put its field's words in the place of ours.
            raise ValidationError(wrong)

    def _wrong_times(self) -> dict[str, "str | Promise"]:
        wrong: dict[str, str | Promise] = {}
        try:
            if self.send_window or self.quiet_hours:
                hours.spans(self.send_window, self.quiet_hours)
        except InvalidInput as error:
            # What does not go with the settings is told at the field that was written here.
            field = error.field if getattr(self, error.field) else _OTHER_HOURS[error.field]
            wrong[field] = error.why
        if self.expires_at and self.scheduled_at and self.expires_at <= self.scheduled_at:
            told = _("The campaign would have expired before it starts.")
            wrong["expires_at"] = told
        return wrong

    def _wrong_audience(self) -> dict[str, "str | Promise"]:
        try:
            audiences.check(self.audience_type, self.audience_filters, has_segment=bool(self.segment_id))
        except InvalidAudience as error:
            return {error.field: error.why}
        except InvalidSetting as error:
            return {"audience_type": str(error)}
        return {}


class RecipientStatus(models.TextChoices):
    """`pending → leased → sending → accepted → the ladder`, or `unknown`, or `skipped` with a reason."""

    PENDING = "pending", _("Pending")
    LEASED = "leased", _("Claimed")
    SENDING = "sending", _("Sending")
    UNKNOWN = "unknown", _("Unknown")
    ACCEPTED = "accepted", _("Accepted")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")
    PLAYED = "played", _("Played")
    SKIPPED = "skipped", _("Skipped")


class SkipReason(models.TextChoices):
    """Why a person of the audience gets no message."""

    OPTED_OUT = "opted_out", _("Opted out")
    BLOCKED = "blocked", _("Blocked")
    DUPLICATE = "duplicate", _("Named more than once")
    INVALID_PHONE = "invalid_phone", _("Not a phone number")
    MISSING_VARIABLE = "missing_variable", _("A template variable has no value")
    INVALID_VARIABLE = "invalid_variable", _("A template variable has a value that cannot be used")
    EXPIRED = "expired", _("The campaign had expired")
    FREQUENCY_CAP = "frequency_cap", _("Had enough marketing lately")
    US_MARKETING = "us_marketing", _("Marketing to the US, which Meta does not deliver")


class WhatsAppCampaignRecipient(models.Model):
    """One person of a campaign. The row is the truth of what was sent to whom.

    identity: see `models.contact`; unique in the campaign, NULL only for skipped rows.
    lease: who holds the row while it is `leased` or `sending`, and until when by the database's clock.
    """

    campaign = models.ForeignKey(
        WhatsAppCampaign,
        verbose_name=_("campaign"),
        on_delete=models.CASCADE,
        related_name="recipients",
        db_index=False,  # the indexes below start with it
        # Rows are only added by who has just written, and so holds, the campaign's row: to look for it again for each of them
        # told PostgreSQL nothing new.
        db_constraint=False,
    )
    contact = models.ForeignKey(
        WhatsAppContact,
        verbose_name=_("contact"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="campaign_recipients",
    )
    identity = OpaqueIdField(_("identity"), null=True, blank=True)
    phone_number = PhoneField(_("phone number"), blank=True, max_length=100)
    name = models.CharField(_("name"), max_length=255, blank=True)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=RecipientStatus, default=RecipientStatus.PENDING
    )
    skip_reason = models.CharField(_("reason of the skip"), max_length=20, choices=SkipReason, blank=True)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    lease = OpaqueIdField(_("lease"), max_length=64, blank=True)
    lease_expires_at = models.DateTimeField(_("lease expires"), null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts made"), default=0)
    chat_message = models.OneToOneField(
        WhatsAppMessage,
        verbose_name=_("message"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="campaign_recipient",
        db_constraint=False,  # only ever a message that is made with the mark; its attempt's is checked
    )
    message_id = OpaqueIdField(_("Meta's message ID"), null=True, blank=True)
    error_code = models.IntegerField(_("error code"), null=True, blank=True)
    error_class = models.CharField(_("error class"), max_length=20, blank=True)
    error_message = models.TextField(_("error"), blank=True)
    accepted_at = models.DateTimeField(_("accepted by Meta"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    played_at = models.DateTimeField(_("played"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)

    class Meta:
        verbose_name = _("campaign recipient")
        verbose_name_plural = _("campaign recipients")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "identity"], name="wa_recipient_once"),
            # NULL escapes the uniqueness above, so it is for rows that are never sent.
            models.CheckConstraint(
                condition=models.Q(identity__isnull=False) | models.Q(status=RecipientStatus.SKIPPED),
                name="wa_recipient_identified",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=RecipientStatus.SKIPPED) | ~models.Q(skip_reason=""),
                name="wa_recipient_skip_explained",
            ),
            # Without an end to its lease, a row that was left behind would never be found again.
            models.CheckConstraint(
                condition=~models.Q(status__in=[RecipientStatus.LEASED, RecipientStatus.SENDING])
                | models.Q(lease_expires_at__isnull=False),
                name="wa_recipient_lease_ends",
            ),
        ]
        indexes = [
            # Each change of a row writes an entry into each index that has it: these have those that still are to be sent.
            PartialIndex(
                fields=["campaign", "status", "not_before", "id"],
                where=models.Q(status=RecipientStatus.PENDING),
                name="wa_recipient_claim",
            ),
            PartialIndex(
                fields=["lease_expires_at"],
                where=models.Q(lease_expires_at__isnull=False),
                name="wa_recipient_expired",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.phone_number or str(self.pk)
