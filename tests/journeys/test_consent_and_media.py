"""At the simulator people opt out and send files; our site has heard it through its webhook door."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from django_meta_whatsapp import queue
from django_meta_whatsapp.cloud_api.content import Template
from django_meta_whatsapp.errors import SendRefused
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppConsentEvent,
    WhatsAppContact,
    WhatsAppMessage,
    WhatsAppTemplate,
)
from django_meta_whatsapp.services import media_threads
from django_meta_whatsapp.utils import send_message
from tests.journeys.processes import running, wait_for
from tests.journeys.test_celery import celery_app
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

ASHA = "919876543210"
KINDS = {
    "image": ("image/jpeg", ".jpg"),
    "video": ("video/mp4", ".mp4"),
    "audio": ("audio/ogg; codecs=opus", ".ogg"),
    "document": ("application/pdf", ".pdf"),
    "sticker": ("image/webp", ".webp"),
}


def writes(site: SimulatorServer, body: str) -> None:
    site.control.inbound(ASHA, {"type": "text", "text": {"body": body}}, name="Asha")
    assert site.control.drain()["drained"]


@pytest.fixture
def offer(whatsapp_account: WhatsAppAccount, webhook_site: SimulatorServer) -> Template:
    webhook_site.control.template("offer", "en_US", category="MARKETING")
    WhatsAppTemplate.objects.create(
        account=whatsapp_account, name="offer", language="en_US", status="APPROVED", category="MARKETING"
    )
    return Template("offer", "en_US")


def test_who_writes_stop_gets_nothing_until_they_write_start(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount, offer: Template
) -> None:
    writes(webhook_site, "Stop.")
    with pytest.raises(SendRefused) as refused:
        send_message(whatsapp_account, f"+{ASHA}", offer)
    assert refused.value.reason == "opted_out"
    assert webhook_site.control.ledger()["count"] == 0
    # Meta's times are whole seconds, and at the same moment the stop holds.
    webhook_site.control.clock(advance=5)
    writes(webhook_site, "START")
    assert send_message(whatsapp_account, f"+{ASHA}", offer).message_id
    assert webhook_site.control.ledger()["count"] == 1
    told = WhatsAppConsentEvent.objects.order_by("pk").values_list("kind", "source", "text")
    assert list(told) == [("opted_out", "word", "Stop."), ("opted_in", "word", "START")]


def test_a_stop_that_comes_twice_and_after_the_start_changes_nothing(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    webhook_site.control.webhooks(double=1.0)
    writes(webhook_site, "stop")
    webhook_site.control.clock(advance=5)
    writes(webhook_site, "start")
    assert not WhatsAppContact.objects.get().opted_out
    assert WhatsAppConsentEvent.objects.count() == 2


def test_metas_stop_a_refusal_and_metas_resume_are_written_down(
    webhook_site: SimulatorServer, whatsapp_account: WhatsAppAccount, offer: Template
) -> None:
    control = webhook_site.control
    control.preference(ASHA, "stop")
    assert control.drain()["drained"]
    with pytest.raises(SendRefused):
        send_message(whatsapp_account, f"+{ASHA}", offer)
    control.clock(advance=5)
    writes(webhook_site, "start")
    # Their word to us does not undo their stop at Meta, which refuses in a status.
    send_message(whatsapp_account, f"+{ASHA}", offer)
    assert control.drain()["drained"]
    control.clock(advance=5)
    control.preference(ASHA, "resume")
    assert control.drain()["drained"]
    told = WhatsAppConsentEvent.objects.order_by("pk").values_list("kind", "source", "marketing_only")
    assert list(told) == [
        ("opted_out", "meta", True),
        ("opted_in", "word", False),
        ("opted_out", "error", True),
        ("opted_in", "meta", False),
    ]
    assert send_message(whatsapp_account, f"+{ASHA}", offer).message_id


@pytest.fixture
def with_files(webhook_site: SimulatorServer, settings: Any, tmp_path: Path) -> Iterator[SimulatorServer]:
    settings.WHATSAPP = {**settings.WHATSAPP, "FETCH_INBOUND_MEDIA": True}
    settings.MEDIA_ROOT = str(tmp_path)
    yield webhook_site
    media_threads.close()


def sends(site: SimulatorServer, kind: str, content: bytes) -> str:
    """Somebody sends a file, and our site has applied the webhook; returns the message's id."""
    given = {"content_base64": base64.b64encode(content).decode()}
    wamid = site.control.inbound(ASHA, {"type": kind, kind: given})
    assert site.control.drain()["drained"]
    return wamid


def has_come(wamid: str) -> bool:
    return WhatsAppMessage.objects.filter(message_id=wamid, media_state="fetched").exists()


def test_files_of_every_kind_are_fetched_at_once(
    with_files: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    contents = {kind: f"the bytes of one {kind} ".encode() * 50_000 for kind in KINDS}
    sent = {kind: sends(with_files, kind, content) for kind, content in contents.items()}
    for kind, wamid in sent.items():
        wait_for(partial(has_come, wamid))
        message = WhatsAppMessage.objects.get(message_id=wamid)
        with message.media_file.open() as file:
            assert file.read() == contents[kind]
        assert message.media_size == len(contents[kind])
        assert message.media_sha256 == hashlib.sha256(contents[kind]).hexdigest()
        assert (message.media_mime_type, message.media_attempts) == (KINDS[kind][0], 1)
        assert str(message.media_file.name).endswith(KINDS[kind][1])


def test_a_slow_file_does_not_keep_the_webhook_or_other_files_waiting(
    with_files: SimulatorServer, whatsapp_account: WhatsAppAccount
) -> None:
    with_files.control.fault("latency", seconds=3, path="attachments", count=1)
    slow = sends(with_files, "video", b"slow")
    quick = sends(with_files, "image", b"quick")
    first = WhatsAppMessage.objects.filter(media_state="fetched")
    wait_for(first.exists)
    assert first.get().message_id in (slow, quick)
    assert WhatsAppMessage.objects.filter(media_state="pending").exists()
    wait_for(lambda: has_come(slow) and has_come(quick))


def test_a_file_that_meta_does_not_give_today_is_fetched_by_the_worker(
    with_files: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any, tmp_path: Path
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "INBOUND_MEDIA_RETRY_SECONDS": 0.5, "WORKER_SECONDS": 0.1}
    with_files.control.fail(1, count=None, path="attachments", status=500)
    wamid = sends(with_files, "image", b"a picture")
    tried = WhatsAppMessage.objects.filter(message_id=wamid, media_state="pending").exclude(media_error="")
    wait_for(tried.exists)
    with_files.control.clear_faults()
    with running("-m", "django", "whatsapp_worker") as worker:
        wait_for(lambda: has_come(wamid))
        assert worker.terminate() == 0
    message = WhatsAppMessage.objects.get()
    assert message.media_attempts > 1
    assert (tmp_path / str(message.media_file.name)).read_bytes() == b"a picture"


def test_with_celery_a_file_is_a_task_and_the_tick_finds_those_whose_task_is_lost(
    with_files: SimulatorServer, whatsapp_account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP_USE_CELERY = True
    with celery_app("memory://", task_always_eager=True):
        wamid = sends(with_files, "image", b"one")
        wait_for(lambda: has_come(wamid))
        WhatsAppMessage.objects.update(
            media_state="pending", media_due_at=timezone.now() - timedelta(minutes=1), media_attempts=0
        )
        queue.enqueue("media", None)
    assert WhatsAppMessage.objects.get().media_state == "fetched"
