"""The whole program on a founded organisation, in one thread: nothing of it can race."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_tui.app import CrmApp
from crm_tui.desk import Desk
from crm_tui.settings import Home
from crm_tui.widgets.navigation import Go


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The folder of the terminal's data."""
    return Home(tmp_path / "home")


@pytest.fixture
def program(home: Home, in_line: Any) -> Callable[[Desk], CrmApp]:
    """Build the app over a desk that works in the caller's thread."""
    return lambda desk: CrmApp(home, opener=lambda: desk, starter=in_line)


@pytest.fixture
def lines() -> Callable[[Any], list[str]]:
    """Return the way to read what stands on the screen, line by line."""
    return lambda app: [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.fixture
def at_work(program: Callable[[Desk], CrmApp]) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Return the way to run the program with somebody logged in, on the place asked for; gives the pilot."""

    @asynccontextmanager
    async def run(
        office: Any, go: Go, number: str = "6001", size: tuple[int, int] = (80, 24)
    ) -> AsyncIterator[Any]:
        app = program(office.desk)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.press(*number, "enter", *office.pin, "enter")
            await pilot.pause()
            app.screen.post_message(go)
            await pilot.pause()
            await pilot.pause()
            yield pilot

    return run
