"""A form that changes a customer: one person at a time, the others see who it is and for how long."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from textual import work

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.form_screen import FormScreen
from crm_tui.widgets.refusal import refused

if TYPE_CHECKING:
    from crm_tui.store.edit_leases import Lease

LOOK_SECONDS = 10.0
"""How often the form looks whether it should ask again."""
RENEW_SECONDS = 60.0
"""How long after the last time one's own lease is asked for again while somebody types."""


class LeasedForm(FormScreen):
    """A form about ``customer_id``, whose lease one program has at a time; None: about nobody others know.

    The lease is asked for beside the work, and the fields take keys until somebody else is known to have it.
    Where nobody can be asked they do so too, and the form says it.
    """

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._lease: Lease | None = None
        """What was answered last; None: nobody could be asked."""
        self._kept_out = ""
        """Why no key changes a field."""
        self._unasked = ""
        self._asking = self._touched = False
        self._asked_at = 0.0

    def on_mount(self) -> None:
        """Look now and then how the lease stands."""
        self.set_interval(LOOK_SECONDS, self.look)

    def on_screen_resume(self) -> None:
        """Ask at the beginning, and again behind the lock, where the customer was let go."""
        self._ask()

    def on_unmount(self) -> None:
        """Let the customer go."""
        if self.customer_id is not None:
            self.counter.desk.leases.let_go(self.customer_id, self)

    async def redraw(self) -> None:
        """Build the form; by now somebody else may be known to change the customer."""
        await super().redraw()
        self._show_kept_out()

    def note_typing(self) -> None:
        """Keep what is typed, and the lease as long as somebody types."""
        super().note_typing()
        self._touched = True
        if self._lease is not None and self._lease.mine:
            self.look()

    def look(self) -> None:
        """Ask where it is time: for what is not one's own, and for one's own while somebody types."""
        mine = self._lease is not None and self._lease.mine
        due = self._touched and time.monotonic() - self._asked_at >= RENEW_SECONDS
        if self.counter.desk.is_logged_in and (due or not mine):
            self._ask()

    def action_save(self) -> None:
        """Save, unless somebody else changes the customer."""
        if self._kept_out:
            self.say(self._kept_out, "warn")
        else:
            super().action_save()

    def action_values(self) -> None:
        """Choose the value of the field from a list, unless somebody else changes the customer."""
        if self._kept_out:
            self.say(self._kept_out, "warn")
        else:
            super().action_values()

    @work(group="lease", exit_on_error=False)
    async def _ask(self) -> None:
        if self._asking or self.customer_id is None:
            return
        self._asking, self._touched, self._asked_at = True, False, time.monotonic()
        try:
            before, self._lease = self._lease, await self.counter.desk.leases.take(self.customer_id, self)
            self._unasked = ""
            await self._heed(self._lease, had=before is not None and before.mine)
        except Refused as no:
            self._lease = None
            self._open()
            if refused(no) != self._unasked:
                self._unasked = refused(no)
                self.say(self._unasked, "warn")
        finally:
            self._asking = False

    async def _heed(self, lease: Lease, *, had: bool) -> None:
        if not lease.mine and not lease.name:  # it was let go while the question was on its way
            return
        shared = self.counter.desk.link is not None
        if lease.mine and not had and (shared or self._kept_out) and not self.unsaved:
            await self._begin_again()
        if not lease.mine:
            key = "leased.taken_over" if self.unsaved else "leased.held"
            self._kept_out = t(key, name=lease.name, minutes=-(-lease.seconds // 60))
            self._show_kept_out()
        elif self._kept_out:
            self._open()
            self.say(t("leased.free"), "good")

    async def _begin_again(self) -> None:
        """Show the customer as whoever changed it last has left it, unless something is typed meanwhile."""
        from crm_tui.sync.messages import HubError

        if self.counter.desk.link is not None:
            with contextlib.suppress(HubError):  # what is not known yet is found out by the save
                await self.counter.desk.link.meet()
        shown = self.initial
        if self.form is None or self.unsaved:
            return
        await self.begin()
        if self.unsaved:
            self.initial = shown  # what the fields were compared with so far
        else:
            self.form.fill(self.initial)

    def _show_kept_out(self) -> None:
        if self._kept_out and self.form is not None:
            self.form.read_only = True
            self.say(self._kept_out, "warn")

    def _open(self) -> None:
        self._kept_out = ""
        if self.form is not None:
            self.form.read_only = False
