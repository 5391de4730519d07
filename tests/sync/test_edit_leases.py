"""Of two terminals one changes a customer; the hub says which, whatever lies between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.desk import leases
from crm_tui.desk.leases import Leases
from crm_tui.domain.errors import Refused
from crm_tui.hub.devices import set_frozen
from crm_tui.store.edit_leases import Lease
from crm_tui.store.tables import customer, edit_lease
from crm_tui.sync.messages import HubError, LeaseRequest, Say


class Two:
    """The clerk's terminal and the supervisor's, a customer of the clerk, and what each has at hand."""

    def __init__(self, organisation: Any) -> None:
        self.organisation = organisation
        self.one = organisation.terminal("one", log_in="6001")
        self.two = organisation.terminal("two", log_in="5001")
        self.customer_id = self.one.give(CreateCustomer(name="张三"))["customer_id"]
        organisation.quiet()
        self.here, self.there = leases_of(self.one), leases_of(self.two)

    def held(self) -> int:
        with self.organisation.authority.books.read() as tx:
            return int(tx.scalar(select(func.count()).select_from(edit_lease)))


def leases_of(terminal: Any) -> Leases:
    """Return the leases of a terminal as its desk has them when it has a link."""
    return Leases(terminal.desk._books, terminal.desk.door, terminal.link, terminal.desk._writer)


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the end wait for the hub as long as a busy machine takes."""
    monkeypatch.setattr(leases, "PATIENCE", 60.0)


@pytest.fixture
def two(organisation: Any) -> Iterator[Two]:
    """Two terminals of one branch that know one customer."""
    made = Two(organisation)
    yield made
    made.here.close()
    made.there.close()


async def test_the_second_terminal_is_told_who_changes_the_customer_until_it_is_free(two):
    form = object()
    assert await two.here.take(two.customer_id, form) == Lease(mine=True, name="陈静", seconds=300)
    two.organisation.clock.move(minutes=2)
    told = await two.there.take(two.customer_id, form)
    assert told == Lease(mine=False, name="陈静", seconds=180)
    two.here.let_go(two.customer_id, form)
    two.here.close()
    assert (await two.there.take(two.customer_id, form)).mine


async def test_the_customer_of_a_terminal_that_was_killed_is_free_after_five_minutes(two):
    await two.here.take(two.customer_id, object())
    two.organisation.clock.move(minutes=5)
    assert (await two.there.take(two.customer_id, object())).mine
    assert not (await two.here.take(two.customer_id, object())).mine


async def test_what_was_saved_is_at_the_hub_before_the_customer_is_free(two):
    form = object()
    await two.here.take(two.customer_id, form)
    two.one.give(EditCustomer(customer_id=two.customer_id, note="fresh"))
    two.here.let_go(two.customer_id, form)
    two.here.close()
    assert (await two.there.take(two.customer_id, form)).mine
    two.two.sync()
    assert two.two.rows(customer, customer.c.id == two.customer_id)[0]["note"] == "fresh"


async def test_the_last_words_of_a_form_do_not_cost_the_next_one_its_lease(two):
    old, new = object(), object()
    await two.here.take(two.customer_id, old)
    with two.here._one_at_a_time:
        two.here.let_go(two.customer_id, old)
        asked = asyncio.ensure_future(two.here.take(two.customer_id, new))
        await asyncio.sleep(0)
    assert (await asked).mine
    for thread in two.here._leaving:
        thread.join()
    assert not (await two.there.take(two.customer_id, object())).mine


async def test_a_form_that_has_gone_before_it_could_ask_takes_nothing(two):
    form = object()
    with two.here._one_at_a_time:
        asked = asyncio.ensure_future(two.here.take(two.customer_id, form))
        await asyncio.sleep(0)
        two.here.let_go(two.customer_id, form)
    assert not (await asked).mine
    assert two.held() == 0


async def test_everything_held_is_let_go_when_the_program_ends(two):
    more = two.one.give(CreateCustomer(name="李四"))["customer_id"]
    two.organisation.quiet()
    for one in (two.customer_id, more):
        await two.here.take(one, object())
    assert two.held() == 2
    two.here.close()
    assert two.held() == 0


def test_only_who_sits_at_the_terminal_and_sees_the_customer_gets_a_lease(two):
    people, hub = two.organisation.people, two.one.hub
    with pytest.raises(HubError) as no:
        hub.lease(LeaseRequest(person_id=people["5001"], customer_id=two.customer_id, holder="h"))
    assert no.value.code == Say.AUTH
    two.one.log_in("6002")
    for customer_id in (two.customer_id, "0" * 32):
        with pytest.raises(Refused) as unseen:
            hub.lease(LeaseRequest(person_id=people["6002"], customer_id=customer_id, holder="h"))
        assert (unseen.value.code, unseen.value.details) == ("customer_unknown", {})
    assert two.held() == 0


def test_no_other_terminal_lets_a_lease_go(two):
    asked = LeaseRequest(person_id=two.organisation.people["6001"], customer_id=two.customer_id, holder="h")
    done = LeaseRequest(person_id="", customer_id=two.customer_id, holder="h", done=True)
    assert two.one.hub.lease(asked).mine
    two.two.hub.lease(done)
    assert two.held() == 1
    two.one.hub.lease(done)
    assert two.held() == 0


def test_a_terminal_that_was_frozen_gets_no_lease(two):
    set_frozen(two.organisation.authority.books, "one", frozen=True)
    asked = LeaseRequest(person_id=two.organisation.people["6001"], customer_id=two.customer_id, holder="h")
    with pytest.raises(HubError) as no:
        two.one.hub.lease(asked)
    assert no.value.code == Say.FROZEN


async def test_of_a_customer_whom_the_hub_does_not_know_yet_nobody_can_be_asked(two):
    fresh = two.one.give(CreateCustomer(name="李四"))["customer_id"]
    with pytest.raises(Refused) as no:
        await two.here.take(fresh, object())
    assert no.value.code == "lease_unasked"
    two.one.sync()
    assert (await two.here.take(fresh, object())).mine


async def test_a_hub_that_is_away_cannot_be_asked_and_ends_nothing(two):
    form = object()
    await two.here.take(two.customer_id, form)
    two.one.hub.close()
    with pytest.raises(Refused) as no:
        await two.here.take(two.customer_id, form)
    assert (no.value.code, no.value.details) == ("lease_unasked", {"why": Say.UNREACHABLE})
    two.here.let_go(two.customer_id, form)
    two.here.close()
    assert two.held() == 1, "nobody could tell the hub"


@pytest.mark.usefixtures("in_a_file")
def test_a_hub_that_knows_of_no_leases_is_told_from_one_that_refuses(office, older_hub):
    hub = older_hub("/v1/lease")
    with pytest.raises(HubError) as no:
        hub.lease(LeaseRequest(person_id=office.people["6001"], customer_id="c", holder="h"))
    hub.close()
    assert no.value.code == Say.NOT_A_HUB
