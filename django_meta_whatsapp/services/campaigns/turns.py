"""A campaign's turns at its number: places in the pace that it shares with other campaigns, other workers and conversations."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from django_meta_whatsapp.cloud_api import usage
from django_meta_whatsapp.cloud_api.errors import MetaAPIError
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.database import Database
from django_meta_whatsapp.services.pacing import holding
from django_meta_whatsapp.services.pacing.number import ELSEWHERE, full_rate, number_of
from django_meta_whatsapp.services.pacing.refusals import NUMBER_TOO_FAST, PAIR_TOO_FAST
from django_meta_whatsapp.services.pacing.rules import BUSY_SECONDS, Asker, Grant, share_when

TELL_EVERY = 0.2
"""Seconds between two words to the limiter about refusals: they come in swarms."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the usage that Meta tells with each answer."""


class Turns:
    """Asks the number's limiter for one run. rate: messages a second of the whole number, as last told."""

    def __init__(self, assignment: Assignment, db: Database) -> None:
        account = assignment.account
        self.rate = self._full = full_rate(account)
        self._account_id = account.pk
        self._number = number_of(account)
        self._asker = Asker(
            str(assignment.campaign_id),
            self._full,
            whatsapp_settings.HEADROOM / 100,
            assignment.campaign.priority,
        )
        self._db = db
        self._told_at = self._look_at = float("-inf")
        self._words: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Before the first question."""
        holding.join(self._account_id)

    async def end(self) -> None:
        """After the last one."""
        if self._words:
            await asyncio.wait(self._words)
        await self._db(partial(holding.leave, self._account_id))

    async def is_ours(self) -> bool:
        """Whether this process may use the number; False while another worker has it to itself."""
        return self._number.is_held(self._account_id) or await self._db(
            partial(self._number.hold, self._account_id)
        )

    async def ask(self, people: Sequence[str]) -> Grant:
        """Places for messages to these people (identities). Does not wait for them."""
        if not await self.is_ours():
            return Grant(ELSEWHERE, [0.0] * len(people), self.rate, is_elsewhere=True)
        take = partial(self._number.take, self._account_id, self._asker, people)
        grant = await asyncio.to_thread(take) if self._number.is_remote else take()
        self.rate = grant.rate
        return grant

    def refused(self, identity: str, error: MetaAPIError) -> None:
        """Meta's answer to one message: slows the number, or closes one person for a while, when that is what it says."""
        if error.code in NUMBER_TOO_FAST:
            now = time.monotonic()
            if now - self._told_at >= TELL_EVERY:
                self._told_at = now
                self._tell(partial(self._number.throttled, self._full, error.retry_after or 0.0))
        elif error.code == PAIR_TOO_FAST:
            self._tell(partial(self._number.pair_refused, identity, error.retry_after or 0.0))

    def watch(self, headers: Mapping[str, str]) -> None:
        """The headers of one answer: a number whose allowance is nearly used up goes slower."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        share = share_when(usage.used(headers))
        if share < 1:
            self._tell(partial(self._number.slow, share, BUSY_SECONDS))

    def _tell(self, word: Callable[[], None]) -> None:
        if not self._number.is_remote:
            word()
            return
        task = asyncio.create_task(asyncio.to_thread(word))
        self._words.add(task)
        task.add_done_callback(self._words.discard)
