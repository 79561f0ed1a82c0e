"""Every page of the admin opens, shows no secret, and asks no more the more rows there are."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppSendAttempt
from tests.admin.builders import BUILDERS, SECRET, TOKEN, VERIFY

pytestmark = pytest.mark.django_db
MODELS = pytest.mark.parametrize("model", list(BUILDERS), ids=lambda model: model.__name__)


def url(model: type[Any], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def body(response: Any) -> str:
    text: str = response.content.decode()
    return text


def assert_no_secret(text: str) -> None:
    assert [word for word in (TOKEN, SECRET, VERIFY, "gAAAA") if word in text] == []


def test_every_model_is_registered_and_tested_here() -> None:
    models = set(apps.get_app_config("django_meta_whatsapp").get_models())
    assert models - set(admin.site._registry) == set()
    assert models == set(BUILDERS)


@MODELS
def test_every_page_can_be_searched(model: type[Any], admin_client: Client) -> None:
    BUILDERS[model]()
    assert admin.site._registry[model].search_fields
    response = admin_client.get(url(model, "changelist"), {"q": "4512345678"})
    assert response.status_code == 200


@MODELS
def test_a_list_asks_as_much_for_25_rows_as_for_5(model: type[Any], admin_client: Client) -> None:
    address = url(model, "changelist")
    asked = []
    for wanted in (5, 25):
        while model.objects.count() < wanted:
            BUILDERS[model]()
        admin_client.get(address)
        with CaptureQueriesContext(connection) as queries:
            text = body(admin_client.get(address))
        assert text.count('class="field-') + text.count("<th") > wanted
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert_no_secret(text)


@MODELS
def test_a_row_opens(model: type[Any], admin_client: Client) -> None:
    row = BUILDERS[model]()
    response = admin_client.get(url(model, "change", row.pk))
    assert response.status_code == 200
    assert_no_secret(body(response))


@MODELS
def test_what_people_make_has_a_page_to_add_and_what_the_product_writes_has_none(
    model: type[Any], admin_client: Client
) -> None:
    made_by_people = {
        "WhatsAppAccount",
        "WhatsAppAPIKey",
        "WhatsAppContact",
        "WhatsAppContactAccount",
        "WhatsAppLabel",
        "WhatsAppCampaign",
        "WhatsAppTemplate",
        "WhatsAppFlow",
        "WhatsAppSegment",
        "WhatsAppRate",
    }
    expected = 200 if model.__name__ in made_by_people else 403
    assert admin_client.get(url(model, "add")).status_code == expected


@MODELS
def test_a_row_saves_as_it_stands_or_cannot_be_changed(model: type[Any], admin_client: Client) -> None:
    row = BUILDERS[model]()
    address = url(model, "change", row.pk)
    page = admin_client.get(address)
    if not page.context["has_change_permission"]:
        assert admin_client.post(address, {}).status_code == 403
        return
    form = page.context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    given = {name: value for name, value in shown.items() if value}
    for formset in page.context["inline_admin_formsets"]:
        given |= {f"{formset.formset.prefix}-TOTAL_FORMS": 0, f"{formset.formset.prefix}-INITIAL_FORMS": 0}
    response = admin_client.post(address, given)
    assert response.status_code == 302, response.context["errors"]
    before = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    row.refresh_from_db()
    changed = {name for name, value in before.items() if getattr(row, name) != value}
    assert changed <= {"updated_at"}


@MODELS
def test_pages_need_djangos_permissions(model: type[Any], client: Client) -> None:
    row = BUILDERS[model]()
    user = User.objects.create_user("op", is_staff=True)
    client.force_login(user)
    assert client.get(url(model, "changelist")).status_code == 403
    codename = f"view_{model._meta.model_name}"
    user.user_permissions.add(Permission.objects.get(codename=codename))
    assert client.get(url(model, "changelist")).status_code == 200
    page = client.get(url(model, "change", row.pk))
    assert page.status_code == 200
    assert_no_secret(body(page))
    assert client.post(url(model, "change", row.pk), {}).status_code == 403


@MODELS
def test_an_account_whose_secrets_do_not_decrypt_takes_no_page_down(model: type[Any], client: Client) -> None:
    row = BUILDERS[model]()
    WhatsAppAccount.objects.update(access_token="x", app_secret="y", verify_token="z")
    with override_settings(SECRET_KEY="another"):
        client.force_login(User.objects.create_superuser("root"))
        for address in (url(model, "changelist"), url(model, "change", row.pk)):
            assert client.get(address).status_code == 200


def test_anonymous_visitors_are_sent_to_the_login(client: Client) -> None:
    for model in BUILDERS:
        assert client.get(url(model, "changelist")).status_code == 302


def test_an_attempt_is_found_by_its_token_and_by_its_messages_id(admin_client: Client) -> None:
    attempt = BUILDERS[WhatsAppSendAttempt]()
    other = BUILDERS[WhatsAppSendAttempt]()
    message = attempt.chat_message
    message.message_id = "wamid.Looked4="
    message.save()
    for term in (attempt.token, "wamid.Looked4="):
        text = body(admin_client.get(url(WhatsAppSendAttempt, "changelist"), {"q": term}))
        assert f"/{attempt.pk}/change/" in text
        assert f"/{other.pk}/change/" not in text
