"""People: contacts, what identifies them, their labels, and what holds between them and one business number."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, router, transaction
from django.utils.translation import gettext_lazy as _

from django_meta_whatsapp.models.account import WhatsAppAccount
from django_meta_whatsapp.models.fields import OpaqueIdField, PhoneField
from django_meta_whatsapp.models.indexes import PartialIndex
from django_meta_whatsapp.phones import from_digits, to_digits


class WhatsAppLabel(models.Model):
    """A word to group contacts and conversations by."""

    name = models.CharField(_("name"), max_length=50, unique=True)
    color = models.CharField(_("color"), max_length=20, default="gray")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class WhatsAppContact(models.Model):
    """One person. May have no phone number at all: then an identity row holds the business-scoped user ID.

    `is_blocked` and `opted_out` sum up what holds for any of our numbers; the gate reads the row per number as well.
    Saving a contact keeps its number's identity row; whoever writes in bulk keeps it himself.
    """

    phone = PhoneField(
        _("phone"),
        null=True,
        blank=True,
        unique=True,
        help_text=_("With + and country code."),
        validators=[RegexValidator(r"^\+?[0-9]{5,20}$", _("This is not a phone number."))],
    )
    name = models.CharField(_("name"), max_length=255, blank=True)
    email = models.EmailField(_("email"), blank=True)
    labels = models.ManyToManyField(
        WhatsAppLabel, verbose_name=_("labels"), related_name="contacts", blank=True
    )
    notes = models.TextField(_("notes"), blank=True)
    opted_out = models.BooleanField(_("opted out"), default=False)
    opted_out_changed_at = models.DateTimeField(
        _("opt-out choice"), null=True, blank=True, help_text=_("When the newest choice was made.")
    )
    is_blocked = models.BooleanField(_("blocked"), default=False)
    subscribed_via_signup = models.ForeignKey(
        "WhatsAppSignup",
        verbose_name=_("subscribed through"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="subscribers",
        db_index=False,  # see below
    )
    subscribed_at = models.DateTimeField(_("subscribed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="wa_contact_newest"),
            models.Index(fields=["name"], name="wa_contact_name"),
            PartialIndex(
                fields=["subscribed_via_signup"],
                where=models.Q(subscribed_via_signup__isnull=False),
                name="wa_contact_signup",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(phone=""), name="wa_contact_no_empty_phone")
        ]

    def __str__(self) -> str:
        return self.display_name

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        database = using or router.db_for_write(type(self), instance=self)
        updated = None if update_fields is None else set(update_fields)
        with_phone = "phone" in updated if updated is not None else "phone" not in self.get_deferred_fields()
        earlier = self._stored_identity(database) if with_phone and not self._state.adding else ""
        with transaction.atomic(using=database):
            super().save(
                force_insert=force_insert, force_update=force_update, using=using, update_fields=updated
            )
            if with_phone:
                self._keep_identity(database, earlier)

    def clean(self) -> None:
        super().clean()
        identity = phone_identity(self.normalized_phone)
        other = WhatsAppContactIdentity.objects.filter(identity=identity).exclude(contact=self.pk).first()
        if other is not None:
            raise ValidationError({"phone": _("This number belongs to another contact.")}, code="unique")

    def _stored_identity(self, database: str) -> str:
        rows = type(self)._base_manager.using(database).filter(pk=self.pk)
        return phone_identity(rows.values_list("phone", flat=True).first() or "")

    def _keep_identity(self, database: str, earlier: str) -> None:
        """A number that the contact no longer has may be somebody else's tomorrow. One that another has stays theirs."""
        identity = phone_identity(self.normalized_phone)
        rows = WhatsAppContactIdentity.objects.using(database)
        if earlier and earlier != identity:
            rows.filter(contact=self, identity=earlier).delete()
        if self.phone:
            rows.bulk_create(
                [WhatsAppContactIdentity(contact=self, identity=identity)], ignore_conflicts=True
            )

    @property
    def display_name(self) -> str:
        """The name, else the number, else a word for somebody without either."""
        return str(self.name or (from_digits(self.phone) if self.phone else _("WhatsApp user")))

    @property
    def normalized_phone(self) -> str:
        """The number's digits without `+`, or "" for a person without a number."""
        return to_digits(self.phone or "")


def phone_identity(digits: str) -> str:
    """How a phone number or `wa_id` is written in an identity column."""
    return f"p:{digits}"


def phones_among(identities: Iterable[str]) -> list[str]:
    """The digits of those that are phone identities."""
    prefix = phone_identity("")
    return [identity.removeprefix(prefix) for identity in identities if identity.startswith(prefix)]


def user_identity(portfolio_id: str, user_id: str) -> str:
    """How a business-scoped user ID is written in an identity column; it holds within one portfolio."""
    return f"u:{portfolio_id}:{user_id}"


class WhatsAppContactIdentity(models.Model):
    """One of the ways in which Meta names a person; it belongs to one contact only."""

    contact = models.ForeignKey(
        WhatsAppContact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="identities"
    )
    identity = OpaqueIdField(_("identity"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        ordering = ["pk"]
        # With `unique`, PostgreSQL would get a second index for LIKE, which nobody asks.
        constraints = [models.UniqueConstraint(fields=["identity"], name="wa_identity_once")]

    def __str__(self) -> str:
        return str(self.identity)


class WhatsAppContactAccount(models.Model):
    """What holds between one person and one of our numbers."""

    contact = models.ForeignKey(
        WhatsAppContact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="account_states"
    )
    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="contact_states"
    )
    is_blocked = models.BooleanField(_("blocked by us"), default=False)
    marketing_opted_out = models.BooleanField(_("stopped our marketing"), default=False)
    marketing_changed_at = models.DateTimeField(
        _("marketing choice"), null=True, blank=True, help_text=_("Meta's time of the newest choice.")
    )
    last_inbound_at = models.DateTimeField(
        _("last message from the person"), null=True, blank=True, help_text=_("Opens the 24-hour window.")
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("contact of an account")
        verbose_name_plural = _("contacts of accounts")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["contact", "account"], name="wa_contact_account_once")]

    def __str__(self) -> str:
        return f"{self.contact} · {self.account}"


class WhatsAppBlockedUser(models.Model):
    """A person whom a number of ours has blocked at Meta, or could not block; inactive rows are history."""

    account = models.ForeignKey(
        WhatsAppAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="blocked_users"
    )
    phone_number = PhoneField(_("phone number"), blank=True)
    wa_id = models.CharField(_("WhatsApp ID"), max_length=50, blank=True)
    identity = OpaqueIdField(_("identity"))
    blocked_at = models.DateTimeField(_("blocked"), null=True, blank=True)
    blocked_by = models.CharField(_("blocked by"), max_length=255, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    is_active = models.BooleanField(_("blocked now"), default=True)
    unblocked_at = models.DateTimeField(_("unblocked"), null=True, blank=True)
    unblocked_by = models.CharField(_("unblocked by"), max_length=255, blank=True)
    meta_error = models.TextField(_("Meta's answer"), blank=True)

    class Meta:
        verbose_name = _("blocked user")
        verbose_name_plural = _("blocked users")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["account", "identity"], name="wa_blocked_user_once")]

    def __str__(self) -> str:
        return str(self.phone_number or self.identity)
