"""What became of each recipient, as CSV: streamed, complete, harmless in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppCampaignRecipient
from django_meta_whatsapp.services.campaigns import export
from tests.models import rows

pytestmark = pytest.mark.django_db


def table(*campaigns: WhatsAppCampaign) -> list[dict[str, str]]:
    lines = export.csv_lines([campaign.pk for campaign in campaigns])
    return list(csv.DictReader(io.StringIO("".join(lines))))


def test_a_recipient_is_told_with_all_that_became_of_it() -> None:
    at = datetime(2026, 3, 1, 12, 30, 5, 999, tzinfo=UTC)
    row = rows.recipient(
        name="Zoë, Ltd.", status="delivered", message_id="wamid.1", attempt_count=2, accepted_at=at,
        delivered_at=at, parameters={"1": "Zoë"}, phone_number="4512345678",
    )  # fmt: skip
    (told,) = table(row.campaign)
    assert list(told) == list(export.COLUMNS)
    assert {name: value for name, value in told.items() if value} == {
        "campaign": str(row.campaign_id),
        "phone": "+4512345678",
        "name": "Zoë, Ltd.",
        "status": "delivered",
        "attempts": "2",
        "message_id": "wamid.1",
        "accepted_at": "2026-03-01T12:30:05+00:00",
        "delivered_at": "2026-03-01T12:30:05+00:00",
        "variables": '{"1": "Zoë"}',
    }


def test_somebody_without_a_number_and_a_failure_are_told() -> None:
    row = rows.recipient(
        identity="u:333:US.12", phone_number="", status="failed", error_code=131026, error_class="recipient",
        error_message="Message undeliverable",
    )  # fmt: skip
    (told,) = table(row.campaign)
    assert (told["phone"], told["user_id"]) == ("", "US.12")
    assert (told["error_code"], told["error_class"], told["error"]) == (
        "131026",
        "recipient",
        "Message undeliverable",
    )


@pytest.mark.parametrize(
    "cell",
    ['=HYPERLINK("http://x.example")', "+1+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "\r=1"],
)
def test_no_cell_is_a_formula(cell: str) -> None:
    row = rows.recipient(
        name=cell, error_message=cell, phone_number=cell, identity=None, status="skipped",
        skip_reason="invalid_phone",
    )  # fmt: skip
    (told,) = table(row.campaign)
    assert (told["name"], told["error"]) == (f"'{cell}", f"'{cell}")
    assert not told["phone"].startswith(("=", "+", "-", "@"))


def test_what_is_no_number_is_told_as_it_was_typed() -> None:
    skipped = {"identity": None, "status": "skipped", "skip_reason": "invalid_phone"}
    row = rows.recipient(phone_number="12", **skipped)
    assert [told["phone"] for told in table(row.campaign)] == ["12"]


def test_it_is_read_in_pages_and_nobody_is_left_out(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(export, "PAGE", 10)
    campaign, other = rows.campaign(), rows.campaign()
    WhatsAppCampaignRecipient.objects.bulk_create(
        WhatsAppCampaignRecipient(campaign=of, identity=f"p:45{n:08}", phone_number=f"45{n:08}")
        for n in range(25)
        for of in (campaign, other)
    )
    with django_assert_num_queries(8):  # three pages and an empty one for each
        found = table(campaign, other)
    assert [told["campaign"] for told in found] == [str(campaign.pk)] * 25 + [str(other.pk)] * 25
    assert len({told["phone"] for told in found}) == 25
    lines = export.csv_lines([campaign.pk])
    next(lines)
    with django_assert_num_queries(1):
        next(lines)


def test_the_command_writes_it_to_a_file_or_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = rows.recipient(name="Zoë")
    call_command("whatsapp_campaign", "export", str(row.campaign_id), "--output", str(tmp_path / "a.csv"))
    call_command("whatsapp_campaign", "export", str(row.campaign_id))
    written = (tmp_path / "a.csv").read_bytes().decode()
    assert "Zoë" in written
    assert capsys.readouterr().out == written
    with pytest.raises(CommandError, match="There is no campaign 0"):
        call_command("whatsapp_campaign", "export", "0")
    with pytest.raises(CommandError, match=r"No such file"):
        call_command(
            "whatsapp_campaign", "export", str(row.campaign_id), "--output", str(tmp_path / "x" / "y")
        )


def test_the_admin_streams_it_to_whoever_may_see_recipients(client: Client) -> None:
    row = rows.recipient(name="Zoë")
    user = User.objects.create_user("op", is_staff=True)
    client.force_login(user)
    address = reverse("admin:django_meta_whatsapp_whatsappcampaign_changelist")
    chosen = {"action": "export_recipients", "_selected_action": [row.campaign_id]}
    user.user_permissions.add(Permission.objects.get(codename="view_whatsappcampaign"))
    assert not client.post(address, chosen).streaming  # type: ignore[attr-defined]
    user.user_permissions.add(Permission.objects.get(codename="view_whatsappcampaignrecipient"))
    response = client.post(address, chosen)
    assert response.streaming  # type: ignore[attr-defined]
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.startswith("\ufeffcampaign,phone,")
    assert "Zoë" in text
