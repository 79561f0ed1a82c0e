"""Contacts from CSV files: what is read, what is rejected, and that nothing is half done."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.models import WhatsAppContact, WhatsAppLabel
from django_meta_whatsapp.services.contact_import import ImportReport, RejectedRow, import_contacts

EXAMPLE = Path(__file__).resolve().parents[2] / "example" / "contacts.csv"

pytestmark = pytest.mark.django_db


def imported(text: str | bytes) -> tuple[ImportReport, list[RejectedRow]]:
    rejected: list[RejectedRow] = []
    data = text if isinstance(text, bytes) else text.encode()
    return import_contacts(io.BytesIO(data), on_rejected=rejected.append), rejected


def test_every_column_of_a_row_is_stored() -> None:
    report, rejected = imported('Phone,Name,Email,Labels\n+4520123456,Freja,freja@example.com,"vip, north"\n')

    contact = WhatsAppContact.objects.get()
    assert (report, rejected) == (ImportReport(created=1), [])
    assert (contact.phone, contact.name, contact.email) == ("4520123456", "Freja", "freja@example.com")
    assert set(contact.labels.values_list("name", flat=True)) == {"vip", "north"}


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfPHONE;NAME\r\n9876543210;Asha\r\n",
        "Name\tMobile\nAsha\t098765 43210\n".encode("utf-16"),
        b"phone,name\n00919876543210,Asha\n",
    ],
    ids=["bom-and-semicolons", "utf16-and-tabs", "double-zero"],
)
def test_a_file_is_read_as_people_save_it(data: bytes) -> None:
    imported(data)
    assert list(WhatsAppContact.objects.values_list("phone", "name")) == [("919876543210", "Asha")]


def test_a_typed_ten_digit_number_gets_the_country_code_of_the_command_once() -> None:
    import_contacts(io.BytesIO(b"phone\n2012345678\n"), country_code="20")
    imported("phone\n202012345678\n")
    assert list(WhatsAppContact.objects.values_list("phone", flat=True)) == ["202012345678"]


def test_each_bad_row_is_reported_with_its_line_and_column_and_the_good_ones_are_kept() -> None:
    report, rejected = imported(
        "phone,name,email\n9876543210,Good,\n,Empty,\n12,Short,\n9876543211,Mail,not-mail\n"
        f"9876543212,{'n' * 256},\n9876543213,A,,surplus\n9876543214,Good too,\n"
    )
    assert report == ImportReport(created=2, rejected=5)
    assert [(row.line, row.field) for row in rejected] == [
        (3, "phone"),
        (4, "phone"),
        (5, "email"),
        (6, "name"),
        (7, "row"),
    ]


def test_two_hundred_bad_rows_are_two_hundred_reports() -> None:
    rows = "".join(f"bad {n}\n98765{n:05}\n" for n in range(200))
    report, rejected = imported(f"phone\n{rows}")
    assert (report.created, report.rejected, len(rejected)) == (200, 200, 200)


def test_a_person_named_twice_is_one_contact_and_filled_cells_win() -> None:
    report, _ = imported("phone,name,email\n9876543210,Asha,\n+91 98765-43210,,asha@example.com\n")
    assert report == ImportReport(created=1, unchanged=1)
    assert list(WhatsAppContact.objects.values_list("name", "email")) == [("Asha", "asha@example.com")]


def test_importing_again_changes_nothing() -> None:
    text = "phone,name,labels\n9876543210,Asha,vip\n9876543211,Ben,vip\n"
    imported(text)
    report, _ = imported(text)
    assert report == ImportReport(unchanged=2)
    assert WhatsAppLabel.objects.get().contacts.count() == 2


def test_a_filled_cell_overwrites_and_an_empty_one_does_not() -> None:
    imported("phone,name,email\n9876543210,Asha,asha@example.com\n")
    report, _ = imported("phone,name,email\n9876543210,Asha Rao,\n")
    assert report == ImportReport(updated=1)
    assert list(WhatsAppContact.objects.values_list("name", "email")) == [("Asha Rao", "asha@example.com")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"telephone,name\n9876543210,Asha\n", "phone"),
        (b"", "empty"),
        (b"phone,name\n9876543210,Asha\n" * 1 + b"9876543211,Jos\xe9\n", "line 3"),
    ],
    ids=["missing-column", "empty-file", "wrong-encoding"],
)
def test_a_file_that_is_no_readable_csv_changes_nothing(data: bytes, told: str) -> None:
    with pytest.raises(InvalidFile, match=told):
        imported(data)
    assert not WhatsAppContact.objects.exists()


def test_statements_do_not_grow_with_the_rows_of_a_batch(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    text = "phone,name,labels\n" + "".join(f"98765{n:05},N{n},vip\n" for n in range(900))
    with django_assert_max_num_queries(60):
        imported(text)
    assert WhatsAppContact.objects.count() == 900


def test_the_command_reports_rejected_rows_and_writes_them_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("whatsapp_import_contacts", str(EXAMPLE), rejected=tmp_path / "rejected.csv")
    told = capsys.readouterr()
    assert "1000 rows: 986 contacts created, 0 updated, 2 unchanged or repeated, 12 rejected." in told.out
    assert "line 99: phone: is empty." in told.err
    assert len((tmp_path / "rejected.csv").read_text().splitlines()) == 13


@pytest.mark.parametrize("name", ["nowhere.csv", "names.csv"])
def test_the_command_names_the_file_that_it_cannot_import(tmp_path: Path, name: str) -> None:
    (tmp_path / "names.csv").write_text("name\nAsha\n")
    with pytest.raises(CommandError, match=name):
        call_command("whatsapp_import_contacts", str(tmp_path / name))
