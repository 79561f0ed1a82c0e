"""An account, what the lane waits for, and nothing remembered of accounts that other tests have rolled back."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.models.bulk import journal as journal_rows
from django_meta_whatsapp.models.bulk.journal import Form
from django_meta_whatsapp.services import group_commit, signatures
from tests.webhooks import posting
from tests.webhooks.posting import DOORS, NUMBER, WABA


@pytest.fixture(autouse=True)
def _no_remembered_secrets() -> Iterator[None]:
    signatures.forget()
    yield
    signatures.forget()


@pytest.fixture(params=DOORS)
def both_doors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Once at the view and once at the lane: what holds for one holds for the other."""
    monkeypatch.setattr(posting, "door", DOORS[request.param])
    monkeypatch.setattr(group_commit, "HINT_SECONDS", 0.0)
    return str(request.param)


@pytest.fixture
def account(transactional_db: None) -> WhatsAppAccount:
    """The account of the payload files. Its app secret is that of the settings."""
    return WhatsAppAccount.objects.create(
        name="Shop", phone_number_id=NUMBER, waba_id=WABA, display_phone_number="+1 555-000-9999"
    )


@pytest.fixture
def hints_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane's hints go out without a pause, and its threads may take their time to end."""
    monkeypatch.setattr(group_commit, "HINT_SECONDS", 0.0)
    monkeypatch.setattr(group_commit, "CLOSE_SECONDS", 30.0)


@pytest.fixture
def by_the_worker(settings: Any) -> None:
    """What is kept stays as it is: nobody applies it."""
    settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_INLINE": False}


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many webhooks each transaction gets, whoever commits."""
    sizes: list[int] = []
    store, document = journal_rows.store, Form.document

    def count_stored(webhooks: Any) -> None:
        sizes.append(len(webhooks))
        store(webhooks)

    def count_copied(form: Form, webhooks: Any) -> bytes:
        sizes.append(len(webhooks))
        return document(form, webhooks)

    monkeypatch.setattr(group_commit, "store", count_stored)
    monkeypatch.setattr(Form, "document", count_copied)
    return sizes
