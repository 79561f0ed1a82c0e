"""Values of variables: where they come from, how they are written, and what is told of those that cannot be used."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import WhatsAppTemplate
from django_meta_whatsapp.services.campaigns.personalise import (
    Filled,
    Personaliser,
    fields_named,
    personaliser,
)


def one(declared: Any, language: str = "en_US") -> Personaliser:
    """A template with one variable, filled as declared."""
    template = WhatsAppTemplate(
        name="offer", language=language, category="MARKETING", body_text="It is {{1}}."
    )
    return personaliser(template, {"1": declared})


def written(declared: Any, value: Any, language: str = "en_US") -> Any:
    values, missing, faults = one(declared, language).fill({"f": value})
    assert (missing, faults) == ((), ())
    return values["1"]


@pytest.mark.parametrize(
    ("options", "value", "text"),
    [
        ({}, " Ann\n\tLee ", "Ann Lee"),
        ({}, "a      b", "a b"),
        ({}, 7, "7"),
        ({}, Decimal("7.50"), "7.50"),
        ({"max": 5}, "Alexandra", "Alex…"),
        ({"max": 9}, "Alexandra", "Alexandra"),
        ({"format": "upper"}, "ann", "ANN"),
        ({"format": "lower"}, "ANN", "ann"),
        ({"format": "title"}, "ann o'neil", "Ann O'Neil"),
        ({"format": "title"}, "ANN'S CATS", "Ann's Cats"),
        ({"format": "first_word"}, " Ann Marie ", "Ann"),
        ({"format": "number"}, "1234567.891", "1,234,567.891"),
        ({"format": "number", "decimals": 2}, 1234.5, "1,234.50"),
        ({"format": "number", "decimals": 0, "locale": "de"}, "1234.6", "1.235"),
        ({"format": "number", "locale": "en_IN"}, 1234567, "12,34,567"),
        ({"format": "currency", "currency": "INR", "locale": "en_IN"}, "123456.7", "₹1,23,456.70"),
        ({"format": "currency", "currency": "EUR", "locale": "de-DE"}, 1234.5, "1.234,50 €"),
        ({"format": "currency", "currency": "JPY", "locale": "ja"}, 1234, "￥1,234"),
        ({"format": "date"}, "2026-01-31", "Jan 31, 2026"),
        ({"format": "date", "locale": "de", "pattern": "d. MMMM y"}, date(2026, 3, 1), "1. März 2026"),
        # The tests' time zone is that of India.
        ({"format": "date"}, "2026-01-31T23:00:00Z", "Feb 1, 2026"),
        ({"format": "date", "time_zone": "UTC"}, "2026-01-31T23:00:00Z", "Jan 31, 2026"),
        ({"format": "date", "time_zone": "America/Lima"}, "2026-01-31", "Jan 31, 2026"),
        ({"format": "time", "pattern": "HH:mm"}, "2026-01-31T18:30", "18:30"),
        ({"format": "time", "pattern": "HH:mm", "time_zone": "UTC"}, "2026-01-31T18:30", "13:00"),
        (
            {"format": "datetime", "pattern": "d/M HH:mm", "time_zone": "Europe/Paris"},
            datetime(2026, 7, 1, 12, tzinfo=UTC),
            "1/7 14:00",
        ),
    ],
)
def test_a_value_is_written_as_declared(options: dict[str, Any], value: Any, text: str) -> None:
    assert written({"field": "f", **options}, value) == text


def test_numbers_and_dates_are_written_in_the_language_of_the_template() -> None:
    assert written({"field": "f", "format": "number"}, 1234.5, "pt_BR") == "1.234,5"
    assert written({"field": "f", "format": "date", "pattern": "MMMM"}, "2026-05-01", "es") == "mayo"
    assert written({"field": "f", "format": "number"}, 1234.5, "xx") == "1,234.5"


def test_a_constant_is_the_same_for_everybody() -> None:
    assert one({"value": "10 %"}).fill({}) == Filled({"1": "10 %"})
    assert one({"value": 5}).fill({}) == Filled({"1": "5"})
    assert one({"value": "2026-05-01", "format": "date"}).fill({}) == Filled({"1": "May 1, 2026"})


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_a_default_stands_in_for_a_missing_value_as_it_is(value: Any) -> None:
    filled = one({"field": "f", "default": "there", "format": "upper"})
    assert filled.fill({"f": value}) == Filled({"1": "there"})
    assert filled.fill({}) == Filled({"1": "there"})
    assert one({"field": "f"}).fill({"f": value}) == Filled({}, missing=("1",))


@pytest.mark.parametrize(
    ("options", "value", "told"),
    [
        ({"format": "number"}, "many", "'many' is no number"),
        ({"format": "number"}, True, "no number"),
        ({"format": "number"}, "1e999999", "no number"),
        ({"format": "number"}, "NaN", "no number"),
        ({"format": "currency", "currency": "EUR"}, "1,5", "no number"),
        ({"format": "date"}, "soon", "'soon' is no date"),
        ({"format": "date"}, 5, "'5' is no date"),
        ({"format": "time"}, "x" * 500, "is no date"),
        ({}, "x" * 1020, "body: has 1027 characters, at most 1024 are allowed"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_its_variable(
    options: dict[str, Any], value: Any, told: str
) -> None:
    _, missing, (fault,) = one({"field": "f", **options}).fill({"f": value})
    assert missing == ()
    assert told in fault
    assert fault.startswith(("variable {{1}}: ", "body: "))


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"field": ""}, '"field" must be the name'),
        ({"field": 5}, '"field" must be the name'),
        ({"field": "a", "value": "b"}, 'either "field" or "value"'),
        ({"default": "b"}, 'either "field" or "value"'),
        ({"field": "a", "fromat": "upper"}, '"fromat" is not known'),
        ({"field": "a", "format": "loud"}, '"format" must be one of upper, lower'),
        ({"field": "a", "format": ["upper"]}, '"format" must be one of'),
        ({"field": "a", "currency": "EUR"}, '"currency" goes with a "format"'),
        ({"field": "a", "format": "upper", "decimals": 2}, '"decimals" does not go with the format upper'),
        ({"field": "a", "format": "number", "decimals": 7}, '"decimals" must be a whole number from 0 to 6'),
        ({"field": "a", "format": "number", "locale": "xx_YY"}, "\"locale\" 'xx_YY' is not known"),
        ({"field": "a", "format": "currency"}, '"currency" must be a code'),
        ({"field": "a", "format": "currency", "currency": "ABC"}, '"currency" must be a code'),
        ({"field": "a", "format": "date", "time_zone": "Mars/Crater"}, "\"time_zone\" 'Mars/Crater'"),
        ({"field": "a", "format": "date", "time_zone": "../etc/passwd"}, '"time_zone"'),
        ({"field": "a", "format": "date", "pattern": ""}, '"pattern" must be'),
        ({"field": "a", "format": "date", "pattern": "x" * 61}, '"pattern" must be'),
        ({"field": "a", "max": 0}, '"max" must be a whole number'),
        ({"field": "a", "max": True}, '"max" must be a whole number'),
        ({"field": "a", "default": ["b"]}, '"default" must be a text'),
        ({"field": "a", "default": " "}, '"default" must not be empty'),
        ({"value": ""}, '"value" must not be empty'),
        ({"value": {"a": 1}}, '"value" must be a text'),
        ({"value": "x", "default": "y"}, '"default" goes with "field"'),
        ({"value": "many", "format": "number"}, "'many' is no number"),
        ({"value": "x" * 4097}, '"value" must be a text of up to 4096'),
    ],
)
def test_a_declaration_that_is_wrong_is_told_with_its_variable(declared: Any, told: str) -> None:
    with pytest.raises(CampaignNotRunnable, match=r"The template's variable \{\{1\}\}: ") as caught:
        one(declared)
    assert told in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["field", "value", "default", "format", "max", "locale", "currency", "link", "cards"]
                )
                | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
    st.text(max_size=30) | st.integers() | st.floats() | st.none() | st.binary(max_size=5),
)
def test_whatever_is_declared_is_used_or_refused(declared: Any, value: Any) -> None:
    card = {"components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Only {{1}}."}]}
    components = [
        {"type": "HEADER", "format": "LOCATION"},
        {"type": "BODY", "text": "It is {{1}}."},
        {
            "type": "BUTTONS",
            "buttons": [{"type": "FLOW", "text": "Book"}, {"type": "QUICK_REPLY", "text": "Yes"}],
        },
        {"type": "CAROUSEL", "cards": [card, card]},
    ]
    template = WhatsAppTemplate(name="x", language="en", category="MARKETING", components=components)
    mappings = dict.fromkeys(("1", "header", "button_0", "button_1", "cards"), declared)
    for given_mappings in (
        mappings,
        {"1": declared, "header": {"latitude": 1, "longitude": declared}},
        declared,
    ):
        fields_named(given_mappings)
        try:
            filled = personaliser(template, given_mappings)
        except CampaignNotRunnable:
            continue
        assert isinstance(filled.fill({"f": value}), Filled)


def test_the_fields_of_mappings_are_known_wherever_they_stand() -> None:
    mappings = {
        "1": "Name",
        "2": {"field": "total", "default": "field"},
        "3": {"value": "field"},
        "header": {"link": {"field": "photo"}},
        "button_0": {"flow_token": "x", "flow_action_data": {"a": [{"field": "Name"}, {"field": "deep"}]}},
        "cards": [{"1": "first", "header": {"link": {"field": "second"}}}, "no card"],
        "4": 5,
    }
    assert fields_named(mappings) == ["Name", "first", "second", "total", "photo", "deep"]
    assert fields_named(["x"]) == []


def test_mappings_that_fill_nothing_are_known() -> None:
    template = WhatsAppTemplate(name="offer", language="en", category="MARKETING", body_text="It is {{1}}.")
    assert personaliser(template, {"1": "name", "2": "other", "header": "x"}).unused == ("2", "header")
