"""A hub that is put back loses nothing it had answered: the terminals bring it again, and all agree."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.hub import recovery, review, tables
from crm_tui.hub.books import meta_value
from crm_tui.hub.devices import set_frozen
from crm_tui.hub.keeping import begin_recovery
from crm_tui.store import outbox
from crm_tui.store.tables import customer
from crm_tui.sync.messages import HubError, PushRequest, Say


class Saved:
    """A copy of the hub's database, and the putting back of it while the hub runs."""

    def __init__(self, books: Any, copy: Callable[[str, str], None], place: str) -> None:
        self._books, self._copy, self._place = books, copy, place
        self._own = str(books.engine.url.database)
        copy(self._own, place)

    def put_back(self, *, honestly: bool = True) -> None:
        """Put the copy in the database's place; ``honestly``: the hub is told, as ``hub restore`` does."""
        self._copy(self._place, self._own)
        if honestly:
            with self._books.write() as tx:
                begin_recovery(tx)


def _copy_file(here: str, there: str) -> None:
    with closing(sqlite3.connect(here)) as source, closing(sqlite3.connect(there)) as target:
        source.backup(target)


@pytest.fixture
def save(
    request: pytest.FixtureRequest, hub_books: Any, hub_kind: str, tmp_path: Path
) -> Iterator[Callable[[], Saved]]:
    """Save the hub as it is now, by the means of its kind of database."""
    if hub_kind == "sqlite":
        yield lambda: Saved(hub_books, _copy_file, str(tmp_path / "saved.db"))
        return
    copy, drop = (request.getfixturevalue(f"{deed}_database") for deed in ("copy", "drop"))
    place = f"{hub_books.engine.url.database}_saved"
    yield lambda: Saved(hub_books, copy, place)
    drop(place)


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


