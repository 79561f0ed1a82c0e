"""Numbers: understood once, where people type them; carried untouched everywhere else."""

import phonenumbers
import pytest
from django.test import override_settings
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from django_meta_whatsapp import phones
from django_meta_whatsapp.errors import InvalidInput, InvalidPhoneNumber

TEN_DIGITS_ABROAD = {
    "Singapore": ("65", 8),
    "Norway": ("47", 8),
    "Denmark": ("45", 8),
    "Estonia": ("372", 7),
}


@given(st.sampled_from(sorted(TEN_DIGITS_ABROAD)), st.data())
def test_complete_numbers_of_ten_digits_travel_untouched(country: str, data: st.DataObject) -> None:
    code, length = TEN_DIGITS_ABROAD[country]
    digits = code + data.draw(st.from_regex(rf"[2-9][0-9]{{{length - 1}}}", fullmatch=True))
    assert len(digits) == 10
    carried = phones.from_digits(digits)
    assert carried == f"+{digits}"
    assert phones.to_digits(carried) == digits
    assert phones.from_digits(phones.to_digits(carried)) == carried


@given(st.from_regex(r"[6-9][0-9]{9}", fullmatch=True))
def test_the_ten_digit_rule_fires_for_typed_input_and_once(bare: str) -> None:
    once = phones.from_typed(bare)
    assert once == f"+91{bare}"
    assert phones.from_typed(once) == once
    assert phones.from_typed(once.removeprefix("+")) == once
    assert phones.from_digits(bare) == f"+{bare}"


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("9876543210", "+919876543210"),
        ("98765 43210", "+919876543210"),
        ("(98765) 43-210", "+919876543210"),
        ("98765.43210", "+919876543210"),
        ("98765/43210", "+919876543210"),
        ("98765\u00a043210", "+919876543210"),
        ("\u202a9876543210\u202c", "+919876543210"),
        ("\u200e+91 98765 43210\u200f", "+919876543210"),
        ("\u2066+6591234567\u2069", "+6591234567"),
        ("919876543210", "+919876543210"),
        ("+919876543210", "+919876543210"),
        ("00919876543210", "+919876543210"),
        ("0091 98765 43210", "+919876543210"),
        ("09876543210", "+919876543210"),
        ("+6591234567", "+6591234567"),
        ("006591234567", "+6591234567"),
        ("+47 912 34 567", "+4791234567"),
        ("0045 20 12 34 56", "+4520123456"),
        ("+372 512 3456", "+3725123456"),
        ("14155550100", "+14155550100"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("5511987654321", "+5511987654321"),
        (" 9876543210\n", "+919876543210"),
        # Spreadsheets and data frames write whole numbers as decimal ones.
        ("919876543210.0", "+919876543210"),
        ("9876543210.0", "+919876543210"),
        ("+4520123456.0", "+4520123456"),
        (" 436641234567.00 ", "+436641234567"),
    ],
)
def test_what_people_type_is_understood(typed: str, understood: str) -> None:
    assert phones.from_typed(typed) == understood


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "+",
        "abc",
        "98765 4321O",
        "0800FLOWERS",
        "1234",
        "++919876543210",
        "91+9876543210",
        "9876543210 ext 5",
        "+91987654321012345",
        "123456789012345678901",
        "+99912345678",
        "00",
        "+1415555",
        "९८७६५४३२१०",
        "9876543210,9876543211",
    ],
)
def test_what_cannot_be_a_number_is_refused_by_name(typed: str) -> None:
    with pytest.raises(InvalidPhoneNumber) as caught:
        phones.from_typed(typed, field="to")
    assert caught.value.field == "to"
    assert isinstance(caught.value, InvalidInput)
    assert isinstance(caught.value, ValueError)
    assert repr(typed) in str(caught.value)


@pytest.mark.parametrize(
    ("code", "typed", "understood"),
    [
        ("1", "4155550100", "+14155550100"),
        ("+1", "4155550100", "+14155550100"),
        ("44", "7911123456", "+447911123456"),
        ("44", "07911 123456", "+447911123456"),
        ("44", "+4791234567", "+4791234567"),
        ("39", "0612345678", "+390612345678"),
    ],
)
def test_the_setting_names_the_country_of_bare_numbers(code: str, typed: str, understood: str) -> None:
    with override_settings(WHATSAPP={"DEFAULT_COUNTRY_CODE": code}):
        assert phones.from_typed(typed) == understood


