"""Who may change a customer: one program at a time, on both databases, for five minutes at most."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from crm_tui.commands.customers import ArchiveCustomer
from crm_tui.domain.errors import Refused
from crm_tui.store import edit_leases
from crm_tui.store.scope import viewer_of
from crm_tui.store.tables import edit_lease


@pytest.fixture
def asked(office: Any) -> Any:
    """Ask for a customer's lease for a program and a person by number."""

    def ask(customer_id: str, holder: str, number: str = "6001") -> edit_leases.Lease:
        with office.desk._books.write() as tx:
            viewer = viewer_of(tx, office.people[number])
            return edit_leases.take(tx, viewer, customer_id, holder, office.clock())

    return ask


def let_go(office: Any, customer_id: str, holder: str) -> None:
    with office.desk._books.write() as tx:
        edit_leases.release(tx, customer_id, holder, office.clock())


def test_the_second_is_told_who_is_first_and_for_how_long(office, asked):
    one = office.customer()
    assert asked(one, "till") == edit_leases.Lease(mine=True, name="陈静", seconds=300)
    office.clock.move(seconds=89.5)
    assert asked(one, "desk", "5001") == edit_leases.Lease(mine=False, name="陈静", seconds=211)
    assert asked(one, "desk", "6001").mine is False, "two programs of one person are two"


def test_asking_in_vain_neither_takes_the_lease_nor_makes_it_longer(office, asked):
    one = office.customer()
    asked(one, "till")
    for _ in range(4):
        office.clock.move(minutes=1)
        asked(one, "desk", "5001")
    assert asked(one, "desk", "5001").seconds == 60
    office.clock.move(minutes=1)
    assert asked(one, "desk", "5001") == edit_leases.Lease(mine=True, name="Sue Team", seconds=300)
    assert asked(one, "till") == edit_leases.Lease(mine=False, name="Sue Team", seconds=300)


def test_who_asks_again_keeps_the_lease(office, asked):
    one = office.customer()
    for _ in range(3):
        assert asked(one, "till").mine
        office.clock.move(minutes=4)
    assert asked(one, "desk", "5001").seconds == 60


def test_a_lease_that_is_let_go_is_free_and_only_its_holder_lets_it_go(office, asked, books):
    one, other = office.customer(), office.customer("Other")
    asked(one, "till")
    asked(other, "till")
    let_go(office, one, "desk")
    assert not asked(one, "desk", "5001").mine
    let_go(office, one, "till")
    assert asked(one, "desk", "5001").mine
    held = {row["customer_id"]: row["holder"] for row in books.rows(select(edit_lease))}
    assert held == {one: "desk", other: "till"}


def test_leases_that_have_run_out_are_cleared_away(office, asked, books):
    one, other = office.customer(), office.customer("Other")
    asked(one, "killed")
    office.clock.move(minutes=5)
    asked(other, "till")
    let_go(office, other, "till")
    assert books.rows(select(edit_lease)) == []


def test_what_one_may_not_see_is_as_unknown_as_what_is_not_there(office, asked, books):
    one, gone = office.customer(), office.customer("Gone")
    office.give(ArchiveCustomer(customer_id=gone))
    for customer_id, number in ((one, "6002"), (one, "6005"), (gone, "6001"), ("0" * 32, "6001")):
        with pytest.raises(Refused) as no:
            asked(customer_id, "till", number)
        assert (no.value.code, no.value.details) == ("customer_unknown", {})
    assert books.rows(select(edit_lease)) == []


def test_of_many_who_ask_at_once_exactly_one_gets_it(office, asked):
    customers = [office.customer(f"No {n}") for n in range(8)]
    for one in customers[:4]:  # half of them are to be had because somebody's time has run out
        asked(one, "killed")
    office.clock.move(minutes=6)
    racers = 6
    start = threading.Barrier(racers)
    found: list[tuple[str, str, edit_leases.Lease]] = []

    def race(holder: str) -> None:
        for one in customers:
            start.wait()
            found.append((one, holder, asked(one, holder)))

    threads = [threading.Thread(target=race, args=(f"program {n}",)) for n in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == racers * len(customers)
    for one in customers:
        assert sum(lease.mine for of, _, lease in found if of == one) == 1
