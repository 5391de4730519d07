"""The demonstration: the rows are what the real commands make, and the same each time."""

from __future__ import annotations

import hashlib
import random  # noqa: TID251 - the generator's own source of chance, with its seed
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from crm_tui import i18n
from crm_tui.commands import execute
from crm_tui.commands.contact_state import refresh_contact_state
from crm_tui.demo import CHAIN, PIN, SMALL, Size, generate, measured, open_demo
from crm_tui.demo.days import Days, busy
from crm_tui.demo.generate import SEED, tell
from crm_tui.demo.staff import Founder, Scribe, let_go
from crm_tui.desk import Desk
from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import default_stages
from crm_tui.queries.badges import badges
from crm_tui.settings import Home
from crm_tui.store.engine import check_integrity, for_writing, open_engine
from crm_tui.store.tables import customer
from crm_tui.store.transaction import Transaction
from crm_tui.template import template_pipeline, template_stages

NOW = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)
FEW = Size(4, 2, 8, 4, 80, 90, 240, 365)
"""Enough for every turn of a story, few enough for carrying all of it out by the real commands."""
STAGED = Size(3, 2, 6, 1, 62, 56, 190, 180, staged=True)
"""The hand-made cast and a few around it."""


@contextmanager
def _writing(engine: Engine) -> Iterator[Transaction]:
    with for_writing(engine).connect() as connection, connection.begin():
        yield Transaction(connection)


@contextmanager
def _made(path: Path, size: Size, now: datetime = NOW, seed: int = SEED) -> Iterator[Engine]:
    engine = open_engine(path)
    try:
        generate(engine, size, now, seed)
        yield engine
    finally:
        engine.dispose()


def _tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all ordinary tables; the search entries without their running number."""
    plain = sqlite3.connect(path)
    names = [row[0] for row in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: plain.execute(f"SELECT * FROM {name}").fetchall() for name in names if "gram" not in name}
    plain.close()
    found["search_entry"] = [row[1:] for row in found["search_entry"]]
    for name in ("deal_tally", "customer_tally", "tag_tally"):  # a sum that has come to nothing says nothing
        found[name] = [row for row in found[name] if any(isinstance(one, int) and one for one in row)]
    return {
        name: sorted(rows, key=repr) for name, rows in found.items() if name not in {"meta", "credential"}
    }


def _digest(path: Path) -> str:
    plain = sqlite3.connect(path)
    digest = hashlib.sha256()
    for line in plain.iterdump():
        digest.update(line.encode())
    plain.close()
    return digest.hexdigest()


def _ask(path: Path, question: str, *values: Any) -> list[tuple[Any, ...]]:
    plain = sqlite3.connect(path)
    found = plain.execute(question, values).fetchall()
    plain.close()
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small demonstration, only to be read."""
    path = tmp_path_factory.mktemp("small") / "crm.db"
    i18n.use("zh_CN")
    with _made(path, SMALL):
        return path


def _by_commands(path: Path, size: Size, now: datetime) -> None:
    """Make the same demonstration by carrying out every command of every story."""
    engine = open_engine(path)
    rng, scribe, days = random.Random(SEED), Scribe(), Days(now, size.days)
    with _writing(engine) as tx:
        staff = Founder(tx, scribe, rng, size, days).found()
        for story in tell(size, staff, rng, scribe, days):
            for step in story:
                verdict = execute(scribe.seal(step.command, step.actor_id, step.at, step.cmd_id), tx)
                assert verdict.applied, (step, verdict)
        let_go(tx, scribe, staff, days)
    engine.dispose()


