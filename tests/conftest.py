"""What all tests share: a temporary home, a frozen clock that is moved by hand, and a small organisation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_tui import i18n


class InLine(Executor):
    """An executor that works at once in the caller's thread, so that a screen test cannot race."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - a future carries whatever was raised
            future.set_exception(error)
        return future


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every test out of the real home and in English unless it says otherwise."""
    monkeypatch.setenv("CRM_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CRM_LANG", "CRM_TUI_PIN", "LC_ALL", "LC_MESSAGES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    i18n.use("en")
    yield
    i18n.use("en")


@pytest.fixture
def clock() -> Clock:
    """Thursday 2026-01-08, 10:42 in Shanghai."""
    return Clock(datetime(2026, 1, 8, 2, 42, tzinfo=UTC))


@pytest.fixture
def ids(clock: Clock) -> Callable[[], str]:
    """Ids in the form of a UUIDv7, counted instead of drawn."""
    counter = itertools.count(1)

    def fresh() -> str:
        milliseconds = int(clock.now.timestamp() * 1000)
        return f"{milliseconds:012x}7000{next(counter):016x}"

    return fresh


@pytest.fixture
def in_line() -> InLine:
    """The executor for screen tests."""
    return InLine()


@pytest.fixture(scope="session")
def outside_data() -> Path:
    """The outside data beside the checkout; its tests skip where it is absent."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the outside data is not beside this checkout")
    return folder
