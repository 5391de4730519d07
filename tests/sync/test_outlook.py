"""What a terminal asks of its hub without changing anything: how far it is, and which terminals there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm_tui.commands.customers import CreateCustomer
from crm_tui.desk import outlook
from crm_tui.desk.outlook import Outlook
from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts
from crm_tui.hub.devices import move, set_frozen
from crm_tui.store.outbox import fact
from crm_tui.store.replica import cursors
from crm_tui.store.tables import person
from crm_tui.store.types import microseconds
from crm_tui.sync.http import HttpHub
from crm_tui.sync.machine import program_version
from crm_tui.sync.messages import DevicesRequest, HubError, JoinRequest, PositionRequest, Say


def devices_of(terminal: Any, number: str) -> Any:
    """Ask for the terminals in the name of a person, as a program may that keeps no rule itself."""
    asked = DevicesRequest(person_id=terminal.organisation.people[number])
    return terminal.hub.devices(asked)


def read_up_to(terminal: Any) -> dict[str, int]:
    """Return how far a terminal has read each of its spaces."""
    with terminal.desk._books.read() as tx:
        return cursors(tx)


def outlook_of(terminal: Any) -> Outlook:
    """Return the outlook of a terminal as its desk has it when it has a link."""
    return Outlook(terminal.desk.door, terminal.link)


def test_an_administrator_is_told_every_terminal_as_the_hub_knows_it(organisation):
    till = organisation.terminal("till", log_in="6001")
    office = organisation.terminal("office", "Haitang", log_in="1001")
    silent = organisation.terminal("silent", "Xuhui", sync=False)
    till.give(CreateCustomer(name="张三"))
    organisation.clock.move(minutes=8)
    ahead = till.desk._books.watch._clock
    till.desk._books.watch._clock = lambda: ahead() + timedelta(minutes=7)
    till.sync()
    set_frozen(organisation.authority.books, "silent", frozen=True)
    answer = devices_of(office, "1001")
    assert answer.version == program_version()
    assert [(one.name, one.unit, one.status) for one in answer.devices] == [
        ("office", "Haitang", "active"),
        ("till", "Jingan", "active"),
        ("silent", "Xuhui", "frozen"),
    ]
    told = {one.name: one for one in answer.devices}
    assert told["till"].last_seen == microseconds(organisation.clock.now)
    assert (told["till"].skew, told["till"].commands) == (7 * 60, 1)
    assert told["office"].commands == 0
    with silent.desk._books.read() as tx:
        assert told["silent"].device_id == fact(tx, "device_id")


@pytest.mark.parametrize("number", ["2001", "3001", "4001", "6001", "7001"])
def test_nobody_without_the_right_is_told_of_any_terminal(organisation, number):
    till = organisation.terminal("till", log_in=number)
    with pytest.raises(Refused) as no:
        devices_of(till, number)
    assert (no.value.code, no.value.details["right"]) == ("not_allowed", "manage_people")


def test_the_name_of_an_administrator_who_does_not_sit_there_opens_nothing(organisation):
    till = organisation.terminal("till", log_in="6001")
    organisation.terminal("office", "Haitang", log_in="1001")
    for person_id in (organisation.people["1001"], "", "0" * 32):
        with pytest.raises(HubError) as no:
            till.hub.devices(DevicesRequest(person_id=person_id))
        assert no.value.code == Say.AUTH


def test_an_administrator_who_was_frozen_or_is_one_no_longer_is_told_nothing(organisation):
    office = organisation.terminal("office", "Haitang", log_in="1001")
    with organisation.authority.books.write() as tx:
        tx.update(person, organisation.people["1001"], role="clerk")
    with pytest.raises(Refused, match="not_allowed"):
        devices_of(office, "1001")
    with organisation.authority.books.write() as tx:
        tx.update(person, organisation.people["1001"], role="administrator", status="frozen")
    with pytest.raises(Refused, match="person_frozen"):
        devices_of(office, "1001")


def test_a_terminal_that_was_frozen_is_told_neither(organisation):
    office = organisation.terminal("office", "Haitang", log_in="1001")
    set_frozen(organisation.authority.books, "office", frozen=True)
    for ask in (lambda: devices_of(office, "1001"), lambda: office.hub.position(PositionRequest())):
        with pytest.raises(HubError) as no:
            ask()
        assert no.value.code == Say.FROZEN


def test_a_terminal_that_the_hub_does_not_know_is_told_neither(organisation):
    office = organisation.terminal("office", "Haitang", log_in="1001")
    office.hub.speak_as("0" * 32, "guessed")
    for ask in (lambda: devices_of(office, "1001"), lambda: office.hub.position(PositionRequest())):
        with pytest.raises(HubError) as no:
            ask()
        assert no.value.code == Say.AUTH


def test_what_lies_between_a_terminal_and_its_hub_is_what_others_have_sent(organisation):
    till, other = organisation.terminal("till", log_in="6001"), organisation.terminal("other", log_in="5001")
    far = organisation.terminal("far", "Tianhe", log_in="6005")
    organisation.quiet()
    assert till.hub.position(PositionRequest()).upto == read_up_to(till)
    far.give(CreateCustomer(name="远"))
    far.sync()
    assert set(till.hub.position(PositionRequest()).upto) == set(read_up_to(till))
    before = sum(read_up_to(till).values())
    other.give(CreateCustomer(name="张三"))
    other.sync()
    assert sum(till.hub.position(PositionRequest()).upto.values()) > before
    till.sync()
    assert till.hub.position(PositionRequest()).upto == read_up_to(till)


def test_a_terminal_that_stands_elsewhere_is_told_of_its_new_spaces(organisation):
    till = organisation.terminal("till", log_in="6001")
    move(organisation.authority.books, "till", organisation.units["Xuhui"])
    assert set(till.hub.position(PositionRequest()).upto) == {"", organisation.units["Xuhui"]}


async def test_the_desk_asks_for_who_may_know_and_says_why_not_to_others(organisation):
    office = organisation.terminal("office", "Haitang", log_in="1001")
    assert [one.name for one in (await outlook_of(office).devices()).devices] == ["office"]
    assert await outlook_of(office).position() == read_up_to(office)
    with pytest.raises(Refused, match="devices_alone"):
        await Outlook(office.desk.door, None).devices()
    assert await Outlook(office.desk.door, None).position() is None
    till = organisation.terminal("till", log_in="6001")
    till.hub.close()
    with pytest.raises(Refused, match="not_allowed"):
        await outlook_of(till).devices()
    assert await outlook_of(till).position() is None
    office.hub.close()
    with pytest.raises(Refused, match="hub_needed"):
        await outlook_of(office).devices()


async def test_an_administrator_whose_seat_was_taken_is_told_to_log_in_again(organisation):
    office = organisation.terminal("office", "Haitang", log_in="1001")
    with organisation.authority.books.write() as tx:
        tx.delete_where(accounts.seat, accounts.seat.c.person_id == organisation.people["1001"])
    with pytest.raises(Refused, match="devices_unproven"):
        await outlook_of(office).devices()


async def test_a_frozen_person_is_told_so(organisation):
    office = organisation.terminal("office", "Haitang", log_in="1001")
    with organisation.authority.books.write() as tx:
        tx.update(person, organisation.people["1001"], status="frozen")
    with pytest.raises(Refused, match="person_frozen"):
        await outlook_of(office).devices()


@pytest.mark.usefixtures("in_a_file")
async def test_a_hub_that_does_not_know_the_questions_yet_is_told_from_one_that_refuses(office, older_hub):
    hub = older_hub("/v1/devices", "/v1/position")
    office.as_person("1001")
    link = outlook.Link(office.desk._books, hub, machine="m")
    asking = Outlook(office.desk.door, link)
    assert await asking.position() is None
    with pytest.raises(Refused, match="devices_unasked"):
        await asking.devices()
    hub.close()


@pytest.mark.usefixtures("in_a_file")
@pytest.mark.parametrize("body", [b"", b"[]", b'{"person_id": 1}', b'{"person_id": "\\u0000"}', b"{}"])
def test_a_question_that_is_none_is_malformed(authority, office, request, body):
    hub = HttpHub(request.getfixturevalue("hub_url"))
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
    answer = hub.join(JoinRequest(code=code, machine="m", protocol=1))
    hub.speak_as(answer.device_id, answer.secret)
    headers = {"Authorization": f"Bearer {hub._fresh_token()}"}
    response = hub._client.post("v1/devices", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, Say.MALFORMED)
    hub.close()
