"""Hours of a day as people write them: `09:00-18:00`."""

import re
from dataclasses import dataclass

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import InvalidInput

ANY_TIME = ("always", "never", "")
"""What says that nothing is forbidden: a window that is always open, quiet hours that never are."""
DAY = 24 * 60
"""Minutes of a day."""
_FORM = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the day, in minutes; over midnight when it ends before it starts."""

    start: int
    end: int

    def holds(self, minute: int) -> bool:
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True)
class Spans:
    """window: when messages go; quiet: when none does. None: no limit."""

    window: Span | None = None
    quiet: Span | None = None

    @property
    def unlimited(self) -> bool:
        return self.window is None and self.quiet is None

    def allow(self, minute: int) -> bool:
        """Whether messages go at this minute of the day."""
        inside = self.window is None or self.window.holds(minute)
        return inside and not (self.quiet and self.quiet.holds(minute))


def span(text: str, field: str) -> Span | None:
    """`09:00-18:00` as a Span, None for no limit. Raises InvalidInput, naming `field`."""
    if text.strip().lower() in ANY_TIME:
        return None
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise InvalidInput(field, f"{text!r}: write hours like 09:00-18:00.")
    start, end = (int(found[each]) * 60 + int(found[each + 1]) for each in (1, 3))
    if end > DAY or start == end % DAY:
        raise InvalidInput(field, f"{text!r}: write two different times of a day.")
    return Span(start, end)


def spans(send_window: str, quiet_hours: str) -> Spans:
    """Checked hours; empty texts take those of the settings. Raises InvalidInput for a wrong form, and for no hour left."""
    found = Spans(
        span(send_window or whatsapp_settings.SEND_WINDOW, "send_window"),
        span(quiet_hours or whatsapp_settings.QUIET_HOURS, "quiet_hours"),
    )
    if not any(found.allow(minute) for minute in range(DAY)):
        raise InvalidInput("quiet_hours", "They leave nothing of the send window.")
    return found
