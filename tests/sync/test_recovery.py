"""A hub that is put back loses nothing it had answered: the terminals bring it again, and all agree."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.hub import recovery
from crm_tui.hub.books import meta_value
from crm_tui.hub.keeping import begin_recovery
from crm_tui.store.tables import customer
from crm_tui.sync.messages import HubError, Say

pytestmark = pytest.mark.usefixtures("in_a_file")


class Saved:
    """A copy of the hub's database, and the putting back of it by hand while the hub runs."""

    def __init__(self, books: Any, path: Path) -> None:
        self._books, self._path = books, path
        with sqlite3.connect(books.engine.url.database) as here, sqlite3.connect(path) as there:
            here.backup(there)

    def put_back(self, *, honestly: bool = True) -> None:
        """Put the copy in the database's place; ``honestly``: the hub is told, as ``hub restore`` does."""
        with sqlite3.connect(self._path) as here, sqlite3.connect(self._books.engine.url.database) as there:
            here.backup(there)
        if honestly:
            with self._books.write() as tx:
                begin_recovery(tx)


@pytest.fixture
def save(hub_books: Any, tmp_path: Path) -> Callable[[], Saved]:
    """Save the hub as it is now."""
    return lambda: Saved(hub_books, tmp_path / "saved.db")


def mode(organisation: Any) -> str:
    with organisation.authority.books.read() as tx:
        return meta_value(tx, "mode")


def refused(terminal: Any) -> str:
    """Run a round that the hub refuses; return why."""
    with pytest.raises(HubError) as no:
        terminal.sync()
    return str(no.value.code)


def test_a_restore_loses_no_answered_command_whoever_comes_early_or_late(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    tills = [organisation.terminal(f"till{n}", log_in=f"600{n}") for n in (1, 2, 3)]
    tills.append(organisation.terminal("office", log_in="4001"))
    made = [till.give(CreateCustomer(name=f"旧客{n}"))["customer_id"] for n, till in enumerate(tills)]
    organisation.quiet()
    saved = save()
    for n, till in enumerate(tills):
        made.append(till.give(CreateCustomer(name=f"新客{n}"))["customer_id"])
        till.give(organisation.office.spoken(made[n]))
    organisation.quiet()
    answered = {row.cmd_id for till in tills for row in till.outbox()}
    before = organisation.everything()
    saved.put_back()
    assert [refused(till) for till in tills[:2]] == [Say.RECOVERING] * 2
    tills[0].give(CreateCustomer(name="其间"))
    assert refused(tills[0]) == Say.RECOVERING
    assert recovery.state(organisation.authority.books).waits_for == ("office", "till3")
    assert refused(tills[2]) == Say.RECOVERING
    recovery.finish(organisation.authority.books)
    tills[0].sync()
    assert "新客3" not in {row["name"] for row in tills[0].rows(customer)}
    organisation.quiet()
    assert answered <= {entry.cmd_id for entry in organisation.log()}
    assert set(made) <= {row["id"] for row in tills[3].rows(customer)}
    assert len(organisation.everything()["customer"]) == len(before["customer"]) + 1
    assert {till.name: till.everything() == organisation.everything() for till in tills} == {
        till.name: True for till in tills
    }
    assert all(row.state == "applied" for till in tills for row in till.outbox())
    assert not recovery.state(organisation.authority.books).flips


def test_the_hub_recovers_by_itself_when_everybody_it_waits_for_has_come(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="6002")
    organisation.quiet()
    saved = save()
    one.give(CreateCustomer(name="甲", phones=("13900001111",)))
    one.sync()
    two.give(CreateCustomer(name="乙", phones=("13900001111",)))
    organisation.quiet()
    assert [row.state for row in two.outbox()] == ["flagged"]
    ended = [row[:2] for row in _ends(organisation)]
    saved.put_back()
    assert refused(two) == Say.RECOVERING
    one.sync()
    assert mode(organisation) == "normal"
    organisation.quiet()
    assert [row[:2] for row in _ends(organisation)] == ended
    assert one.everything() == two.everything() == organisation.everything()


def _ends(organisation: Any) -> list[tuple[str, str, str]]:
    return sorted((row.cmd_id, row.status, row.code) for row in organisation.log())


@pytest.mark.parametrize("who", ["first", "second"])
def test_a_file_that_was_copied_back_by_hand_is_noticed_by_whoever_comes_first(
    organisation: Any, save: Callable[[], Saved], who: str
) -> None:
    both = {
        name: organisation.terminal(name, log_in=n) for name, n in (("first", "6001"), ("second", "6002"))
    }
    organisation.quiet()
    saved = save()
    made = both["first"].give(CreateCustomer(name="丢不得"))["customer_id"]
    organisation.quiet()
    saved.put_back(honestly=False)
    assert refused(both[who]) == Say.RECOVERING
    assert mode(organisation) == "recovering"
    _come_and_come_again(both)
    assert mode(organisation) == "normal"
    assert all(till.rows(customer, customer.c.id == made) for till in both.values())
    assert both["first"].everything() == both["second"].everything() == organisation.everything()


def test_a_push_with_answers_the_hub_has_lost_is_not_taken_in_out_of_order(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="6002")
    organisation.quiet()
    saved = save()
    made = one.give(CreateCustomer(name="先有客"))["customer_id"]
    organisation.quiet()
    saved.put_back(honestly=False)
    one.give(EditCustomer(customer_id=made, name="后改名"))
    assert refused(one) == Say.RECOVERING
    assert not organisation.log() or made not in {row["id"] for row in _hub_customers(organisation)}
    two.sync()
    one.sync()
    assert [row["name"] for row in one.rows(customer, customer.c.id == made)] == ["后改名"]
    assert one.everything() == organisation.everything()


def _hub_customers(organisation: Any) -> list[dict[str, Any]]:
    from sqlalchemy import select

    with organisation.authority.books.read() as tx:
        return [dict(row._mapping) for row in tx.rows(select(customer))]


def _come_and_come_again(terminals: dict[str, Any]) -> None:
    """Let each terminal sync until the hub has recovered and everybody has heard of everything."""
    for _ in range(3):
        for terminal in terminals.values():
            with contextlib.suppress(HubError):
                terminal.sync()
