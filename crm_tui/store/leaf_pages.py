"""Reading the rows of a database file page by page, where its tree is broken (file format, 1.6 and 2).

A table's rows stand on leaf pages that each say for themselves what they hold: they can be read
although the pages above, which SQLite goes through, are lost. Which table a page belonged to is not
written on it: the caller has to know the rows by what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

Value = int | str | bytes | None

PAGE_SIZE = 4_096
"""Bytes a page has where the head of the file is lost too: what SQLite gives a new file."""
_HEAD = 100
_LEAF = 0x0D
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)
_ZERO, _ONE, _BLOB = 8, 9, 12


def leaf_rows(path: Path, least: int) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Yield (rowid, values) of every row with at least so many columns that can be read, page after page.

    Pages that were given up hold rows that were deleted or moved since: the same rowid may come twice.
    Rows with real numbers are passed over: no table of ours has any.
    """
    with path.open("rb") as stream:
        pages = _Pages(stream)
        for number in range(1, pages.count + 1):
            page = pages.read(number)
            start = _HEAD if number == 1 else 0
            if page[start : start + 1] != bytes((_LEAF,)):
                continue
            cells = int.from_bytes(page[start + 3 : start + 5])
            for at in range(start + 8, min(start + 8 + 2 * cells, len(page) - 1), 2):
                try:
                    rowid, payload = pages.cell(page, int.from_bytes(page[at : at + 2]))
                    yield rowid, _values(payload, least)
                except (ValueError, IndexError):
                    continue


class _Pages:
    """The pages of a file, numbered from 1."""

    def __init__(self, stream: BinaryIO) -> None:
        head = stream.read(_HEAD)
        size = int.from_bytes(head[16:18])
        sound = size == 1 or (size >= 512 and size & (size - 1) == 0)
        self.size = (65_536 if size == 1 else size) if sound else PAGE_SIZE
        self.usable = self.size - (head[20] if sound else 0)
        self.count = -(-stream.seek(0, 2) // self.size)
        self._stream = stream

    def read(self, number: int) -> bytes:
        """Return a page; shorter where the file is cut."""
        self._stream.seek((number - 1) * self.size)
        return self._stream.read(self.size)

    def cell(self, page: bytes, at: int) -> tuple[int, bytes]:
        """Return the rowid and the payload of a cell; raises ValueError, IndexError where it is broken."""
        length, at = _varint(page, at)
        rowid, at = _varint(page, at)
        if length > self.count * self.size:
            raise ValueError(length)
        here = self._local(length)
        payload = page[at : at + here]
        following = int.from_bytes(page[at + here : at + here + 4]) if here < length else 0
        while len(payload) < length:
            if not 0 < following <= self.count:
                raise ValueError(following)
            more = self.read(following)
            following = int.from_bytes(more[:4])
            payload += more[4 : self.usable]
            if len(more) < self.size:
                break
        if len(payload) < length:
            raise ValueError(length)
        return rowid - (rowid >> 63 << 64), payload[:length]

    def _local(self, length: int) -> int:
        """Return how many bytes of a payload stand on the leaf itself."""
        if length <= self.usable - 35:
            return length
        least = (self.usable - 12) * 32 // 255 - 23
        wanted = least + (length - least) % (self.usable - 4)
        return wanted if wanted <= self.usable - 35 else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to nine bytes and where the next thing begins."""
    value = 0
    for place in range(8):
        byte = data[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # the highest bit says that there is more
            return value, at + place + 1
    return value << 8 | data[at + 8], at + 9


def _values(payload: bytes, least: int) -> tuple[Value, ...]:
    """Return the columns of a record; raises ValueError where there are fewer than ``least``."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if len(kinds) < least or at != end:
        raise ValueError(least)
    values = []
    for kind in kinds:
        size = _size(kind)
        values.append(_value(kind, payload[at : at + size]))
        at += size
    return tuple(values)


def _size(kind: int) -> int:
    if kind < len(_INTEGER_BYTES):
        return _INTEGER_BYTES[kind]
    if kind >= _BLOB:
        return (kind - _BLOB) // 2
    if kind in {_ZERO, _ONE}:
        return 0
    raise ValueError(kind)


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in {_ZERO, _ONE}:
        return kind - _ZERO
    if kind < _BLOB:
        return int.from_bytes(data, signed=True)
    return data.decode("utf-8") if kind % 2 else data
