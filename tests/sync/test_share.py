"""A hub in a shared file: what is tried before it is trusted, and what is said where it cannot be used."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from sqlalchemy import event

from crm_tui import i18n
from crm_tui.cli.hubs import connector, reach
from crm_tui.commands.customers import CreateCustomer
from crm_tui.desk import Desk
from crm_tui.desk.joining import join_hub
from crm_tui.desk.link import Link
from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts
from crm_tui.hub.addresses import file_path
from crm_tui.hub.books import HubBooks
from crm_tui.hub.opening import make_hub, open_hub, open_share
from crm_tui.hub.probe import check_locks, hub_facts
from crm_tui.hub.push import TRANSACTION
from crm_tui.hub.share import LONGEST_PAUSE, SHORTEST_PAUSE, SharedHub
from crm_tui.settings import Home
from crm_tui.store.engine import open_engine
from crm_tui.store.migrations import newest
from crm_tui.sync.client import SyncClient
from crm_tui.sync.joining import membership
from crm_tui.sync.machine import this_machine
from crm_tui.sync.messages import HubError, JoinRequest, Say
from crm_tui.widgets.refusal import refusal


@pytest.fixture
def way(url: str, clock: Any, ids: Any) -> Callable[..., SharedHub]:
    """How terminals reach the hub, as the program does, but by the test's clock."""

    def reached(device_id: str = "", secret: str = "") -> SharedHub:
        return SharedHub(
            functools.partial(open_share, url, clock=clock, new_id=ids), device_id, secret, url=url
        )

    return reached


@pytest.fixture
def shop(url: str, way: Any, office: Any, tmp_path: Path) -> Iterator[Desk]:
    """The desk of a terminal that has joined over the share, with its first rows and a clerk."""
    clock, ids = office.clock, office.desk._books.ids
    hub = open_hub(url, clock=clock, new_id=ids)
    code = accounts.invite_terminal(hub.books, office.units["Jingan"], "shop").code
    hub.close()
    stranger = way()
    join_hub(tmp_path / "shop" / "crm.db", stranger, url, code)
    stranger.close()
    line = office.desk._writer
    desk = Desk(
        open_engine(tmp_path / "shop" / "crm.db"),
        clock=clock,
        ids=ids,
        writer=line,
        reader=line,
        connect=lambda member: way(member.device_id, member.secret),
    )
    link_of(desk).run()
    desk.log_in(office.people["6001"], office.pin)
    yield desk
    desk.close()


def link_of(desk: Desk) -> Link:
    assert desk.link is not None
    return desk.link


def waiting(desk: Desk) -> int:
    return link_of(desk).state().standing.waiting


def journal_of(file: Path) -> str:
    with sqlite3.connect(file) as plain:
        return str(plain.execute("PRAGMA journal_mode").fetchone()[0])


def test_locks_that_hold_are_found_to_hold_and_nothing_stays_behind(share):
    check_locks(share)
    assert list(share.iterdir()) == []


def test_locks_that_do_nothing_are_noticed_by_a_second_process(share):
    with pytest.raises(Refused) as no:
        check_locks(share, vfs="unix-none")
    assert no.value.code == "share_without_locks"
    for language, word in (("en", "hub serve"), ("zh_CN", "请换一个共享目录")):
        i18n.use(language)
        assert word in refusal(no.value.code, no.value.details)
    assert list(share.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_tried(share):
    with pytest.raises(Refused) as no:
        check_locks(share / "gone")
    assert no.value.code == "database_readonly"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///C:/data/hub.db", r"C:\data\hub.db"),
        ("file:///C|/data/hub.db", r"C:\data\hub.db"),
        ("file:///D:/%E9%97%A8%E5%BA%97/hub%201.db", r"D:\门店\hub 1.db"),
        ("file://server/share/hub.db", r"\\server\share\hub.db"),
        ("file://localhost/C:/hub.db", r"C:\hub.db"),
        ("sqlite:///C:/data/hub.db", r"C:\data\hub.db"),
        ("sqlite:///data/hub.db", r"data\hub.db"),
    ],
)
def test_addresses_of_files_on_windows(url, path):
    assert file_path(url, windows=True) == PureWindowsPath(path)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///srv/hub.db", "/srv/hub.db"),
        ("file:///srv/%E9%97%A8%E5%BA%97/hub.db", "/srv/门店/hub.db"),
        ("sqlite:////srv/hub.db", "/srv/hub.db"),
        ("sqlite:///hub.db", "hub.db"),
    ],
)
def test_addresses_of_files_elsewhere(url, path):
    assert str(file_path(url, windows=False)) == path