def test_an_argument_outweighs_the_settings_country() -> None:
    assert phones.from_typed("7911123456", country_code="44") == "+447911123456"


@given(st.text())
def test_any_text_is_a_possible_number_or_refused(text: str) -> None:
    try:
        understood = phones.from_typed(text)
    except InvalidPhoneNumber:
        return
    assert phonenumbers.is_possible_number(phonenumbers.parse(understood, None))
    assert phones.from_typed(understood) == understood


@pytest.mark.parametrize(
    ("number", "american"),
    [
        ("+14155550100", True),
        ("+12125550123", True),
        ("+14165550123", False),  # Toronto
        ("+16045550123", False),  # Vancouver
        ("+18765550123", False),  # Jamaica
        ("+12425550123", False),  # Bahamas
        ("+18095550123", False),  # Dominican Republic
        ("+919876543210", False),
        ("14155550100", False),  # not E.164
        ("+1", False),
    ],
)
def test_the_united_states_are_told_from_the_rest_of_plus_one(number: str, american: bool) -> None:
    assert phones.is_us(number) is american


@pytest.mark.parametrize(
    "typed", ["12345", "0000012345", "+4512", "+999123456789", "00123456", "99999999999999"]
)
def test_the_refusal_repeats_what_was_typed(typed: str) -> None:
    with pytest.raises(InvalidPhoneNumber) as told:
        phones.from_typed(typed, field="phone")
    assert repr(typed) in str(told.value)
    assert told.value.field == "phone"


def test_a_country_code_may_be_written_with_its_plus() -> None:
    assert phones.from_typed("2012345678", country_code="+20") == "+202012345678"
    assert phones.from_typed("030123456", country_code="+49") == "+4930123456"


@pytest.mark.parametrize(
    ("typed", "code"), [("x", None), ("0123456", "47"), ("0123456", "800"), ("2012345678", "999")]
)
def test_the_refusal_names_the_field_in_each_branch(typed: str, code: str | None) -> None:
    with pytest.raises(InvalidPhoneNumber) as told:
        phones.from_typed(typed, country_code=code)
    assert told.value.field == "phone_number"
    with pytest.raises(InvalidPhoneNumber) as told:
        phones.from_typed(typed, country_code=code, field="to")
    assert told.value.field == "to"
    assert repr(typed) in str(told.value)


@pytest.mark.parametrize("code", ["800", "999"])
def test_a_national_prefix_means_nothing_without_a_country(code: str) -> None:
    with pytest.raises(InvalidPhoneNumber):
        phones.from_typed("0912345678", country_code=code)


def _as_read(number: str) -> str | None:
    """What the library makes of an international number."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _as_typed(number: str) -> str | None:
    try:
        return phones.from_typed(number)
    except InvalidPhoneNumber:
        return None


@given(
    st.sampled_from([*phonenumbers.COUNTRY_CODE_TO_REGION_CODE, 210, 999]),
    st.from_regex(r"[0-9]{2,14}", fullmatch=True),
)
@settings(max_examples=500)
@example(49, "000")
def test_the_short_way_for_complete_numbers_says_what_reading_them_says(code: int, national: str) -> None:
    assume(
        len(f"{code}{national}") >= 5
    )  # fewer digits are no number of ours, whatever the library makes of them
    assert _as_typed(f"+{code}{national}") == _as_read(f"+{code}{national}")


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
def test_a_countrys_example_numbers_are_what_reading_them_says(code: int) -> None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    kinds = phonenumbers.PhoneNumberType
    for region in regions:
        for kind in (kinds.MOBILE, kinds.FIXED_LINE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            # With the national prefix, as people wrongly write it, and as it stands.
            for typed in (number, f"+{code}0{example.national_number}", f"+{code}1{example.national_number}"):
                assert _as_typed(typed) == _as_read(typed)


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("4512345678", "45"),
        ("12025550123", "1"),
        ("35312345678", "353"),
        ("2101234567", ""),  # nobody's
        ("9", ""),
        ("x45", ""),
        ("", ""),
    ],
)
def test_a_country_code_is_told_from_the_digits_and_nothing_from_what_begins_with_none(
    digits: str, code: str
) -> None:
    assert phones.country_code(digits) == code
