"""Opening the screen on a home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from crm_tui.app import CrmApp
from crm_tui.settings import Home

if TYPE_CHECKING:
    from crm_tui.desk import Desk


def run_screen(
    home: Home, *, clock: Callable[[], datetime] | None = None, demo: bool = False, hint: str = ""
) -> None:
    """Open the program on this home and stay until the person leaves."""

    def opener() -> Desk:
        from crm_tui.desk import Desk, wall_clock

        return Desk.open(home.database, clock=clock or wall_clock)

    app = CrmApp(home, opener, demo=demo, hint=hint)
    app.run()
    if app.return_code:
        raise SystemExit(app.return_code)
