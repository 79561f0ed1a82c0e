"""A file as people bring it, and what it comes to, counted apart from the product."""

from collections import Counter
from dataclasses import dataclass, field

from django_meta_whatsapp.models import WhatsAppContact

_KINDS = 10


@dataclass
class Messy:
    """content: a CSV file; expected: people by the reason of their skip, "" for those who are to be sent to."""

    content: bytes
    expected: Counter[str] = field(default_factory=Counter)

    @property
    def skipped(self) -> dict[str, int]:
        return {reason: people for reason, people in self.expected.items() if reason}


def messy(rows: int) -> Messy:
    """Most rows have a fault, each tenth the same one; numbers are written in five ways.

    Makes the contacts who opted out or are blocked.
    """
    lines, expected = ["Name;PHONE;Order"], Counter[str]()
    out, blocked = [], []
    for n in range(rows):
        digits, name, order, reason = f"45{20000000 + n}", f"Persön {n}", f"A-{n}", ""
        kind = n % _KINDS
        typed = (
            f"+{digits}",
            f"00{digits}",
            f"+45 {digits[2:6]} {digits[6:]}",
            f"(+45) {digits[2:6]}-{digits[6:]}",
            f"+{digits}.0",
        )[n // _KINDS % 5]
        if kind == 1 and n > _KINDS:
            # The row that is ten before it was sent to, in another spelling.
            typed, reason = f"00{int(digits) - 1}", "duplicate"
        elif kind == 2:
            typed, reason = ("12", "call me", "", "+4")[n // _KINDS % 4], "invalid_phone"
        elif kind == 3:
            reason = "opted_out"
            out.append(digits)
        elif kind == 4:
            reason = "blocked"
            blocked.append(digits)
        elif kind == 5:
            order, reason = "  ", "missing_variable"
        elif kind == 6:
            typed, reason = f"+1 212 555 {n % 10000:04}", "us_marketing"
        elif kind == 7 and n % 4 == 3:
            name, reason = "", "missing_variable"
        expected[reason] += 1
        lines.append(f"{name};{typed};{order}")
    contacts = [WhatsAppContact(phone=digits, opted_out=True) for digits in out]
    contacts += [WhatsAppContact(phone=digits, is_blocked=True) for digits in blocked]
    WhatsAppContact.objects.bulk_create(contacts, batch_size=500)
    return Messy(b"\xef\xbb\xbf" + "\r\n".join(lines).encode(), expected)
