"""What sending a frozen campaign will cost, by the rate card.

Meta charges for each delivered template message by the country of its number, and nothing for a utility template to somebody
whose 24-hour window is open (Meta's page "Pricing"). Volume tiers are not known here, so the sum is the highest it can be.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, QuerySet
from django.db.models.functions import Left

from django_meta_whatsapp import phones
from django_meta_whatsapp.models import RecipientStatus, TemplateCategory, WhatsAppCampaignRecipient
from django_meta_whatsapp.services import clock, rates
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.suppression import MARGIN, WINDOW

_COUNTRY_CODE = 3
"""Digits of the longest country code."""


@dataclass(frozen=True, slots=True)
class Line:
    """people: whose numbers begin with `prefix`; free: those of them who would cost nothing now."""

    prefix: str
    people: int
    free: int
    price: Decimal

    @property
    def at_most(self) -> Decimal:
        return self.people * self.price

    @property
    def now(self) -> Decimal:
        return (self.people - self.free) * self.price


@dataclass(frozen=True, slots=True)
class Cost:
    """In one currency. at_most: when every message is delivered and charged; now: without those that are free now.

    without_rate: people by country code ("" for those who are known by their user id) whose price the table lacks; they are
    in no sum.
    """

    currency: str
    at_most: Decimal
    now: Decimal
    lines: tuple[Line, ...]
    without_rate: dict[str, int]


def estimate(assignment: Assignment, on: date) -> list[Cost]:
    """The cost of those who are still to be sent to, in each currency that has prices of the category on that day.

    Three queries, whatever the number of recipients; the database counts them by the first digits of their numbers.
    """
    tables = rates.prices(assignment.category, on)
    digits = max((len(prefix) for table in tables.values() for prefix in table), default=0)
    rows = WhatsAppCampaignRecipient.objects.filter(
        campaign_id=assignment.campaign_id, status=RecipientStatus.PENDING
    )
    people = _by_start(rows, max(digits, _COUNTRY_CODE))
    free: Counter[str] = Counter()
    if assignment.category == TemplateCategory.UTILITY:
        free = _by_start(_window_open(rows, assignment), max(digits, _COUNTRY_CODE))
    return [_cost(currency, table, people, free) for currency, table in sorted(tables.items())]


def _by_start(rows: QuerySet[WhatsAppCampaignRecipient], digits: int) -> Counter[str]:
    starts = rows.annotate(start=Left("phone_number", digits)).order_by().values_list("start")
    return Counter(dict(starts.annotate(people=Count("pk")).iterator()))


def _window_open(
    rows: QuerySet[WhatsAppCampaignRecipient], assignment: Assignment
) -> QuerySet[WhatsAppCampaignRecipient]:
    since = clock.now() - (WINDOW - MARGIN)
    return rows.filter(
        contact__account_states__account=assignment.account,
        contact__account_states__last_inbound_at__gt=since,
    )


def _cost(currency: str, table: rates.Prices, people: Counter[str], free: Counter[str]) -> Cost:
    counted: Counter[str] = Counter()
    counted_free: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for start, number in people.items():
        prefix = rates.prefix_of(start, table)
        if prefix is None:
            without[phones.country_code(start)] += number
        else:
            counted[prefix] += number
            counted_free[prefix] += free[start]
    lines = tuple(
        Line(prefix, number, counted_free[prefix], table[prefix]) for prefix, number in counted.most_common()
    )
    at_most = sum((line.at_most for line in lines), Decimal(0))
    now = sum((line.now for line in lines), Decimal(0))
    return Cost(currency, at_most, now, lines, dict(without.most_common()))
