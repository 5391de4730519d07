"""The verbs about a hub: each bad input is one sentence that says what to do, and nothing is lost."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError, OperationalError
from typer.testing import CliRunner, Result

from crm_tui import i18n
from crm_tui.cli.program import build_program
from crm_tui.desk import Desk
from crm_tui.desk import joining as desk_joining
from crm_tui.desk.books import wall_clock
from crm_tui.desk.joining import join_hub
from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts, founding, keeping, opening, recovery
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.devices import move
from crm_tui.hub.opening import make_hub, open_hub
from crm_tui.hub.push import tell_changes
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import device
from crm_tui.settings import Home
from crm_tui.store.engine import open_engine
from crm_tui.store.outbox import fact
from crm_tui.store.tables import org_unit, person
from crm_tui.store.transaction import Transaction
from crm_tui.sync.messages import HubError, Say
from crm_tui.trouble import LOG, note_trouble

Run = Callable[..., Result]
AGES = timedelta(days=36_500)
"""The verbs have the machine's own clock, the hub that is made here that of the tests."""


@pytest.fixture
def books(url: str, clock: Any, ids: Any) -> Any:
    """The hub's database."""
    authority = open_hub(url, clock=clock, new_id=ids)
    yield authority.books
    authority.close()


@pytest.fixture
def code(books: HubBooks, office: Any) -> str:
    """An invitation to Jingan."""
    return accounts.invite_terminal(books, office.units["Jingan"], "shop", valid=AGES).code


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The home of a further terminal."""
    return tmp_path / "shop"


@pytest.fixture
def cli(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program at the shop's home, in English unless ``language`` says otherwise."""
    monkeypatch.setenv("CRM_TUI_PIN", "2468")

    def run(*words: str, language: str = "en", home: Path = shop) -> Result:
        i18n.use(language)
        return CliRunner().invoke(build_program(), ["--home", str(home), "--as", "6001", *words])

    return run


@pytest.fixture
def joined(cli: Run, url: str, code: str) -> Run:
    """The program at the home of a terminal that has joined."""
    done = cli("join", url, "--code", code)
    assert done.exit_code == 0, done.output
    return cli


def one_line(ended: Result, code: int) -> str:
    """Return the one sentence with which a verb ended."""
    assert ended.exit_code == code, (ended.output, ended.exception)
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line


def kept(home: Path, name: str) -> str:
    """Return a fact about a terminal."""
    engine = open_engine(home / "crm.db")
    with engine.connect() as connection:
        found = fact(Transaction(connection), name)
    engine.dispose()
    return found


def test_joining_without_a_code_says_so_before_anybody_is_asked(cli: Run, shop: Path) -> None:
    assert "--code CODE" in one_line(cli("join", "http://127.0.0.1:1"), 2)
    assert "缺少加入码" in one_line(cli("join", "http://127.0.0.1:1#", language="zh_CN"), 2)
    assert not shop.exists()


def test_the_card_is_looked_at_before_the_code_is_shown(tmp_path: Path) -> None:
    class Silent(SharedHub):
        def __init__(self) -> None:
            """Reach nobody."""

        def card(self) -> Any:
            raise HubError(Say.NOT_A_HUB, url="x")

    with pytest.raises(HubError) as no:
        join_hub(tmp_path / "crm.db", Silent(), "x", "AAAA")
    assert no.value.code == Say.NOT_A_HUB


def test_a_first_round_that_breaks_off_is_told_as_such_and_gone_on_with(
    cli: Run, url: str, code: str, books: HubBooks, shop: Path
) -> None:
    with books.write() as tx:
        tx.update_where(device, last_seen_at=books.clock())  # the office: it is waited for
        keeping.begin_recovery(tx)
    said = one_line(cli("join", url, "--code", code), 4)
    assert said.startswith("Joined Haitang at Jingan")
    assert "crm-tui sync --once" in said
    assert kept(shop, "hub_url") == url
    recovery.finish(books)
    assert "received" in one_line(cli("sync", "--once"), 0)
    again = one_line(cli("join", url, "--code", code), 2)
    assert "sync --once" in again
    assert "sync --hub URL" in again


