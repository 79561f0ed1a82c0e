"""Files that people send are tried for while that is of use, by one at a time, and the clock finds what is due."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage
from django_meta_whatsapp.services import inbound_media, upkeep
from tests.services.media_shelf import CONTENT, Shelf, fetched, files, make_due, received
from tests.services.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("age", "state", "asked"), [(timedelta(days=6, hours=23), "pending", 1), (timedelta(days=7), "failed", 0)]
)
def test_an_id_that_meta_does_not_know_is_asked_for_until_it_has_expired(
    shelf: Shelf, account: WhatsAppAccount, age: timedelta, state: str, asked: int
) -> None:
    shelf.status = 400
    message = fetched(received(account, at=timezone.now() - age))
    assert (message.media_state, shelf.asked) == (state, asked)
    assert message.media_error


def test_tries_have_growing_pauses_and_an_end(shelf: Shelf, account: WhatsAppAccount) -> None:
    shelf.status = 400
    message = received(account)
    pauses = []
    for _ in range(inbound_media.MAX_ATTEMPTS - 1):
        make_due(message)
        begun = timezone.now()
        due = fetched(message).media_due_at
        assert due is not None
        pauses.append(round((due - begun).total_seconds() / 10) * 10)
    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses[-1] == 6 * 3600
    make_due(message)
    assert (fetched(message).media_state, message.media_due_at) == ("failed", None)
    assert "No such object" in message.media_error


def test_whoever_died_each_time_is_not_followed_for_ever(shelf: Shelf, account: WhatsAppAccount) -> None:
    message = received(account)
    WhatsAppMessage.objects.update(media_attempts=inbound_media.MAX_ATTEMPTS)
    assert fetched(message).media_state == "failed"
    assert "stopped in the middle" in message.media_error
    assert shelf.asked == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_who_would_fetch_a_file_one_does(shelf: Shelf, account: WhatsAppAccount) -> None:
    message = received(account)
    tried = at_once(lambda number: inbound_media.fetch(message.pk), 6)
    assert sorted(map(bool, tried)) == [False] * 5 + [True]
    assert not [each for each in tried if isinstance(each, BaseException)]
    assert shelf.downloads == 1
    message.refresh_from_db()
    assert (message.media_state, message.media_attempts) == ("fetched", 1)


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_back_after_another_has_taken_over_leaves_nothing(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path
) -> None:
    message = received(account)

    def another_takes_over() -> None:
        shelf.on_download = lambda: None
        make_due(message)
        assert inbound_media.fetch(message.pk)
        connections.close_all()

    shelf.on_download = another_takes_over
    fetched(message)
    assert (message.media_state, message.media_attempts, shelf.downloads) == ("fetched", 2, 2)
    assert files(tmp_path) == [tmp_path / str(message.media_file.name)]


def test_what_somebody_left_who_died_after_storing_goes(
    shelf: Shelf, account: WhatsAppAccount, tmp_path: Path
) -> None:
    message = received(account)
    folder = tmp_path / message.timestamp.strftime("whatsapp_media/%Y/%m")
    folder.mkdir(parents=True)
    left = folder / f"{message.pk}-{hashlib.sha256(CONTENT).hexdigest()[:32]}-1.png"
    left.write_bytes(b"half")
    WhatsAppMessage.objects.update(media_attempts=1)
    fetched(message)
    assert files(tmp_path) == [tmp_path / str(message.media_file.name)]


def test_a_token_that_is_missing_is_told_and_tried_again(
    shelf: Shelf, account: WhatsAppAccount, settings: Any
) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "ACCESS_TOKEN": ""}
    message = fetched(received(account))
    assert message.media_state == "pending"
    assert "ACCESS_TOKEN" in message.media_error


def test_the_clock_hears_of_it_after_the_commit_and_not_of_a_redelivery(
    shelf: Shelf, account: WhatsAppAccount, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[tuple[str, int | None]] = []

    def hear(kind: str, key: int | None, **kwargs: Any) -> None:
        heard.append((kind, key))

    signals.work_due.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            message = received(account)
            assert heard == []
        assert heard == [("media", message.pk)]
        with django_capture_on_commit_callbacks(execute=True):
            received(account)
        assert heard == [("media", message.pk)]
    finally:
        signals.work_due.disconnect(hear)


def test_the_tick_finds_what_nobody_has_fetched(shelf: Shelf, account: WhatsAppAccount) -> None:
    message = received(account)
    handed: list[bool] = []
    upkeep.tick(lambda campaign_id: None, lambda: handed.append(True))
    assert handed == [True]
    upkeep.tick(lambda campaign_id: None)
    message.refresh_from_db()
    assert message.media_state == "fetched"
    upkeep.tick(lambda campaign_id: None, lambda: handed.append(True))
    assert handed == [True]
