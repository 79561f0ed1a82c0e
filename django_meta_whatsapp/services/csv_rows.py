"""Rows of a CSV file as people save them: with or without a byte order mark, commas, semicolons or tabs, any case of header.

The file is read in chunks and never held as a whole, whatever it contains.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from django_meta_whatsapp.errors import InvalidFile

CHUNK = 64 * 1024
RECORD_LIMIT = 1024 * 1024
"""Longest row, in characters. Only a missing closing quote or a file that is no CSV comes near."""
DELIMITERS = ",;\t|"
_FIELD = "file"
_BOMS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_EXCEL_HINT = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)
_SAVE_AS = 'Save the file as "CSV UTF-8" and try again.'


class Row(NamedTuple):
    """One row. `line` is the line of the file on which it starts, the header's being 1.

    values: lower-cased column name to the cell's text, stripped; "" where the row is too short.
    original: the same by the names as they stand in the file.
    surplus: filled cells beyond the last column; a sign of an unquoted separator.
    """

    line: int
    values: dict[str, str]
    original: dict[str, str]
    surplus: tuple[str, ...] = ()


def read_rows(file: BinaryIO, *, any_of: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of `file` below its header; empty ones are left out.

    any_of: lower-cased names of which the header must have one.
    Raises InvalidFile, naming the line, for what is no readable CSV: bytes that are not UTF-8 (or UTF-16 with a byte order
    mark), no header, a column named twice, none of `any_of`, a quote that is never closed.
    """
    lines = _Lines(file)
    delimiter = _delimiter(lines)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        names = _names(next(reader, []), any_of)
        lowered = [name.lower() for name in names]
        started = lines.number + 1
        lines.begin_record()
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(started, names, lowered, cells)
            started = lines.number + 1
            lines.begin_record()
    except csv.Error as error:
        raise InvalidFile(_FIELD, f"line {lines.number} cannot be read: {error}.") from error


def _row(line: int, names: Sequence[str], lowered: Sequence[str], cells: Sequence[str]) -> Row:
    stripped = [cell.strip() for cell in cells]
    stripped += [""] * (len(names) - len(stripped))
    original, values = dict(zip(names, stripped, strict=False)), dict(zip(lowered, stripped, strict=False))
    # Columns without a name.
    original.pop("", None)
    values.pop("", None)
    return Row(line, values, original, tuple(filter(None, stripped[len(names) :])))


def _names(header: Sequence[str], any_of: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in header]
    lowered = [name.lower() for name in names if name]
    if not lowered:
        raise InvalidFile(_FIELD, "it is empty; the first line must name the columns.")
    if twice := next((name for name in lowered if lowered.count(name) > 1), None):
        raise InvalidFile(_FIELD, f"the column {twice!r} is there twice.")
    if any_of and not any(name in lowered for name in any_of):
        wanted = " or ".join(repr(name) for name in any_of)
        raise InvalidFile(
            _FIELD, f"no column is named {wanted}; the columns are {', '.join(filter(None, names))}."
        )
    return names


def _delimiter(lines: "_Lines") -> str:
    """The separator of the header line. Excel may name it in a line of its own (`sep=;`), which is taken away."""
    first = lines.peek()
    if hint := _EXCEL_HINT.fullmatch(first):
        next(lines)
        return hint.group(1)
    outside_quotes = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=outside_quotes.count)


class _Lines:
    """The lines of a binary file as text, with their ends, which csv needs inside quotes."""

    def __init__(self, file: BinaryIO) -> None:
        self.number = 0
        self._text = ""
        self._file = file
        head = file.read(CHUNK)
        bom, self._encoding = next((pair for pair in _BOMS if head.startswith(pair[0])), (b"", "utf-8"))
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._text = self._decoded(head[len(bom) :], final=not head)
        self._ended = not head
        self._taken = 0
        self._record_size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        end = self._end_of_line()
        line = self._text[self._taken : end]
        if not line:
            raise StopIteration
        self._taken = end
        self.number += 1
        self._record_size += len(line)
        self._check_size(self._record_size)
        if "\0" in line:
            raise InvalidFile(_FIELD, f"line {self.number} is not plain text. {_SAVE_AS}")
        return line

    def peek(self) -> str:
        """The next line, which stays."""
        return self._text[self._taken : self._end_of_line()]

    def begin_record(self) -> None:
        """What follows belongs to another row."""
        self._record_size = 0

    def _end_of_line(self) -> int:
        searched = self._taken
        while True:
            found = _LINE_END.search(self._text, searched)
            # A \r at the very end may be the first half of \r\n.
            if found and (found.end() < len(self._text) or self._ended):
                return found.end()
            if self._ended:
                return len(self._text)
            searched = max(len(self._text) - self._taken - 1, 0)
            self._check_size(searched)
            self._refill()

    def _refill(self) -> None:
        chunk = self._file.read(CHUNK)
        self._ended = not chunk
        rest = self._text[self._taken :]
        self._taken = 0
        self._text = rest  # what a bad byte's line number is counted from
        self._text += self._decoded(chunk, final=self._ended)

    def _decoded(self, chunk: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            before = self._text + error.object[: error.start].decode(self._encoding)
            line = self.number + len(_LINE_END.findall(before)) + 1
            raise InvalidFile(
                _FIELD, f"line {line} is not text in {self._encoding.upper()}. {_SAVE_AS}"
            ) from error

    def _check_size(self, size: int) -> None:
        if size > RECORD_LIMIT:
            line = self.number or 1
            raise InvalidFile(
                _FIELD, f"the row at line {line} is longer than {RECORD_LIMIT} characters; is a quote open?"
            )
