"""The verbs that look after a hub: a checked copy, putting one back, looking whether all is sound."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from crm_tui.cli.program import build_program
from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.desk.link import Link
from crm_tui.hub import backups, founding, review
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks
from crm_tui.hub.share import SharedHub
from crm_tui.hub.tables import command_log, feed
from crm_tui.hub.verify import BAD, GOOD, UNKNOWN, digest, verify
from crm_tui.store.outbox import fact
from crm_tui.store.tables import customer
from crm_tui.sync.joining import membership
from crm_tui.sync.messages import HubError

Run = Callable[..., Result]


@pytest.fixture
def hub(authority: Authority, office: Any, tmp_path: Path, organise: Any) -> Any:
    """An organisation with a hub and a terminal at it."""
    made = organise(authority, office, tmp_path)
    made.terminal("till", log_in="6001")
    yield made
    for terminal in made.terminals.values():
        terminal.hub.close()
        terminal.desk.close()


@pytest.fixture
def cli(tmp_path: Path, hub_place: str) -> Run:
    def run(*words: str, who: str = "1001") -> Result:
        before = ["--home", str(tmp_path / "nobody"), "--as", who, "hub"]
        return CliRunner().invoke(build_program(), [*before, *words, "--db", hub_place])

    return run


def states(books: HubBooks) -> dict[str, str]:
    return {one.name: one.state for one in verify(books)}


def test_a_sound_hub_is_found_sound_from_every_side_and_its_log_makes_the_same_rows(
    hub: Any, hub_kind: str
) -> None:
    till = hub.terminals["till"]
    made = till.give(CreateCustomer(name="甲", phones=("13900001111",)))
    till.give(hub.office.spoken(made["customer_id"]))
    till.sync()
    found = states(hub.authority.books)
    assert found.pop("file") == (GOOD if hub_kind == "sqlite" else UNKNOWN), "a server's is not looked at"
    assert found.pop("replay") == UNKNOWN, "the log does not begin with the founding"
    assert found == dict.fromkeys(("chains", "counts", "feed", "revisions"), GOOD)


@pytest.mark.parametrize(
    ("look", "spoil"),
    [
        ("chains", update(command_log).values(args={"name": "x"})),
        ("feed", update(feed).where(feed.c.tbl == "customer").values(live=False)),
        ("revisions", update(feed).values(rev=feed.c.rev + 1_000)),
        ("counts", update(command_log).values(seq=command_log.c.seq + 7)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_was_spoilt_is_found(hub: Any, look: str, spoil: Any) -> None:
    till = hub.terminals["till"]
    till.give(CreateCustomer(name="甲"))
    till.sync()
    with hub.authority.books.write() as tx:
        tx.connection.execute(spoil)
    assert states(hub.authority.books)[look] == BAD


def test_a_hub_that_is_put_back_from_its_backup_has_everything_again(
    hub: Any, cli: Run, hub_place: str, tmp_path: Path, ids: Callable[[], str]
) -> None:
    till, saved = hub.terminals["till"], tmp_path / "saved.db"
    first = till.give(CreateCustomer(name="备份前"))["customer_id"]
    till.sync()
    assert backups.back_up(hub.authority.books, hub_place, saved) == saved
    second = till.give(CreateCustomer(name="备份后"))["customer_id"]
    till.sync()
    late = hub.terminal("late", log_in="6002")
    third = late.give(CreateCustomer(name="后来的终端"))["customer_id"]
    late.sync()
    before = digest(hub.authority.books)
    hub.authority.books.close()
    done = cli("restore", str(saved))
    assert done.exit_code == 0, done.output
    assert json.loads(cli("recover", "--json").stdout)["recovering"]
    books = HubBooks.open(hub_place, clock=hub.clock)
    for terminal in (till, late):
        _reach_anew(terminal, Authority(books, ids))
    for terminal in (till, late, till, late):
        with contextlib.suppress(HubError):
            terminal.sync()
    assert {row["id"] for row in till.rows(customer)} == {first, second, third}
    assert digest(books) == before
    books.close()
    told = json.loads(cli("verify", "--json").stdout)
    assert [one["name"] for one in told["findings"] if one["state"] == BAD] == []
    assert not json.loads(cli("recover", "--json").stdout)["recovering"]


def _reach_anew(terminal: Any, authority: Authority) -> None:
    """Let a terminal open the hub's file anew, as every terminal does when it was replaced."""
    with terminal.desk._books.read() as tx:
        member = membership(tx)
    assert member is not None
    terminal.hub = SharedHub(authority, member.device_id, member.secret)
    terminal.link = Link(terminal.desk._books, terminal.hub, machine=terminal.name)


def test_terminals_prune_only_what_a_checked_backup_holds_and_only_what_is_old(
    hub: Any, hub_place: str, tmp_path: Path
) -> None:
    till = hub.terminals["till"]
    till.give(CreateCustomer(name="旧"))
    till.sync()
    hub.clock.move(days=40)
    till.give(CreateCustomer(name="新"))
    till.sync()
    assert len(till.outbox()) == 2
    backups.back_up(hub.authority.books, hub_place, tmp_path / "saved.db")
    till.sync()
    assert [row.args["name"] for row in till.outbox()] == ["新"]


def test_what_is_no_backup_of_a_hub_is_refused_and_nothing_is_changed(
    hub: Any, cli: Run, office: Any, tmp_path: Path
) -> None:
    from crm_tui.store.backup import backup

    backup(office.desk._books.path, tmp_path / "terminal.db")
    refused = cli("restore", str(tmp_path / "terminal.db"))
    assert refused.exit_code != 0
    assert states(hub.authority.books)["chains"] == GOOD
    assert not json.loads(cli("recover", "--json").stdout)["recovering"]


def test_only_one_decision_at_a_time_can_be_asked_for(hub: Any, cli: Run) -> None:
    assert hub.terminals
    assert cli("review", "x").exit_code == 2
    assert cli("review", "--accept").exit_code == 2
    assert "--as" in cli("review", "x", "--accept", who="").stderr
    assert cli("review", "x", "--accept", "--discard").exit_code == 2
    assert json.loads(cli("review", "--json").stdout) == []


def test_the_log_makes_the_rows_of_the_hub_from_nothing(hub: Any, ids: Callable[[], str]) -> None:
    books, till = hub.authority.books, hub.terminals["till"]
    with hub.office.desk._books.read() as tx:
        device_id = fact(tx, "device_id")
    founding.adopt(books, device_id=device_id, machine="x", unit_id=hub.units["Haitang"], name="office")
    other = hub.terminal("other", log_in="6002")
    head = hub.terminal("head", "Haitang", log_in="1001")
    till.give(CreateCustomer(name="先来", phones=("13900003333",)))
    other.give(CreateCustomer(name="后到", phones=("13900003333",)))
    hub.quiet()
    till.give(CreateCustomer(name="冻结前"))
    head.give(SetPersonStatus(person_id=hub.people["6001"], status="frozen", expected="active"))
    head.sync()
    till.sync()
    (flagged, held) = review.cases(books)
    assert (flagged.status, held.status) == ("flagged", "held")
    assert states(books)["replay"] == GOOD
    review.accept(books, hub.people["4001"], held.cmd_id, ids)
    assert states(books)["replay"] == GOOD
    with books.write() as tx:
        tx.update_where(customer, customer.c.name == "冻结前", name="x")
    assert states(books)["replay"] == BAD
