"""Why a campaign that is running sends nothing for a while, in words for people."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

NUMBER_ELSEWHERE = gettext_lazy("Waits: another worker sends from this number.")
LIMIT_REACHED = gettext_lazy("Waits: the portfolio has reached as many people in 24 hours as Meta allows.")
WORTH_TELLING = 60.0
"""Seconds of waiting that people want to know the reason of."""


def asleep_until(moment: datetime) -> str:
    """By their hours, or by the pause after a refusal, nobody's time has come before `moment`."""
    when = date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")
    return gettext("Waits: nobody may be messaged before %(when)s.") % {"when": when}
