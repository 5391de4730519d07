"""The form in which messages travel: JSON by msgspec, packed with zstd, or gzip where that is not spoken."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TypeVar

import msgspec
import zstandard

from crm_tui.sync.messages import HubError, Say

T = TypeVar("T")

ZSTD, GZIP = "zstd", "gzip"
SMALL = 1_024
"""Up to this many bytes nothing is packed."""
LARGEST = 64 * 1024 * 1024
"""The most bytes that a message may unpack to: a page of a pull is far below it."""

_PART = 256 * 1024


def pack(body: bytes, spoken: str) -> tuple[bytes, str]:
    """Return the bytes as they travel and the name of their packing, empty for none.

    ``spoken`` is an Accept-Encoding header.
    """
    if len(body) <= SMALL:
        return body, ""
    if ZSTD in spoken:
        return zstandard.ZstdCompressor(level=3).compress(body), ZSTD
    if GZIP in spoken:
        return gzip.compress(body, compresslevel=1, mtime=0), GZIP
    return body, ""


def unpack(body: bytes, packing: str, largest: int = LARGEST) -> bytes:
    """Return the message of bytes that have travelled; raises HubError MALFORMED, TOO_LARGE."""
    if not packing or packing == "identity":
        return body
    try:
        return _read(body, packing, largest)
    except (zstandard.ZstdError, zlib.error, OSError, EOFError) as error:
        raise HubError(Say.MALFORMED) from error


def read(body: bytes, kind: type[T]) -> T:
    """Return the message that JSON text says; raises HubError MALFORMED."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HubError(Say.MALFORMED) from error


def write(message: object) -> bytes:
    """Return a message as JSON text."""
    return msgspec.json.encode(message)


def _read(body: bytes, packing: str, largest: int) -> bytes:
    """Unpack no more than is allowed: a few bytes may stand for gigabytes."""
    stream: io.BufferedIOBase | zstandard.ZstdDecompressionReader
    if packing == ZSTD:
        unpacking = zstandard.ZstdDecompressor(max_window_size=LARGEST)
        stream = unpacking.stream_reader(io.BytesIO(body))
    elif packing == GZIP:
        stream = gzip.GzipFile(fileobj=io.BytesIO(body))
    else:
        raise HubError(Say.MALFORMED)
    found = bytearray()
    with stream:
        while part := stream.read(_PART):
            found += part
            if len(found) > largest:
                raise HubError(Say.TOO_LARGE)
    return bytes(found)
