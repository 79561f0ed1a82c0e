"""Column types of our own."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from django_meta_whatsapp import crypto, phones
from django_meta_whatsapp.errors import InvalidPhoneNumber

if TYPE_CHECKING:
    # Django's fields take type parameters in the stubs only.
    _Text = models.TextField[str, str]
    _Char = models.CharField[Any, Any]
else:
    _Text = models.TextField
    _Char = models.CharField


class EncryptedTextField(_Text):
    """Text that is encrypted in the database and plain in Python. It cannot be searched.

    Reading a value that no key opens raises DecryptionError: a wrong key must not look like a wrong token.
    """

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> str | None:
        return crypto.decrypt(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        plain = super().get_prep_value(value)
        return crypto.encrypt(plain) if plain else plain


class _NullableCharField(_Char):
    """Text that is NULL when it is empty, where it may be NULL: a unique column takes "" only once."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if value == "" and self.null:
            setattr(model_instance, self.attname, None)
            return None
        return value

    def db_type(self, connection: BaseDatabaseWrapper) -> Any:
        kind = super().db_type(connection)
        if kind and connection.vendor == "postgresql":
            # The same type by its other name, to which Django adds no second index for LIKE: such a one would cost each new row
            # an entry, and a part of an id or of a number is looked for by nothing that must be quick.
            return kind.replace("varchar", "character varying")
        return kind


class OpaqueIdField(_NullableCharField):
    """An identifier made by Meta or by us, compared byte by byte.

    MariaDB and MySQL compare text without case by default, which would take two message ids for one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 255)
        super().__init__(*args, **kwargs)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


class PhoneFormField(forms.CharField):
    """A number that a person types; the result is E.164."""

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        try:
            return phones.from_typed(typed) if typed else typed
        except InvalidPhoneNumber as error:
            raise ValidationError(error.why, code="invalid") from error


class PhoneField(_NullableCharField):
    """An international phone number, stored as its digits. A `+` and separators are dropped; nothing is guessed.

    Forms show it with its `+` and understand what people type.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 30)
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if value:
            value = phones.to_digits(value)
            setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: Any) -> Any:
        plain = super().get_prep_value(value)
        return phones.to_digits(plain) if plain else plain

    def value_from_object(self, obj: models.Model) -> Any:
        # With its +, a number that goes through a form is complete: the 10-digit rule leaves it alone.
        stored = super().value_from_object(obj)
        return phones.from_digits(stored) if stored else stored

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": PhoneFormField, **kwargs})
