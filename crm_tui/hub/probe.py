"""What is tried before a shared file is trusted: whether it is a hub, and whether locks hold on its disk.

SQLite keeps writers apart by the locks of the file system. Some shares say yes to every lock and hold none;
with two writers such a file is malformed within seconds. So one process takes the lock, and another one
must fail to take it.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from crm_tui.domain.errors import Refused
from crm_tui.store.engine import BUSY_MILLISECONDS, storage_refusal
from crm_tui.store.file_checks import check_file, set_foreign_log_aside

_PATIENCE = 30.0
_KEPT_OUT = 3
_OTHER = f"""
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], uri=True, timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    sys.exit({_KEPT_OUT} if "locked" in str(error) else 1)
"""


def check_locks(folder: Path, *, vfs: str = "") -> None:
    """Try in a folder whether a lock of this process keeps another process out.

    ``vfs`` names another way of SQLite's to reach files than its usual one.

    Raises:
        Refused: share_without_locks (path); database_readonly (path, why) where nothing can be written.
    """
    try:
        with tempfile.TemporaryDirectory(
            prefix=".crm-tui-locks-", dir=folder, ignore_cleanup_errors=True
        ) as own:
            if not _keeps_others_out(Path(own) / "probe.db", vfs):
                raise Refused("share_without_locks", path=str(folder))
    except sqlite3.OperationalError as error:
        raise Refused("share_without_locks", path=str(folder)) from error
    except OSError as error:
        raise Refused("database_readonly", path=str(folder), why=error.strerror or "") from error


def hub_facts(path: Path) -> dict[str, str]:
    """Return what a file says of itself as a hub, without changing it; nothing where it is no hub.

    Raises:
        Refused: hub_damaged (why), database_unreadable, database_busy.
    """
    try:
        check_file(path, for_writing=False)
        set_foreign_log_aside(path)
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as plain:
            plain.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            if not plain.execute("SELECT 1 FROM sqlite_schema WHERE name = 'hub_meta'").fetchone():
                return {}
            return dict(plain.execute("SELECT name, value FROM hub_meta"))
    except Refused as no:
        raise of_hub(no) from no
    except sqlite3.DatabaseError as error:
        refused = storage_refusal(error, path)
        if refused is None:
            raise
        raise of_hub(refused) from error


def of_hub(no: Refused) -> Refused:
    """Return what to tell of a hub's file that was refused: damage is mended there, not at a terminal."""
    return Refused("hub_damaged", why=no.details["why"]) if no.code == "database_damaged" else no


def _keeps_others_out(file: Path, vfs: str) -> bool:
    """Hold the lock of a fresh file and let another process try to take it."""
    uri = file.resolve().as_uri() + (f"?vfs={vfs}" if vfs else "")
    with closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as plain:
        plain.execute("CREATE TABLE probe (tried INTEGER)")
        plain.execute("BEGIN EXCLUSIVE")
        other = subprocess.run(  # noqa: S603 - our own words, run by the interpreter that runs us
            [sys.executable, "-I", "-S", "-c", _OTHER, uri],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
        return other.returncode == _KEPT_OUT
