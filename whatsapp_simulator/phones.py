"""Phone numbers as Meta reads them: country code, WhatsApp id, business-scoped user id."""

import zlib
from functools import lru_cache

from whatsapp_simulator.state import digits_of

_COUNTRIES = {
    "1": "US", "7": "RU", "20": "EG", "27": "ZA", "31": "NL", "33": "FR", "34": "ES", "39": "IT", "44": "GB",
    "45": "DK", "46": "SE", "47": "NO", "49": "DE", "52": "MX", "54": "AR", "55": "BR", "57": "CO", "60": "MY",
    "61": "AU", "62": "ID", "65": "SG", "81": "JP", "82": "KR", "90": "TR", "91": "IN", "92": "PK", "234": "NG",
    "254": "KE", "351": "PT", "353": "IE", "358": "FI", "372": "EE", "880": "BD", "966": "SA", "971": "AE",
}  # fmt: skip

# Area codes of +1 that do not belong to the United States: Canada, then the Caribbean.
_CANADA = (
    "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 468 474 "
    "506 514 519 548 579 581 584 587 600 604 613 622 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 "
    "873 879 902 905 942"
)
_CARIBBEAN = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876"
_NOT_US = frozenset(_CANADA.split() + _CARIBBEAN.split())


def international(text: str, country_code: str) -> str:
    """The digits of the number that ``to`` means.

    A number without ``+`` gets the business number's own country code in front, as Meta documents it (send
    messages page), even if it begins with one.
    """
    digits = digits_of(text)
    return digits if text.lstrip().startswith("+") else country_code + digits


def wa_id_of(digits: str) -> str:
    """The WhatsApp id of a number; Brazil and Mexico differ from what is dialled.

    Brazil: the ninth digit is left out in area codes from 31 on. Mexico: a 1 follows the country code.
    """
    if digits.startswith("55") and len(digits) == 13 and digits[4] == "9" and digits[2:4] >= "31":
        return digits[:4] + digits[5:]
    if digits.startswith("52") and len(digits) == 12:
        return "521" + digits[2:]
    return digits


def is_us(wa_id: str) -> bool:
    """A number with a United States area code (no marketing templates are delivered there)."""
    return len(wa_id) == 11 and wa_id[0] == "1" and wa_id[1:4] not in _NOT_US


@lru_cache(maxsize=4096)
def country_of(wa_id: str) -> str:
    """The ISO country of a number ("US" for what the small table does not know)."""
    for length in (3, 2, 1):
        country = _COUNTRIES.get(wa_id[:length])
        if country:
            return country
    return "US"


def user_id_of(wa_id: str) -> str:
    """The business-scoped user id of a person: always the same for the same number, and not readable from it."""
    return f"{country_of(wa_id)}.1{zlib.crc32(wa_id.encode()):010d}{int(wa_id) * 7919 % 10**9:09d}"
