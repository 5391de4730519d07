"""A hub on a server, saved as a file and put back: onto the server, or moved from one database to another."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner, Result

from crm_tui import i18n
from crm_tui.cli.program import build_program
from crm_tui.commands.customers import CreateCustomer
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts, backups, postgres, recovery
from crm_tui.hub.authority import Authority
from crm_tui.hub.backups import back_up, put_back
from crm_tui.hub.books import HubBooks, meta_value
from crm_tui.hub.copying import WHOLE, digests_of
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import device
from crm_tui.hub.verify import BAD, UNKNOWN, digest, verify
from crm_tui.store.backup import backup
from crm_tui.store.outbox import fact
from crm_tui.store.tables import customer
from crm_tui.store.transaction import Transaction
from crm_tui.sync.joining import membership
from crm_tui.sync.messages import HubError

pytestmark = pytest.mark.postgres
on_both = pytest.mark.parametrize("hub_kind", ["sqlite", "postgresql"], indirect=True)
on_a_server = pytest.mark.parametrize("hub_kind", ["postgresql"], indirect=True)


@pytest.fixture
def hub(authority: Authority, office: Any, tmp_path: Path, organise: Any) -> Iterator[Any]:
    """An organisation with a hub and two terminals at it."""
    made = organise(authority, office, tmp_path)
    made.terminal("till", log_in="6001")
    made.terminal("desk", log_in="6002")
    yield made
    made.authority.books.close()
    for terminal in made.terminals.values():
        terminal.hub.close()
        terminal.desk.close()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "saves" / "saved.db"


@pytest.fixture
def moved_to(
    request: pytest.FixtureRequest, postgres_server: str, hub_kind: str, tmp_path: Path
) -> Iterator[str]:
    """A place for the hub on the other kind of database, where there is nothing yet."""
    if hub_kind == "postgresql":
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'hub.db'}"
        return
    name = "moved_" + os.environ.get("PYTEST_XDIST_WORKER", "only")
    request.getfixturevalue("drop_database")(name)
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.replace("/postgres?", f"/{name}?", 1)
    request.getfixturevalue("drop_database")(name)


def everything(books: HubBooks) -> dict[str, str]:
    """Return a fingerprint of everything that the hub keeps."""
    with books.read() as tx:
        return digests_of(tx, WHOLE)


def reach(hub: Any, authority: Authority) -> None:
    """Let every terminal of an organisation work with a hub that was opened anew."""
    hub.authority = authority
    for terminal in hub.terminals.values():
        with terminal.desk._books.read() as tx:
            member = membership(tx)
        assert member is not None
        terminal.hub = SharedHub(authority, member.device_id, member.secret)
        terminal.link = Link(terminal.desk._books, terminal.hub, machine=terminal.name)


def come_again(hub: Any) -> None:
    """Let every terminal send again what it has, and hear what has become of it."""
    for _ in range(3):
        for terminal in hub.terminals.values():
            with contextlib.suppress(HubError):
                terminal.sync()


def refusal_of(work: Callable[[], object]) -> Refused:
    """Return the refusal with which some work ends; it has a sentence in each language."""
    with pytest.raises(Refused) as no:
        work()
    for language in i18n.LANGUAGES:
        i18n.use(language)
        assert i18n.t(f"refused.{no.value.code}", **no.value.details)
    return no.value


@on_a_server
def test_the_file_is_the_hub_as_it_was_and_verifies(hub: Any, hub_place: str, saved: Path) -> None:
    till = hub.terminals["till"]
    made = till.give(CreateCustomer(name="甲", phones=("13900001111",), tags=("老客", "VIP")))
    till.give(hub.office.spoken(made["customer_id"]))
    accounts.invite_terminal(hub.authority.books, hub.units["Jingan"], "next")
    hub.quiet()
    before = everything(hub.authority.books)
    told: list[int] = []
    assert back_up(hub.authority.books, hub_place, saved, told.append) == saved
    assert told == sorted(told)
    assert [one.name for one in saved.parent.iterdir()] == ["saved.db"]
    assert saved.stat().st_mode & 0o077 == 0
    books = HubBooks.open(f"sqlite:///{saved}", clock=hub.clock)
    assert everything(books) == before
    assert [one.name for one in verify(books) if one.state in {BAD, UNKNOWN}] == ["replay"]
    books.close()


@on_a_server
def test_what_is_committed_while_a_backup_is_made_is_not_said_to_be_in_it(
    hub: Any, hub_place: str, saved: Path
) -> None:
    till, desk = hub.terminals["till"], hub.terminals["desk"]
    till.give(CreateCustomer(name="之前"))
    hub.quiet()

    def meanwhile(_rows: int) -> None:
        if not desk.outbox():
            desk.give(CreateCustomer(name="其间"))
            desk.sync()

    back_up(hub.authority.books, hub_place, saved, meanwhile)
    assert [row.state for row in desk.outbox()] == ["applied"]
    assert (hub.device(till).safe_seq, hub.device(till).last_seq) == (1, 1)
    assert (hub.device(desk).safe_seq, hub.device(desk).last_seq) == (0, 1)
    with closing(sqlite3.connect(saved)) as plain:
        assert plain.execute("SELECT name FROM customer").fetchall() == [("之前",)]
    hub.clock.move(days=40)
    hub.quiet()
    assert (till.outbox(), len(desk.outbox())) == ([], 1)


@on_both
def test_a_hub_moves_to_the_other_kind_of_database_and_loses_nothing(
    hub: Any, hub_place: str, saved: Path, moved_to: str, ids: Any
) -> None:
    till, desk = hub.terminals["till"], hub.terminals["desk"]
    till.give(CreateCustomer(name="甲", phones=("13900001111",)))
    till.sync()
    back_up(hub.authority.books, hub_place, saved)
    desk.give(CreateCustomer(name="乙", phones=("13900001111",)))  # the number is taken: to be looked at
    hub.quiet()
    answered = {row.cmd_id for row in hub.log()}
    before = digest(hub.authority.books)
    hub.authority.books.close()
    assert put_back(saved, moved_to, hub.clock) is None
    books = HubBooks.open(moved_to, clock=hub.clock)
    assert recovery.state(books).waits_for == ("desk", "till")
    reach(hub, Authority(books, ids))
    come_again(hub)
    assert not recovery.state(books).recovering
    assert recovery.state(books).flips == ()
    assert {row.cmd_id for row in hub.log()} == answered
    assert digest(books) == before
    assert [one.name for one in verify(books) if one.state == BAD] == []
    assert till.everything() == desk.everything() == hub.everything()
    again = saved.with_name("again.db")
    back_up(books, moved_to, again)
    assert all(hub.device(one).safe_seq == hub.device(one).last_seq for one in (till, desk))
    hub.clock.move(days=40)
    hub.quiet()
    assert till.outbox() == []
    assert [row.state for row in desk.outbox()] == ["flagged"], "somebody has to look at it first"


@on_both
def test_a_hub_that_is_put_on_a_share_knows_it_whoever_opens_it_and_how(
    hub: Any, hub_place: str, saved: Path, share: Path
) -> None:
    back_up(hub.authority.books, hub_place, saved)
    put_back(saved, (share / "hub.db").as_uri(), hub.clock)
    books = HubBooks.open(f"sqlite:///{share / 'hub.db'}", clock=hub.clock)
    with books.read() as tx:
        assert tx.scalar(text("PRAGMA journal_mode")) == "delete", "no log beside a file on a share"
    books.close()
    again = saved.with_name("again.db")
    with closing(HubBooks.open((share / "hub.db").as_uri(), clock=hub.clock)) as shared:
        back_up(shared, (share / "hub.db").as_uri(), again)
    own = f"sqlite:///{saved.with_name('own.db')}"
    put_back(again, own, hub.clock)
    for place, kept in ((own, "wal"), (f"sqlite:///{share / 'hub.db'}", "delete")):
        if kept == "delete":
            put_back(again, place, hub.clock)  # by another way to the same share: it stays one
        with closing(HubBooks.open(place, clock=hub.clock)) as books, books.read() as tx:
            assert tx.scalar(text("PRAGMA journal_mode")) == kept


@on_a_server
def test_what_stood_there_is_kept_beside_the_backup_and_can_be_put_back_itself(
    hub: Any, hub_place: str, saved: Path, ids: Any
) -> None:
    till = hub.terminals["till"]
    back_up(hub.authority.books, hub_place, saved)
    till.give(CreateCustomer(name="备份后"))
    hub.terminal("late", log_in="6001")
    hub.quiet()
    before = everything(hub.authority.books)
    hub.authority.books.close()
    aside = put_back(saved, hub_place, hub.clock)
    assert aside == saved.with_name("saved.db.replaced-1")
    kept = HubBooks.open(f"sqlite:///{aside}", clock=hub.clock)
    assert everything(kept) == before
    kept.close()
    books = HubBooks.open(hub_place, clock=hub.clock)
    with books.read() as tx:
        assert tx.rows(select(customer)) == []
        known = {row.name: (row.last_seq, row.safe_seq) for row in tx.rows(select(device))}
        assert known == {"till": (0, -1), "desk": (0, -1), "late": (0, -1)}
        assert tx.scalar(text("SELECT current_user")) == postgres.ROLE
    books.close()
    assert put_back(aside, hub_place, hub.clock) == saved.with_name("saved.db.replaced-1.replaced-1")
    reach(hub, Authority(HubBooks.open(hub_place, clock=hub.clock), ids))
    come_again(hub)
    assert [row["name"] for row in till.rows(customer)] == ["备份后"]


@on_a_server
def test_what_cannot_be_put_back_is_refused_and_nothing_is_changed(
    hub: Any, hub_place: str, saved: Path, office: Any
) -> None:
    hub.terminals["till"].give(CreateCustomer(name="甲"))
    hub.quiet()
    back_up(hub.authority.books, hub_place, saved)
    before = everything(hub.authority.books)
    hub.authority.books.close()
    bad = saved.with_name("bad.db")
    whole = saved.read_bytes()
    with closing(sqlite3.connect(saved)) as plain:
        of_an_index = "SELECT rootpage FROM sqlite_schema WHERE name = 'ix_feed_rev'"
        at = (plain.execute(of_an_index).fetchone()[0] - 1) * 4096
    bad.write_bytes(whole[:at] + b"\x01" * 4096 + whole[at + 4096 :])
    other = saved.with_name("other.db")
    other.write_bytes(whole)
    with closing(sqlite3.connect(other)) as plain:
        plain.execute("UPDATE hub_meta SET value = 'theirs' WHERE name = 'organisation_id'")
        plain.commit()
    terminal = backup(office.desk._books.path, saved.with_name("terminal.db"))
    for file, place, code in (
        (saved.with_name("none.db"), hub_place, "backup_missing"),
        (terminal, hub_place, "backup_no_hub"),
        (bad, hub_place, "backup_damaged"),
        (other, hub_place, "backup_other_hub"),
        (saved, f"{hub_place}&crm_org=another", "backup_other_hub"),
    ):
        assert refusal_of(partial(put_back, file, place, hub.clock)).code == code
    books = HubBooks.open(hub_place, clock=hub.clock)
    assert everything(books) == before
    assert {one.name for one in saved.parent.iterdir()} == {"saved.db", "bad.db", "other.db", "terminal.db"}
    books.close()


@pytest.fixture
def cli(hub_place: str, tmp_path: Path) -> Callable[..., Result]:
    """Run a verb of the hub."""

    def run(*words: str) -> Result:
        i18n.use("en")
        before = ["--home", str(tmp_path / "nobody"), "hub"]
        return CliRunner().invoke(build_program(), [*before, *words, "--db", hub_place])

    return run


@on_a_server
def test_the_verbs_save_a_server_and_put_it_back_unless_somebody_works_there(
    hub: Any, cli: Callable[..., Result], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LOOKS", 2)
    done = cli("backup", str(saved))
    assert (done.exit_code, done.stdout.strip()) == (0, str(saved))
    assert cli("backup", str(saved)).exit_code == 2, "the file is there already"
    hub.terminals["till"].sync()
    before = everything(hub.authority.books)
    refused = cli("restore", str(saved))
    assert (refused.exit_code, "crm-tui hub serve" in refused.stderr) == (5, True)
    assert everything(hub.authority.books) == before
    hub.authority.books.close()
    monkeypatch.undo()
    done = cli("restore", str(saved))
    assert (done.exit_code, "saved.db.replaced-1" in done.stderr) == (0, True), done.output
    assert '"recovering": true' in cli("recover", "--json").stdout


@on_a_server
def test_of_several_organisations_one_is_put_back_and_the_others_stay(
    hub: Any, hub_place: str, saved: Path
) -> None:
    own = hub.units["Haitang"]
    back_up(hub.authority.books, hub_place, saved)
    hub.authority.books.close()
    theirs = saved.with_name("theirs.db")
    theirs.write_bytes(saved.read_bytes())
    with closing(
        sqlite3.connect(theirs)
    ) as plain:  # the same rows under another name: keys are each one's own
        plain.execute("UPDATE hub_meta SET value = 'theirs' WHERE name = 'organisation_id'")
        plain.execute("UPDATE hub_meta SET value = 'Theirs' WHERE name = 'organisation'")
        plain.commit()
    assert put_back(theirs, f"{hub_place}&crm_org=theirs", hub.clock) is None
    no = refusal_of(lambda: put_back(saved, hub_place, hub.clock))
    assert (no.code, "Theirs: crm_org=theirs" in no.details["names"]) == ("hub_organisations", True)
    others = HubBooks.open(f"{hub_place}&crm_org=theirs", clock=hub.clock)
    before = everything(others)
    put_back(saved, f"{hub_place}&crm_org={own}", hub.clock)
    assert everything(others) == before
    with others.read() as tx:
        assert meta_value(tx, "organisation") == "Theirs"
    others.close()


@on_a_server
def test_who_breaks_off_leaves_nothing_half_done(hub: Any, hub_place: str, saved: Path) -> None:
    def stop(_rows: int) -> None:
        raise KeyboardInterrupt

    def full(_rows: int) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("", None, error)

    books = hub.authority.books
    before = everything(books)
    with pytest.raises(KeyboardInterrupt):
        back_up(books, hub_place, saved, stop)
    assert refusal_of(lambda: back_up(books, hub_place, saved, full)).code == "disk_full"
    assert list(saved.parent.iterdir()) == []
    assert everything(books) == before
    back_up(books, hub_place, saved)
    before = everything(books)
    books.close()
    with pytest.raises(KeyboardInterrupt):
        put_back(saved, hub_place, hub.clock, stop)
    assert [one.name for one in saved.parent.iterdir()] == ["saved.db"]
    assert everything(books) == before


@on_a_server
def test_a_copy_that_differs_is_no_backup_and_never_takes_the_place_of_the_hub(
    hub: Any, hub_place: str, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, copied = hub.authority.books, backups.copy_rows
    hub.terminals["till"].give(CreateCustomer(name="甲"))
    hub.quiet()

    def lossy(source: Transaction, target: Transaction, *more: Any) -> None:
        copied(source, target, *more)
        target.update_where(customer, name="乙")

    back_up(books, hub_place, saved)
    before = everything(books)
    monkeypatch.setattr(backups, "copy_rows", lossy)
    no = refusal_of(lambda: back_up(books, hub_place, saved.with_name("lossy.db")))
    assert (no.code, no.details["why"]) == ("backup_differs", "customer")
    assert everything(books) == before
    assert [one.name for one in saved.parent.iterdir()] == ["saved.db"]
    books.close()
    monkeypatch.setattr(backups, "_write_file", lambda *_: None)
    monkeypatch.setattr(backups, "_accounts", lambda _: {})
    no = refusal_of(lambda: put_back(saved, hub_place, hub.clock))
    assert (no.code, no.details["why"]) == ("backup_differs", "customer")
    assert everything(books) == before


@on_a_server
def test_what_a_terminal_holds_of_the_hub_before_it_was_put_back_is_not_pruned_too_early(
    hub: Any, hub_place: str, saved: Path, ids: Any
) -> None:
    """The backup itself does not say that it is one: what came after it is kept until the next is made."""
    till = hub.terminals["till"]
    till.give(CreateCustomer(name="旧"))
    hub.quiet()
    back_up(hub.authority.books, hub_place, saved)
    hub.authority.books.close()
    put_back(saved, hub_place, hub.clock)
    reach(hub, Authority(HubBooks.open(hub_place, clock=hub.clock), ids))
    come_again(hub)
    hub.clock.move(days=40)
    hub.quiet()
    assert (hub.device(till).safe_seq, [row.args["name"] for row in till.outbox()]) == (-1, ["旧"])
    with till.desk._books.read() as tx:
        assert fact(tx, "hub_safe_until") == "0"
