"""A campaign's files are at Meta before its first message: once for each number, and again before their ids run out."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppCampaign, WhatsAppMedia, WhatsAppMessage
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import runner, uploads
from django_meta_whatsapp.services.campaigns.assignment import assign
from django_meta_whatsapp.services.campaigns.states import Counts, Progress
from tests.campaigns.conftest import MakeCampaign
from tests.campaigns.test_sendable import BODY, CARD, buttons, header, make_template, sent
from tests.services.threads import at_once
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pictured(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, make_campaign: MakeCampaign
) -> Any:
    """A campaign with a picture on top; its file is `picture.png` unless told otherwise."""

    def make(
        name: str = "picture.png", data: bytes = b"png", format_: str = "IMAGE", **fields: Any
    ) -> WhatsAppCampaign:
        template = make_template(simulator, whatsapp_account, [header(format_), BODY])
        campaign = make_campaign(template=template, parameter_mappings=fields.pop("mappings", {}), **fields)
        if name:
            campaign.header_file.save(name, ContentFile(data))
        return campaign

    return make


def ids(simulator: SimulatorServer) -> list[str]:
    """Of the media in the messages that Meta took."""
    media = [components[0]["parameters"][0] for components in sent(simulator)]
    return [each[each["type"]]["id"] for each in media]


def stored(account: WhatsAppAccount, **fields: Any) -> WhatsAppMedia:
    values = {
        "media_id": "9001",
        "media_type": "image",
        "mime_type": "image/png",
        "original_filename": "p.png",
    }
    return WhatsAppMedia.objects.create(account=account, **{**values, **fields})


def test_the_campaign_s_file_is_uploaded_once_for_all(simulator: SimulatorServer, pictured: Any) -> None:
    campaign = pictured(people=30)
    assert runner.run(campaign.pk) == Counts(30, 0)
    row = WhatsAppMedia.objects.get()
    assert ids(simulator) == [row.media_id] * 30
    assert (row.account, row.source, row.media_type) == (campaign.account, campaign.header_file.name, "image")
    assert WhatsAppMessage.objects.first().message_body == "[image]\nLook at this."  # type: ignore[union-attr]


def test_a_document_keeps_the_name_of_its_file(simulator: SimulatorServer, pictured: Any) -> None:
    campaign = pictured("Price list.pdf", format_="DOCUMENT", people=1)
    runner.run(campaign.pk)
    (document,) = (components[0]["parameters"][0]["document"] for components in sent(simulator))
    assert document["filename"].startswith("Price_list")
    assert document["filename"].endswith(".pdf")


def test_whoever_goes_on_with_a_campaign_uses_the_upload_that_is_there(pictured: Any) -> None:
    assignment = assign(pictured())
    first = uploads.bound(assignment).personaliser.files
    assert uploads.bound(assignment).personaliser.files == first


def test_of_two_who_start_at_once_one_uploads_and_the_other_waits(pictured: Any) -> None:
    assignment = assign(pictured())
    files = at_once(lambda _: uploads.bound(assignment).personaliser.files, 3)
    assert files[0] == files[1] == files[2]
    assert files[0]["header"].media_id == WhatsAppMedia.objects.get().media_id  # type: ignore[index]


def test_a_file_whose_id_runs_out_is_uploaded_again(simulator: SimulatorServer, pictured: Any) -> None:
    assignment = assign(pictured())
    first = uploads.bound(assignment)
    WhatsAppMedia.objects.update(uploaded_at=timezone.now() - timedelta(days=29, hours=1))
    second = uploads.bound(first)
    assert second.personaliser.files != first.personaliser.files
    assert (uploads.are_stale(first), uploads.are_stale(second)) == (False, False)
    with clock.moved(timedelta(days=29, hours=1)):
        assert uploads.are_stale(second)


def test_a_run_that_lasts_longer_than_an_id_uploads_the_file_again(
    simulator: SimulatorServer, pictured: Any, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "CLAIM_BATCH": 1, "SEND_CONCURRENCY": 1}
    simulator.control.fault("latency", seconds=0.05, count=None)
    moved: list[Progress] = []

    def move(progress: Progress) -> None:
        if not moved:
            clock.move(timedelta(days=29, hours=1))
        moved.append(progress)

    campaign = pictured(people=8)
    try:
        assert runner.run(campaign.pk, on_progress=move) == Counts(8, 0)
    finally:
        clock.reset()
    assert len(set(ids(simulator))) == 2
    assert ids(simulator)[-1] == WhatsAppMedia.objects.get().media_id


def test_a_run_whose_file_cannot_be_renewed_pauses(
    simulator: SimulatorServer, pictured: Any, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "CLAIM_BATCH": 1, "SEND_CONCURRENCY": 1}
    simulator.control.fault("latency", seconds=0.05, count=None)
    campaign = pictured(people=8)

    def lose(progress: Progress) -> None:
        if clock.now() < timezone.now() + timedelta(days=1):
            campaign.header_file.storage.delete(campaign.header_file.name)
            clock.move(timedelta(days=29, hours=1))

    try:
        counts = runner.run(campaign.pk, on_progress=lose)
    finally:
        clock.reset()
    campaign.refresh_from_db()
    assert campaign.status == "paused"
    assert "could not be uploaded" in campaign.status_reason
    assert 0 < counts.sent < 8


def test_another_number_needs_an_upload_of_its_own(simulator: SimulatorServer, pictured: Any) -> None:
    campaign = pictured(people=1)
    simulator.control.number("222000222000333", waba_id="111000111000111")
    other = WhatsAppAccount.objects.create(
        name="Second line",
        phone_number_id="222000222000333",
        waba_id="111000111000111",
        access_token="simulator-token",
    )
    uploads.bound(assign(campaign))
    assert runner.run(campaign.pk, other) == Counts(1, 0)
    assert ids(simulator) == [WhatsAppMedia.objects.get(account=other).media_id]
    assert WhatsAppMedia.objects.count() == 2


def test_a_stored_file_is_sent_by_its_row(
    simulator: SimulatorServer, pictured: Any, whatsapp_account: Any
) -> None:
    row = stored(whatsapp_account, media_id="")
    row.file.save("p.png", ContentFile(b"png"))
    campaign = pictured("", mappings={"header": {"media": row.pk}}, people=2)
    assert runner.run(campaign.pk) == Counts(2, 0)
    row.refresh_from_db()
    assert ids(simulator) == [row.media_id] * 2
    assert WhatsAppMedia.objects.count() == 1


def test_the_cards_of_a_carousel_share_the_upload_of_one_file(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, make_campaign: MakeCampaign
) -> None:
    row = stored(whatsapp_account, media_id="")
    row.file.save("p.png", ContentFile(b"png"))
    template = make_template(
        simulator, whatsapp_account, [BODY, {"type": "CAROUSEL", "cards": [CARD, CARD]}], category="MARKETING"
    )
    card = {"header": {"media": row.pk}, "1": {"value": "9"}, "button_1": "name"}
    campaign = make_campaign(template=template, parameter_mappings={"cards": [card, card]}, people=1)
    assert runner.run(campaign.pk) == Counts(1, 0)
    row.refresh_from_db()
    (carousel,) = sent(simulator)[0]
    media = [card["components"][0]["parameters"][0]["image"]["id"] for card in carousel["cards"]]
    assert media == [row.media_id] * 2


@pytest.mark.parametrize(
    ("name", "data", "format_", "told"),
    [
        ("list.pdf", b"pdf", "IMAGE", "which is no image"),
        ("unknown.xyz", b"x", "VIDEO", "which is no video"),
        ("picture.png", b"", "IMAGE", "is empty"),
        ("picture.png", b"x" * (5 * 1024 * 1024 + 1), "IMAGE", "larger than Meta's"),
    ],
)
def test_a_file_that_meta_would_not_take_pauses_the_campaign_before_anybody_is_messaged(
    simulator: SimulatorServer, pictured: Any, name: str, data: bytes, format_: str, told: str
) -> None:
    campaign = pictured(name, data, format_)
    (problem,) = uploads.problems(campaign, campaign.account, assign(campaign).personaliser.uploads)
    assert told in problem
    with pytest.raises(CampaignNotRunnable, match=told):
        runner.run(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == "paused"
    assert told in campaign.status_reason
    assert sent(simulator) == []


def test_an_upload_that_meta_refuses_can_be_tried_again(simulator: SimulatorServer, pictured: Any) -> None:
    campaign = pictured(people=1)
    simulator.control.fail(131053)
    with pytest.raises(CampaignNotRunnable, match=r"picture.*could not be uploaded.*131053"):
        runner.run(campaign.pk)
    assert runner.run(campaign.pk) == Counts(1, 0)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"uploaded_at": timezone.now() - timedelta(days=31)}, "not stored here"),
        ({"mime_type": "video/mp4"}, "which is no image"),
    ],
)
def test_a_row_without_a_usable_file_is_told(
    pictured: Any, whatsapp_account: WhatsAppAccount, fields: dict[str, Any], told: str
) -> None:
    row = stored(whatsapp_account, **fields)
    campaign = pictured("", mappings={"header": {"media": row.pk}})
    with pytest.raises(CampaignNotRunnable, match=told):
        uploads.bound(assign(campaign))
    row.delete()
    with pytest.raises(CampaignNotRunnable, match="there is no stored file"):
        uploads.bound(assign(campaign))


def test_a_file_of_another_number_that_is_not_stored_cannot_be_sent(pictured: Any) -> None:
    row = stored(WhatsAppAccount.objects.create(name="Other", phone_number_id="222000222000444"))
    campaign = pictured("", mappings={"header": {"media": row.pk}})
    with pytest.raises(CampaignNotRunnable, match="not at Meta for this number"):
        uploads.bound(assign(campaign))


def test_a_campaign_without_files_uploads_nothing(
    simulator: SimulatorServer, whatsapp_account: WhatsAppAccount, make_campaign: MakeCampaign
) -> None:
    template = make_template(
        simulator, whatsapp_account, [BODY, buttons({"type": "QUICK_REPLY", "text": "Yes"})]
    )
    assignment = assign(make_campaign(template=template, parameter_mappings={}))
    assert uploads.bound(assignment) is assignment
    assert uploads.are_stale(assignment) is False
