"""What destroys database files elsewhere, done to ours: refused with a sentence, never made worse.

The cases are those of the shared table ``corruption`` (DB-01 …), with files of our own.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.desk import Desk
from crm_tui.domain.errors import Refused
from crm_tui.store.backup import backup, restore
from crm_tui.store.engine import check_integrity, for_writing, open_engine
from crm_tui.store.file_checks import file_number, set_foreign_log_aside
from crm_tui.store.leaf_pages import leaf_rows
from crm_tui.store.rescue import export_outbox, rescue_outbox
from crm_tui.store.tables import customer

resource = pytest.importorskip("resource", reason="limits, forks and rights of files as POSIX has them")


@pytest.fixture
def path(office, database, tmp_path) -> Path:
    """The closed file of an organisation with forty customers."""
    for n in range(40):
        office.customer(f"Customer {n}", note="x" * 400)
    database.dispose()
    return tmp_path / "home" / "crm.db"


def _names(path: Path) -> set[str]:
    engine = open_engine(path)
    with engine.connect() as connection:
        names = set(connection.execute(select(customer.c.name)).scalars())
    engine.dispose()
    return names


def _refusal(path: Path) -> Refused:
    with pytest.raises(Refused) as no:
        open_engine(path)
    for language in i18n.LANGUAGES:
        i18n.use(language)
        assert i18n.t(f"refused.{no.value.code}", **no.value.details)
    return no.value


def test_a_file_with_another_head_is_refused_and_left_as_it_is(path):
    with path.open("r+b") as stream:
        stream.write(b"\x00" * 16)
    before = path.read_bytes()
    assert _refusal(path).code == "database_damaged"
    assert len(rescue_outbox(path)) > 40
    assert path.read_bytes() == before


def test_a_file_cut_in_half_is_found_and_its_readable_commands_are_saved(path, tmp_path, open_desk):
    many = (CreateCustomer(name=f"More {n}", note="y" * 3900) for n in range(100))
    open_desk(path).carry_out(*many)
    with closing(sqlite3.connect(path)) as plain:
        (written,) = plain.execute("SELECT count(*) FROM outbox").fetchone()
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.with_name("crm.db-wal").unlink()
    os.truncate(path, path.stat().st_size // 2)
    before = path.read_bytes()
    assert _refusal(path).code == "database_damaged"
    assert check_integrity_or_refusal(path)
    saved = tmp_path / "rescued.jsonl"
    assert export_outbox(path, saved) == len(rescue_outbox(path))
    rows = [json.loads(line) for line in saved.read_text("utf-8").splitlines()]
    assert 0 < len(rows) <= written
    assert all(isinstance(row["args"], dict) for row in rows)
    assert path.read_bytes() == before


def test_commands_on_pages_that_nothing_leads_to_any_more_are_saved(path):
    before = rescue_outbox(path)
    with closing(sqlite3.connect(path)) as plain:
        (root,) = plain.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'").fetchone()
    with path.open("r+b") as stream:
        stream.write(bytes(4096))
        stream.seek(4096 * (root - 1))
        stream.write(bytes(4096))
    assert len(before) > 40
    assert rescue_outbox(path) == before


def test_a_row_as_long_as_many_pages_is_read_from_its_pages(tmp_path):
    path = tmp_path / "long.db"
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b, c, d)")
        plain.execute("INSERT INTO t VALUES (7, ?, -300, NULL)", ["长" * 9000])
        plain.execute("INSERT INTO t VALUES (-8, x'00ff', 1, 0)")
    rows = [row for row in leaf_rows(path, 4) if row[1][0] is None]
    assert rows == [(-8, (None, b"\x00\xff", 1, 0)), (7, (None, "长" * 9000, -300, None))]


@pytest.mark.parametrize("noise", [b"", b"x", b"\x0d\xff\x81\x00" * 10_000])
def test_nothing_is_read_from_noise(noise, tmp_path):
    path = tmp_path / "noise.db"
    path.write_bytes(noise)
    assert rescue_outbox(path) == []
    assert path.read_bytes() == noise


def check_integrity_or_refusal(path: Path) -> list[str]:
    try:
        return check_integrity(path)
    except Refused as no:
        return [no.code]


def test_pages_of_noise_in_the_middle_are_found_and_reading_them_is_a_refusal(path, clock):
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096 * 3)
        stream.write(os.urandom(size - 4096 * 4))
    assert check_integrity(path)
    with pytest.raises(Refused) as no:
        Desk.open(path, clock=clock).answer_anyone(lambda tx: tx.rows(select(customer)))
    assert no.value.code == "database_damaged"


def test_the_log_of_another_database_is_set_aside(path, tmp_path):
    other = tmp_path / "other" / "crm.db"
    engine = open_engine(other)
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('foreign', 'row')")
    foreign = other.with_name("crm.db-wal").read_bytes()
    engine.dispose()
    names = _names(path)
    path.with_name("crm.db-wal").write_bytes(foreign)
    assert _names(path) == names
    engine = open_engine(path)
    with engine.connect() as connection:
        known = connection.exec_driver_sql("SELECT name FROM meta").scalars().all()
    engine.dispose()
    assert "foreign" not in known
    assert check_integrity(path) == []
    assert path.with_name("crm.db-wal.foreign").read_bytes() == foreign


def test_a_log_of_its_own_is_kept_and_played(path, tmp_path):
    engine = open_engine(path)
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('late', 'row')")
    copy = tmp_path / "crashed" / "crm.db"
    copy.parent.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(path.with_name(f"crm.db{ending}"), copy.with_name(f"crm.db{ending}"))
    engine.dispose()
    assert set_foreign_log_aside(copy) is None
    engine = open_engine(copy)
    with engine.connect() as connection:
        assert "late" in connection.exec_driver_sql("SELECT name FROM meta").scalars().all()
    engine.dispose()


def test_every_file_has_a_number_of_its_own(tmp_path):
    numbers = set()
    for name in "abc":
        open_engine(tmp_path / name).dispose()
        numbers.add(file_number(tmp_path / name))
    assert len(numbers) == 3
    assert 0 not in numbers


def test_a_file_replaced_while_open_gets_nothing_written_and_nothing_is_acknowledged(path, clock):
    desk = Desk.open(path, clock=clock)
    path.rename(path.with_name("moved.db"))
    with pytest.raises(Refused) as no:
        desk.answer_anyone(lambda tx: tx.rows(select(customer)))
    assert no.value.code == "database_moved"
    fresh = open_engine(path)
    with pytest.raises(Refused) as no, desk._books.write() as tx:
        tx.insert(customer)
    assert no.value.code == "database_moved"
    fresh.dispose()
    desk.close()
    assert _names(path) == set()
    assert len(_names(path.with_name("moved.db"))) == 40


def test_a_link_and_the_real_path_are_the_same_file_with_the_same_log(path, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    engine = open_engine(link)
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('by', 'link')")
        assert path.with_name("crm.db-wal").exists()
        assert not tmp_path.joinpath("link.db-wal").exists()
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as second,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            second.execute("BEGIN IMMEDIATE")
    engine.dispose()


def _in_child(desk: Desk, pipe: object) -> None:
    try:
        desk.answer_anyone(lambda tx: tx.rows(select(customer)))
    except Refused as no:
        pipe.send(no.code)  # type: ignore[attr-defined]
    else:
        pipe.send("used")  # type: ignore[attr-defined]
    os._exit(0)  # a forked copy must not tidy up the parent's connections


def test_a_forked_process_never_uses_the_connection_it_inherited(path, clock):
    desk = Desk.open(path, clock=clock)
    desk.answer_anyone(lambda tx: tx.rows(select(customer)))
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_in_child, args=(desk, there))
    child.start()
    assert here.recv() == "database_forked"
    child.join()
    assert len(desk.answer_anyone(lambda tx: tx.rows(select(customer)))) == 40
    desk.close()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of four megabytes, outside of pytest's own folders."""
    disk = Path(tempfile.mkdtemp(prefix="crm-tui-disk-"))
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        disk.rmdir()
        pytest.skip("no right to mount a small disk here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)
    disk.rmdir()


@pytest.fixture
def open_desk(office, clock) -> Iterator[Callable[[Path], Desk]]:
    """The way to a counter with one customer called Kept; closed afterwards."""
    opened: list[Desk] = []

    def open_there(path: Path) -> Desk:
        opened.append(Desk.open(path, clock=clock))
        opened[-1].log_in(office.people["6001"], office.pin)
        opened[-1].carry_out(CreateCustomer(name="Kept"))
        return opened[-1]

    yield open_there
    for desk in opened:
        desk.close()


def test_a_full_disk_refuses_the_save_and_changes_nothing(path, small_disk, open_desk):
    there = small_disk / "crm.db"
    shutil.copy(path, there)
    desk = open_desk(there)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        for _ in range(10_000):
            stream.write(b"x" * 4096)
    _refused_and_saved_later(desk, filler.unlink)


def test_a_file_that_may_not_grow_refuses_the_save_and_changes_nothing(path, open_desk):
    desk = open_desk(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 8, hard))
    try:
        _refused_and_saved_later(desk, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _refused_and_saved_later(desk: Desk, relieve: Callable[[], object]) -> None:
    """Save until the disk is full: everything acknowledged stands, then it goes on where it stopped."""

    def kept() -> Row[Any]:
        (row,) = desk.answer_anyone(lambda tx: tx.rows(select(customer).where(customer.c.name == "Kept")))
        return row

    customer_id, note, code = kept().id, "", ""
    for n in range(400):
        more = f"{n} " + "y" * 3000
        try:
            desk.carry_out(EditCustomer(customer_id=customer_id, note=more))
        except Refused as no:
            code = no.code
            break
        note = more
    assert code == "disk_full"
    assert kept().note == note
    relieve()
    (verdict,) = desk.carry_out(EditCustomer(customer_id=customer_id, note="after"))
    assert verdict.applied
    assert kept().note == "after"


OPENING = """
import os, sys
from pathlib import Path
from typing import Any
from crm_tui.domain.errors import Refused
from crm_tui.store.engine import open_engine
if os.geteuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
try:
    open_engine(Path(sys.argv[1]))
except Refused as no:
    print(no.code)
"""


@pytest.mark.parametrize(
    ("of_file", "of_folder", "expected"),
    [
        (0o444, 0o777, {"database_readonly"}),
        (0o000, 0o777, {"database_unreadable"}),
        (0o666, 0o555, {"database_readonly"}),
    ],
)
def test_a_file_or_folder_without_the_right_to_write_is_a_sentence(path, of_file, of_folder, expected):
    folder = Path(tempfile.mkdtemp(prefix="crm-tui-"))
    there = folder / "crm.db"
    shutil.copy(path, there)
    there.chmod(of_file)
    folder.chmod(of_folder)
    told = subprocess.run(
        [sys.executable, "-c", OPENING, str(there)],
        capture_output=True,
        text=True,
        check=False,
    )
    folder.chmod(0o700)
    shutil.rmtree(folder)
    assert told.stderr == ""
    assert {told.stdout.strip()} == expected


def test_what_is_promised_of_a_connection_is_so_at_run_time(database):
    for engine in (database, for_writing(database)):
        with engine.connect() as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("foreign_keys", "synchronous", "journal_mode", "busy_timeout")
            }
        assert found == {"foreign_keys": 1, "synchronous": 2, "journal_mode": "wal", "busy_timeout": 5000}


