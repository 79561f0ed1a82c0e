"""The lane where the event loop commits by itself: its groups, and the connection that it holds."""

import asyncio
from typing import Any

import pytest
from django.db import connection, connections

from django_meta_whatsapp.models import WhatsAppAccount
from django_meta_whatsapp.models.bulk.copying import copies
from django_meta_whatsapp.services import background, loop_commit, signatures
from django_meta_whatsapp.webhooks.asgi import webhook_lane
from tests.journeys.processes import wait_for
from tests.webhooks.asgi_caller import nothing_behind
from tests.webhooks.held import alone, held
from tests.webhooks.lane_caller import bodies, kept, post

pytestmark = [
    pytest.mark.usefixtures("hints_at_once"),
    pytest.mark.skipif(not copies(connection), reason="The event loop commits with psycopg 3 alone"),
]


async def until(statement: str, wanted: object) -> Any:
    """Asks from another thread, which keeps no connection, until `wanted` (its truth) is so; what was found."""

    def ask() -> list[Any]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connections.close_all()

    found: list[Any] = []

    def asked() -> bool:
        found[:] = ask()
        return bool(found) == wanted

    await asyncio.to_thread(wait_for, asked)
    return found


COPYING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()"
LOCKED_OUT = f"{COPYING} AND wait_event_type = 'Lock'"


def test_webhooks_that_come_while_a_group_is_committed_go_together_in_the_next(
    account: WhatsAppAccount, by_the_worker: None, groups: list[int]
) -> None:
    many = bodies(100)

    async def run() -> list[int]:
        lane = webhook_lane(nothing_behind)
        assert (await post(lane, many[0])).status_code == 200
        with held() as release:
            posting = [asyncio.create_task(post(lane, many[1]))]
            await until(LOCKED_OUT, True)
            posting += [asyncio.create_task(post(lane, body)) for body in many[2:]]
            await asyncio.to_thread(release)
            return [(await each).status_code for each in posting]

    assert alone(run()) == [200] * 99
    assert sorted(kept()) == sorted(many)
    assert len(groups) <= 3


def test_a_connection_that_the_server_ends_is_opened_anew(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    async def run() -> list[int]:
        lane, answers = webhook_lane(nothing_behind), list[int]()
        for body in bodies(3):
            answers.append((await post(lane, body)).status_code)
            # The loop hears of it while nobody waits for an answer.
            await until(COPYING.replace("pid", "pg_terminate_backend(pid)"), False)
        return answers

    assert alone(run()) == [200] * 3
    assert kept() == bodies(3)


def test_a_connection_that_ends_under_a_group_fails_that_groupalone(
    account: WhatsAppAccount, by_the_worker: None
) -> None:
    async def run() -> list[int]:
        lane = webhook_lane(nothing_behind)
        with held():
            posting = asyncio.create_task(post(lane, bodies(2)[0]))
            await until(LOCKED_OUT, True)
            await until(COPYING.replace("pid", "pg_terminate_backend(pid)"), False)
            failed = await posting
        return [failed.status_code, (await post(lane, bodies(2)[1])).status_code]

    assert alone(run()) == [503, 200]
    assert kept() == bodies(2)[1:]


def test_a_server_that_is_silent_is_given_up_and_told_to_stop(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_commit, "COMMIT_SECONDS", 0.2)

    async def run() -> list[int]:
        lane = webhook_lane(nothing_behind)
        with held():
            given_up = await post(lane, bodies(2)[0])
            await until(LOCKED_OUT, False)
        return [given_up.status_code, (await post(lane, bodies(2)[1])).status_code]

    assert alone(run()) == [503, 200]
    assert kept() == bodies(2)[1:]


def test_a_server_that_cannot_be_reached_ends_in_503_until_it_can(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    signatures.read_secrets()

    async def run() -> list[int]:
        lane = webhook_lane(nothing_behind)
        with monkeypatch.context() as elsewhere:
            elsewhere.setitem(connections.settings["default"], "PORT", "1")
            answers = [
                answer.status_code
                for answer in await asyncio.gather(*(post(lane, body) for body in bodies(3)))
            ]
        return [*answers, (await post(lane, bodies(1)[0])).status_code]

    assert alone(run()) == [503, 503, 503, 200]
    assert kept() == bodies(1)


def test_a_connection_with_nothing_to_do_is_closed_after_a_while(
    account: WhatsAppAccount, by_the_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "IDLE_SECONDS", 0.1)

    async def run() -> list[int]:
        lane, answers = webhook_lane(nothing_behind), list[int]()
        for body in bodies(2):
            answers.append((await post(lane, body)).status_code)
            await until(COPYING, False)
        return answers

    assert alone(run()) == [200, 200]
