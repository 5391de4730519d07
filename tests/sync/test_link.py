"""The link beside the work: when it asks for a round, when it leaves the hub alone, what it compares."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from crm_tui.commands.customers import CreateCustomer
from crm_tui.desk.link import PROBE
from crm_tui.domain.errors import Refused
from crm_tui.hub import recovery
from crm_tui.hub.devices import set_frozen
from crm_tui.hub.keeping import begin_recovery
from crm_tui.store.replicated import REPLICATED
from crm_tui.store.tables import customer
from crm_tui.sync.digests import EACH
from crm_tui.sync.messages import HubCard, HubError, Say


def refused(terminal: Any) -> str:
    with pytest.raises(HubError) as no:
        terminal.sync()
    return str(no.value.code)


def wants(terminal: Any) -> bool:
    """Let the watcher look once; tell whether it asks for a round."""
    terminal.link._wanted.clear()
    terminal.link._look()
    return bool(terminal.link._wanted.is_set())


def news_for(organisation: Any) -> tuple[Any, Any]:
    """Return a terminal for which the hub has news, and the one that brought them."""
    till, other = (organisation.terminal(name, log_in=f"600{n}") for n, name in ((1, "till"), (2, "other")))
    organisation.quiet()
    other.give(CreateCustomer(name="新客"))
    other.sync()
    return till, other


def test_a_hub_that_recovers_is_asked_for_news_when_it_has_recovered(organisation: Any) -> None:
    till, other = news_for(organisation)
    assert wants(till)
    with organisation.authority.books.write() as tx:
        begin_recovery(tx)
    assert refused(till) == Say.RECOVERING
    assert not wants(till)
    assert till.link._look() == PROBE
    recovery.finish(organisation.authority.books)
    assert wants(till)
    till.sync()
    assert till.link.state().trouble == ""
    other.sync()


def test_what_only_time_can_mend_is_left_to_the_courier_who_comes_later_and_later(
    organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, _ = news_for(organisation)
    monkeypatch.setattr("crm_tui.sync.client.PROTOCOL", 0)
    assert refused(till) == Say.UPGRADE_REQUIRED
    assert not wants(till)
    monkeypatch.setattr(till.hub, "card", gone)
    till.link._wanted.clear()
    monkeypatch.setattr(till.link._stopping, "wait", lambda _: till.link._stopping.set())
    till.link._watch()  # looks once, and finds out that the hub is gone
    assert till.link._wanted.is_set()
    till.link._stopping.clear()
    monkeypatch.undo()
    till.sync()
    assert not wants_soon(till)


def gone() -> HubCard:
    raise HubError(Say.UNREACHABLE, url="x", why="gone")


def wants_soon(terminal: Any) -> bool:
    """Tell whether the hub says at once that there is something new."""
    return bool(terminal.hub.wait(terminal.link._known_cursors(), 0))


def test_a_terminal_that_was_let_in_again_hears_of_it(organisation: Any) -> None:
    till, _ = news_for(organisation)
    set_frozen(organisation.authority.books, "till", frozen=True)
    assert refused(till) == Say.FROZEN
    with pytest.raises(HubError):
        till.link._look()
    set_frozen(organisation.authority.books, "till", frozen=False)
    assert wants(till)


def compare(terminal: Any) -> bool:
    """Compare the table whose turn it is, an hour after the one before."""
    terminal.organisation.clock.now += EACH
    return bool(terminal.link._client.compare(terminal.desk._books.read))


def test_what_went_wrong_in_a_terminals_rows_is_found_within_a_day_and_mended(organisation: Any) -> None:
    till, _ = news_for(organisation)
    organisation.quiet()
    sound = till.everything()
    assert all(compare(till) for _ in REPLICATED)
    with till.desk._books.write() as tx:
        tx.connection.execute(update(customer).values(name="错"))
    found = [compare(till) for _ in REPLICATED]
    assert found.count(False) == 1
    till.sync()
    assert till.everything() == sound == organisation.everything()
    assert all(compare(till) for _ in REPLICATED)


def test_a_table_is_compared_once_an_hour_and_only_while_nothing_waits(
    organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, other = news_for(organisation)
    asked: list[list[str]] = []
    pull = till.hub.pull
    monkeypatch.setattr(till.hub, "pull", lambda request: asked.append(request.tables) or pull(request))
    assert compare(till)  # the hub has moved on: nothing is said of the table, and its turn stays
    till.sync()
    asked.clear()
    assert compare(till)
    assert till.link._client.compare(till.desk._books.read)
    assert len(asked) == 1
    till.give(CreateCustomer(name="等待"))
    assert compare(till)
    assert len(asked) == 1
    till.sync()
    assert compare(till)
    first, second = (one for one in asked if one)
    assert first != second
    other.sync()


def test_a_hub_that_is_back_is_asked_once_where_this_terminal_is_in_its_own_way(
    organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, _ = news_for(organisation)
    till.link._online, till.link._trouble = False, Say.UNREACHABLE
    assert wants(till)
    assert till.link.state().online

    def full(**_: object) -> None:
        raise Refused("disk_full")

    monkeypatch.setattr(till.link._client, "run", full)
    with pytest.raises(Refused):
        till.sync()
    assert not wants(till)


def test_while_a_round_is_under_way_nobody_asks_for_the_news_that_it_brings(
    organisation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, _ = news_for(organisation)
    monkeypatch.setattr(till.link, "_busy", True)
    assert not wants(till)
    monkeypatch.undo()
    assert wants(till)
