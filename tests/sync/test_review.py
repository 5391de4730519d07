"""What a hub flags, holds or cannot carry out waits for a person; the decision reaches its author."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.domain.errors import Refused
from crm_tui.hub import review
from crm_tui.hub.tables import command_log
from crm_tui.hub.verify import BAD, verify
from crm_tui.store.tables import customer, outbox


def ends(terminal: Any) -> list[tuple[str, str]]:
    return [(row.state, row.code) for row in terminal.outbox()]


def only_case(organisation: Any) -> review.Case:
    (case,) = review.cases(organisation.authority.books)
    return case


def sound(organisation: Any) -> bool:
    return not [one for one in verify(organisation.authority.books) if one.state == BAD]


@pytest.fixture
def held(organisation: Any) -> Any:
    """A clerk's terminal whose customer was held, because the clerk was frozen before it arrived."""
    till = organisation.terminal("till", log_in="6001")
    office = organisation.terminal("head", "Haitang", log_in="1001")
    till.give(CreateCustomer(name="冻结前"))
    office.give(SetPersonStatus(person_id=organisation.people["6001"], status="frozen", expected="active"))
    office.sync()
    till.sync()
    assert ends(till) == [("held", "person_frozen")]
    assert not till.rows(customer)
    return till


def test_a_held_command_that_is_accepted_is_carried_out_for_its_author(
    organisation: Any, held: Any, ids: Callable[[], str]
) -> None:
    case = only_case(organisation)
    assert (case.status, case.code, case.kind) == ("held", "person_frozen", "create_customer")
    review.accept(organisation.authority.books, organisation.people["4001"], case.cmd_id, ids)
    held.sync()
    assert ends(held) == [("applied", "")]
    assert [row["name"] for row in held.rows(customer)] == ["冻结前"]
    assert not review.cases(organisation.authority.books)
    assert sound(organisation)
    (entry,) = [one for one in organisation.log() if one.device_id == review.HUB]
    assert (entry.actor_id, entry.args["decision"]) == (organisation.people["4001"], "accept")


def test_the_last_decision_cannot_be_cut_off_unnoticed(
    organisation: Any, held: Any, ids: Callable[[], str]
) -> None:
    books = organisation.authority.books
    review.accept(books, organisation.people["4001"], only_case(organisation).cmd_id, ids)
    held.sync()
    assert sound(organisation)
    with books.write() as tx:
        tx.delete_where(command_log, command_log.c.device_id == review.HUB)
    (chains,) = [one for one in verify(books) if one.name == "chains"]
    assert (chains.state, chains.where) == (BAD, (review.HUB,))


def test_a_held_command_that_is_discarded_is_refused_at_its_terminal(
    organisation: Any, held: Any, ids: Callable[[], str]
) -> None:
    books = organisation.authority.books
    review.discard(books, organisation.people["4001"], only_case(organisation).cmd_id, ids)
    held.sync()
    assert ends(held) == [("rejected", "review_discarded")]
    assert not held.rows(customer)
    held.sync()
    assert sound(organisation)


@pytest.mark.usefixtures("held")
def test_only_who_leads_the_author_decides_and_only_once(organisation: Any, ids: Callable[[], str]) -> None:
    books, cmd_id = organisation.authority.books, only_case(organisation).cmd_id
    for number, code in (("6002", "not_allowed"), ("4002", "not_allowed")):
        with pytest.raises(Refused) as no:
            review.accept(books, organisation.people[number], cmd_id, ids)
        assert no.value.code == code
    review.discard(books, organisation.people["4001"], cmd_id, ids)
    with pytest.raises(Refused) as again:
        review.accept(books, organisation.people["4001"], cmd_id, ids)
    assert again.value.code == "review_decided"


def test_a_flagged_command_that_was_looked_at_counts_as_applied_and_cannot_be_discarded(
    organisation: Any, ids: Callable[[], str]
) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="6002")
    one.give(CreateCustomer(name="先来", phones=("13900003333",)))
    one.sync()
    two.give(CreateCustomer(name="后到", phones=("13900003333",)))
    two.sync()
    books, cmd_id = organisation.authority.books, only_case(organisation).cmd_id
    with pytest.raises(Refused) as no:
        review.discard(books, organisation.people["4001"], cmd_id, ids)
    assert no.value.code == "review_stands"
    review.accept(books, organisation.people["4001"], cmd_id, ids)
    organisation.quiet()
    assert ends(two) == [("applied", "")]
    assert sound(organisation)


