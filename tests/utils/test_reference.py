"""The documented functions are there, with the documented parameters, order and defaults."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from django_meta_whatsapp import utils

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "utils-reference.txt"

SIGNATURES = """
send_text_message(phone_number, text, reply_message_id=None, account=None)
send_location_message(phone_number, latitude, longitude, name='', address='', reply_message_id=None, account=None)
upload_media(file_obj, mime_type, account=None)
send_media_message(phone_number, media_id, media_type, caption='', filename='document', reply_message_id=None, account=None)
send_template_message(phone_number, template_name, language_code='en', components=None, account=None)
build_template_components(header_params=None, body_params=None, buttons=None)
sync_templates_from_meta(account=None)
push_template_to_meta(template_obj, account=None)
delete_template_from_meta(template_name, account=None)
resolve_audience(campaign)
run_campaign(campaign_id, account=None)
run_campaign_async(campaign_id, account_id=None)
sync_catalog_products(catalog_id, account=None)
send_single_product_message(phone_number, catalog_id, retailer_id, body, footer='', account=None)
send_multi_product_message(phone_number, catalog_id, sections, header, body, footer='', account=None)
send_catalog_message(phone_number, thumbnail_retailer_id, body, footer='', account=None)
send_product_carousel_message(phone_number, catalog_id, retailer_ids, body, account=None)
send_catalog_link_message(phone_number, wa_number, account=None)
block_users(phone_numbers, account=None)
unblock_users(phone_numbers, account=None)
get_blocked_users(limit=100, after_cursor=None, account=None)
sync_blocked_users_from_meta(account=None)
create_signup(display_name, signup_message, confirmation_message, privacy_policy_url, website_url='', promo_code='', account=None)
update_signup(signup_id, promo_code=None, confirmation_message=None, account=None)
disable_signup(signup_id, account=None)
list_signups(account=None)
get_signup(signup_id, account=None)
"""

EXPECTED = {line.partition("(")[0]: line for line in SIGNATURES.split("\n") if line}


def signature_of(function: Any) -> str:
    """Names and defaults as the reference writes them, without types."""
    parts = []
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        given = parameter.default is not parameter.empty
        parts.append(f"{parameter.name}={parameter.default!r}" if given else parameter.name)
    return f"{function.__name__}({', '.join(parts)})"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_documented_function_has_its_documented_signature(name: str) -> None:
    assert name in utils.__all__
    assert signature_of(getattr(utils, name)) == EXPECTED[name]


def documented_signatures(text: str) -> dict[str, str]:
    """The signatures in the reference, which breaks some over several lines, by name."""
    body = text[text.index("Messaging Functions") :]
    found = re.finditer(
        r"^([a-z_]+)\(\s*([^()]*?),?\s*\) -> \w+|^(run_campaign_async)\((.*?)\)$", body, re.MULTILINE
    )
    signatures: dict[str, str] = {}
    for match in found:
        name, parameters = match[1] or match[3], match[2] or match[4]
        joined = re.sub(r",?\s*\n\s*", ", ", parameters)
        signatures.setdefault(name, f"{name}({joined})")
    return signatures


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not beside this repository")
def test_the_list_above_is_the_reference() -> None:
    text = REFERENCE.read_text()
    imported = re.search(r"import \((.*?)\)", text, re.DOTALL)
    assert imported is not None
    assert set(re.findall(r"\w+", imported[1])) == set(EXPECTED)
    assert documented_signatures(text) == EXPECTED


def test_every_public_name_is_documented_and_has_a_twin() -> None:
    without_twin = {
        "build_template_components",
        "export_recipients",
        "iter_audience",
        "resolve_audience",
        "run_campaign_async",
    }
    names = set(utils.__all__)
    for name in names - {"content"}:
        function = getattr(utils, name)
        assert inspect.getdoc(function), name
        if inspect.iscoroutinefunction(function):
            assert name.startswith("a")
            assert name[1:] in names
        elif name not in without_twin:
            twin = getattr(utils, f"a{name}")
            assert inspect.iscoroutinefunction(twin)
            assert inspect.signature(twin) == inspect.signature(function), name
    assert len(utils.__all__) == len(names)
