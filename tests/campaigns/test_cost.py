"""The rate card: how it is imported, which price wins, and what is told of those who have none."""

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppContactAccount,
    WhatsAppRate,
)
from django_meta_whatsapp.services import rates
from django_meta_whatsapp.services.campaigns import cost, freeze
from django_meta_whatsapp.services.campaigns.assignment import assign
from tests.campaigns.conftest import MakeCampaign

pytestmark = pytest.mark.django_db
DAY = date(2026, 4, 1)


def card(text: str) -> int:
    return rates.import_card(BytesIO(text.encode()), valid_from=DAY)


def stored() -> list[tuple[Any, ...]]:
    found = WhatsAppRate.objects.order_by("country_prefix", "category", "valid_from")
    return list(found.values_list("country_prefix", "category", "currency", "price", "valid_from"))


def test_a_card_has_a_line_for_each_price_or_a_column_for_each_category() -> None:
    assert card("country_prefix,category,currency,price\n+45,marketing,EUR,0.0483\n") == 1
    wide = "\ufeffCountry_Prefix;Currency;Marketing;Utility;Authentication;valid_from\n91;inr;0,7846;;0,115;2026-07-01\n"
    assert card(wide) == 2
    assert stored() == [
        ("45", "MARKETING", "EUR", Decimal("0.048300"), DAY),
        ("91", "AUTHENTICATION", "INR", Decimal("0.115000"), date(2026, 7, 1)),
        ("91", "MARKETING", "INR", Decimal("0.784600"), date(2026, 7, 1)),
    ]


def test_a_second_import_replaces_the_prices_of_that_day() -> None:
    line = "country_prefix,category,currency,price\n45,UTILITY,EUR,"
    card(f"{line}0.05")
    card(f"{line}0.06")
    rates.import_card(BytesIO(f"{line}0.07".encode()), valid_from=DAY + timedelta(days=91))
    assert [(row[3], row[4].month) for row in stored()] == [(Decimal("0.06"), 4), (Decimal("0.07"), 7)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("DK,UTILITY,EUR,1", "line 3: 'DK' is no country code"),
        ("045,UTILITY,EUR,1", "is no country code"),
        ("45,SALES,EUR,1", "line 3: 'SALES' is no category"),
        ("45,UTILITY,Euro,1", "is no currency"),
        ("45,UTILITY,EUR,free", "'free' is no price"),
        ("45,UTILITY,EUR,", "'' is no price"),
        ("45,UTILITY,EUR,-1", "is no price"),
        ("45,UTILITY,EUR,0.1234567", "is no price"),
        ("46,UTILITY,EUR,2", r"the price of \+46 UTILITY is there twice"),
    ],
)
def test_one_wrong_line_stops_the_import_and_nothing_is_stored(line: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        card(f"country_prefix,category,currency,price\n46,UTILITY,EUR,1\n{line}\n")
    assert stored() == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("country_prefix,currency\n45,EUR\n", "neither a column category"),
        ("prefix,price\n45,1\n", "no column is named 'country_prefix'"),
        ("country_prefix,category,currency,price,valid_from\n45,UTILITY,EUR,1,2026-02-30\n", "is no date"),
    ],
)
def test_a_file_that_is_no_card_is_told(text: str, why: str) -> None:
    with pytest.raises(InvalidFile, match=why):
        card(text)


def test_the_command_imports_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "card.csv"
    path.write_text("country_prefix,currency,marketing\n45,EUR,0.05\n")
    call_command("whatsapp_import_rates", str(path), "--valid-from", "2026-04-01")
    assert "1 prices stored." in capsys.readouterr().out
    assert stored()[0][4] == DAY
    path.write_text("country_prefix,currency,marketing\nDK,EUR,0.05\n")
    with pytest.raises(CommandError, match="line 2: 'DK' is no country code"):
        call_command("whatsapp_import_rates", str(path))
    with pytest.raises(CommandError, match="no date"):
        call_command("whatsapp_import_rates", str(path), "--valid-from", "soon")
    with pytest.raises(CommandError, match="No such file"):
        call_command("whatsapp_import_rates", str(tmp_path / "none.csv"))


def test_the_longest_prefix_wins_and_the_newest_price_that_has_come() -> None:
    card(
        "country_prefix,category,currency,price,valid_from\n"
        "1,MARKETING,USD,0.03,2026-01-01\n1,MARKETING,USD,0.02,2026-04-01\n1,MARKETING,USD,0.01,2026-07-01\n"
        "1787,MARKETING,USD,0.07,2025-01-01\n1,UTILITY,USD,0.9,2026-01-01\n"
    )
    (table,) = rates.prices("MARKETING", DAY).values()
    assert table == {"1": Decimal("0.02"), "1787": Decimal("0.07")}
    for digits, prefix in (
        ("17875550100", "1787"),
        ("1786555", "1"),
        ("178", "1"),
        ("4512", None),
        ("", None),
    ):
        assert rates.prefix_of(digits, table) == prefix


PEOPLE = (
    "phone,name,order\n+4512345678,Ann,1\n+4512345679,Bo,2\n+17875550100,Cid,3\n+12125550101,Dee,4\n"
    "+6591234567,Eve,5\n+4512345678,Ann again,6\nnobody,No,7\n"
)


def test_people_are_counted_by_price_and_those_without_one_are_listed(
    make_campaign: MakeCampaign, django_assert_num_queries: Any
) -> None:
    card("country_prefix,currency,utility\n45,EUR,0.02\n1787,EUR,0.05\n45,INR,1.9\n65,INR,1.2\n1,INR,0.3\n")
    assignment = assign(make_campaign(PEOPLE))
    freeze.freeze(assignment)
    with django_assert_num_queries(3):
        euros, rupees = cost.estimate(assignment, DAY)
    assert [(line.prefix, line.people) for line in euros.lines] == [("45", 2), ("1787", 1)]
    assert (euros.currency, euros.at_most) == ("EUR", Decimal("0.09"))
    assert euros.without_rate == {"1": 1, "65": 1}
    assert (rupees.currency, rupees.at_most, rupees.without_rate) == ("INR", Decimal("5.6"), {})
    assert cost.estimate(assignment, DAY - timedelta(days=1)) == []


def test_a_utility_template_is_free_for_whoever_has_just_written(
    make_campaign: MakeCampaign, whatsapp_account: WhatsAppAccount
) -> None:
    card("country_prefix,currency,utility,marketing\n45,EUR,0.02,0.05\n")
    campaign = make_campaign(PEOPLE)
    freeze.freeze(assign(campaign))
    ann = campaign.recipients.filter(phone_number="4512345678").exclude(contact=None).first()
    assert ann
    assert ann.contact
    state = WhatsAppContactAccount.objects.create(
        contact=ann.contact, account=whatsapp_account, last_inbound_at=timezone.now() - timedelta(hours=2)
    )
    (euros,) = cost.estimate(assign(campaign), DAY)
    assert (euros.at_most, euros.now, euros.lines[0].free) == (Decimal("0.04"), Decimal("0.02"), 1)
    WhatsAppContactAccount.objects.filter(pk=state.pk).update(
        last_inbound_at=timezone.now() - timedelta(hours=25)
    )
    (euros,) = cost.estimate(assign(campaign), DAY)
    assert euros.now == euros.at_most
    template = campaign.template
    assert template
    template.category = "MARKETING"
    WhatsAppContactAccount.objects.update(last_inbound_at=timezone.now())
    (euros,) = cost.estimate(assign(campaign), DAY)
    assert euros.now == euros.at_most == Decimal("0.10")