def test_a_command_of_a_newer_program_is_carried_out_by_a_newer_hub(
    organisation: Any, ids: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = organisation.terminal("one", log_in="6001")
    monkeypatch.setattr(CreateCustomer, "version", 9)
    one.give(CreateCustomer(name="新版"))
    monkeypatch.setattr(CreateCustomer, "version", 1)
    one.sync()
    assert ends(one) == [("quarantined", "command_unknown")]
    books = organisation.authority.books
    assert review.rerun(books, ids) == 0
    monkeypatch.setattr(CreateCustomer, "version", 9)
    assert review.rerun(books, ids) == 1
    one.sync()
    assert ends(one) == [("applied", "")]
    assert [row["name"] for row in one.rows(customer)] == ["新版"]
    assert not review.cases(books)
    assert sound(organisation)


def test_what_broke_an_older_hub_is_carried_out_by_one_that_it_does_not_break(
    organisation: Any, ids: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="先前"))
    one.give(CreateCustomer(name="后来"))
    with monkeypatch.context() as broken:
        sound_way = CreateCustomer.apply
        broken.setattr(
            CreateCustomer, "apply", lambda *given: 1 // 0 if "先前" in str(given) else sound_way(*given)
        )
        one.sync()
        assert ends(one) == [("quarantined", "command_failed"), ("applied", "")]
        books = organisation.authority.books
        logged = len(organisation.log())
        assert review.rerun(books, ids) == 0
        assert len(organisation.log()) == logged
    assert review.rerun(books, ids) == 1
    one.sync()
    assert ends(one) == [("applied", ""), ("applied", "")]
    assert {row["name"] for row in one.rows(customer)} == {"先前", "后来"}
    assert not review.cases(books)
    assert sound(organisation)


@pytest.mark.parametrize(
    ("ahead", "state"),
    [
        (timedelta(minutes=10), "applied"),
        (timedelta(days=3), "held"),
        (timedelta(days=-900), "applied"),
    ],
    ids=["ten minutes ahead", "days ahead", "years behind"],
)
def test_a_clock_that_is_wrong_orders_nothing_and_one_that_is_days_ahead_is_not_believed(
    organisation: Any, ahead: timedelta, state: str
) -> None:
    one = organisation.terminal("one", log_in="6001")
    true_time = organisation.clock.now
    made = one.give(CreateCustomer(name="时钟"))
    with one.desk._books.write() as tx:
        tx.update_where(outbox, outbox.c.state == "pending", at=true_time + ahead)
    one.sync()
    assert [row.state for row in one.outbox()] == [state]
    with organisation.authority.books.read() as tx:
        rows = tx.rows(select(customer.c.created_at).where(customer.c.id == made["customer_id"]))
        logged = tx.scalar(select(command_log.c.client_at).order_by(command_log.c.hub_at.desc()).limit(1))
    assert logged == true_time + ahead
    if state == "applied":
        assert rows[0].created_at <= organisation.clock.now + timedelta(seconds=1)


def test_nobody_lets_an_own_command_through_and_a_wish_is_done_by_the_rules(
    organisation: Any, ids: Callable[[], str]
) -> None:
    books, people = organisation.authority.books, organisation.people
    elsewhere = organisation.terminal("xuhui", "Haitang", log_in="1001")
    made = elsewhere.give(CreateCustomer(name="徐汇客", owner_id=people["6004"]))["customer_id"]
    elsewhere.sync()
    till = organisation.terminal("till", log_in="4001")
    wish = ReassignCustomer(
        customer_id=made, to_owner_id=people["6001"], expected_owner_id=people["6004"], reason="other"
    )
    with till.desk._books.write() as tx:  # as a program that was tampered with gives it, days ahead
        _plant(tx, wish, people["4001"], organisation.clock.now + timedelta(days=3), ids)
    till.sync()
    assert ends(till)[-1] == ("held", "clock_ahead")
    with pytest.raises(Refused) as no:
        review.accept(books, people["4001"], only_case(organisation).cmd_id, ids)
    assert no.value.code == "review_own"
    with pytest.raises(Refused) as no:
        review.accept(books, people["1001"], only_case(organisation).cmd_id, ids)
    assert no.value.code == "customer_unknown"
    with books.read() as tx:
        assert tx.scalar(select(customer.c.owner_id).where(customer.c.id == made)) == people["6004"]


def _plant(tx: Any, command: Any, actor: str, at: Any, ids: Callable[[], str]) -> None:
    """Put a command into an outbox as if it had been carried out there."""
    tx.insert(
        outbox,
        cmd_id=ids(),
        batch_id=ids(),
        device_id="",
        actor_id=actor,
        kind=command.kind,
        version=command.version,
        args=command.model_dump(mode="json", exclude_unset=True),
        at=at,
        state="pending",
    )
