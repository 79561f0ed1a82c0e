"""The people of a campaign's CSV file."""

from collections.abc import Iterator
from typing import BinaryIO, cast

from django_meta_whatsapp.errors import InvalidAudience, InvalidFile
from django_meta_whatsapp.models import WhatsAppCampaign
from django_meta_whatsapp.services.campaigns.candidates import Candidate
from django_meta_whatsapp.services.csv_rows import read_rows

PHONE_COLUMNS = ("phone", "mobile")
"""Names of the phone column, the first that the file has; case does not matter."""
NAME_COLUMN = "name"


def from_csv(campaign: WhatsAppCampaign, after: int = 0) -> Iterator[Candidate]:
    """The rows of `campaign.csv_file` below line `after`. Every column is a parameter, under its name in the file.

    Raises InvalidAudience without a file, InvalidFile for one that cannot be read, lacks a phone column, or has a row with
    more cells than columns: its values would stand under the wrong names.
    """
    if not campaign.csv_file:
        raise InvalidAudience("csv_file", "the campaign has no CSV file.")
    try:
        # From the storage: the field's own file is one object, which two readers would close on each other.
        opened = campaign.csv_file.storage.open(str(campaign.csv_file.name), "rb")
    except OSError as error:
        raise InvalidAudience("csv_file", f"{campaign.csv_file.name} cannot be opened: {error}.") from error
    with opened as file:
        phone_column = name_column = ""
        for row in read_rows(cast(BinaryIO, file), any_of=PHONE_COLUMNS):
            line, cells, surplus = row
            if line <= after:
                continue
            if surplus:
                raise InvalidFile(
                    "file", f"line {line} has {len(cells) + len(surplus)} cells for {len(cells)} columns."
                )
            if not phone_column:
                named = {name.lower(): name for name in cells}
                phone_column = next(named[column] for column in PHONE_COLUMNS if column in named)
                name_column = named.get(NAME_COLUMN, "")
            name = cells[name_column] if name_column else ""
            yield Candidate(cells[phone_column], name, cells, position=line, where=f"line {line}")