@pytest.mark.parametrize("url", ["file://", "file:///", "ftp:///srv/hub.db", "sqlite://hub.db", "srv/hub.db"])
def test_what_names_no_file_is_refused(url):
    with pytest.raises(Refused) as no:
        file_path(url, windows=False)
    assert no.value.code == "hub_url_unknown"


def test_a_share_of_another_machine_is_not_taken_for_a_folder_here():
    with pytest.raises(Refused) as no:
        file_path("file://server/share/hub.db", windows=False)
    assert no.value.code == "hub_url_unknown"


def test_a_shared_file_keeps_its_rollback_journal_whoever_opens_it(url, share, clock, ids):
    assert journal_of(share / "hub.db") == "delete"
    open_hub(url, clock=clock, new_id=ids).close()
    open_hub(f"sqlite:///{share / 'hub.db'}", clock=clock, new_id=ids).close()
    assert journal_of(share / "hub.db") == "delete"
    assert not (share / "hub.db-wal").exists()


def test_a_week_of_work_goes_over_in_transactions_of_fifty_with_a_pause_after_each(shop, url, clock, ids):
    for number in range(120):
        shop.carry_out(CreateCustomer(name=f"客户{number}"))
    pauses: list[float] = []
    sizes: list[int] = []
    with shop._books.read() as tx:
        member = membership(tx)
    authority = open_hub(url, clock=clock, new_id=ids)
    event.listen(authority.books.engine, "commit", lambda connection: sizes.append(log_of(connection)))
    hub = SharedHub(authority, member.device_id, member.secret, pause=pauses.append)
    SyncClient(shop._books.rebase, hub, clock, machine=this_machine()).run()
    hub.close()
    steps = [after - before for before, after in zip([0, *sizes], sizes, strict=False) if after > before]
    assert steps == [TRANSACTION, TRANSACTION, 20]
    assert len(pauses) == 2
    assert all(SHORTEST_PAUSE <= pause <= LONGEST_PAUSE for pause in pauses)


def log_of(connection: Any) -> int:
    asked = "SELECT count(*) FROM command_log WHERE kind = 'create_customer'"
    return int(connection.exec_driver_sql(asked).scalar())


def test_a_share_that_is_away_is_unreachable_and_work_goes_on_until_it_is_back(shop, share):
    away = share.with_name("away")
    share.rename(away)
    assert shop.carry_out(CreateCustomer(name="离线客"))[0].applied
    for _ in range(2):
        with pytest.raises(HubError) as no:
            link_of(shop).run()
        assert no.value.code == Say.UNREACHABLE
    assert link_of(shop).state().online is False
    assert not share.exists(), "nothing is made where the share is not"
    away.rename(share)
    link_of(shop).run()
    assert waiting(shop) == 0
    assert link_of(shop).state().online is True


@pytest.mark.usefixtures("shop")
def test_a_program_starts_while_its_share_is_away(share, office, tmp_path, clock):
    shutil.copytree(tmp_path / "shop", tmp_path / "again")
    share.rename(share.with_name("away"))
    connect = connector(Home(tmp_path / "again"))
    again = Desk.open(tmp_path / "again" / "crm.db", clock=clock, connect=connect)
    again.log_in(office.people["6001"], office.pin)
    assert again.carry_out(CreateCustomer(name="离线客"))[0].applied
    again.close()


def test_a_file_put_back_in_place_of_the_open_one_is_opened_anew(shop, share):
    link_of(shop).run()
    copied = share / "copied.db"
    shutil.copy(share / "hub.db", copied)
    copied.replace(share / "hub.db")
    with pytest.raises(HubError) as no:
        link_of(shop).run()
    assert no.value.code == Say.UNREACHABLE
    shop.carry_out(CreateCustomer(name="之后"))
    link_of(shop).run()
    assert waiting(shop) == 0


