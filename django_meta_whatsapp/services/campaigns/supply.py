"""Where a run has its rows from: one claim after another, the next one claimed while those of the last are marked."""

import asyncio
from functools import partial

from django_meta_whatsapp.services.campaigns import ledger
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.database import Database
from django_meta_whatsapp.services.campaigns.ledger import Claimed


class Supply:
    """Claims rows; `beside` is the thread that also settles. Where that is `db` itself, nothing is claimed ahead."""

    def __init__(self, db: Database, beside: Database) -> None:
        self._db = db
        self._beside = beside
        self._ahead: asyncio.Task[Claimed] | None = None

    async def take(self, assignment: Assignment, limit: int) -> Claimed:
        """What was claimed ahead; where that is nothing, what there is now."""
        ahead, self._ahead = self._ahead, None
        if ahead and (claimed := await ahead).taken:
            return claimed
        return await self._db(partial(ledger.claim, assignment, limit))

    def claim_ahead(self, assignment: Assignment, limit: int) -> None:
        """Begins to claim what `take` will bring."""
        if self._beside is not self._db:
            self._ahead = asyncio.create_task(self._beside(partial(ledger.claim, assignment, limit)))

    async def give_back(self) -> int:
        """Gives back what was claimed ahead; how many of it are not to be sent to any more."""
        ahead, self._ahead = self._ahead, None
        if not ahead or not (claimed := await ahead).taken:
            return 0
        await self._beside(partial(ledger.release, claimed.lease))
        return claimed.dropped
