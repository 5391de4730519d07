"""CSV files as people have them: any encoding of the region, any newline, any usual delimiter."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm_tui.domain.errors import Refused
from crm_tui.exchange.csv_lines import LINE_LIMIT, Lines, records
from crm_tui.exchange.table import Record

DELIMITERS = (",", ";", "\t", "|")

_CHUNK = 1 << 18
_HEAD = 1 << 16
_MAGIC = (
    b"PK\x03\x04",
    b"\x89PNG",
    b"\xd0\xcf\x11\xe0",
    b"%PDF",
    b"\x1f\x8b",
    b"\xff\xd8\xff",
    b"GIF8",
    b"Rar!",
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file whose encoding and delimiter are known; ``trusted`` when it decodes without an error."""

    path: Path
    encoding: str
    delimiter: str
    trusted: bool

    def records(self) -> Iterator[Record]:
        """Stream every record, the header included."""
        with _opened(self.path, self.encoding) as text:
            lines = Lines(text, trusted=self.trusted, replaced=_is_utf16(self.encoding))
            yield from records(lines, self.delimiter)


def open_text(path: Path, encoding: str | None, delimiter: str | None) -> TextFile:
    """Find out how a text file is written; Refused when it is none."""
    with path.open("rb") as raw:
        head = raw.read(_HEAD)
    _refuse_binary(path, head)
    name, trusted = _detected(path, head) if encoding is None else (_known(encoding), False)
    if delimiter is None:
        delimiter = _sniffed(path, name)
    elif len(delimiter) != 1 or delimiter in '"\r\n':
        raise Refused("import_bad_delimiter", delimiter=delimiter)
    return TextFile(path, name, delimiter, trusted)


def _refuse_binary(path: Path, head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        binary = head.startswith(codecs.BOM_UTF32_LE)
    else:
        controls = len(_CONTROL.findall(head))
        binary = head.startswith(_MAGIC) or b"\0" in head[:1024] or controls > 8 + len(head) // 100
    if binary:
        raise Refused("import_binary_file", path=path.name)


def _detected(path: Path, head: bytes) -> tuple[str, bool]:
    """Return BOM, else UTF-8, else GB18030, and whether every byte decodes.

    A UTF-8 file with a few damaged bytes often passes as GB18030 and would come in as nonsense: it stays
    UTF-8 as long as it has more good characters than bad bytes; in GB18030 text nearly all are bad.
    """
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, name == "utf-8-sig" and _judged(path) == (True, True)
    is_utf8, strict = _judged(path)
    return ("utf-8" if is_utf8 else "gb18030"), strict


def _judged(path: Path) -> tuple[bool, bool]:
    """Tell whether the bytes are UTF-8 in the main, and whether without one exception."""
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with path.open("rb") as raw:
        while True:
            chunk = raw.read(_CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            if not text.isascii():
                damaged = len(text) - len(_UNDECODED.sub("", text))
                bad += damaged
                good += len(text) - len(text.encode("ascii", "ignore")) - damaged
            if not chunk:
                return good > bad or bad == 0, bad == 0


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # refuses what is a codec but no text encoding, such as base64
    except (LookupError, ValueError):
        raise Refused("import_unknown_encoding", encoding=encoding) from None
    return name


def _sniffed(path: Path, encoding: str) -> str:
    """Return the delimiter that the first line holds most of, quoted parts left out."""
    with _opened(path, encoding) as text:
        line = "\n"
        while line and not line.strip():
            line = text.readline(LINE_LIMIT)
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def _opened(path: Path, encoding: str) -> io.TextIOWrapper:
    errors = "replace" if _is_utf16(encoding) else "surrogateescape"
    return path.open(encoding=encoding, errors=errors, newline="")


def _is_utf16(encoding: str) -> bool:
    return encoding.startswith(("utf-16", "utf-32"))