def test_a_code_whose_answer_could_not_be_kept_is_good_again_on_this_machine_alone(
    url: str, code: str, books: HubBooks, shop: Path, *, ids: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise Refused("disk_full")

    hub = SharedHub(Authority(books, ids))
    with monkeypatch.context() as patched:
        patched.setattr(desk_joining, "become_member", full)
        with pytest.raises(Refused, match="disk_full"):
            join_hub(shop / "crm.db", hub, url, code)
    assert kept(shop, "hub_url") == ""
    with monkeypatch.context() as patched:
        patched.setattr(desk_joining, "this_machine", lambda: "another")
        with pytest.raises(HubError, match=Say.INVITE):
            join_hub(shop / "crm.db", hub, url, code)
    join_hub(shop / "crm.db", hub, url, code)
    with books.read() as tx:
        assert list(tx.scalars(device.select().with_only_columns(device.c.name).order_by("name"))) == [
            "Haitang",
            "shop",
        ]
    spoken = SharedHub(Authority(books, ids), kept(shop, "device_id"), kept(shop, "hub_secret"))
    spoken.wait({}, 0)
    with pytest.raises(HubError, match=Say.INVITE):  # somebody has spoken as that device
        join_hub(shop.with_name("third") / "crm.db", hub, url, code)


def test_who_joins_again_stays_where_the_terminal_stands_now(
    *, books: HubBooks, url: str, code: str, office: Any, shop: Path, ids: Any
) -> None:
    hub = SharedHub(Authority(books, ids))
    first = join_hub(shop / "crm.db", hub, url, code)
    move(books, "shop", office.units["Xuhui"])
    again = join_hub(shop.with_name("again") / "crm.db", hub, url, code)
    assert (first.unit, again.unit) == ("Jingan", "Xuhui")
    assert (again.device_id, again.name) == (first.device_id, "shop")
    assert again.secret != first.secret


def test_a_frozen_terminal_does_not_come_back_by_its_code(
    books: HubBooks, url: str, code: str, shop: Path, ids: Any
) -> None:
    hub = SharedHub(Authority(books, ids))
    join_hub(shop / "crm.db", hub, url, code)
    with books.write() as tx:
        tx.update_where(device, device.c.name == "shop", status=accounts.FROZEN)
    with pytest.raises(HubError, match=Say.INVITE):
        join_hub(shop.with_name("again") / "crm.db", hub, url, code)


def test_a_hub_that_has_moved_is_followed_and_gets_what_waits(joined: Run, share: Path, shop: Path) -> None:
    assert joined("q", "13800138000 张三").exit_code == 0
    moved = share.with_name("moved")
    share.rename(moved)
    assert joined("sync", "--once").exit_code == 4
    at = (moved / "hub.db").as_uri()
    done = joined("sync", "--hub", at, "--once", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["sent"] == 1
    assert kept(shop, "hub_url") == at


def test_doctor_looks_for_the_hub_and_compares_the_clocks(joined: Run, share: Path, url: str) -> None:
    def found(*words: str) -> dict[str, Any]:
        return {one["name"]: one for one in json.loads(joined("doctor", "--json", *words).stdout)}

    def clocks_of_the_hub(shown: timedelta) -> None:
        monkey.setattr("crm_tui.cli.doctor.wall_clock", lambda: wall_clock() + shown)

    with pytest.MonkeyPatch.context() as monkey:
        there = found()
        assert there["hub"]["value"].startswith(url)
        assert there["hub_clock"]["state"] == "good"
        clocks_of_the_hub(timedelta(hours=26))
        assert (found()["hub_clock"]["state"], "1560 min fast" in found()["hub_clock"]["value"]) == (
            "bad",
            True,
        )
        clocks_of_the_hub(timedelta(minutes=-9))
        assert "9 min slow" in found()["hub_clock"]["value"] or "8 min slow" in found()["hub_clock"]["value"]
    share.rename(share.with_name("moved"))
    away = found()
    assert "hub_clock" not in away
    assert (away["hub"]["state"], "cannot be reached" in away["hub"]["value"]) == ("note", True)


def test_what_waits_for_the_hub_is_told_and_no_list_is_taken_along_without_it(
    joined: Run, share: Path, books: HubBooks, office: Any, tmp_path: Path
) -> None:
    assert "1 changes wait for the hub" in joined("q", "13800138000 张三").stderr
    assert "wait for the hub" not in joined("find", "张三").stderr
    moved = share.with_name("moved")
    share.rename(moved)
    at = tmp_path / "out.csv"
    assert "needs the hub" in one_line(joined("export", str(at)), 4)
    moved.rename(share)
    done = joined("export", str(at))
    assert (done.exit_code, at.read_text(encoding="utf-8-sig").count("张三")) == (0, 1), done.output
    at.unlink()
    with books.write() as tx:
        tx.update(person, office.people["6001"], status="frozen")
        tell_changes(tx)
    told = joined("export", str(at))
    assert told.exit_code == 3, told.output
    assert not at.exists()


@pytest.mark.usefixtures("joined")
def test_who_syncs_without_end_says_that_the_hub_is_away_and_that_it_is_back(share: Path, shop: Path) -> None:
    away = share.with_name("away")
    share.rename(away)
    with subprocess.Popen(
        [sys.executable, "-m", "crm_tui", "--home", str(shop), "sync"],
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"CRM_LANG": "en", "PYTHONIOENCODING": "utf-8"},
    ) as syncing:
        assert syncing.stderr is not None
        assert "cannot be reached" in syncing.stderr.readline()
        away.rename(share)
        assert "0 sent" in syncing.stderr.readline()
        syncing.kill()


def test_only_the_same_organisations_hub_is_followed(
    joined: Run, url: str, share: Path, shop: Path, *, found: Any, tmp_path: Path, clock: Any
) -> None:
    other = Desk.open(tmp_path / "other" / "crm.db", clock=clock)
    found(other)
    other.close()
    at = (share / "other.db").as_uri()
    make_hub(tmp_path / "other" / "crm.db", at, at, clock=clock)
    assert "another organisation" in one_line(joined("sync", "--hub", at), 2)
    nobody = one_line(joined("sync", "--hub", "http://127.0.0.1:1"), 4)
    assert "http://127.0.0.1:1" in nobody
    assert "http(s)" in one_line(joined("sync", "--hub", "10.0.0.1"), 2)
    assert kept(shop, "hub_url") == url


def test_a_terminal_that_works_alone_has_no_hub_to_follow(cli: Run, url: str, shop: Path) -> None:
    open_engine(shop / "crm.db").dispose()
    for words in (("--hub", url), ("--once",), ("--status",), ()):
        assert "crm-tui join URL --code CODE" in one_line(cli("sync", *words), 2)


def test_a_round_says_what_was_not_taken_and_a_clock_that_is_off(joined: Run) -> None:
    quiet = one_line(joined("sync", "--once"), 0)
    assert "0 sent" in quiet
    ahead = (wall_clock() + timedelta(days=2)).isoformat()
    assert joined("--clock", ahead, "q", "13800138000 张三").exit_code == 0
    told = joined("--clock", ahead, "sync", "--once").stderr
    assert "1 changes were not taken" in told
    assert "min fast" in told
    slow = (wall_clock() - timedelta(minutes=9)).isoformat()
    assert joined("--clock", slow, "sync", "--once").exit_code == 0
    assert "! 时钟慢 9 分" in joined("sync", "--status", language="zh_CN").stderr


def test_times_are_those_on_the_wall_of_the_branch(joined: Run) -> None:
    met = json.loads(joined("sync", "--status", "--json").stdout)["last_met"]
    at = datetime.fromisoformat(met)
    assert at.utcoffset() == timedelta(hours=8)
    assert f"{at.astimezone(ZoneInfo('Asia/Shanghai')):%H:%M}" in joined("sync", "--status").stdout
    assert wall_clock() - at < timedelta(minutes=5)


def test_states_of_terminals_and_hub_are_words_for_people_and_codes_for_programs(
    joined: Run, url: str
) -> None:
    at = ("--db", url)
    assert "使用中" in joined("hub", "devices", *at, language="zh_CN").stdout
    seated = joined("hub", "seats", *at, language="zh_CN").stdout
    assert "Ada Admin" in seated
    assert "在职" in seated
    assert "模式: 正常" in joined("hub", "status", *at, language="zh_CN").stdout
    (_, shop) = json.loads(joined("hub", "devices", *at, "--json").stdout)
    assert shop["status"] == "active"
    assert datetime.fromisoformat(shop["last_seen"]).utcoffset() == timedelta(hours=8)
    assert json.loads(joined("hub", "status", *at, "--json").stdout)["mode"] == "normal"


def test_an_invitation_names_the_url_the_hub_was_made_with_or_the_last_one_told(cli: Run, url: str) -> None:
    assert cli("hub", "invite", "Jingan", "--db", url).stdout.startswith(f"crm-tui join {url} --code ")
    at = "https://hub.example"
    for words in (("--url", at), ()):
        assert f"crm-tui join {at} --code " in cli("hub", "invite", "Jingan", "--db", url, *words).stdout
    assert cli("hub", "invite", "Nowhere", "--db", url, "--url", "https://wrong.example").exit_code == 2
    assert f"crm-tui join {at} --code " in cli("hub", "invite", "Jingan", "--db", url).stdout


def test_a_unit_whose_name_there_is_twice_is_named_with_what_is_above_it(
    cli: Run, url: str, office: Any, books: HubBooks
) -> None:
    with books.write() as tx:
        tx.update_where(org_unit, org_unit.c.id == office.units["Team three"], name="Team one")
    nowhere = one_line(cli("hub", "invite", "Nowhere", "--db", url), 2)
    assert "Nowhere" in nowhere
    assert "/Haitang/East/Jingan" in nowhere
    said = one_line(cli("hub", "invite", "Team one", "--db", url), 2)
    paths = ("/Haitang/East/Jingan/Team one", "/Haitang/South/Tianhe/Team one")
    assert all(path in said for path in paths)
    for word in (paths[0], "Tianhe/Team one", office.units["Team one"]):
        assert cli("hub", "invite", word, "--db", url).stdout.startswith("crm-tui join ")


def test_units_that_are_all_called_the_same_are_each_named_by_the_whole_path(
    cli: Run, url: str, office: Any, books: HubBooks
) -> None:
    with books.write() as tx:
        for name in ("Haitang", "East", "Jingan"):
            tx.update_where(org_unit, org_unit.c.id == office.units[name], name="Maven")
    paths = ["/Maven" * depth for depth in (1, 2, 3)]
    assert ", ".join(paths) in one_line(cli("hub", "invite", "Maven", "--db", url), 2)
    for path in paths:
        assert cli("hub", "invite", path, "--db", url).exit_code == 0
    assert cli("hub", "invite", "", "--db", url).exit_code == 2


@pytest.mark.usefixtures("url")
def test_a_share_that_was_brought_elsewhere_invites_to_where_it_is(cli: Run, share: Path) -> None:
    moved = share.rename(share.with_name("moved")) / "hub.db"
    invited = cli("hub", "invite", "Jingan", "--db", moved.as_uri()).stdout
    assert invited.startswith(f"crm-tui join {moved.as_uri()} --code ")


def test_an_invitation_from_a_hub_that_does_not_know_its_url_asks_for_it(
    cli: Run, url: str, books: HubBooks
) -> None:
    with books.write() as tx:
        tx.connection.exec_driver_sql("DELETE FROM hub_meta WHERE name = 'url'")
    assert "--url" in one_line(cli("hub", "invite", "Jingan", "--db", url), 2)
    with books.read() as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM invite").scalar() == 0


@pytest.mark.parametrize(
    "database", ["hub.db", "sqlite://hub.db", "postgres://u@h/d", "postgresql", "file://"]
)
def test_what_names_no_database_is_told_the_forms_that_there_are(cli: Run, database: str) -> None:
    for words in (("init", "--url", "http://10.0.0.1:8765"), ("init",), ("status",)):
        said = one_line(cli("hub", *words, "--db", database), 2)
        for form in ("sqlite:///", "file:///", "postgresql+psycopg://"):
            assert form in said


@pytest.mark.parametrize("proxy", ["nonsense", "127.0.0.1,proxy", "10.0.0.1/8", "127.0.0.1,*"])
def test_a_proxy_that_is_no_address_is_refused_in_words(cli: Run, url: str, proxy: str) -> None:
    assert "--proxy 127.0.0.1" in one_line(cli("hub", "serve", "--db", url, "--proxy", proxy), 2)


@pytest.mark.parametrize(
    ("result", "word"),
    [(sqlite3.SQLITE_BUSY, "Another program"), (sqlite3.SQLITE_FULL, "disk is full")],
)
def test_a_hub_that_could_not_be_made_leaves_no_file_and_says_why(
    cli: Run, office: Any, share: Path, result: int, *, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_at_the_end: list[bool] = []

    def broken(books: HubBooks) -> None:
        monkeypatch.setattr(books, "close", lambda: open_at_the_end.append((share / "hub.db").exists()))
        error = sqlite3.OperationalError("no")
        error.sqlite_errorcode = result
        raise HubError(Say.RETRY) from OperationalError("", None, error)

    monkeypatch.setattr(founding, "found", broken)
    home = office.desk._books.path.parent
    said = one_line(
        cli("hub", "init", "--db", (share / "hub.db").as_uri(), home=home), 2 if "disk" in word else 5
    )
    assert word in said
    assert open_at_the_end == [True], "the file was closed while it was still there"
    assert list(share.iterdir()) == []
    assert kept(home, "hub_url") == ""


def test_a_terminal_that_could_not_keep_its_place_says_why(
    office: Any, share: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        error = sqlite3.OperationalError("full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("", None, error)

    monkeypatch.setattr(opening, "become_member", full)
    at = (share / "hub.db").as_uri()
    with pytest.raises(Refused, match="disk_full"):
        make_hub(office.desk._books.path, at, at, clock=clock)


@pytest.mark.usefixtures("books")
def test_what_is_no_backup_of_this_hub_is_told_what_was_expected(
    cli: Run, url: str, share: Path, tmp_path: Path, office: Any
) -> None:
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"junk" * 1000)
    for saved in (junk, office.desk._books.path):
        assert "crm-tui hub backup" in one_line(cli("hub", "restore", str(saved), "--db", url), 2)
    saved = tmp_path / "saved.db"
    assert cli("hub", "backup", str(saved), "--db", url).exit_code == 0
    with sqlite3.connect(saved) as plain:
        plain.execute("UPDATE hub_meta SET value = 'theirs' WHERE name = 'organisation_id'")
    assert "another organisation" in one_line(cli("hub", "restore", str(saved), "--db", url), 2)
    assert sorted(path.name for path in share.iterdir()) == ["hub.db"]


def test_restoring_under_a_hub_that_serves_names_what_to_stop(
    cli: Run, office: Any, tmp_path: Path, clock: Any, ids: Any
) -> None:
    at = f"sqlite:///{tmp_path / 'hub.db'}"
    make_hub(office.desk._books.path, at, "http://10.0.0.1:8765", clock=clock)
    assert cli("hub", "backup", str(tmp_path / "saved.db"), "--db", at).exit_code == 0
    serving = open_hub(at, clock=clock, new_id=ids)
    serving.card()
    assert "crm-tui hub serve" in one_line(cli("hub", "restore", str(tmp_path / "saved.db"), "--db", at), 5)
    serving.close()
    assert cli("hub", "restore", str(tmp_path / "saved.db"), "--db", at).exit_code == 0


def test_damage_of_the_hubs_file_is_never_answered_by_the_terminals_restore(
    joined: Run, url: str, share: Path
) -> None:
    file = share / "hub.db"
    whole = file.read_bytes()
    for spoilt in (b"junk" * 1000, whole[: len(whole) // 2], whole[:4096] + b"\x01" * (len(whole) - 4096)):
        file.write_bytes(spoilt)
        for words, code in ((("hub", "status", "--db", url), 2), (("sync", "--once"), 2)):
            said = one_line(joined(*words), code)
            assert "crm-tui hub restore FILE" in said
        assert file.read_bytes() == spoilt


def test_damage_that_is_met_in_the_middle_of_a_transaction_is_the_hubs_too(books: HubBooks) -> None:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    with pytest.raises(Refused, match="hub_damaged"), books.read():
        raise DatabaseError("", None, error)


def test_a_share_that_recovers_writes_no_line_of_a_log_for_people(
    books: HubBooks, caplog: pytest.LogCaptureFixture
) -> None:
    with books.read() as tx:
        found = tx.first(device.select())
        epoch = tx.connection.exec_driver_sql("SELECT value FROM hub_meta WHERE name = 'epoch'").scalar()
    assert keeping.recover_from(books, found.device_id, str(epoch)).code == Say.EPOCH
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_trouble_is_noted_where_there_is_no_home_yet(tmp_path: Path) -> None:
    home = Home(tmp_path / "not" / "yet")
    code = note_trouble(home, ValueError("张三"))
    noted = (home.path / LOG).read_text("utf-8")
    assert noted.startswith(code)
    assert "张三" not in noted


def test_a_terminal_with_several_branches_reads_the_clock_of_the_organisation(
    office: Any, cli: Run, url: str, books: HubBooks
) -> None:
    with books.write() as tx:
        tx.connection.execute(
            update(org_unit).where(org_unit.c.id == office.units["Tianhe"]).values(time_zone="Asia/Urumqi")
        )
    code = accounts.invite_terminal(books, office.units["Tianhe"], "south", valid=AGES).code
    assert cli("join", url, "--code", code).exit_code == 0
    met = json.loads(cli("sync", "--status", "--json").stdout)["last_met"]
    assert datetime.fromisoformat(met).utcoffset() == timedelta(hours=6)
