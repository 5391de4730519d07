"""One counter: the lock-out that outlives a restart, steps back and forth, and two counters at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import select

from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.desk import Desk
from crm_tui.domain.errors import Refused
from crm_tui.store.engine import check_integrity
from crm_tui.store.tables import credential, customer, outbox, person


def _refused(work) -> Refused:
    with pytest.raises(Refused) as no:
        work()
    return no.value


def test_five_wrong_pins_lock_a_person_out_also_after_a_restart(office, desk, database, clock, ids):
    person_id = office.people["6001"]
    left = [_refused(lambda: desk.log_in(person_id, "0000")).details["left"] for _ in range(4)]
    assert left == [4, 3, 2, 1]
    assert _refused(lambda: desk.log_in(person_id, "0000")).code == "pin_locked"
    again = Desk(database, clock=clock, ids=ids)
    no = _refused(lambda: again.log_in(person_id, office.pin))
    assert (no.code, no.details["minutes"]) == ("pin_locked", 15)
    clock.move(minutes=15, seconds=1)
    assert again.log_in(person_id, office.pin).number == "6001"


def test_a_right_pin_forgets_the_wrong_ones(office, desk):
    person_id = office.people["6001"]
    for _ in range(3):
        _refused(lambda: desk.log_in(person_id, "0000"))
    desk.log_in(person_id, office.pin)
    assert _refused(lambda: desk.log_in(person_id, "0000")).details["left"] == 4


def test_a_pin_is_kept_only_as_an_argon2id_verifier(office, books):
    rows = books.rows(select(credential))
    assert rows
    assert all(row["verifier"].startswith("$argon2id$") for row in rows)
    assert all(office.pin not in row["verifier"].split("$") for row in rows)


@pytest.mark.parametrize("pin", ["123", "1234567", "12a4", "１２３４", ""])
def test_a_pin_has_four_to_six_digits(pin, office, desk):
    office.as_person("1001")
    desk.door.reset_pin(office.people["6001"])
    assert _refused(lambda: desk.door.choose_pin(office.people["6001"], pin)).code == "pin_shape"


def test_only_who_manages_people_takes_a_pin_away_and_a_set_one_is_not_replaced(office, desk):
    assert _refused(lambda: desk.door.reset_pin(office.people["6002"])).code == "not_allowed"
    assert _refused(lambda: desk.door.choose_pin(office.people["6002"], "9999")).code == "pin_set"


def test_a_frozen_person_neither_logs_in_nor_goes_on_working(office, desk):
    office.as_person("1001")
    office.give(SetPersonStatus(person_id=office.people["6001"], status="frozen", expected="active"))
    assert _refused(lambda: office.as_person("6001")).code == "person_frozen"
    desk.log_in(office.people["6002"], office.pin)
    with desk._books.write() as tx:
        tx.update(person, office.people["6002"], status="frozen")
    assert _refused(lambda: desk.carry_out(CreateCustomer(name="X"))).code == "person_frozen"


def test_everybody_takes_back_only_the_own_steps(office, desk, books):
    office.as_person("6001")
    office.customer("Of 6001")
    office.as_person("6002")
    assert _refused(desk.undo).code == "nothing_to_undo"
    office.as_person("6001")
    desk.undo()
    assert books.one(select(customer))["archived_at"] is not None
    assert _refused(desk.undo).code == "nothing_to_undo"


def test_a_new_step_forgets_what_could_be_done_again(office, desk):
    office.customer("One")
    desk.undo()
    office.customer("Two")
    assert _refused(desk.redo).code == "nothing_to_redo"


def test_of_two_who_reassign_what_they_both_saw_one_wins(office, books):
    customer_id = office.customer()
    seen = {
        "customer_id": customer_id,
        "expected_owner_id": office.people["6001"],
        "reason": "capacity",
    }
    office.as_person("4001")
    codes = [
        office.verdict(ReassignCustomer(to_owner_id=office.people[to], **seen)).code
        for to in ("6002", "6003")
    ]
    assert codes == ["applied", "owner_changed"]
    assert books.one(select(customer))["owner_id"] == office.people["6002"]


CLERK = """
import sys
from datetime import datetime
from pathlib import Path
from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.desk import Desk
path, person, pin, name, customer, owner, to, instant = sys.argv[1:]
desk = Desk.open(Path(path), clock=lambda: datetime.fromisoformat(instant))
desk.log_in(person, pin)
print("ready", flush=True)
sys.stdin.readline()
(verdict,) = desk.carry_out(
    ReassignCustomer(customer_id=customer, to_owner_id=to, expected_owner_id=owner, reason="race")
)
print(verdict.code)
for n in range(60):
    (made,) = desk.carry_out(CreateCustomer(name=f"{name} {n}", owner_id=to))
    assert made.applied, made
desk.close()
"""


def test_two_counters_in_two_processes_lose_nothing_and_one_wins_the_race(office, database, books, tmp_path):
    if database.dialect.name != "sqlite":
        pytest.skip("a counter's file is SQLite")
    customer_id, path = office.customer(), tmp_path / "home" / "crm.db"
    clerks = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", CLERK, str(path), office.people["4001"], office.pin, f"by {to}"),
                *(customer_id, office.people["6001"], office.people[to], office.clock.now.isoformat()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for to in ("6002", "6003")
    ]
    for clerk in clerks:
        assert clerk.stdout.readline() == "ready\n", clerk.stderr.read()
    for clerk in clerks:
        clerk.stdin.write("go\n")
        clerk.stdin.flush()
    told = [clerk.communicate() for clerk in clerks]
    assert [errors for _, errors in told] == ["", ""]
    assert sorted(said.strip() for said, _ in told) == ["applied", "owner_changed"]
    names = {row["name"] for row in books.rows(select(customer))}
    assert {f"by {to} {n}" for to in ("6002", "6003") for n in range(60)} <= names
    assert len(books.rows(select(outbox).where(outbox.c.kind == "create_customer"))) == 121
    assert check_integrity(path) == []
