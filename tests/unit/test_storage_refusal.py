"""What SQLite could not do, in words: by its result code, never by what its sentence sounds like."""

import sqlite3
from contextlib import closing

import pytest

from crm_tui.store.engine import storage_refusal


def failed(code, said="not an error"):
    error = sqlite3.OperationalError(said)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (sqlite3.SQLITE_CORRUPT, "database_damaged"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "database_damaged"),
        (sqlite3.SQLITE_NOTADB, "database_damaged"),
        (sqlite3.SQLITE_FULL, "disk_full"),
        (sqlite3.SQLITE_IOERR_WRITE, "disk_full"),
        (sqlite3.SQLITE_IOERR_FSYNC, "disk_full"),
        (sqlite3.SQLITE_IOERR_SHORT_READ, "database_unreadable"),
        (sqlite3.SQLITE_BUSY, "database_busy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database_busy"),
        (sqlite3.SQLITE_LOCKED, "database_busy"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "database_readonly"),
        (sqlite3.SQLITE_CANTOPEN, "database_readonly"),
    ],
)
def test_a_result_code_of_the_storage_has_its_refusal(code, refusal):
    no = storage_refusal(failed(code), "crm.db")
    assert no is not None
    assert no.code == refusal


@pytest.mark.parametrize("mistake", ["SELECT locked FROM t", "SELECT * FROM full", "SELEKT 1"])
def test_a_mistake_of_the_program_is_no_damage_whatever_it_names(mistake):
    with closing(sqlite3.connect(":memory:")) as plain:
        plain.execute("CREATE TABLE t (a)")
        with pytest.raises(sqlite3.OperationalError) as error:
            plain.execute(mistake)
    assert storage_refusal(error.value) is None


def test_a_closed_connection_is_no_damage():
    plain = sqlite3.connect(":memory:")
    plain.close()
    with pytest.raises(sqlite3.ProgrammingError) as error:
        plain.execute("SELECT 1")
    assert storage_refusal(error.value) is None


def test_a_text_of_broken_bytes_is_damage():
    with closing(sqlite3.connect(":memory:")) as plain, pytest.raises(sqlite3.OperationalError) as error:
        plain.execute("SELECT CAST(x'ff' AS TEXT)").fetchone()
    no = storage_refusal(error.value)
    assert no is not None
    assert no.code == "database_damaged"


def test_the_first_failure_counts_not_the_way_back_that_failed_too():
    first, second = failed(sqlite3.SQLITE_FULL), failed(sqlite3.SQLITE_ERROR, "no such savepoint: piece")
    second.__context__ = first
    no = storage_refusal(second)
    assert no is not None
    assert no.code == "disk_full"
