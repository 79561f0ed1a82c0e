"""CSV files as people really save them."""

import codecs
import io
import tracemalloc
from collections.abc import Iterator

import pytest

from django_meta_whatsapp.errors import InvalidFile
from django_meta_whatsapp.services import csv_rows
from django_meta_whatsapp.services.csv_rows import Row, read_rows

TEXT = "Phone,Name\n+4512345678,Åse\n+6581234567,Wei\n"


def rows_of(content: bytes, **options: object) -> list[Row]:
    return list(read_rows(io.BytesIO(content), **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace(",", "|").encode(),
        ("sep=;\n" + TEXT.replace(",", ";")).encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip("\n").encode(),
        (TEXT + "\n,\n , \n").encode(),
    ],
    ids=[
        "plain",
        "utf8-bom",
        "utf16-le",
        "utf16-be",
        "utf32",
        "semicolon",
        "tab",
        "pipe",
        "sep-line",
        "crlf",
        "cr",
        "no-last-newline",
        "empty-rows",
    ],
)
def test_the_same_table_is_read_however_it_was_saved(content: bytes) -> None:
    rows = rows_of(content)
    assert [row.values for row in rows] == [
        {"phone": "+4512345678", "name": "Åse"},
        {"phone": "+6581234567", "name": "Wei"},
    ]
    assert rows[0].original == {"Phone": "+4512345678", "Name": "Åse"}


def test_a_row_knows_the_line_on_which_it_starts() -> None:
    rows = rows_of(b'phone,note\n1,"two\nlines"\n\n2,x\n')
    assert [(row.line, row.values["note"]) for row in rows] == [(2, "two\nlines"), (5, "x")]


def test_short_rows_are_filled_and_surplus_cells_are_shown() -> None:
    short, long = rows_of(b"phone,name,city\n1\n2,Ann,Pune,extra,,\n")
    assert short.values == {"phone": "1", "name": "", "city": ""}
    assert long.surplus == ("extra",)


def test_columns_without_a_name_are_left_out() -> None:
    assert rows_of(b"phone,,name\n1,x,Ann\n")[0].values == {"phone": "1", "name": "Ann"}


def test_separators_inside_a_quoted_header_do_not_count() -> None:
    assert rows_of(b'"last, first, middle";phone\nx;1\n')[0].values == {
        "last, first, middle": "x",
        "phone": "1",
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b";;\n1;2;3\n", "empty"),
        (b"Phone,phone\n1,2\n", "'phone' is there twice"),
        ("phone,name\n1,Ann\n2,Åse\n".encode("latin-1"), "line 3 is not text in UTF-8. Save"),
        ("phone,name\n1,Ann\n".encode("utf-16-le"), "line 1 is not plain text. Save"),
        (codecs.BOM_UTF16_LE + b"p\x00\n\x00x", "line 2 is not text in UTF-16-LE"),
        (b'phone,name\n1,Ann\n2,"never closed\n3,x\n', "line 4"),
        (b'phone,name\n1,"' + b"x\n" * 100_000, "field larger than field limit"),
        (b"phone,name\n1," + b"x" * 2_000_000, "longer than"),
        (b"phone,name\n" + b'"a\na",' * 400_000, "longer than"),
    ],
)
def test_an_unreadable_file_is_told_with_the_place(content: bytes, told: str) -> None:
    with pytest.raises(InvalidFile, match=told):
        rows_of(content)


def test_the_line_of_a_bad_byte_is_right_far_down_the_file() -> None:
    content = b"phone,name\n" + b"123456789,somebody\n" * 20_000 + b"1,\xff\n"
    with pytest.raises(InvalidFile, match="line 20002 "):
        rows_of(content)


def test_a_missing_column_is_told_with_the_columns_that_are_there() -> None:
    with pytest.raises(
        InvalidFile, match="no column is named 'phone' or 'mobile'; the columns are Tel, Name"
    ):
        rows_of(b"Tel,Name\n1,x\n", any_of=("phone", "mobile"))


def test_a_line_end_split_between_two_reads_is_one_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk in range(1, 40):
        monkeypatch.setattr(csv_rows, "CHUNK", chunk)
        rows = (
            rows_of(b"\xef\xbb\xbfphone,name\r\n1,\xc3\x85\r\n2,b\r\n")
            if chunk >= 4
            else rows_of(b"phone\r\n1\r\n2\r\n")
        )
        assert [(row.line, row.values["phone"]) for row in rows] == [(2, "1"), (3, "2")]


class Endless(io.RawIOBase):
    """A file of many megabytes that exists only while it is read."""

    def __init__(self, rows: int) -> None:
        self.parts: Iterator[bytes] = iter(
            [b"phone,name\n", *[b"4512345678,Somebody\n" * 5_000] * (rows // 5_000)]
        )

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        return next(self.parts, b"")


def test_a_large_file_is_never_held_in_memory() -> None:
    tracemalloc.start()
    count = sum(1 for _ in read_rows(Endless(200_000)))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200_000
    assert peak < 2_000_000
