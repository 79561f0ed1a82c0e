"""Campaigns to make and to look at."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppTemplate
from django_meta_whatsapp.services import batches, clock
from django_meta_whatsapp.services.campaigns import freeze, outcomes, states
from django_meta_whatsapp.services.campaigns.assignment import Assignment, assign
from tests.campaigns.shop import Shop
from tests.campaigns.stored import Line
from tests.models import rows

MakeCampaign = Callable[..., WhatsAppCampaign]


@pytest.fixture
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def batches_of_400(monkeypatch: pytest.MonkeyPatch) -> None:
    """Freezing takes few people at a time, as many on each database: the tests count batches."""
    monkeypatch.setattr(batches, "_MOST", 400)


@pytest.fixture
def template(whatsapp_account: WhatsAppAccount) -> WhatsAppTemplate:
    """The simulator's template with two variables."""
    return WhatsAppTemplate.objects.create(
        account=whatsapp_account,
        name="order_update",
        language="en_US",
        category="UTILITY",
        status="APPROVED",
        body_text="Hi {{1}}, your order {{2}} is on its way.",
    )


@pytest.fixture
def make_campaign(template: WhatsAppTemplate, media: None) -> MakeCampaign:
    """A campaign to the rows of a CSV text; by default to `people` numbers from +4520000000 on."""

    def make(csv: str | bytes | None = None, *, people: int = 3, **fields: Any) -> WhatsAppCampaign:
        rows = "".join(f"+45{20000000 + n},Person {n},A-{n}\n" for n in range(people))
        content = csv if csv is not None else f"phone,name,order\n{rows}"
        values = {
            "name": "Orders",
            "account": template.account,
            "template": template,
            "audience_type": "csv",
            "parameter_mappings": {"1": "name", "2": "order"},
            **fields,
        }
        campaign = WhatsAppCampaign(**values)
        if campaign.audience_type == "csv":
            data = content if isinstance(content, bytes) else content.encode()
            campaign.csv_file.save("people.csv", ContentFile(data), save=False)
        campaign.save()
        return campaign

    return make


@pytest.fixture
def frozen(make_campaign: MakeCampaign) -> Callable[..., Assignment]:
    def make(people: int = 3) -> Assignment:
        campaign = make_campaign(people=people)
        assignment = assign(campaign)
        states.start(campaign.pk)
        assert freeze.freeze(assignment)
        return assignment

    return make


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def somebody_elses() -> None:
    """Rows in every state that no step of these tests may touch."""
    rows.account()
    for status in ("pending", "leased", "sending", "unknown", "accepted", "failed"):
        Line(status, lease="" if status in ("pending", "unknown", "accepted", "failed") else "theirs")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff in hundredths of a second."""
    monkeypatch.setattr(outcomes, "_FIRST_WAIT", dict.fromkeys(outcomes._FIRST_WAIT, 0.02))


@pytest.fixture(autouse=True)
def own_time() -> Iterator[None]:
    """Policy time is real again for the next test."""
    yield
    clock.reset()


@pytest.fixture
def hints() -> Iterator[list[int]]:
    """The campaigns of which the clock is told."""
    told: list[int] = []

    def listener(kind: str, key: int, **_: Any) -> None:
        told.append(key)

    signals.work_due.connect(listener, sender=WhatsAppCampaign)
    yield told
    signals.work_due.disconnect(listener, sender=WhatsAppCampaign)
