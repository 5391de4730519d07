"""What can be said of a database file before SQLite is let near it: reading bytes only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from crm_tui.domain.errors import Refused

MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_LOG_HEADER, _FRAME_HEADER = 32, 24
_LARGEST_PAGE = 65_536


def check_file(path: Path, *, for_writing: bool = True) -> None:
    """Refuse a file that is not ours to open; make an empty one for its owner alone where there is none.

    Raises:
        Refused: database_damaged, database_unreadable, database_readonly.
    """
    try:
        if for_writing and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            return
        with path.open("rb") as stream:
            head = stream.read(_HEADER)
        size = path.stat().st_size
    except PermissionError as error:
        code = "database_unreadable" if path.exists() else "database_readonly"
        raise Refused(code, path=str(path), why=error.strerror or "") from error
    except OSError as error:
        raise Refused("database_unreadable", path=str(path), why=error.strerror or "") from error
    if head and not head.startswith(MAGIC):
        raise Refused("database_damaged", path=str(path), why="not a database")
    if head and size < promised_size(head) and not _log_of(path).is_file():
        raise Refused("database_damaged", path=str(path), why="cut short")
    if for_writing and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise Refused("database_readonly", path=str(path), why="no right to write")


def file_number(path: Path) -> int:
    """Return the number that this program gave the file when it was made; 0: none."""
    with path.open("rb") as stream:
        return _number_in(stream.read(_HEADER))


def set_foreign_log_aside(path: Path) -> Path | None:
    """Move a write-ahead log that another database wrote out of the way; return where it went.

    SQLite would play it into this file: its salts tie the frames to the log, not the log to a file.
    """
    log = _log_of(path)
    ours = file_number(path)
    if not ours or all(number in {0, ours} for number in _numbers_in_log(log)):
        return None
    aside = log.with_name(f"{log.name}.foreign")
    log.replace(aside)
    log.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def promised_size(head: bytes) -> int:
    """Return how many bytes the header says the file has (file format, 1.3); 0: none."""
    size = int.from_bytes(head[16:18])
    return (_LARGEST_PAGE if size == 1 else size) * int.from_bytes(head[28:32])


def _number_in(head: bytes) -> int:
    return int.from_bytes(head[68:72])


def _numbers_in_log(log: Path) -> Iterator[int]:
    """Return the file number in every frame of the log's present run that holds the first page."""
    try:
        stream = log.open("rb")
    except FileNotFoundError:
        return
    with stream:
        head = stream.read(_LOG_HEADER)
        page_size, salts, at = int.from_bytes(head[8:12]), head[16:24], _LOG_HEADER
        while page_size and stream.seek(at) == at:
            frame = stream.read(_FRAME_HEADER)
            if len(frame) < _FRAME_HEADER or frame[8:16] != salts:
                return
            if int.from_bytes(frame[:4]) == 1:
                yield _number_in(stream.read(_HEADER))
            at += _FRAME_HEADER + page_size