def test_a_backup_is_whole_and_a_restore_keeps_the_damaged_file(path, tmp_path):
    saved = backup(path, tmp_path / "backups" / "one.db")
    assert check_integrity(saved) == []
    assert saved.stat().st_mode & 0o077 == 0
    names = _names(path)
    path.write_bytes(b"ruined")
    aside = restore(saved, path)
    assert aside == path.with_name("crm.db.damaged-1")
    assert aside.read_bytes() == b"ruined"
    assert _names(path) == names


def test_a_sound_file_is_put_aside_under_a_name_that_says_so_with_all_that_was_in_its_log(path, tmp_path):
    saved = backup(path, tmp_path / "one.db")
    engine = open_engine(path)
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('late', 'row')")
    crashed = tmp_path / "crashed" / "crm.db"
    crashed.parent.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(path.with_name(f"crm.db{ending}"), crashed.with_name(f"crm.db{ending}"))
    engine.dispose()
    aside = restore(saved, crashed)
    assert aside == crashed.with_name("crm.db.replaced-1")
    assert {one.name for one in crashed.parent.iterdir()} == {"crm.db", "crm.db.replaced-1"}
    with closing(sqlite3.connect(aside)) as plain:
        assert plain.execute("SELECT value FROM meta WHERE name = 'late'").fetchone() == ("row",)
    assert restore(saved, crashed) == crashed.with_name("crm.db.replaced-2")


