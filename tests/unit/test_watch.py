"""The clock of a counter: never still between two commands, and set back only by being told of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from crm_tui.desk.watch import PATIENCE, Watch

NOON = datetime(2026, 1, 8, 4, tzinfo=UTC)


def test_no_two_commands_share_an_instant(clock: Any) -> None:
    watch = Watch(clock, None)
    assert watch.tick() < watch.tick() < watch.tick()


def test_a_clock_put_right_by_itself_keeps_the_order_and_is_not_spoken_of(clock: Any) -> None:
    watch = Watch(clock, None)
    before = watch.tick()
    clock.now -= PATIENCE
    assert watch.behind is None
    assert watch.tick() > before
    assert watch.take_jump() is None


def test_a_clock_set_back_is_believed_and_told_of_once(clock: Any) -> None:
    watch = Watch(clock, None)
    watch.tick()
    clock.now -= timedelta(days=2)
    assert watch.behind == timedelta(days=2)
    assert watch.tick() == clock.now
    assert watch.take_jump() == timedelta(days=2)
    assert watch.take_jump() is None
    assert watch.tick() > clock.now
    assert watch.take_jump() is None


def test_the_clock_is_behind_until_it_has_caught_up(clock: Any) -> None:
    clock.now = NOON
    watch = Watch(clock, NOON + timedelta(hours=1))
    watch.tick()
    assert watch.behind == timedelta(hours=1)
    clock.move(minutes=56)
    assert watch.behind is None
