"""The hub's door: invitations, secrets, tokens, PINs, and who is no longer welcome."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import argon2
import httpx
import pytest
from sqlalchemy import select, update

from crm_tui.commands.customers import CreateCustomer
from crm_tui.commands.people import SetPersonStatus
from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts, devices, tokens
from crm_tui.hub.books import meta_value
from crm_tui.hub.limits import BURST, FAILURES, MOST_WAITING, PER_SECOND, WINDOW, Pace, Turns, network_of
from crm_tui.hub.server import Server
from crm_tui.store.outbox import fact
from crm_tui.store.tables import credential, customer
from crm_tui.sync.joining import LEASE
from crm_tui.sync.messages import (
    HubError,
    JoinRequest,
    LogInRequest,
    Place,
    PullRequest,
    PushRequest,
    Say,
    SealedCommand,
)


class Door:
    """A hub's application, asked without a socket, with a clock for its limits that only a test moves."""

    def __init__(self, authority: Any) -> None:
        self.now = 0.0
        self.authority = authority
        self._application = Server(authority, lambda: self.now).application()

    def ask(self, path: str, body: Any, *, token: bytes = b"", address: str = "10.0.0.1") -> httpx.Response:
        """Return the response to one POST."""

        async def post() -> httpx.Response:
            way = httpx.ASGITransport(self._application, client=(address, 4711), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=way, base_url="http://hub/v1/") as client:
                headers = {b"Authorization": b"Bearer " + token} if token else {}
                return await client.post(path, json=body, headers=headers)

        return asyncio.run(post())


@pytest.fixture
def door(authority: Any) -> Door:
    """The hub's door."""
    return Door(authority)


@pytest.fixture
def device(authority: Any, office: Any) -> Any:
    """A terminal's id and secret."""
    return joined(authority, office)


def joined(authority: Any, office: Any, machine: str = "m") -> Any:
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], machine).code
    return authority.join(JoinRequest(code=code, machine=machine, protocol=1))


def key_of(authority: Any) -> str:
    with authority.books.read() as tx:
        return meta_value(tx, "key")


def said(deed: Callable[[], Any]) -> str:
    """Return with which code a deed was refused, an empty one where it was done."""
    try:
        deed()
    except (HubError, Refused) as no:
        return str(no.code)
    return ""


def test_an_invitation_lets_one_terminal_in_once_however_it_is_typed(authority: Any, office: Any) -> None:
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
    typed = f" {code.lower().replace('-', ' ')} "
    answer = authority.join(JoinRequest(code=typed, machine="one", protocol=1))
    assert answer.unit == "Jingan"
    assert answer.organisation_id == office.units["Haitang"]
    again = JoinRequest(code=code, machine="two", protocol=1)
    assert said(lambda: authority.join(again)) == Say.INVITE


def test_of_many_who_use_one_invitation_at_once_one_gets_in(authority: Any, office: Any) -> None:
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
    with ThreadPoolExecutor(6) as pool:
        requests = [JoinRequest(code=code, machine=str(one), protocol=1) for one in range(6)]
        answers = list(pool.map(lambda request: said(lambda: authority.join(request)), requests))
    assert sorted(answers) == ["", *[Say.INVITE] * 5]


def test_an_invitation_is_good_for_a_day(authority: Any, office: Any, clock: Any) -> None:
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
    clock.move(hours=24)
    request = JoinRequest(code=code, machine="late", protocol=1)
    assert said(lambda: authority.join(request)) == Say.INVITE


def test_a_wrong_secret_and_an_unknown_terminal_are_told_the_same(door: Door, device: Any) -> None:
    wrong = door.ask("token", {"device_id": device.device_id, "secret": "guess"})
    unknown = door.ask("token", {"device_id": "nobody", "secret": device.secret})
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
    assert wrong.json()["code"] == Say.AUTH


