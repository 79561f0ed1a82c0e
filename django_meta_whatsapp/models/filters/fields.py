"""The fields that contacts can be filtered by, the operators of each, and the condition that they make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import connections
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from django_meta_whatsapp.models.contact import WhatsAppContact, WhatsAppContactAccount
from django_meta_whatsapp.models.filters import values
from django_meta_whatsapp.models.filters.values import Reader, Situation


@dataclass(frozen=True, slots=True)
class Field:
    """operators: each with how its value is read. where: the condition of an operator and a value."""

    operators: Mapping[str, Reader]
    where: Callable[[str, Any, Situation], Q]


def _compared(name: str, operator: str, value: Any) -> Q:
    """A condition on a column. `not` also holds for those who have no value."""
    match operator:
        case "not":
            return ~Q(**{name: value})
        case "not_in":
            return ~Q(**{f"{name}__in": value})
    return Q(**{f"{name}__{operator}": value})


def _is(condition: Q, wanted: bool) -> Q:
    return condition if wanted else ~condition


# Columns of the contact


def _equal(reader: Reader) -> dict[str, Reader]:
    return {"exact": reader, "in": values.many(reader), "not": reader, "not_in": values.many(reader)}


def _text(name: str, reader: Reader = values.text) -> Field:
    plain = ("exact", "iexact", "contains", "icontains", "startswith", "istartswith")

    def where(operator: str, value: Any, situation: Situation) -> Q:
        if operator == "empty":
            return _is(Q(**{name: ""}) | Q(**{f"{name}__isnull": True}), value)
        return _compared(name, operator, value)

    return Field({**dict.fromkeys(plain, reader), **_equal(reader), "empty": values.flag}, where)


_MOMENTS: dict[str, Reader] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), values.moment),
    "within_days": values.days,
    "older_than_days": values.days,
    "empty": values.flag,
}


def _absolute(operator: str, value: Any, situation: Situation) -> tuple[str, Any]:
    """A comparison with a moment in place of one with a number of days before now."""
    match operator:
        case "within_days":
            return "gte", situation.now - value
        case "older_than_days":
            return "lt", situation.now - value
    return operator, value


def _moment(name: str) -> Field:
    def where(operator: str, value: Any, situation: Situation) -> Q:
        if operator == "empty":
            return Q(**{f"{name}__isnull": value})
        return _compared(name, *_absolute(operator, value, situation))

    return Field({"exact": values.moment, **_MOMENTS}, where)


def _country_code(operator: str, value: Any, situation: Situation) -> Q:
    codes = value if isinstance(value, list) else [value]
    found = reduce(or_, (Q(phone__startswith=code) for code in codes))
    return _is(found, operator in ("exact", "in"))


# Labels: subqueries, not joins, so that a contact with two matching labels is one contact.


def _labelled(**condition: Any) -> Q:
    links = WhatsAppContact.labels.through._default_manager.filter(whatsappcontact=OuterRef("pk"))
    return Q(Exists(links.filter(**condition)))


def _labelled_with_all(names: set[str]) -> Q:
    """Counted, not one condition for each: databases bound how deep those go."""
    if connections[WhatsAppContact._default_manager.db].vendor == "mysql":
        # There "VIP" and "vip" are one label.
        names = {name.casefold() for name in names}
    links = WhatsAppContact.labels.through._default_manager.filter(
        whatsappcontact=OuterRef("pk"), whatsapplabel__name__in=names
    )
    counted = links.order_by().values("whatsappcontact").annotate(labels=Count("pk"))
    return Q(Exists(counted.filter(Q(labels=len(names)))))


def _label_name(operator: str, value: Any, situation: Situation) -> Q:
    return _labelled(**{f"whatsapplabel__name__{operator}": value})


def _labels(operator: str, value: Any, situation: Situation) -> Q:
    match operator:
        case "empty":
            return _is(_labelled(), not value)
        case "all":
            return _labelled_with_all(set(value))
    return _is(_labelled(whatsapplabel__name__in=value), operator == "any")


# What holds between the contact and our number, or any of them


def _states(situation: Situation) -> QuerySet[WhatsAppContactAccount]:
    rows = WhatsAppContactAccount._default_manager.filter(contact=OuterRef("pk"))
    return rows.filter(account=situation.account_id) if situation.account_id else rows


def _heard(situation: Situation, **condition: Any) -> Q:
    return Q(Exists(_states(situation).filter(**condition)))


def _last_inbound(operator: str, value: Any, situation: Situation) -> Q:
    ever = _heard(situation, last_inbound_at__isnull=False)
    operator, value = _absolute(operator, value, situation)
    match operator:
        case "empty":
            return _is(ever, not value)
        case "gt" | "gte":
            return _heard(situation, **{f"last_inbound_at__{operator}": value})
    # Of several numbers the newest message counts: none may be later.
    later = {"lt": "gte", "lte": "gt"}[operator]
    return ever & ~_heard(situation, **{f"last_inbound_at__{later}": value})


def _window(operator: str, value: Any, situation: Situation) -> Q:
    return _is(_heard(situation, last_inbound_at__gt=situation.window_since), value == "open")


def _consent(operator: str, value: Any, situation: Situation) -> Q:
    stopped = _heard(situation, marketing_opted_out=True)
    states = {
        "opted_out": Q(opted_out=True),
        "marketing_stopped": Q(opted_out=False) & stopped,
        "allowed": Q(opted_out=False) & ~stopped,
    }
    wanted = value if isinstance(value, list) else [value]
    return _is(reduce(or_, (states[each] for each in wanted)), operator in ("exact", "in"))


def _signup(operator: str, value: Any, situation: Situation) -> Q:
    if operator == "empty":
        return Q(subscribed_via_signup__isnull=value)
    return _compared("subscribed_via_signup__signup_id", operator, value)


_NAMED = ("exact", "iexact", "contains", "icontains", "startswith", "istartswith")
_NAMES: dict[str, Reader] = {**dict.fromkeys(_NAMED, values.text), "in": values.many(values.text)}

FIELDS: dict[str, Field] = {
    "name": _text("name"),
    "phone": _text("phone", values.digits),
    "email": _text("email"),
    "notes": _text("notes"),
    "country_code": Field(_equal(values.country_code), _country_code),
    "labels": Field(
        {**dict.fromkeys(("any", "all", "none"), values.many(values.text)), "empty": values.flag}, _labels
    ),
    "labels__name": Field(_NAMES, _label_name),
    "created_at": _moment("created_at"),
    "subscribed_at": _moment("subscribed_at"),
    "signup": Field({**_equal(values.text), "empty": values.flag}, _signup),
    "signup__name": Field(
        _NAMES,
        lambda operator, value, _: _compared("subscribed_via_signup__display_name", operator, value),
    ),
    "consent": Field(
        _equal(values.one_of("allowed", "marketing_stopped", "opted_out")),
        _consent,
    ),
    "window": Field({"exact": values.one_of("open", "closed")}, _window),
    "last_inbound_at": Field(_MOMENTS, _last_inbound),
}
