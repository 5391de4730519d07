"""Where the pages of a pull wait until the last one has come: in memory, or in a temporary file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

import msgspec

from crm_tui.sync.messages import PullAnswer

_LENGTH = struct.Struct(">Q")


class Spool:
    """Pages one behind the other; a terminal that dies before the last one asks for them again."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @property
    def empty(self) -> bool:
        """Tell whether no page was kept."""
        self._file.seek(0, 2)
        return self._file.tell() == 0

    def keep(self, page: PullAnswer) -> None:
        """Add a page."""
        body = msgspec.msgpack.encode(page)
        self._file.seek(0, 2)
        self._file.write(_LENGTH.pack(len(body)) + body)

    def read(self) -> Iterator[PullAnswer]:
        """Yield the pages in order, one in memory at a time."""
        self._file.seek(0)
        while length := self._file.read(_LENGTH.size):
            yield msgspec.msgpack.decode(self._file.read(_LENGTH.unpack(length)[0]), type=PullAnswer)