def test_only_a_token_that_this_hub_has_given_lately_is_taken(
    door: Door, device: Any, authority: Any, clock: Any
) -> None:
    key, now = key_of(authority), authority.books.now
    good = tokens.sign(key, device.device_id, now)
    claims, seal = good.split(".")
    other_claims, _ = tokens.sign(key, device.device_id, now + 1).split(".")
    forged = {
        "another hub's key": tokens.sign("another", device.device_id, now),
        "other claims": f"{other_claims}.{seal}",
        "no seal": claims,
        "half a seal": good[:-10],
        "no text": "...",
        "signs from elsewhere": "h\u00e9llo.w\u00f6rld",
        "a terminal that is not there": tokens.sign(key, "nobody", now),
        "too old": tokens.sign(key, device.device_id, now - tokens.SECONDS * 1_000_000 - 1),
    }
    body = {"cursors": {}, "seconds": 0}
    assert door.ask("wait", body, token=good.encode()).status_code == 200
    for name, token in forged.items():
        answer = door.ask("wait", body, token=token.encode())
        assert (name, answer.status_code, answer.json()["code"]) == (name, 401, Say.AUTH)
    clock.move(seconds=tokens.SECONDS + 1)
    assert door.ask("wait", body, token=good.encode()).status_code == 401


def test_strangers_who_guess_have_to_wait_and_others_do_not(door: Door, authority: Any, office: Any) -> None:
    guess = {"code": "AAAA-BBBB-CCCC", "machine": "m", "protocol": 1}
    answers = [door.ask("join", guess).status_code for _ in range(FAILURES + 1)]
    assert answers == [403] * FAILURES + [429]
    assert door.ask("join", guess).json()["details"] == {"seconds": int(WINDOW) + 1}
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
    right = guess | {"code": code}
    assert door.ask("join", right).status_code == 429
    assert door.ask("join", right, address="10.0.0.2").status_code == 200
    door.now += WINDOW + 1
    assert door.ask("join", guess).status_code == 403


def test_a_terminal_with_a_wrong_secret_bars_no_other_behind_the_same_address(
    door: Door, authority: Any, office: Any
) -> None:
    one, two = joined(authority, office, "one"), joined(authority, office, "two")
    wrong = {"device_id": one.device_id, "secret": "wrong"}
    assert [door.ask("token", wrong).status_code for _ in range(FAILURES + 1)][-1] == 429
    assert door.ask("token", {"device_id": two.device_id, "secret": two.secret}).status_code == 200


def test_machines_with_many_addresses_are_counted_as_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:1::1")
    assert network_of("10.0.0.1") != network_of("10.0.0.2")
    assert network_of("") == ""


def test_a_terminal_that_asks_without_end_is_slowed_down_alone() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(BURST):
        pace.check("mad")
    assert said(lambda: pace.check("mad")) == Say.SLOW_DOWN
    assert said(lambda: pace.check("calm")) == ""
    now[0] += 1
    assert [said(lambda: pace.check("mad")) for _ in range(PER_SECOND + 1)] == [""] * PER_SECOND + [
        Say.SLOW_DOWN
    ]


def test_a_terminal_has_one_turn_at_a_time_and_others_theirs() -> None:
    async def scene() -> tuple[int, str, bool]:
        turns, gate, inside = Turns(), asyncio.Event(), [0, 0]

        async def work(who: str) -> None:
            async with turns.of(who):
                inside[0] += 1
                inside[1] = max(inside)
                await gate.wait()
                inside[0] -= 1

        mad = [asyncio.create_task(work("mad")) for _ in range(MOST_WAITING + 1)]
        await asyncio.sleep(0)
        try:
            await work("mad")
            refused = ""
        except HubError as no:
            refused = no.code
        async with turns.of("calm"):
            calm = True
        gate.set()
        await asyncio.gather(*mad)
        return inside[1], refused, calm

    assert asyncio.run(scene()) == (1, Say.SLOW_DOWN, True)


def test_five_wrong_pins_lock_a_person_out_at_every_terminal(organisation: Any) -> None:
    one, two = organisation.terminal("one"), organisation.terminal("two")
    person = organisation.people["6001"]
    wrong = LogInRequest(person_id=person, pin="0000")
    assert [said(lambda: one.hub.log_in(wrong)) for _ in range(5)] == [*["pin_wrong"] * 4, "pin_locked"]
    right = LogInRequest(person_id=person, pin=organisation.pin)
    assert said(lambda: two.hub.log_in(right)) == "pin_locked"
    organisation.clock.move(minutes=16)
    assert said(lambda: two.hub.log_in(right)) == ""


