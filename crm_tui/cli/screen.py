"""Opening the screen on a home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from crm_tui.app import CrmApp
from crm_tui.cli.hubs import connector, reach
from crm_tui.settings import Home
from crm_tui.widgets.navigation import Practise

if TYPE_CHECKING:
    from crm_tui.desk import Desk


def run_screen(
    home: Home, *, clock: Callable[[], datetime] | None = None, demo: bool = False, hint: str = ""
) -> None:
    """Open the program on this home and stay until the person leaves; practice comes in between."""
    desks: list[Desk] = []

    def opener() -> Desk:
        from crm_tui.desk import Desk, wall_clock

        desk = Desk.open(home.database, clock=clock or wall_clock, connect=connector(home))
        if desk.link is not None:
            desk.link.start()
        desks.append(desk)
        return desks[-1]

    def joiner(url: str, code: str) -> None:
        from crm_tui.desk.joining import join_hub

        hub = reach(url, certificate=home.read().hub_certificate)
        try:
            join_hub(home.database, hub, url, code)
        finally:
            hub.close()

    app = CrmApp(home, opener, demo=demo, hint=hint, joiner=joiner)
    wish = app.run()
    if isinstance(wish, Practise):
        from crm_tui.cli.practice import practise
        from crm_tui.desk import wall_clock

        practise(home.read(), clock or wall_clock)
        app = CrmApp(home, lambda: desks[-1], begin_at=wish.then)
        app.run()
    for desk in desks:
        desk.close()
    if app.return_code:
        raise SystemExit(app.return_code)
