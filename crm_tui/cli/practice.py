"""Ninety seconds of practice: the real program on made-up data that is thrown away."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual import on

from crm_tui.app import CrmApp
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import initials
from crm_tui.i18n import t
from crm_tui.screens.customers import CustomersScreen
from crm_tui.screens.follow_up import FollowUpScreen
from crm_tui.screens.gate import GateScreen
from crm_tui.screens.login import LoginScreen
from crm_tui.screens.profile import ProfileScreen
from crm_tui.settings import Home, Settings
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.keys import Ready
from crm_tui.widgets.refusal import refused

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.store.view import View

FIND, LOG, MOVE, DONE = range(4)
_TELLS: Final = {LOG: "follow_up", MOVE: "stage_visit"}
"""The kind of rows whose change ends a lesson."""


@dataclass(frozen=True)
class Sought:
    """The customer to be found: the name, and the letters that find it."""

    name: str
    typed: str


class PracticeApp(CrmApp):
    """The program on a demonstration, with a line on every screen that says what to press next.

    A lesson is over when what it teaches has happened: a customer was found and opened, a follow-up is
    in the file, a deal stands in another stage.
    """

    def __init__(self, home: Home, opener: Callable[[], Desk], sought: Sought, pin: str, **more: Any) -> None:
        super().__init__(home, opener, demo=True, begin_at="board", hint=t("cli.demo_hint", pin=pin), **more)
        self._sought = sought
        self._pin = pin
        self.lesson = FIND

    def at_bottom(self) -> None:
        """Leave the practice."""
        self.exit()

    @on(Ready)
    def _look_around(self) -> None:
        """See which screen came to the front."""
        if self.lesson == FIND and isinstance(self.screen, ProfileScreen) and self._has(CustomersScreen):
            self.lesson = LOG
        self._advise()

    @on(CrmApp.Changed)
    def _heed_rows(self, message: CrmApp.Changed) -> None:
        """See whether what the lesson teaches was done."""
        if _TELLS.get(self.lesson) in message.kinds:
            self.lesson += 1
        self._advise()

    def _advise(self) -> None:
        words = self._words()
        for screen in self.screen_stack:
            if isinstance(screen, CrmScreen):
                screen.advise(words)

    def _words(self) -> str:
        """Return what to press next, here and now."""
        front = self.screen
        if isinstance(front, LoginScreen):
            return t("practice.locked", pin=self._pin)
        if self.lesson == FIND:
            typing = self._has(CustomersScreen)
            sought = self._sought
            return (
                t("practice.find_type", typed=sought.typed, name=sought.name)
                if typing
                else t("practice.find_key")
            )
        if self.lesson == LOG:
            return t("practice.log_fields" if self._has(FollowUpScreen) else "practice.log_key")
        if self.lesson == MOVE:
            return t(f"practice.{self._moving()}")
        return t("practice.done")

    def _moving(self) -> str:
        if self._has(GateScreen):
            return "move_gate"
        return "move_key" if len(self.screen_stack) <= 2 else "move_back"

    def _has(self, screen: type[CrmScreen]) -> bool:
        return any(isinstance(one, screen) for one in self.screen_stack)


def practise(settings: Settings, clock: Callable[[], datetime]) -> None:
    """Let somebody practise in a home of its own, which is gone afterwards; the person's own stays shut."""
    from crm_tui.demo import open_demo
    from crm_tui.desk import Desk

    sys.stderr.write(f"{t('practice.preparing')}\n")
    home = Home(Path(tempfile.mkdtemp(prefix="crm-tui-practice-")))
    try:
        facts = open_demo(home, "small", clock)
        home.write(replace(settings, last_number=facts.number))
        desk = Desk.open(home.database, clock=clock)
        desk.log_in(facts.person_id, facts.pin)
        PracticeApp(home, lambda: desk, desk.answer(sought_customer), facts.pin).run()
        desk.close()
    except (Refused, OSError) as no:
        why = refused(no) if isinstance(no, Refused) else no.strerror or ""
        sys.stderr.write(f"{t('practice.failed', why=why)}\n")
    finally:
        shutil.rmtree(home.path, ignore_errors=True)


def sought_customer(view: View) -> Sought:
    """Return whom to look for: the first card of the board."""
    from crm_tui.queries.board import board, board_cards

    answer = board(view)
    card = board_cards(view, answer.pipeline_id, answer.columns[0].code, offset=0, limit=1)[0]
    return Sought(card.customer_name, min(initials(card.customer_name)))