def test_guesses_at_once_are_no_more_than_guesses_in_a_row(
    authority: Any, office: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = itertools.count()
    verify = argon2.PasswordHasher.verify

    def counting(hasher: Any, *words: Any) -> Any:
        next(looked_at)
        return verify(hasher, *words)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    request = LogInRequest(person_id=office.people["6001"], pin="0000")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: said(lambda: authority.log_in(device.device_id, request)), range(24))
        )
    assert set(answers) == {"pin_wrong", "pin_locked"}
    assert next(looked_at) == 5


def test_the_hub_takes_commands_in_while_a_pin_is_being_proven(
    authority: Any, office: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote = []
    verify = argon2.PasswordHasher.verify

    def write() -> None:
        with authority.books.write() as tx:
            wrote.append(tx.scalar(select(customer.c.id).limit(1)))

    def meanwhile(hasher: Any, *words: Any) -> Any:
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        thread.join(10)
        return verify(hasher, *words)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", meanwhile)
    authority.log_in(device.device_id, LogInRequest(person_id=office.people["6001"], pin=office.pin))
    assert len(wrote) == 1


def test_a_pin_that_was_reset_while_it_was_proven_lets_nobody_in(
    authority: Any, office: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = argon2.PasswordHasher.verify

    def meanwhile(hasher: Any, *words: Any) -> Any:
        with authority.books.write() as tx:
            tx.connection.execute(update(credential).values(verifier="reset"))
        return verify(hasher, *words)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", meanwhile)
    request = LogInRequest(person_id=office.people["6001"], pin=office.pin)
    assert said(lambda: authority.log_in(device.device_id, request)) == Say.RETRY
    assert devices.seats(authority.books) == []


def test_what_a_frozen_terminal_sends_is_held_and_it_lets_nobody_in_until_it_is_welcome_again(
    organisation: Any,
) -> None:
    till = organisation.terminal("till", log_in="6001")
    other = organisation.terminal("other", log_in="6002")
    books, person = organisation.authority.books, organisation.people["6001"]
    devices.set_frozen(books, "till", frozen=True)
    till.give(CreateCustomer(name="冻结客"))
    assert said(till.sync) == Say.FROZEN
    assert said(lambda: till.hub.wait({}, 0)) == Say.FROZEN
    request = LogInRequest(person_id=person, pin=organisation.pin)
    assert said(lambda: till.hub.log_in(request)) == Say.FROZEN
    assert said(lambda: till.desk.log_in(person, organisation.pin)) in {"pin_unset", Say.FROZEN}
    other.sync()
    assert other.rows(customer) == []
    assert [(one.status, one.code) for one in organisation.log()][-1] == ("held", "device_frozen")
    devices.set_frozen(books, "till", frozen=False)
    till.sync()
    assert [(row.state, row.code) for row in till.outbox()] == [("held", "device_frozen")]
    till.log_in("6001")
    till.give(CreateCustomer(name="恢复客"))
    organisation.quiet()
    assert [row["name"] for row in other.rows(customer)] == ["恢复客"]
    assert till.everything() == other.everything()


def test_a_frozen_person_changes_nothing_from_the_next_contact_on(organisation: Any) -> None:
    till = organisation.terminal("till", log_in="6001")
    head = organisation.terminal("head", "Haitang", log_in="1001")
    clerk = organisation.people["6001"]
    till.give(CreateCustomer(name="离线客"))
    head.give(SetPersonStatus(person_id=clerk, status="frozen", expected="active"))
    head.sync()
    till.sync()
    assert [(row.state, row.code) for row in till.outbox()] == [("held", "person_frozen")]
    assert till.rows(customer) == []
    request = LogInRequest(person_id=clerk, pin=organisation.pin)
    assert said(lambda: till.hub.log_in(request)) == "person_frozen"
    assert said(lambda: till.desk.log_in(clerk, organisation.pin)) == "person_frozen"
    head.give(SetPersonStatus(person_id=clerk, status="active", expected="frozen"))
    head.sync()
    till.sync()
    assert said(lambda: till.hub.log_in(request)) == ""


def test_a_terminal_that_is_moved_drops_what_it_had_and_fetches_what_is_there(organisation: Any) -> None:
    till = organisation.terminal("till", log_in="6001")
    other = organisation.terminal("other", "Xuhui", log_in="6004")
    till.give(CreateCustomer(name="静安客"))
    other.give(CreateCustomer(name="徐汇客"))
    organisation.quiet()
    devices.move(organisation.authority.books, "till", organisation.units["Xuhui"])
    till.sync()
    assert [row["name"] for row in till.rows(customer)] == ["徐汇客"]
    (found,) = (one for one in devices.devices(organisation.authority.books) if one.name == "till")
    assert (found.unit, found.status, found.people) == ("Xuhui", "active", 1)


def test_terminals_are_named_by_id_where_a_name_is_not_enough(authority: Any, office: Any) -> None:
    first, _ = joined(authority, office, "till"), joined(authority, office, "till")
    books = authority.books
    assert said(lambda: devices.set_frozen(books, "till", frozen=True)) == "device_ambiguous"
    assert said(lambda: devices.set_frozen(books, "no", frozen=True)) == "device_unknown"
    assert said(lambda: devices.move(books, first.device_id, "nowhere")) == "unit_unknown"
    devices.set_frozen(books, first.device_id, frozen=True)
    assert sorted(one.status for one in devices.devices(books)) == ["active", "frozen"]


def test_a_page_tells_nothing_of_a_branch_that_is_not_the_terminals(organisation: Any) -> None:
    xuhui = organisation.terminal("xuhui", "Xuhui", log_in="6004")
    xuhui.give(CreateCustomer(name="徐汇客"))
    xuhui.sync()
    jingan = organisation.terminal("jingan")
    foreign = organisation.units["Xuhui"]
    with jingan.desk._books.read() as tx:
        epoch, scope = fact(tx, "hub_epoch"), fact(tx, "hub_scope_hash")
    for after in (None, Place(space="", rev=0, table="", key="")):
        answer = jingan.hub.pull(
            PullRequest(
                epoch=epoch,
                protocol=1,
                scope_hash=scope,
                cursors={},
                first_pending=1,
                upto={"": 10**6, foreign: 10**6},
                after=after,
            )
        )
        assert "customer" not in {rows.table for rows in answer.put}
        assert foreign not in answer.upto


def test_without_its_hub_a_terminal_lets_people_in_for_a_week(organisation: Any) -> None:
    till = organisation.terminal("till", log_in="6001")
    till.sync()
    standing = till.link.state().standing
    assert standing.last_met is not None
    assert not standing.lease_over(standing.last_met + LEASE)
    assert standing.lease_over(standing.last_met + LEASE + timedelta(seconds=1))


def test_a_program_that_is_too_old_still_hands_over_what_it_has(authority: Any, device: Any) -> None:
    push = PushRequest(epoch=device.epoch, protocol=0, now=authority.books.now, commands=[])
    assert authority.push(device.device_id, push).acks == []
    pull = PullRequest(epoch=device.epoch, protocol=0, scope_hash="", cursors={}, first_pending=1)
    assert said(lambda: authority.pull(device.device_id, pull)) == Say.UPGRADE_REQUIRED
    push.protocol = 2
    assert said(lambda: authority.push(device.device_id, push)) == Say.HUB_OLDER


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that breaks with the customer's name in its error."""

    def break_down(command: CreateCustomer, *_: Any) -> None:
        raise ValueError(command.name)

    monkeypatch.setattr(CreateCustomer, "apply", break_down)


@pytest.mark.usefixtures("broken")
def test_the_hubs_log_of_a_command_that_broke_names_no_customer(
    authority: Any, device: Any, office: Any, caplog: pytest.LogCaptureFixture
) -> None:
    person = office.people["6001"]
    authority.log_in(device.device_id, LogInRequest(person_id=person, pin=office.pin))
    command = SealedCommand(
        seq=1,
        cmd_id="c1",
        batch_id="",
        actor_id=person,
        kind=CreateCustomer.kind,
        version=1,
        args={"name": "王小满", "phones": ["13912345678"]},
        at=authority.books.now,
    )
    push = PushRequest(epoch=device.epoch, protocol=1, now=authority.books.now, commands=[command])
    with caplog.at_level(logging.DEBUG, logger="crm_tui"):
        (ack,) = authority.push(device.device_id, push).acks
    assert (ack.status, ack.code) == ("quarantined", "command_failed")
    assert "c1 could not be carried out: ValueError" in caplog.text
    assert "王小满" not in caplog.text
    assert "13912345678" not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)
