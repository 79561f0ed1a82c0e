"""Rows of a CSV file as people save them: with or without a byte order mark, commas, semicolons or tabs, any case of header.

The file is read in chunks and never held as a whole, whatever it contains.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
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
_WHOLE_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")
_EXCEL_HINT = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)
_SAVE_AS = 'Save the file as "CSV UTF-8" and try again.'


class Row(NamedTuple):
    """One row. `line` is the line of the file on which it starts, the header's being 1.

    original: column name, as it stands in the file, to the cell's text, stripped; "" where the row is too short.
    surplus: filled cells beyond the last column; a sign of an unquoted separator.
    """

    line: int
    original: dict[str, str]
    surplus: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """The same as `original` by lower-cased names."""
        return {name.lower(): text for name, text in self.original.items()}


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
        started = lines.number + 1
        lines.record_size = 0
        for cells in reader:
            stripped = list(map(str.strip, cells))
            if any(stripped):
                yield _row(started, names, stripped)
            started = lines.number + 1
            lines.record_size = 0
    except csv.Error as error:
        raise InvalidFile(_FIELD, f"line {lines.number} cannot be read: {error}.") from error


def _row(line: int, names: Sequence[str], cells: list[str]) -> Row:
    surplus = tuple(filter(None, cells[len(names) :]))
    if len(cells) < len(names):
        cells += [""] * (len(names) - len(cells))
    original = dict(zip(names, cells, strict=False))
    # Columns without a name.
    original.pop("", None)
    return Row(line, original, surplus)


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
    """The lines of a binary file as text, with their ends, which csv needs inside quotes.

    number: of the line that was taken last; record_size: characters since the caller set it to 0, for a new row.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.number = 0
        self.record_size = 0
        self._file = file
        self._rest = ""
        head = file.read(CHUNK)
        bom, self._encoding = next((pair for pair in _BOMS if head.startswith(pair[0])), (b"", "utf-8"))
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._ended = not head
        self._is_plain = True
        self._whole: Iterator[str] = iter(())
        self._take_in(head[len(bom) :])

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._whole, "") or self._read_on()
        if not line:
            raise StopIteration
        self.number += 1
        self.record_size += len(line)
        if self.record_size > RECORD_LIMIT:
            raise self._too_long()
        if not self._is_plain and "\0" in line:
            raise InvalidFile(_FIELD, f"line {self.number} is not plain text. {_SAVE_AS}")
        return line

    def peek(self) -> str:
        """The next line, which stays."""
        line = next(self._whole, "") or self._read_on()
        self._whole = chain([line], self._whole)
        return line

    def _read_on(self) -> str:
        """The first line of what follows in the file; "" at its end."""
        while not self._ended:
            if len(self._rest) > RECORD_LIMIT:
                raise self._too_long()
            chunk = self._file.read(CHUNK)
            self._ended = not chunk
            self._take_in(chunk)
            if line := next(self._whole, ""):
                return line
        return ""

    def _take_in(self, chunk: bytes) -> None:
        """All whole lines of a chunk at once: one by one they cost several times as much."""
        text = self._rest + self._decoded(chunk, final=self._ended)
        end = max(text.rfind("\n"), text.rfind("\r")) + 1
        lines = _WHOLE_LINE.findall(text, 0, end)
        # A \r at the very end may be the first half of \r\n.
        if end == len(text) and text.endswith("\r") and not self._ended:
            end -= len(lines.pop())
        self._rest = text[end:]
        if self._ended and self._rest:
            lines.append(self._rest)
        self._is_plain = "\0" not in text
        self._whole = iter(lines)

    def _decoded(self, chunk: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            before = self._rest + error.object[: error.start].decode(self._encoding)
            line = self.number + len(_LINE_END.findall(before)) + 1
            raise InvalidFile(
                _FIELD, f"line {line} is not text in {self._encoding.upper()}. {_SAVE_AS}"
            ) from error

    def _too_long(self) -> InvalidFile:
        told = (
            f"the row at line {self.number or 1} is longer than {RECORD_LIMIT} characters; is a quote open?"
        )
        return InvalidFile(_FIELD, told)
