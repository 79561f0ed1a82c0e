"""The lane among event loops, threads and processes, and who is told that something was kept."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.dispatch import Signal

from django_meta_whatsapp import signals
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage, WhatsAppWebhookLog
from django_meta_whatsapp.services import background, journal
from django_meta_whatsapp.services.background import Background, Bounds
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.journeys.test_celery import celery_app
from tests.webhooks.asgi_caller import nothing_behind
from tests.webhooks.lane_caller import bodies, kept, post, post_all
from tests.webhooks.posting import encoded, inbound, text_message

pytestmark = pytest.mark.usefixtures("hints_at_once")


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & {"whatsapp-journal", "whatsapp-hints"}


# Event loops, threads, processes


def test_event_loops_in_a_row_leave_no_thread_and_no_connection(account: WhatsAppAccount) -> None:
    lane = webhook_lane(nothing_behind)
    for number in range(3):
        assert post_all([encoded(inbound(text_message(f"wamid.{number}")))], lane) == [200]
        assert threads() == set()
    assert WhatsAppMessage.objects.count() == 3


def test_event_loops_at_the_same_time_share_the_journal(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    lane, answers = webhook_lane(nothing_behind), list[int]()
    many = bodies(60)
    loops = [
        threading.Thread(target=lambda part: answers.extend(post_all(part, lane)), args=[many[at::3]])
        for at in range(3)
    ]
    for each in loops:
        each.start()
    for each in loops:
        each.join(30)
    assert answers == [200] * 60
    assert sorted(kept()) == sorted(many)


def test_the_thread_ends_when_it_has_had_nothing_to_do_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "IDLE_SECONDS", 0.05)
    handled: list[int] = []
    thread = Background("test-idle", handled.extend, waiting=Bounds(9, 9), group=Bounds(9, 9))
    for number in range(3):
        assert thread.put(number)
        _wait_for(lambda: "test-idle" not in {each.name for each in threading.enumerate()})
    assert handled == [0, 1, 2]


def test_a_thread_whose_work_fails_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    handled: list[int] = []

    def handle(items: list[int]) -> None:
        handled.extend(items)
        raise RuntimeError("a bug")

    thread = Background("test-fails", handle, waiting=Bounds(1, 9), group=Bounds(1, 9))
    with caplog.at_level(logging.CRITICAL, background.__name__):
        for number in range(3):
            _wait_for(lambda number=number: thread.put(number))  # type: ignore[misc]
        thread.close(20)
    assert handled == [0, 1, 2]


def _wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


CHILD = """
import asyncio, os, sys
import django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_INLINE": False}
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from tests.webhooks.lane_caller import bodies, post
from tests.journeys.test_celery import celery_app
from tests.webhooks.asgi_caller import nothing_behind
from django_meta_whatsapp.webhooks.asgi import webhook_lane
lane = webhook_lane(nothing_behind)
loop = asyncio.new_event_loop()
assert loop.run_until_complete(post(lane, bodies(2)[0])).status_code == 200
child = os.fork()
if not child:
    status = asyncio.run(post(lane, bodies(2)[1])).status_code
    os._exit(0 if status == 200 else 1)
_, status = os.waitpid(child, 0)
assert loop.run_until_complete(post(lane, bodies(2)[0])).status_code == 200
loop.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_process_that_forks_while_the_threads_are_there_keeps_webhooks_on_both_sides(
    account: WhatsAppAccount,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(connections["default"].settings_dict["NAME"])],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(kept()) == sorted([bodies(2)[0], *bodies(2)])


def test_a_host_imports_the_lane_before_django_is_set_up() -> None:
    code = (
        "from django.core.asgi import get_asgi_application\n"
        "from django_meta_whatsapp.webhooks.asgi import webhook_lane\n"
        "application = webhook_lane(get_asgi_application())\n"
        "import gc\n"
        "assert gc.get_freeze_count() > 10_000, 'collections look at all that Django has loaded'\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


# Hints


def test_a_hint_that_is_slow_or_fails_holds_nobody_up_and_is_not_sent_from_the_event_loop(
    account: WhatsAppAccount, by_the_worker: None, caplog: pytest.LogCaptureFixture
) -> None:
    go_on, hinted = threading.Event(), list[str]()

    def slow(**kwargs: Any) -> None:
        hinted.append(threading.current_thread().name)
        assert go_on.wait(20)
        raise RuntimeError("the broker is down")

    async def run() -> list[int]:
        lane = webhook_lane(nothing_behind)
        answers = [(await post(lane, body)).status_code for body in bodies(10)]
        go_on.set()
        return answers

    with _receiving(signals.work_due, slow), caplog.at_level(logging.CRITICAL):
        assert asyncio.run(run()) == [200] * 10
    assert len(kept()) == 10
    # One that was being sent, one for all that came meanwhile, and perhaps one for the last.
    assert hinted in (["whatsapp-hints"] * 2, ["whatsapp-hints"] * 3)


class _receiving:  # noqa: N801 - reads like a sentence
    def __init__(self, signal: Signal, receiver: Callable[..., Any]) -> None:
        self._signal, self._receiver = signal, receiver

    def __enter__(self) -> None:
        self._signal.connect(self._receiver)

    def __exit__(self, *error: object) -> None:
        self._signal.disconnect(self._receiver)


def test_without_celery_what_was_kept_is_applied_in_a_thread_of_its_own(account: WhatsAppAccount) -> None:
    assert post_all(bodies(30)) == [200] * 30
    assert WhatsAppMessage.objects.count() == 30
    assert set(WhatsAppWebhookLog.objects.values_list("state", "attempts")) == {("done", 1)}


def test_with_celery_one_task_applies_what_was_kept(account: WhatsAppAccount, settings: Any) -> None:
    settings.WHATSAPP_USE_CELERY = True
    with celery_app("memory://", task_always_eager=True):
        assert post_all(bodies(20)) == [200] * 20
    assert WhatsAppMessage.objects.count() == 20


def test_applying_can_be_left_to_the_worker(account: WhatsAppAccount, by_the_worker: None) -> None:
    assert post_all(bodies(3)) == [200] * 3
    assert WhatsAppMessage.objects.count() == 0
    assert journal.process_due() == 3
    assert WhatsAppMessage.objects.count() == 3
