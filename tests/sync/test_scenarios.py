"""What other programs learnt the hard way: one check for each scenario, by the names of the outside list."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.desk.link import Link, _longer
from crm_tui.domain.errors import Refused
from crm_tui.hub.books import HubBooks
from crm_tui.hub.tables import device
from crm_tui.store.replica import Rebase
from crm_tui.store.replicated import REPLICATED, key_text, key_values
from crm_tui.store.tables import customer, follow_up, stage
from crm_tui.sync import joining
from crm_tui.sync.http import HttpHub
from crm_tui.sync.messages import ForkRequest, HubError, PullAnswer, PushRequest, Say, TableRows

LIST = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cases" / "sync.jsonl"
Check = Callable[[Any, pytest.MonkeyPatch], None]


def _two(organisation: Any) -> tuple[Any, Any]:
    return organisation.terminal("one", log_in="6001"), organisation.terminal("two", log_in="4001")


def _agree(organisation: Any, *terminals: Any) -> None:
    organisation.quiet()
    for terminal in terminals:
        assert terminal.waiting() == 0
        assert terminal.everything() == organisation.everything()


def _losing(terminal: Any, name: str, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """Lose the answers to some requests of a terminal."""
    right, left = getattr(terminal.hub, name), [times]

    def lost(request: Any) -> Any:
        answer = right(request)
        if left[0]:
            left[0] -= 1
            raise HubError(Say.UNREACHABLE)
        return answer

    monkeypatch.setattr(terminal.hub, name, lost)


def the_same_batch_twice(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    made = one.give(CreateCustomer(name="once"))["customer_id"]
    one.give(organisation.office.spoken(made))
    _losing(one, "push", monkeypatch)
    with pytest.raises(HubError):
        one.sync()
    assert one.waiting() == 2
    one.sync()
    assert [row.state for row in one.outbox()] == ["applied"] * 2
    assert len([entry for entry in organisation.log() if entry.kind == "log_follow_up"]) == 1
    _agree(organisation, one, two)


def a_part_is_acknowledged(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    for name in ("a", "b", "c"):
        one.give(CreateCustomer(name=name))
    right = one.hub.push
    monkeypatch.setattr(
        one.hub, "push", lambda asked: right(msgspec.structs.replace(asked, commands=asked.commands[:2]))
    )
    one.sync()
    assert [row.state for row in one.outbox()] == ["applied", "applied", "pending"]
    monkeypatch.setattr(one.hub, "push", right)
    _agree(organisation, one, two)


def a_patch_broken_in_the_middle(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    two.give(CreateCustomer(name="theirs"))
    two.sync()
    before, right = one.everything(), one.hub.pull

    def broken(request: Any) -> PullAnswer:
        answer = right(request)
        bad = TableRows(table="contact", columns=["id"], rows=[["x"]])
        return msgspec.structs.replace(answer, put=[*answer.put, bad])

    monkeypatch.setattr(one.hub, "pull", broken)
    with pytest.raises(Exception, match="NOT NULL"):
        one.sync()
    assert one.everything() == before
    monkeypatch.setattr(one.hub, "pull", right)
    _agree(organisation, one, two)


def a_secret_that_is_no_longer_taken(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    one.give(CreateCustomer(name="kept"))
    known = organisation.device(one)
    with organisation.authority.books.write() as tx:
        tx.update_where(device, device.c.device_id == known.device_id, secret_hash="another")
    if isinstance(one.hub, HttpHub):
        one.hub._token = ""
    with pytest.raises(HubError) as no:
        one.sync()
    assert no.value.code == Say.AUTH
    assert one.waiting() == 1
    with organisation.authority.books.write() as tx:
        tx.update_where(device, device.c.device_id == known.device_id, secret_hash=known.secret_hash)
    _agree(organisation, one, two)


def two_at_once(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    one.give(CreateCustomer(name="one's"))
    two.give(CreateCustomer(name="two's"))
    right, inside = one.hub.push, []

    def meanwhile(request: PushRequest) -> Any:
        if not inside:
            inside.append(two.sync())
        return right(request)

    monkeypatch.setattr(one.hub, "push", meanwhile)
    one.sync()
    _agree(organisation, one, two)


def a_wrong_key_is_ignored(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    before = organisation.everything()
    stranger = organisation._reach(organisation.device(one).device_id, "wrong")
    for _ in range(2):
        with pytest.raises(HubError) as no:
            stranger.fork(ForkRequest(machine="x"))
        assert no.value.code == Say.AUTH
    stranger.close()
    assert organisation.everything() == before
    _agree(organisation, one, two)


def a_follow_up_of_nobody(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    made = one.give(CreateCustomer(name="known"))["customer_id"]
    said = organisation.office.spoken("f" * 32)
    with one.desk._books.write() as tx:
        known = tx.first(select(customer).where(customer.c.id == made))
        tx.insert(customer, **(dict(known._mapping) | {"id": "f" * 32, "external_id": None}))
    one.give(said)
    one.give(organisation.office.spoken(made))
    one.sync()
    states = [(row.state, row.code) for row in one.outbox()]
    assert states == [("applied", ""), ("held", "customer_unknown"), ("applied", "")]
    _agree(organisation, one, two)


def a_fresh_terminal(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, _ = _two(organisation)
    one.give(CreateCustomer(name="there"))
    one.sync()
    before = organisation.everything()
    fresh = organisation.terminal("fresh")
    assert fresh.everything() == organisation.everything() == before
    with fresh.desk._books.write() as tx, pytest.raises(Refused, match="home_joined"):
        joining.refuse_used(tx)


def no_database(organisation: Any, _: pytest.MonkeyPatch) -> None:
    path = organisation._folder / "no.db"
    path.write_bytes(b"not a database" * 500)
    with pytest.raises(Refused):
        HubBooks.open(f"sqlite:///{path}", clock=organisation.clock)
    assert path.read_bytes() == b"not a database" * 500


def edits_in_any_order(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    made = one.give(CreateCustomer(name="edited"))["customer_id"]
    organisation.quiet()
    for place in range(6):
        for terminal in (one, two)[:: 1 if place % 2 else -1]:
            terminal.give(EditCustomer(customer_id=made, name=f"{terminal.name}{place}"))
        (one, two)[place % 2].sync()
    _agree(organisation, one, two)


def all_or_none(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    made = one.give(CreateCustomer(name="whole"))["customer_id"]
    one.give(organisation.office.spoken(made))
    one.sync()
    two.sync()
    first, second = organisation.log()[-2:]
    assert first.revs == second.revs != {}
    assert [first.cmd_id, second.cmd_id] == [row.cmd_id for row in one.outbox()]
    assert len(two.rows(customer)) == len(two.rows(follow_up)) == 1


def a_column_only_one_side_has(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    made = one.give(CreateCustomer(name="real", birthday=date(1990, 5, 1)))["customer_id"]
    organisation.quiet()
    with one.desk._books.rebase() as tx:
        rebase = Rebase(tx)
        with rebase.hub_state():
            asked = "SELECT * FROM customer WHERE id = ?"
            row = tx.connection.exec_driver_sql(asked, (made,)).mappings().one()
            names = [name for name in row if name != "birthday"] + ["of_tomorrow"]
            values = [row.get(name, "new") for name in names]
            rebase.put("customer", names, [values])
            rebase.put("table_of_tomorrow", ["id"], [["1"]])
    assert one.rows(customer, customer.c.id == made)[0]["birthday"] == date(1990, 5, 1)
    _agree(organisation, one, two)


def one_is_refused(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    many_are_refused(organisation, monkeypatch, refused=1)


def many_are_refused(organisation: Any, _: pytest.MonkeyPatch, refused: int = 120) -> None:
    one, two = _two(organisation)
    made = one.give(CreateCustomer(name="mine"))["customer_id"]
    organisation.quiet()
    people = organisation.people
    two.give(
        ReassignCustomer(
            customer_id=made, to_owner_id=people["6002"], expected_owner_id=people["6001"], reason="other"
        )
    )
    two.sync()
    for place in range(refused):
        one.give(EditCustomer(customer_id=made, name=f"n{place}"))
    one.give(CreateCustomer(name="sound"))
    one.sync()
    states = [row.state for row in one.outbox()]
    assert states == ["applied", *(["rejected"] * refused), "applied"]
    assert all(row.code == "customer_unknown" for row in one.outbox() if row.state == "rejected")
    _agree(organisation, one, two)


def the_network_comes_back(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    asked: list[str] = []
    one.link._online, one.link._trouble = False, Say.UNREACHABLE
    monkeypatch.setattr(one.link, "want", lambda: asked.append("round") or one.link._stopping.set())
    one.link._watch()
    assert asked == ["round"]
    one.link._stopping.clear()
    _agree(organisation, one, two)


def an_answer_that_is_no_hubs(organisation: Any, _: pytest.MonkeyPatch) -> None:
    one, two = _two(organisation)
    one.give(CreateCustomer(name="kept"))
    before = one.everything()
    for status, body, code in ((200, b"<html>", Say.NOT_A_HUB), (500, b"{", Say.RETRY)):
        foreign = HttpHub("http://hub.invalid", "d", "s")
        answer = httpx.Response(status, content=body)
        foreign._client = httpx.Client(
            base_url="http://hub.invalid/", transport=httpx.MockTransport(lambda _, said=answer: said)
        )
        link = Link(one.desk._books, foreign, machine=one.name)
        with pytest.raises(HubError) as no:
            link.run()
        assert no.value.code == code
        assert link.state().trouble == code
        foreign.close()
    assert one.everything() == before
    assert one.waiting() == 1
    assert 1.0 < _longer(1.0) <= 2.0 < _longer(4.0) <= 8.0
    assert _longer(10_000.0) <= 300.0
    _agree(organisation, one, two)


def a_clerk_moves_to_another_branch(organisation: Any, _: pytest.MonkeyPatch) -> None:
    till = organisation.terminal("till", log_in="6001")
    xuhui = organisation.terminal("xuhui", "Xuhui", log_in="6004")
    mine = till.give(CreateCustomer(name="静安"))["customer_id"]
    theirs = xuhui.give(CreateCustomer(name="徐汇"))["customer_id"]
    organisation.quiet()
    with organisation.authority.books.write() as tx:
        tx.update_where(
            device,
            device.c.device_id == organisation.device(till).device_id,
            unit_id=organisation.units["Xuhui"],
        )
    till.sync()
    assert {row["id"] for row in till.rows(customer)} == {theirs}
    assert mine != theirs
    assert till.everything() == xuhui.everything()


def keys_of_any_letters(organisation: Any, _: pytest.MonkeyPatch) -> None:
    @given(
        st.text(st.characters(exclude_characters="\x1f", exclude_categories=("Cs",)), min_size=1),
        st.integers(0, 9),
    )
    def any_key(word: str, number: int) -> None:
        assert key_values(stage, key_text((word, number, word))) == (word, number, word)
        assert key_values(customer, key_text((word,))) == (word,)

    any_key()
    one, two = _two(organisation)
    for word in ("a/b c", 'it\'s "so"', "🧧🍜", "𠮷𡈽", "%_\\"):
        one.give(CreateCustomer(name=word, external_id=f"x{word}", tags=(word,), extra={word: word}))
    _agree(organisation, one, two)
    assert {table.name for table in REPLICATED} >= {"customer", "stage"}


CHECKS: dict[str, Check] = {
    "SY-01": the_same_batch_twice,
    "SY-06": a_part_is_acknowledged,
    "SY-07": a_patch_broken_in_the_middle,
    "SY-08": a_secret_that_is_no_longer_taken,
    "SY-09": two_at_once,
    "SY-10": a_wrong_key_is_ignored,
    "SY-12": a_follow_up_of_nobody,
    "SY-13": a_fresh_terminal,
    "SY-14": no_database,
    "SY-17": edits_in_any_order,
    "SY-19": all_or_none,
    "SY-20": a_column_only_one_side_has,
    "SY-24": one_is_refused,
    "SY-25": many_are_refused,
    "SY-26": the_network_comes_back,
    "SY-27": an_answer_that_is_no_hubs,
    "SY-30": a_clerk_moves_to_another_branch,
    "SY-31": keys_of_any_letters,
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_the_scenario_ends_as_it_should(
    name: str, organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHECKS[name](organisation, monkeypatch)


@pytest.mark.outside
def test_every_scenario_of_the_outside_list_has_a_check() -> None:
    if not LIST.exists():
        pytest.skip("the outside data is not beside this checkout")
    cases = [json.loads(line)["expected"]["id"] for line in LIST.read_text("utf-8").splitlines()]
    assert len(cases) == len(set(cases))
    assert set(cases) == set(CHECKS)