def test_the_file_of_another_organisation_is_said_by_name_and_not_written_to(
    shop, share, found, tmp_path, clock
):
    other = Desk.open(tmp_path / "other" / "crm.db", clock=clock)
    found(other)
    other.close()
    (share / "hub.db").unlink()
    at = (share / "hub.db").as_uri()
    make_hub(tmp_path / "other" / "crm.db", at, at, clock=clock)
    shop.carry_out(CreateCustomer(name="自己的客户"))
    with pytest.raises(HubError):
        link_of(shop).run()  # the file that was open is gone
    with pytest.raises(HubError) as no:
        link_of(shop).run()
    assert no.value.code == Say.OTHER
    assert "Haitang" in refusal(no.value.code, no.value.details)
    assert waiting(shop) == 1
    with sqlite3.connect(share / "hub.db") as plain:
        assert plain.execute("SELECT count(*) FROM customer").fetchone() == (0,)


def test_a_terminals_own_data_is_no_hub_and_is_left_as_it_is(office, clock, ids):
    file = office.desk._books.path
    before = sqlite3.connect(file).execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
    with pytest.raises(Refused) as no:
        open_hub(file.as_uri(), clock=clock, new_id=ids)
    assert no.value.code == "hub_missing"
    assert hub_facts(file) == {}
    assert sqlite3.connect(file).execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall() == before


def test_joining_where_there_is_no_hub_says_so(share):
    hub = reach((share / "hub.db").as_uri())
    with pytest.raises(Refused) as no:
        hub.join(JoinRequest(code="x", machine="m", protocol=1))
    assert no.value.code == "hub_missing"
    assert list(share.iterdir()) == []


def test_a_file_that_a_newer_program_has_changed_stops_an_older_one_in_words(shop, share):
    link_of(shop).run()
    shop.carry_out(CreateCustomer(name="等着"))
    with sqlite3.connect(share / "hub.db") as plain:
        plain.execute(f"PRAGMA user_version = {newest() + 1}")
    with pytest.raises(Refused) as no:
        link_of(shop).run()
    assert no.value.code == "schema_newer"
    assert link_of(shop).state().trouble == "schema_newer"
    assert waiting(shop) == 1


def test_a_busy_file_is_tried_again_later_and_loses_nothing(shop, share, url, clock, ids):
    shop.carry_out(CreateCustomer(name="等一下"))
    with shop._books.read() as tx:
        member = membership(tx)
    books = HubBooks.open(url, clock=clock)
    event.listen(books.engine, "connect", impatient)
    hub = SharedHub(type(open_hub(url, clock=clock, new_id=ids))(books, ids), member.device_id, member.secret)
    client = SyncClient(shop._books.rebase, hub, clock, machine=this_machine())
    other = sqlite3.connect(share / "hub.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HubError) as no:
        client.run()
    assert no.value.code == Say.RETRY
    other.execute("ROLLBACK")
    client.run()
    hub.close()
    assert waiting(shop) == 0


def impatient(connection: Any, _entry: Any) -> None:
    connection.execute("PRAGMA busy_timeout = 0")


def test_a_share_that_may_only_be_read_is_said_and_work_goes_on(shop, url, clock, ids):
    with shop._books.read() as tx:
        member = membership(tx)
    authority = open_hub(url, clock=clock, new_id=ids)
    event.listen(authority.books.engine, "connect", only_reading)
    authority.books.engine.dispose()
    hub = SharedHub(authority, member.device_id, member.secret, url=url)
    assert shop.carry_out(CreateCustomer(name="只读"))[0].applied
    with pytest.raises(Refused) as no:
        SyncClient(shop._books.rebase, hub, clock, machine=this_machine()).run()
    assert no.value.code == "database_readonly"
    hub.close()
    assert waiting(shop) == 1


def only_reading(connection: Any, _entry: Any) -> None:
    connection.execute("PRAGMA query_only = ON")
