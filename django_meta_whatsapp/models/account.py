"""A business phone number at Meta, and the keys of our own REST API."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.fields import EncryptedTextField

_IDENTITY = ("phone_number_id", "waba_id", "portfolio_id")
"""By what Meta's events name an account."""
_NOTED = frozenset({*_IDENTITY, "app_secret"})


class QualityRating(models.TextChoices):
    """Meta's quality rating of a phone number or template, over the last 7 days."""

    UNKNOWN = "UNKNOWN", _("Unknown")
    GREEN = "GREEN", _("High")
    YELLOW = "YELLOW", _("Medium")
    RED = "RED", _("Low")


class AccountState(models.TextChoices):
    """Whether Meta lets this number send."""

    CONNECTED = "connected", _("Connected")
    RESTRICTED = "restricted", _("Restricted by Meta")
    DISABLED = "disabled", _("Disabled by Meta")
    DISCONNECTED = "disconnected", _("Disconnected")


class WhatsAppAccount(models.Model):
    """One business phone number, with what is needed to speak for it.

    An account without an access token speaks with the one of the settings.
    """

    name = models.CharField(_("name"), max_length=255)
    phone_number_id = models.CharField(_("phone number ID"), max_length=100, unique=True)
    waba_id = models.CharField(_("WhatsApp Business Account ID"), max_length=100, blank=True, db_index=True)
    portfolio_id = models.CharField(_("business portfolio ID"), max_length=100, blank=True)
    display_phone_number = models.CharField(_("display phone number"), max_length=30, blank=True)
    access_token = EncryptedTextField(_("access token"), blank=True)
    app_id = models.CharField(_("app ID"), max_length=100, blank=True)
    app_secret = EncryptedTextField(_("app secret"), blank=True)
    own_secret_since = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("When it got an app secret of its own in place of the settings'."),
    )
    identity_since = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("When its number, business account or portfolio became another."),
    )
    verify_token = EncryptedTextField(_("verify token"), blank=True, default=secrets.token_urlsafe)
    profile_name = models.CharField(_("profile name"), max_length=255, blank=True)
    profile_picture_url = models.URLField(_("profile picture URL"), max_length=1024, blank=True)
    default_catalog_id = models.CharField(_("default catalog ID"), max_length=255, blank=True)
    throughput = models.PositiveIntegerField(
        _("messages per second"),
        default=80,
        validators=[MinValueValidator(1)],
        help_text=_("Meta's: 20, 80 or 1,000."),
    )
    quality_rating = models.CharField(
        _("quality rating"), max_length=10, choices=QualityRating, default=QualityRating.UNKNOWN
    )
    messaging_limit = models.CharField(
        _("messaging limit"),
        max_length=30,
        blank=True,
        help_text=_("Unique people in 24 hours, such as TIER_2K."),
    )
    state = models.CharField(_("state"), max_length=15, choices=AccountState, default=AccountState.CONNECTED)
    state_reason = models.CharField(_("reason of the state"), max_length=255, blank=True)
    restricted_until = models.DateTimeField(_("restricted until"), null=True, blank=True)
    heard_at = models.JSONField(
        _("newest news"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Kind of news to Meta's time of it, its weight and its id."),
    )
    notices = models.JSONField(
        _("restrictions and announcements"),
        default=list,
        blank=True,
        editable=False,
        help_text=_("What Meta has told since the number last connected, left or was banned."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(phone_number_id=""), name="wa_account_has_number"),
            models.CheckConstraint(condition=models.Q(throughput__gte=1), name="wa_account_can_pace"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(
        self,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Also notes when the account leaves the settings' app secret for one of its own, which spoke for it until then, and when
        it becomes another number: what was let in for it before was meant for what it was.
        """
        fields = None if update_fields is None else set(update_fields)
        written = _NOTED if fields is None else _NOTED & fields
        noted = self._note_changes(written, using) if self.pk and written else set[str]()
        fields = None if fields is None else fields | noted
        super().save(force_insert=force_insert, force_update=force_update, using=using, update_fields=fields)

    def _note_changes(self, written: Collection[str], using: str | None) -> set[str]:
        """Sets the moments of what a save of these columns changes in the row. Returns the columns that it has set."""
        rows = type(self)._default_manager.using(using or self._state.db).filter(pk=self.pk)
        by_settings = models.ExpressionWrapper(models.Q(app_secret=""), output_field=models.BooleanField())
        before = rows.annotate(by_settings=by_settings).values(*_IDENTITY, "by_settings").first()
        if before is None:
            return set()
        noted, given = set[str](), {name: self.__dict__[name] for name in written if name in self.__dict__}
        if given.get("app_secret") and before["by_settings"]:
            self.own_secret_since = timezone.now()
            noted.add("own_secret_since")
        if any(name in given and given[name] != before[name] for name in _IDENTITY):
            self.identity_since = timezone.now()
            noted.add("identity_since")
        return noted

    @property
    def can_send(self) -> bool:
        """Whether neither we nor Meta have switched this number off."""
        return self.is_active and self.state == AccountState.CONNECTED


class APIKeyManager(models.Manager["WhatsAppAPIKey"]):
    def issue(self, name: str, account: WhatsAppAccount | None = None) -> tuple["WhatsAppAPIKey", str]:
        """A new key and its plain text, which is shown once and kept nowhere."""
        key = self.model(name=name, account=account)
        plain = key.renew()
        key.save(using=self._db)
        return key, plain


def hash_api_key(plain: str) -> str:
    """How a key is stored. A key has 256 random bits, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(plain.encode()).hexdigest()


class WhatsAppAPIKey(models.Model):
    """A key of the REST API. Without an account it may act for all of them."""

    name = models.CharField(_("name"), max_length=255)
    account = models.ForeignKey(
        WhatsAppAccount,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
    )
    prefix = models.CharField(_("first characters"), max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = APIKeyManager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def renew(self) -> str:
        """A new plain key, which this row knows by its hash from now on. Not saved."""
        plain = f"dmw_{secrets.token_urlsafe(32)}"
        self.prefix, self.key_hash = plain[:12], hash_api_key(plain)
        return plain