def test_a_backup_holds_what_was_saved_while_the_program_runs(path, tmp_path, clock, office):
    desk = Desk.open(path, clock=clock)
    desk.log_in(office.people["6001"], office.pin)
    desk.carry_out(CreateCustomer(name="Just now"))
    saved = backup(path, tmp_path / "one.db")
    desk.close()
    assert "Just now" in _names(saved)


def test_a_backup_never_replaces_another_file(path, tmp_path):
    there = tmp_path / "one.db"
    there.write_text("precious")
    with pytest.raises(Refused) as no:
        backup(path, there)
    assert no.value.code == "backup_exists"
    assert there.read_text() == "precious"


def test_a_backup_that_cannot_be_written_is_refused_in_words(path, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Refused) as no:
        backup(path, tmp_path / "file" / "one.db")
    assert no.value.code == "backup_unwritable"


@pytest.mark.parametrize("made", ["CREATE TABLE places (id)", ""])
def test_a_database_of_another_program_is_not_taken_for_a_backup(made, path, tmp_path):
    before = path.read_bytes()
    with closing(sqlite3.connect(tmp_path / "other.db")) as plain:
        plain.execute(made)
    with pytest.raises(Refused) as no:
        restore(tmp_path / "other.db", path)
    assert no.value.code == "backup_foreign"
    assert path.read_bytes() == before
    assert not path.with_name("crm.db.restored").exists()


def test_a_damaged_or_missing_backup_changes_nothing(path, tmp_path):
    before = path.read_bytes()
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"not a database at all")
    for saved, code in ((bad, "backup_damaged"), (tmp_path / "none.db", "backup_missing")):
        with pytest.raises(Refused) as no:
            restore(saved, path)
        assert no.value.code == code
    assert path.read_bytes() == before


def test_a_reference_that_leads_nowhere_is_damage_but_at_a_terminal_that_has_a_part_of_the_rows(
    office, database
):
    customer_id = office.customer()
    office.deal(customer_id)
    path = Path(database.url.database)
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("UPDATE deal SET customer_id = 'elsewhere'")
        plain.commit()
        assert check_integrity(path) == ["deal: customer"]
        plain.execute("INSERT INTO meta VALUES ('hub_url', 'http://10.2.0.5:8765')")
        plain.commit()
    assert check_integrity(path) == []
