"""The keys that lead elsewhere, the same from every screen of somebody who is logged in."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from crm_tui.i18n import t
from crm_tui.widgets.frame import CrmScreen
from crm_tui.widgets.keys import twins
from crm_tui.widgets.navigation import Go, Lock, Quit


class Wayfinding(CrmScreen):
    """A screen from which one gets to help, search, follow-up, to-do, quick entry, palette and any place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "keys.help", tooltip="keys.help_tip"),
        Binding(twins("question_mark"), "help", "keys.help", show=False),
        Binding("f2", "find", "keys.find", tooltip="keys.find_tip"),
        Binding("f3", "log", "keys.log", tooltip="keys.log_tip"),
        Binding("f8", "todo", "keys.todo", tooltip="keys.todo_tip"),
        Binding("f9", "quick", "keys.quick", tooltip="keys.quick_tip"),
        Binding("ctrl+p", "palette", "keys.palette", tooltip="keys.palette_tip"),
        Binding("ctrl+g", "jump", "keys.jump", show=False, tooltip="keys.jump_tip"),
        Binding("ctrl+l", "lock", "keys.lock", show=False, tooltip="keys.lock_tip"),
        Binding("ctrl+c,ctrl+q", "quit", "keys.quit", show=False, tooltip="keys.quit_tip"),
        *(Binding(twins(digit), f"find('{digit}')", show=False) for digit in "0123456789"),
    ]

    @property
    def customer_id(self) -> str | None:
        """The customer the cursor is on: what F3 logs for."""
        return None

    @property
    def deal_id(self) -> str | None:
        """The deal the cursor is on, where the screen shows deals."""
        return None

    def action_help(self) -> None:
        """Explain this screen."""
        self.post_message(Go("help", about=self))

    def action_find(self, typed: str = "") -> None:
        """Look for a customer by name, pinyin, number or tag."""
        self.post_message(Go("customers", typed=typed))

    def action_log(self) -> None:
        """Log a follow-up with the customer under the cursor."""
        if self.customer_id is None:
            self.say(t("work.choose_customer"), "warn")
        else:
            self.post_message(Go("follow_up", customer_id=self.customer_id, deal_id=self.deal_id))

    def action_todo(self) -> None:
        """Show what is to be done today and what is overdue."""
        self.post_message(Go("todo"))

    def action_quick(self) -> None:
        """Write a customer or a follow-up in one line."""
        self.post_message(Go("quick"))

    def action_palette(self) -> None:
        """Choose anything this screen can do by its name."""
        self.post_message(Go("palette", about=self))

    def action_jump(self) -> None:
        """Go to another screen by a digit or a letter."""
        self.post_message(Go("jump"))

    def action_lock(self) -> None:
        """Lock the screen."""
        self.post_message(Lock())

    def action_quit(self) -> None:
        """End the program."""
        self.post_message(Quit())
