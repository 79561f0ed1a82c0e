"""Contacts from a CSV file: streamed, checked row by row, every rejected row reported."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from django_meta_whatsapp import phones
from django_meta_whatsapp.errors import InvalidInput
from django_meta_whatsapp.models import WhatsAppContact, WhatsAppLabel
from django_meta_whatsapp.models.contact import phone_identity
from django_meta_whatsapp.services import contacts
from django_meta_whatsapp.services.csv_rows import Row, read_rows

BATCH = 1000
PHONE_COLUMNS = ("phone", "mobile")
LABEL_COLUMNS = ("labels", "tags")
_NAME_LIMIT = 255
_LABEL_LIMIT = 50


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was left out. `line` is its line in the file, `values` what stands there."""

    line: int
    field: str
    why: str
    values: dict[str, str]


@dataclass(slots=True)
class ImportReport:
    """Rows by what became of them; `rejected` are reported one by one as well."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected


@dataclass(slots=True)
class _Candidate:
    phone: str
    name: str
    email: str
    labels: set[str] = field(default_factory=set)

    @property
    def identity(self) -> str:
        return phone_identity(phones.to_digits(self.phone))

    def absorb(self, later: "_Candidate") -> None:
        """The same person again, further down the file: what is filled in there wins."""
        self.name = later.name or self.name
        self.email = later.email or self.email
        self.labels |= later.labels


def count_rows(file: BinaryIO) -> int:
    """The rows of a contacts file, which is read through and left at its start.

    Raises InvalidFile, before anything is imported, for a file that cannot be read to its end or lacks a phone column.
    """
    count = sum(1 for row in read_rows(file, any_of=PHONE_COLUMNS))
    file.seek(0)
    return count


def import_contacts(
    file: BinaryIO,
    *,
    country_code: str | None = None,
    on_rejected: Callable[[RejectedRow], object] = lambda row: None,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> ImportReport:
    """Create or update a contact for each row of a CSV file, in transactions of 1,000 rows.

    file: binary and seekable. Columns (case does not matter): `phone` or `mobile`, `name`, `email`, and `labels` or `tags`
    with names between commas. Filled cells overwrite, empty ones do not; labels are added, never taken away.
    on_progress: called with the number of rows just done. Running it again changes nothing, so a stopped import is resumed
    by starting it again. Raises InvalidFile, before the first row is stored, for a file that is no readable CSV.
    """
    count_rows(file)
    report = ImportReport()
    rows = read_rows(file)
    while batch := list(islice(rows, BATCH)):
        good = list(_readable(batch, country_code, report, on_rejected))
        people = _merged(good)
        with transaction.atomic():
            _store(people, report)
        report.unchanged += len(good) - len(people)
        on_progress(len(batch))
    return report


def _readable(
    batch: Iterable[Row],
    country_code: str | None,
    report: ImportReport,
    on_rejected: Callable[[RejectedRow], object],
) -> Iterator[_Candidate]:
    for row in batch:
        try:
            yield _candidate(row, country_code)
        except InvalidInput as error:
            report.rejected += 1
            on_rejected(RejectedRow(row.line, error.field, error.why, row.values))


def _candidate(row: Row, country_code: str | None) -> _Candidate:
    if row.surplus:
        raise InvalidInput("row", "has more cells than columns; a cell with a separator inside needs quotes.")
    values = row.values
    typed = _first(values, PHONE_COLUMNS)
    if not typed:
        raise InvalidInput("phone", "is empty.")
    name = values.get("name", "")
    if len(name) > _NAME_LIMIT:
        raise InvalidInput("name", f"has {len(name)} characters, {_NAME_LIMIT} are the most.")
    email = values.get("email", "")
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise InvalidInput("email", f"{email!r} is not an e-mail address.") from error
    labels = {label.strip() for label in _first(values, LABEL_COLUMNS).split(",")} - {""}
    if too_long := [label for label in labels if len(label) > _LABEL_LIMIT]:
        raise InvalidInput("labels", f"{too_long[0]!r} is longer than {_LABEL_LIMIT} characters.")
    return _Candidate(phones.from_typed(typed, field="phone", country_code=country_code), name, email, labels)


def _first(values: dict[str, str], columns: tuple[str, ...]) -> str:
    return next((text for column in columns if (text := values.get(column, ""))), "")


def _merged(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    people: dict[str, _Candidate] = {}
    for candidate in candidates:
        known = people.setdefault(candidate.identity, candidate)
        if known is not candidate:
            known.absorb(candidate)
    return list(people.values())


def _store(people: list[_Candidate], report: ImportReport) -> None:
    known = contacts.find([person.identity for person in people])
    rows = contacts.ensure([contacts.Person(phone=person.phone, name=person.name) for person in people])
    changed = []
    for person in people:
        row = rows[person.identity]
        new = (person.name or row.name, person.email or row.email)
        differs = new != (row.name, row.email)
        if differs:
            row.name, row.email = new
            row.updated_at = timezone.now()
            changed.append(row)
        if person.identity not in known:
            report.created += 1
        elif differs:
            report.updated += 1
        else:
            report.unchanged += 1
    WhatsAppContact.objects.bulk_update(changed, ["name", "email", "updated_at"], batch_size=BATCH)
    _label(people, rows)


def _label(people: list[_Candidate], rows: dict[str, WhatsAppContact]) -> None:
    names = {label for person in people for label in person.labels}
    WhatsAppLabel.objects.bulk_create(
        [WhatsAppLabel(name=name) for name in sorted(names)], ignore_conflicts=True
    )
    ids = dict(WhatsAppLabel.objects.filter(name__in=names).values_list("name", "pk"))
    # MariaDB takes "VIP" and "vip" for one label, so what we asked for may come back in another spelling.
    folded = {name.casefold(): pk for name, pk in ids.items()}
    through = WhatsAppContact.labels.through
    through.objects.bulk_create(
        [
            through(
                whatsappcontact_id=rows[person.identity].pk,
                whatsapplabel_id=ids.get(label) or folded[label.casefold()],
            )
            for person in people
            for label in sorted(person.labels)
        ],
        ignore_conflicts=True,
    )
