"""Conversations, their messages, the attempts to send them, and media."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.contact import WhatsAppContact, WhatsAppLabel
from django_meta_whatsapp.models.fields import OpaqueIdField, PhoneField
from django_meta_whatsapp.models.indexes import PartialIndex, SparseUnique
from django_meta_whatsapp.models.ladder import MessageStatus


class WhatsAppConversation(models.Model):
    """The thread between one person and one of our numbers."""

    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        related_name="conversations",
        db_index=False,  # the indexes below start with it
    )
    contact = models.ForeignKey(
        WhatsAppContact,
        verbose_name=_("contact"),
        on_delete=models.CASCADE,
        related_name="conversations",
        db_index=False,  # the uniqueness below starts with it
    )
    phone_number = PhoneField(_("phone number"), blank=True)
    label = models.ForeignKey(
        WhatsAppLabel,
        verbose_name=_("label"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
        db_index=False,  # those that have one are indexed below; likewise in the models that follow
    )
    is_resolved = models.BooleanField(_("resolved"), default=False)
    assigned_to = models.CharField(_("assigned to"), max_length=255, blank=True)
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True)
    unread_count = models.PositiveIntegerField(_("unread"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ["-last_message_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["contact", "account"], name="wa_conversation_once")]
        indexes = [
            models.Index(fields=["account", "-last_message_at"], name="wa_conversation_account_newest"),
            models.Index(fields=["-last_message_at", "-id"], name="wa_conversation_newest"),
            PartialIndex(
                fields=["label"], where=models.Q(label__isnull=False), name="wa_conversation_labelled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact} · {self.account}"


class MessageDirection(models.TextChoices):
    INBOUND = "inbound", _("Inbound")
    OUTBOUND = "outbound", _("Outbound")


class MediaState(models.TextChoices):
    """How far the file of an inbound message has come."""

    NONE = "none", _("No file to fetch")
    PENDING = "pending", _("To be fetched")
    FETCHED = "fetched", _("Stored")
    FAILED = "failed", _("Given up")


class WhatsAppMessage(models.Model):
    """One message, either way.

    `status` is the highest rung of the ladder seen (see `models.ladder`); each rung keeps its own time.
    `content` is Meta's object of the message's type; `message_body` its text: one line, of a template all lines.
    """

    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,  # the indexes below start with it
        db_constraint=False,  # the conversation's, which is checked: one look-up less for each message
    )
    conversation = models.ForeignKey(
        WhatsAppConversation,
        verbose_name=_("conversation"),
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # likewise
    )
    phone_number = PhoneField(_("phone number"), blank=True)
    message_id = OpaqueIdField(_("Meta's message ID"), null=True, blank=True, unique=True)
    dedupe_key = OpaqueIdField(_("dedupe key"), null=True, blank=True)
    direction = models.CharField(_("direction"), max_length=10, choices=MessageDirection)
    message_type = models.CharField(_("type"), max_length=30)
    message_body = models.TextField(_("text"), blank=True)
    content = models.JSONField(_("content"), default=dict, blank=True)
    category = models.CharField(_("category"), max_length=20, blank=True)
    campaign = models.ForeignKey(
        "WhatsAppCampaign",
        verbose_name=_("campaign"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
    )
    reply_to = models.ForeignKey(
        "self",
        verbose_name=_("reply to"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="replies",
        db_index=False,
    )
    context_message_id = OpaqueIdField(_("Meta's ID of the quoted message"), blank=True)
    reaction_emoji = models.CharField(_("reaction"), max_length=40, blank=True)
    reaction_to_message_id = OpaqueIdField(_("Meta's ID of the message reacted to"), blank=True)
    media_file = models.FileField(
        _("media file"), upload_to="whatsapp_media/%Y/%m/", blank=True, max_length=255
    )
    media_id = models.CharField(_("media ID"), max_length=255, blank=True)
    media_mime_type = models.CharField(_("media type"), max_length=255, blank=True)
    media_filename = models.CharField(_("file name"), max_length=255, blank=True)
    media_state = models.CharField(
        _("media state"), max_length=10, choices=MediaState, default=MediaState.NONE
    )
    media_sha256 = models.CharField(
        _("media SHA-256"), max_length=64, blank=True, help_text=_("Of the stored file.")
    )
    media_size = models.PositiveBigIntegerField(_("media size in bytes"), null=True, blank=True)
    media_attempts = models.PositiveSmallIntegerField(_("tries to fetch the media"), default=0)
    media_error = models.TextField(_("why the media is not there"), blank=True)
    media_due_at = models.DateTimeField(
        _("media to be fetched"),
        null=True,
        blank=True,
        help_text=_("From then on, by the database's clock, somebody may fetch it."),
    )
    location_latitude = models.FloatField(_("latitude"), null=True, blank=True)
    location_longitude = models.FloatField(_("longitude"), null=True, blank=True)
    location_name = models.CharField(_("place"), max_length=255, blank=True)
    location_address = models.CharField(_("address"), max_length=1000, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=MessageStatus, default=MessageStatus.SENDING
    )
    timestamp = models.DateTimeField(_("time"), default=timezone.now)
    accepted_at = models.DateTimeField(_("accepted by Meta"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    played_at = models.DateTimeField(_("played"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    error_code = models.IntegerField(_("error code"), null=True, blank=True)
    error_message = models.TextField(_("error"), blank=True)
    pricing = models.JSONField(_("pricing"), null=True, blank=True)
    is_deleted = models.BooleanField(_("deleted"), default=False)
    raw_payload = models.JSONField(_("as received"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["timestamp", "pk"]
        constraints = [
            SparseUnique(fields=["account"], sparse="dedupe_key", name="wa_message_dedupe"),
            # Inbound messages do not climb the ladder, outbound ones do nothing else.
            models.CheckConstraint(
                condition=models.Q(direction=MessageDirection.INBOUND, status=MessageStatus.RECEIVED)
                | (models.Q(direction=MessageDirection.OUTBOUND) & ~models.Q(status=MessageStatus.RECEIVED)),
                name="wa_message_received_is_inbound",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "timestamp", "id"], name="wa_message_thread"),
            models.Index(fields=["account", "-timestamp"], name="wa_message_account_newest"),
            PartialIndex(
                fields=["campaign"], where=models.Q(campaign__isnull=False), name="wa_message_of_campaign"
            ),
            PartialIndex(
                fields=["reply_to"], where=models.Q(reply_to__isnull=False), name="wa_message_replies"
            ),
            PartialIndex(
                fields=["media_due_at"],
                where=models.Q(media_due_at__isnull=False),
                name="wa_message_media_due",
            ),
        ]

    def __str__(self) -> str:
        return self.message_body or self.message_type

    @property
    def is_location(self) -> bool:
        return self.message_type == "location"

    @property
    def has_media(self) -> bool:
        return self.message_type in {"image", "video", "audio", "document", "sticker"}


class AttemptState(models.TextChoices):
    """What we know of one call that sends a message."""

    SENDING = "sending", _("Under way")
    ACCEPTED = "accepted", _("Accepted by Meta")
    REJECTED = "rejected", _("Rejected by Meta")
    NOT_SENT = "not_sent", _("Never left")
    UNKNOWN = "unknown", _("Unknown")


class WhatsAppSendAttempt(models.Model):
    """One call that sends a message, committed before the call is made.

    `token` travels in `biz_opaque_callback_data` and comes back in status webhooks: it settles an attempt whose answer
    was lost, however late.
    """

    token = OpaqueIdField(_("token"), max_length=64, unique=True)
    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        related_name="send_attempts",
        db_index=False,  # each index costs every message two entries: nobody asks for all attempts of an account
        db_constraint=False,  # the message's
    )
    chat_message = models.ForeignKey(
        WhatsAppMessage,
        verbose_name=_("message"),
        on_delete=models.CASCADE,
        null=True,
        related_name="attempts",
    )
    recipient = models.ForeignKey(
        "WhatsAppCampaignRecipient",
        verbose_name=_("recipient"),
        on_delete=models.CASCADE,
        null=True,
        related_name="attempts",
        db_index=False,
    )
    state = models.CharField(_("state"), max_length=10, choices=AttemptState, default=AttemptState.SENDING)
    message_id = OpaqueIdField(_("Meta's message ID"), blank=True)
    created_at = models.DateTimeField(_("marked"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    error_code = models.IntegerField(_("error code"), null=True, blank=True)
    error_class = models.CharField(_("error class"), max_length=20, blank=True)
    error_message = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("send attempt")
        verbose_name_plural = _("send attempts")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(chat_message__isnull=False) | models.Q(recipient__isnull=False),
                name="wa_attempt_sends_something",
            )
        ]
        indexes = [
            PartialIndex(
                fields=["recipient"], where=models.Q(recipient__isnull=False), name="wa_attempt_recipient"
            ),
            PartialIndex(
                fields=["state", "created_at"],
                where=~models.Q(state=AttemptState.ACCEPTED),
                name="wa_attempt_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.token[:14]}… ({self.state})"


class WhatsAppMedia(models.Model):
    """A file that we uploaded to Meta for one number; its ID lives 30 days.

    source: the stored file that this is the one upload of, for this number; NULL for files that were uploaded by hand.
    """

    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="media"
    )
    file = models.FileField(_("file"), upload_to="whatsapp_media/%Y/%m/", blank=True, max_length=255)
    media_id = models.CharField(_("media ID"), max_length=255, blank=True, db_index=True)
    media_type = models.CharField(_("kind"), max_length=10)
    mime_type = models.CharField(_("MIME type"), max_length=255)
    original_filename = models.CharField(_("file name"), max_length=255, blank=True)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    source = OpaqueIdField(_("stored file"), null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(
        _("being uploaded until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("By the database's clock; then somebody else may try."),
    )

    class Meta:
        verbose_name = _("media")
        verbose_name_plural = _("media")
        ordering = ["-uploaded_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["account", "source"], name="wa_media_once")]

    def __str__(self) -> str:
        return self.original_filename or self.media_id