def test_rows_made_in_bulk_are_the_rows_the_real_commands_make(tmp_path: Path) -> None:
    turns: set[str] = set()
    handed_over = 0
    for name, size, now in (
        ("staged", STAGED, NOW),
        ("drawn", FEW, datetime(2026, 3, 3, 16, 20, 5, 77, tzinfo=UTC)),
    ):
        in_bulk, by_commands = tmp_path / f"{name}_bulk.db", tmp_path / f"{name}_commands.db"
        with _made(in_bulk, size, now):
            _by_commands(by_commands, size, now)
        bulk, real = _tables(in_bulk), _tables(by_commands)
        assert bulk.keys() == real.keys()
        for table in real:
            assert bulk[table] == real[table], table
        turns |= {row[0] for row in _ask(by_commands, "SELECT kind FROM stage_visit")}
        handed_over += len(_ask(by_commands, "SELECT 1 FROM ownership_event WHERE kind = 'assign'"))
    assert turns == {"start", "advance", "skip", "back", "won", "lost", "reopen"}
    assert handed_over > 0


def test_what_is_derived_from_the_log_does_not_change_when_it_is_derived_again(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    with _made(path, FEW) as engine:
        before = _tables(path)
        with _writing(engine) as tx:
            for customer_id in list(tx.scalars(select(customer.c.id))):
                refresh_contact_state(tx, customer_id)
    assert _tables(path) == before


def test_the_same_seed_size_and_instant_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        with _made(tmp_path / name, FEW, seed=seed):
            pass
    first, again, other = (_digest(tmp_path / name) for name in "abc")
    assert first == again
    assert other != first


def test_references_and_pages_are_sound(small: Path) -> None:
    assert check_integrity(small) == []


def test_a_size_gets_exactly_the_customers_deals_and_follow_ups_it_asks_for(tmp_path: Path) -> None:
    for name, size in (("even", measured(400, 200, 300)), ("odd", measured(333, 500, 1111))):
        facts = open_demo(Home(tmp_path / name), size, lambda: NOW)
        assert (facts.customers, facts.deals, facts.follow_ups) == (
            size.customers,
            size.deals,
            size.follow_ups,
        )
    assert (CHAIN.branches, CHAIN.customers, CHAIN.follow_ups) == (40, 20_000, 60_000)


def test_the_first_clerk_has_38_open_deals_in_all_stages_3_overdue_and_7_due_today(tmp_path: Path) -> None:
    home = Home(tmp_path)
    facts = open_demo(home, "small", lambda: NOW)
    desk = Desk.open(home.database, clock=lambda: NOW)
    viewer = desk.log_in(facts.person_id, facts.pin)
    counts = desk.answer(badges)
    desk.close()
    assert (viewer.name, viewer.number, facts.pin) == ("李梅", "1023", PIN)
    assert (counts.overdue, counts.today) == (3, 7)
    stages = _ask(
        home.database,
        "SELECT stage, count(*) FROM deal WHERE owner_id = ? AND state = 'open' GROUP BY stage",
        facts.person_id,
    )
    assert dict(stages) == {"lead": 12, "contact": 10, "need": 8, "proposal": 5, "negotiation": 3}


@pytest.mark.parametrize("hour", [0, 4, 9, 13, 15, 17, 20, 23])
def test_the_first_clerk_has_as_much_to_do_at_any_hour(tmp_path: Path, hour: int) -> None:
    now = datetime(2026, 2, 28, 15, 50, 59, 5, tzinfo=UTC) + timedelta(hours=hour)
    home = Home(tmp_path)
    facts = open_demo(home, "small", lambda: now)
    desk = Desk.open(home.database, clock=lambda: now)
    desk.log_in(facts.person_id, PIN)
    counts = desk.answer(badges)
    desk.close()
    assert (counts.overdue, counts.today) == (3, 7)
    micro = int(now.timestamp()) * 1_000_000
    later = "SELECT count(*) FROM follow_up WHERE logged_at > ? OR next_at < occurred_at"
    assert _ask(home.database, later, micro) == [(0,)]
    assert _ask(home.database, "SELECT count(*) FROM customer WHERE created_at > ?", micro + 999_999) == [
        (0,)
    ]


def test_everybody_still_here_may_log_in_with_the_pin(tmp_path: Path) -> None:
    home = Home(tmp_path)
    open_demo(home, "small", lambda: NOW)
    desk = Desk.open(home.database, clock=lambda: NOW)
    people = _ask(home.database, "SELECT id, status FROM person")
    for person_id in (one for one, status in people if status == "active"):
        assert desk.log_in(person_id, PIN).person_id == person_id
    with pytest.raises(Refused, match="person_frozen"):
        desk.log_in(next(one for one, status in people if status == "left"), PIN)
    desk.close()


def test_a_leaver_keeps_no_customer_and_no_open_deal(small: Path) -> None:
    left = "(SELECT id FROM person WHERE status = 'left')"
    assert _ask(small, f"SELECT count(*) FROM customer WHERE owner_id IN {left}") == [(0,)]
    assert _ask(small, f"SELECT count(*) FROM deal WHERE state = 'open' AND owner_id IN {left}") == [(0,)]
    assert _ask(small, f"SELECT count(*) > 3 FROM ownership_event WHERE from_owner_id IN {left}") == [(1,)]


def test_the_small_demonstration_has_every_turn_a_story_can_take(small: Path) -> None:
    kinds = {row[0] for row in _ask(small, "SELECT kind FROM stage_visit")}
    assert kinds == {"start", "advance", "skip", "back", "won", "lost", "reopen"}
    reasons = {row[0] for row in _ask(small, "SELECT due_reason FROM customer")}
    assert {"next_contact", "never_contacted"} <= reasons
    assert _ask(small, "SELECT count(*) FROM deal WHERE state = 'lost' AND lost_reason = ''") == [(0,)]
    assert _ask(
        small, "SELECT count(*) FROM stage_visit WHERE kind IN ('skip', 'reopen') AND reason = ''"
    ) == [(0,)]
    assert _ask(small, "SELECT count(*) FROM customer WHERE kind = 'firm' AND name LIKE '%有限公司'") != [
        (0,)
    ]
    assert _ask(small, "SELECT count(*) FROM customer WHERE name IN ('阿迪力·买买提', '𠮷田健')") == [(2,)]


def test_numbers_are_unique_and_a_duplicate_differs_by_one_digit_at_the_same_address(small: Path) -> None:
    assert _ask(small, "SELECT count(*) - count(DISTINCT normal) FROM contact_point") == [(0,)]
    pairs = _ask(
        small,
        "SELECT a.name, b.name, a.phone, b.phone FROM customer a JOIN customer b"
        " ON a.address = b.address AND a.id < b.id",
    )
    assert pairs
    for one, other, number, mistyped in pairs:
        assert one != other
        assert one[:2] == other[:2]
        assert sum(a != b for a, b in zip(number, mistyped, strict=True)) == 1


def test_a_home_that_has_an_organisation_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    open_demo(home, measured(10, 5, 5), lambda: NOW)
    before = _digest(home.database)
    with pytest.raises(Refused, match="organisation_exists"):
        open_demo(home, measured(10, 5, 5), lambda: NOW)
    assert _digest(home.database) == before


def test_customers_come_on_weekends_and_holidays_rather_than_at_spring_festival() -> None:
    ordinary = busy(date(2026, 6, 10))
    assert busy(date(2026, 6, 13)) > ordinary
    assert busy(date(2026, 10, 1)) > 2 * ordinary
    assert busy(date(2026, 2, 18)) < ordinary / 5


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_template_names_every_stage_in_the_language_in_use(language: str) -> None:
    i18n.use(language)
    stages = template_stages()
    assert [one.code for one in stages] == [one.code for one in default_stages(_Same())]
    assert len({one.name for one in stages}) == len(stages)
    assert all(one.goal for one in stages)
    assert "template" not in template_pipeline()


class _Same(dict[str, str]):
    """Words that say their own keys."""

    def __missing__(self, key: str) -> str:
        return key