def test_a_hub_that_was_copied_back_while_a_terminal_reads_its_pages_is_found_out(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    head = organisation.terminal("head", "Haitang", log_in="1001")
    till = organisation.terminal("till", "Haitang", sync=False)
    organisation.quiet(1)
    till.link._client._identity.begin_anew("", 0)
    saved = save()
    for number in range(12):
        head.give(CreateCustomer(name=f"新客{number}"))
    head.sync()
    organisation.authority.page = 16
    pull, asked = till.hub.pull, []

    def copied_back(request: Any) -> Any:
        asked.append(request)
        answer = pull(request)
        if answer.more is not None and len([one for one in asked if one.after]) == 2:
            saved.put_back(honestly=False)
        return answer

    till.link._client._hub = SimpleNamespace(pull=copied_back, push=till.hub.push)
    assert refused(till) == Say.RECOVERING
    assert mode(organisation) == "recovering"


def test_a_hub_that_was_copied_back_by_hand_and_went_on_is_found_out_by_who_has_only_looked(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    """Others have brought the revisions beyond those that the onlooker knows before that one comes."""
    early = organisation.terminal("early", log_in="6001")
    lost, onlooker = (organisation.terminal(name, log_in="6002") for name in ("lost", "onlooker"))
    organisation.quiet()
    saved = save()
    made = lost.give(CreateCustomer(name="丢不得"))["customer_id"]
    lost.sync()
    onlooker.sync()
    onlooker.give(EditCustomer(customer_id=made, note="看过的"))
    saved.put_back(honestly=False)
    for number in range(3):
        early.give(CreateCustomer(name=f"新客{number}"))
        early.sync()
    assert refused(onlooker) == Say.RECOVERING
    all_of_them = {"early": early, "lost": lost, "onlooker": onlooker}
    _come_and_come_again(all_of_them)
    assert mode(organisation) == "normal"
    for terminal in all_of_them.values():
        assert [row["note"] for row in terminal.rows(customer, customer.c.id == made)] == ["看过的"]
        assert terminal.everything() == organisation.everything()


@pytest.mark.parametrize("more", [0, 5])
def test_what_was_answered_is_not_taken_for_what_a_copy_has_sent_since_under_the_same_count(
    organisation: Any, save: Callable[[], Saved], clone: Callable[..., Any], more: int
) -> None:
    """The hub is copied back, and a copy of the terminal is faster: it uses the count of what was lost."""
    original = organisation.terminal("original", log_in="6001")
    original.give(CreateCustomer(name="早客"))
    original.sync()
    copy = clone(original, "copy")
    saved = save()
    made = [original.give(CreateCustomer(name=f"丢不得{n}"))["customer_id"] for n in range(3)]
    original.sync()
    saved.put_back(honestly=False)
    for number in range(4):
        copy.give(CreateCustomer(name=f"副本客{number}"))
    copy.sync()
    for number in range(more):
        original.give(CreateCustomer(name=f"新客{number}"))
    _come_and_come_again({"original": original, "copy": copy})
    assert mode(organisation) == "normal"
    organisation.quiet()
    assert set(made) <= {row["id"] for row in _hub_customers(organisation)}
    assert len(_hub_customers(organisation)) == 1 + 3 + 4 + more
    assert original.everything() == copy.everything() == organisation.everything()


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


def test_a_terminal_that_began_anew_in_one_recovery_is_not_waited_for_in_the_next(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    till = organisation.terminal("till", log_in="6001")
    organisation.quiet()
    saved = save()
    till.give(CreateCustomer(name="旧"))
    organisation.quiet()
    with till.desk._books.write() as tx:  # its archive begins behind what the backup lacks
        outbox.prune(tx, 10**6, organisation.clock.now + timedelta(days=1))
    saved.put_back()
    till.give(CreateCustomer(name="新"))
    first = organisation.device(till).device_id
    _come_and_come_again({"till": till})
    assert organisation.device(till).device_id != first
    saved = save()
    saved.put_back()
    _come_and_come_again({"till": till})
    assert mode(organisation) == "normal"


def test_a_recovering_hub_is_told_nothing_twice(
    organisation: Any, save: Callable[[], Saved], monkeypatch: pytest.MonkeyPatch
) -> None:
    till, late = (organisation.terminal(name, log_in=n) for name, n in (("till", "6001"), ("late", "6002")))
    organisation.quiet()
    saved = save()
    for number in range(3):
        till.give(CreateCustomer(name=f"客{number}"))
    organisation.quiet()
    saved.put_back()
    sent: list[int] = []
    push = till.hub.push
    monkeypatch.setattr(
        till.hub, "push", lambda asked: sent.extend(one.seq for one in asked.commands) or push(asked)
    )
    assert refused(till) == Say.RECOVERING
    till.give(CreateCustomer(name="客3"))
    assert refused(till) == Say.RECOVERING
    assert refused(till) == Say.RECOVERING
    assert sent == [1, 2, 3, 4]
    late.sync()
    organisation.quiet()
    assert len(till.rows(customer)) == 4
    assert till.everything() == organisation.everything()


def test_what_was_given_up_is_not_carried_out_when_the_hub_hears_of_it_again(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    one, two = (organisation.terminal(name, log_in=n) for name, n in (("one", "4001"), ("two", "4001")))
    made = one.give(CreateCustomer(name="甲", owner_id=organisation.people["6001"]))["customer_id"]
    organisation.quiet()
    saved = save()
    one.give(_handed(organisation, made, "6002"))
    two.give(_handed(organisation, made, "6003"))
    one.sync()
    two.sync()
    (lost,) = [row for row in two.outbox() if row.state == "rejected"]
    two.desk.inbox.discard(lost.cmd_id)
    two.sync()
    saved.put_back()
    assert refused(two) == Say.RECOVERING
    recovery.finish(organisation.authority.books)  # the one that was faster then is not heard of before
    organisation.quiet()
    (again,) = [row for row in two.outbox() if row.cmd_id == lost.cmd_id]
    assert (again.state, again.code, again.settled) == ("rejected", "given_up", "discarded")
    assert [row["owner_id"] for row in two.rows(customer)] == [organisation.people["6002"]]
    assert not recovery.state(organisation.authority.books).flips


def test_a_flagged_fact_that_was_looked_at_comes_back_with_the_hub(
    organisation: Any, save: Callable[[], Saved]
) -> None:
    one, two = (organisation.terminal(name, log_in=n) for name, n in (("one", "6001"), ("two", "6002")))
    organisation.quiet()
    saved = save()
    one.give(CreateCustomer(name="甲", phones=("13900001111",)))
    two.give(CreateCustomer(name="乙", phones=("13900001111",)))
    one.sync()
    two.sync()
    (flagged,) = [row for row in two.outbox() if row.state == "flagged"]
    two.desk.inbox.discard(flagged.cmd_id)
    saved.put_back()
    _come_and_come_again({"one": one, "two": two})
    organisation.quiet()
    assert {row["name"] for row in one.rows(customer)} == {"甲", "乙"}
    assert one.everything() == organisation.everything()


def _handed(organisation: Any, customer_id: str, number: str) -> ReassignCustomer:
    people = organisation.people
    return ReassignCustomer(
        customer_id=customer_id,
        to_owner_id=people[number],
        expected_owner_id=people["6001"],
        reason="other",
    )


def test_a_frozen_terminal_stops_nobody(organisation: Any) -> None:
    stolen, other = (organisation.terminal(name, log_in=n) for name, n in (("a", "6001"), ("b", "6002")))
    set_frozen(organisation.authority.books, organisation.device(stolen).device_id, frozen=True)
    with stolen.desk._books.read() as tx:
        epoch = outbox.fact(tx, "hub_epoch")
    stolen.hub.push(PushRequest(epoch=epoch, protocol=1, now=0, commands=[], answered=99))
    assert mode(organisation) == "normal"
    other.give(CreateCustomer(name="照常"))
    other.sync()


def test_what_was_discarded_at_the_hub_stays_discarded_when_it_is_put_back(
    organisation: Any, save: Callable[[], Saved], ids: Callable[[], str]
) -> None:
    till = organisation.terminal("till", log_in="6001")
    head = organisation.terminal("head", "Haitang", log_in="1001")
    person = organisation.people["6001"]
    saved = save()
    till.give(CreateCustomer(name="不许"))
    head.give(SetPersonStatus(person_id=person, status="frozen", expected="active"))
    head.sync()
    till.sync()
    (case,) = review.cases(organisation.authority.books)
    review.discard(organisation.authority.books, organisation.people["4001"], case.cmd_id, ids)
    organisation.quiet()
    saved.put_back()
    _come_and_come_again({"till": till, "head": head})
    organisation.quiet()
    assert [(row.state, row.code) for row in till.outbox()] == [("rejected", "given_up")]
    assert not till.rows(customer)
    assert not recovery.state(organisation.authority.books).flips


def test_what_a_recovery_has_left_behind_does_not_stop_the_next_one(organisation: Any) -> None:
    till = organisation.terminal("till", log_in="6001")
    till.give(CreateCustomer(name="甲"))
    till.sync()
    books = organisation.authority.books
    with books.write() as tx:  # as a worker does that comes between the last two steps of another one
        (row,) = organisation.log()
        device_id = organisation.device(till).device_id
        left = {"device_id": device_id, "seq": 1, "cmd_id": row.cmd_id, "hub_at": 1, "sealed": {}}
        tx.insert(tables.recovery, **left, address="")
        begin_recovery(tx)
    _come_and_come_again({"till": till})
    assert mode(organisation) == "normal"
