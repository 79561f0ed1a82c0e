"""`manage.py whatsapp_import_contacts people.csv`: contacts from a CSV file, with a progress bar."""

import csv
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.services.contact_import import RejectedRow, count_rows, import_contacts


class Command(BaseCommand):
    help = "Import contacts from a CSV file with the columns phone, name, email and labels."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="The CSV file.")
        parser.add_argument(
            "--country-code", help="Country code of bare 10-digit numbers (default: the setting)."
        )
        parser.add_argument(
            "--rejected", type=Path, help="Write the rejected rows into this CSV file as well."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with ExitStack() as stack:
                file = stack.enter_context(path.open("rb"))
                keep = _rejected_file(stack, options["rejected"])
                bar = stack.enter_context(
                    tqdm(total=count_rows(file), disable=None, unit=" rows", desc="Importing")
                )

                def rejected(row: RejectedRow) -> None:
                    with bar.external_write_mode(file=self.stderr):
                        self.stderr.write(f"  line {row.line}: {row.field}: {row.why}")
                    if keep:
                        keep.writerow([row.line, row.field, row.why, *row.values.values()])

                report = import_contacts(
                    file, country_code=options["country_code"], on_rejected=rejected, on_progress=bar.update
                )
        except InvalidFile as error:
            raise CommandError(f"{path}: {error}") from error
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from error
        self.stdout.write(
            f"{report.rows} rows: {report.created} contacts created, {report.updated} updated, "
            f"{report.unchanged} unchanged or repeated, {report.rejected} rejected."
        )


def _rejected_file(stack: ExitStack, path: Path | None) -> Any:
    if path is None:
        return None
    writer = csv.writer(stack.enter_context(path.open("w", newline="", encoding="utf-8")))
    writer.writerow(["line", "column", "reason"])
    return writer
