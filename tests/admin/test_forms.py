"""What people do in the admin: secrets, keys, contacts, campaigns, the journal."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from django_meta_whatsapp.admin.journal import SHOWN
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppAPIKey,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppWebhookLog,
)
from django_meta_whatsapp.models.account import hash_api_key
from tests.admin.pages import text_of, url
from tests.models import rows

pytestmark = pytest.mark.django_db

ACCOUNT = {"name": "Shop", "phone_number_id": "222", "throughput": "80"}


def no_inlines(*prefixes: str) -> dict[str, int]:
    return {f"{prefix}-{name}": 0 for prefix in prefixes for name in ("TOTAL_FORMS", "INITIAL_FORMS")}


CONTACT = no_inlines("identities", "account_states")


def test_secrets_are_typed_when_an_account_is_added(admin_client: Client) -> None:
    given = {**ACCOUNT, "access_token": "EAAB", "app_secret": "s3", "verify_token": "word"}
    assert admin_client.post(url("whatsappaccount", "add"), given).status_code == 302
    account = WhatsAppAccount.objects.get()
    assert (account.access_token, account.app_secret, account.verify_token) == ("EAAB", "s3", "word")


def test_an_account_without_secrets_gets_a_verify_token_nobody_can_guess(admin_client: Client) -> None:
    admin_client.post(url("whatsappaccount", "add"), ACCOUNT)
    account = WhatsAppAccount.objects.get()
    assert (account.access_token, account.app_secret) == ("", "")
    assert len(account.verify_token) >= 32


def test_an_empty_field_keeps_a_secret_a_typed_one_replaces_it(admin_client: Client) -> None:
    account = rows.account(access_token="old", app_secret="kept", verify_token="word")
    address = url("whatsappaccount", "change", account.pk)
    admin_client.post(address, {**ACCOUNT, "access_token": "new"})
    account.refresh_from_db()
    assert (account.access_token, account.app_secret, account.verify_token) == ("new", "kept", "word")
    assert account.name == "Shop"


def test_a_secret_can_be_forgotten(admin_client: Client) -> None:
    account = rows.account(access_token="old", app_secret="kept")
    admin_client.post(url("whatsappaccount", "change", account.pk), {**ACCOUNT, "forget": ["access_token"]})
    account.refresh_from_db()
    assert (account.access_token, account.app_secret) == ("", "kept")


def test_a_page_says_which_secrets_are_set(admin_client: Client) -> None:
    account = rows.account(access_token="old")
    page = admin_client.get(url("whatsappaccount", "change", account.pk))
    hints = {
        name: str(page.context["adminform"].form.fields[name].help_text)
        for name in ("access_token", "app_secret")
    }
    assert hints == {"access_token": "Set. Leave empty to keep it.", "app_secret": "Not set."}


def test_a_secret_typed_into_a_form_with_a_mistake_does_not_come_back(admin_client: Client) -> None:
    response = admin_client.post(url("whatsappaccount", "add"), {"name": "", "access_token": "EAAB-typed"})
    assert response.status_code == 200
    assert "EAAB-typed" not in text_of(response)


def test_the_history_of_an_account_names_fields_and_no_values(admin_client: Client) -> None:
    account = rows.account(access_token="old")
    admin_client.post(url("whatsappaccount", "change", account.pk), {**ACCOUNT, "access_token": "EAAB-new"})
    page = text_of(admin_client.get(url("whatsappaccount", "history", account.pk)))
    assert "access token" in page.lower()
    assert "EAAB" not in page


def test_a_new_api_key_is_shown_once(admin_client: Client) -> None:
    response = admin_client.post(
        url("whatsappapikey", "add"), {"name": "Shop front", "is_active": "on"}, follow=True
    )
    (plain,) = set(re.findall(r"dmw_[\w-]{20,}", text_of(response)))
    key = WhatsAppAPIKey.objects.get()
    assert key.key_hash == hash_api_key(plain)
    for address in (url("whatsappapikey", "changelist"), url("whatsappapikey", "change", key.pk)):
        assert plain not in text_of(admin_client.get(address))


def test_changing_an_api_key_keeps_it_and_shows_nothing(admin_client: Client) -> None:
    key, plain = WhatsAppAPIKey.objects.issue("Shop front")
    response = admin_client.post(url("whatsappapikey", "change", key.pk), {"name": "Renamed"}, follow=True)
    key.refresh_from_db()
    assert (key.name, key.is_active, key.key_hash) == ("Renamed", False, hash_api_key(plain))
    assert not re.findall(r"dmw_[\w-]{20,}", text_of(response))


def test_a_contact_added_by_hand_is_understood_and_has_its_identity(admin_client: Client) -> None:
    admin_client.post(url("whatsappcontact", "add"), {"phone": "98765 43210", "name": "Asha", **CONTACT})
    person = WhatsAppContact.objects.get()
    assert person.phone == "919876543210"
    assert person.identities.get().identity == "p:919876543210"


def test_a_ten_digit_number_from_abroad_survives_its_page(admin_client: Client) -> None:
    person = rows.contact(phone="6591234567")
    address = url("whatsappcontact", "change", person.pk)
    assert 'value="+6591234567"' in text_of(admin_client.get(address))
    assert admin_client.post(address, {"phone": "+6591234567", "name": "Mei", **CONTACT}).status_code == 302
    person.refresh_from_db()
    assert (person.phone, person.name) == ("6591234567", "Mei")


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        ("call me", "is not a phone number."),
        ("+45 12 34 56 78", "This number belongs to another contact."),
        ("+47 91234567", "This number belongs to another contact."),
    ],
)
def test_a_number_that_cannot_be_had_is_told_at_its_field(phone: str, why: str, admin_client: Client) -> None:
    rows.contact(phone=None).identities.create(identity="p:4512345678")
    rows.contact(phone="4791234567")
    page = admin_client.post(url("whatsappcontact", "add"), {"phone": phone, **CONTACT})
    assert why in str(page.context["adminform"].form.errors["phone"])
    assert WhatsAppContact.objects.count() == 2


def test_a_contact_with_messages_can_be_erased_with_them(admin_client: Client) -> None:
    sent = rows.message()
    person = sent.conversation.contact
    recipient = rows.recipient(contact=person, chat_message=sent)
    response = admin_client.post(url("whatsappcontact", "delete", person.pk), {"post": "yes"})
    assert response.status_code == 302
    assert not WhatsAppContact.objects.filter(pk=person.pk).exists()
    recipient.refresh_from_db()
    assert (recipient.contact_id, recipient.chat_message_id) == (None, None)


def test_an_account_with_conversations_is_not_deleted(admin_client: Client) -> None:
    account = rows.conversation().account
    page = admin_client.post(url("whatsappaccount", "delete", account.pk), {"post": "yes"})
    assert page.status_code == 200
    assert WhatsAppAccount.objects.filter(pk=account.pk).exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"country_prefix": "+45"}, "country_prefix"),
        ({"currency": "eur"}, "currency"),
        ({"price": "-1"}, "price"),
    ],
)
def test_a_rate_that_is_none_is_told_at_its_field(
    admin_client: Client, given: dict[str, str], field: str
) -> None:
    rate = {"country_prefix": "45", "category": "UTILITY", "currency": "EUR", "price": "0.05"}
    rate["valid_from"] = "2026-01-01"
    page = admin_client.post(url("whatsapprate", "add"), {**rate, **given})
    assert list(page.context["adminform"].form.errors) == [field]
    assert admin_client.post(url("whatsapprate", "add"), rate).status_code == 302


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"object": "<script>"}', "&quot;object&quot;: &quot;&lt;script&gt;&quot;"),
        (b"not json", "<pre>not json</pre>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", "<pre></pre>"),
    ],
)
def test_a_webhooks_body_is_readable_and_harmless(body: bytes, shown: str, admin_client: Client) -> None:
    row = WhatsAppWebhookLog.objects.create(body=body)
    assert shown in text_of(admin_client.get(url("whatsappwebhooklog", "change", row.pk)))


def test_a_huge_body_is_shown_in_part(admin_client: Client) -> None:
    row = WhatsAppWebhookLog.objects.create(body=b"x" * 3_000_000)
    page = text_of(admin_client.get(url("whatsappwebhooklog", "change", row.pk)))
    assert page.count("x" * SHOWN) == 1
    assert "x" * (SHOWN + 1) not in page
    assert "3000000 bytes in all" in page


def test_a_list_shows_the_beginning_of_a_long_text(admin_client: Client) -> None:
    rows.message(message_body="y" * 500)
    page = text_of(admin_client.get(url("whatsappmessage", "changelist")))
    assert "y" * 80 + "…" in page
    assert "y" * 81 not in page


@pytest.mark.parametrize("term", ["wamid.ABC", "order-7", "+45 12345678"])
def test_a_message_is_found_by_its_id_its_key_and_its_number(term: str, admin_client: Client) -> None:
    wanted = rows.message(message_id="wamid.ABC", dedupe_key="order-7", phone_number="4512345678")
    rows.message(message_id="wamid.abc")
    page = admin_client.get(url("whatsappmessage", "changelist"), {"q": term.replace(" ", "")})
    assert [row.pk for row in page.context["cl"].result_list] == [wanted.pk]


def test_a_list_is_narrowed_to_an_account(admin_client: Client) -> None:
    wanted, _ = rows.message(), rows.message()
    address = url("whatsappmessage", "changelist")
    page = admin_client.get(address, {"account__id__exact": wanted.account_id})
    assert [row.pk for row in page.context["cl"].result_list] == [wanted.pk]
    assert wanted.account.name in text_of(page)


def test_foreign_keys_are_searched_and_not_listed(admin_client: Client) -> None:
    account = rows.account(name="Corner shop", access_token="EAAB")
    found = admin_client.get(
        reverse("admin:autocomplete"),
        {
            "term": "corner",
            "app_label": "django_meta_whatsapp",
            "model_name": "whatsapptemplate",
            "field_name": "account",
        },
    )
    assert found.json()["results"] == [{"id": str(account.pk), "text": "Corner shop"}]


def test_counts_that_no_longer_fit_the_rows_are_mended_by_an_action(admin_client: Client) -> None:
    recipient = rows.recipient(status="failed")
    WhatsAppCampaign.objects.update(failed_count=7, total_count=9)
    chosen = {"action": "count_again", "_selected_action": [recipient.campaign_id]}
    admin_client.post(url("whatsappcampaign", "changelist"), chosen, follow=True)
    campaign = WhatsAppCampaign.objects.get()
    assert (campaign.total_count, campaign.failed_count) == (1, 1)
