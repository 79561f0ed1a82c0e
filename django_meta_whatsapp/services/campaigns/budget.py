"""The error budget: a campaign whose messages fail too often pauses, before the rest of its list is burnt.

It goes by the campaign's counts, so refusals count and so do failures that webhooks tell, whichever worker sent the message.
"""

from collections import deque
from typing import NamedTuple

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import PauseCause
from django_meta_whatsapp.services.campaigns.stops import Stop


class Sample(NamedTuple):
    """A campaign's counts at some moment. tried: messages that Meta accepted or rejected; failed: of them, then or later."""

    tried: int
    failed: int


class Budget:
    """Judges a campaign as long as one run looks at it."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def judge(self, begin: Sample, now: Sample) -> Stop | None:
        """Takes the counts as they are now, and as they were when the campaign was started or resumed. Returns why it should
        pause, if it should.

        The share of failures is that of the newest ERROR_BUDGET_WINDOW messages, or of all since `begin` while there are
        fewer, or while this run has not looked on for so many.
        """
        if not self._samples:
            self._samples.append(begin)
        if len(self._samples) > 1 and self._samples[-1].tried == now.tried:
            self._samples.pop()
        self._samples.append(now)
        while (
            len(self._samples) > 2
            and now.tried - self._samples[1].tried >= whatsapp_settings.ERROR_BUDGET_WINDOW
        ):
            self._samples.popleft()
        tried = now.tried - self._samples[0].tried
        failed = now.failed - self._samples[0].failed
        if (
            tried < whatsapp_settings.ERROR_BUDGET_SAMPLE
            or 100 * failed <= whatsapp_settings.ERROR_BUDGET * tried
        ):
            return None
        share = f"{100 * failed / tried:.0f}%"
        return Stop(PauseCause.ERROR_BUDGET, f"{failed} of the newest {tried} messages failed ({share}).")
