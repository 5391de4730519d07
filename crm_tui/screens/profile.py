"""Everything about one customer: who it is, how it stands, what happened, its deals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import CHANNELS
from crm_tui.i18n import t
from crm_tui.queries.follow_ups import Said
from crm_tui.queries.pickers import StageChoice
from crm_tui.queries.pickers import stages as stages_of
from crm_tui.queries.profile import Profile
from crm_tui.queries.profile import profile as profile_of
from crm_tui.queries.timeline import Entry
from crm_tui.queries.todo import why as why_due
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.frame import RuleLine
from crm_tui.widgets.history import History
from crm_tui.widgets.keys import twins
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.moving import MovesDeals, MovingDeal, StageStep
from crm_tui.widgets.navigation import Done, Go
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.portrait import Portrait
from crm_tui.widgets.revealing import Reveals
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.why import why_words


class ProfileScreen(Reveals, MovesDeals):
    """One customer; ``siblings`` are the ids of the list it was opened from, for ``[`` and ``]``."""

    SHOWS: ClassVar[frozenset[str]] = frozenset(
        {"customer", "contact_point", "contact", "deal", "stage_visit", "stage_evidence", "follow_up"}
        | {"contact_plan", "ownership_event", "stage", "product", "product_line", "person"}
    )
    AUTO_FOCUS = "#timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "filter", "keys.filter", tooltip="profile.filter_tip"),
        Binding("f7", "edit", "profile.edit_key", tooltip="profile.edit_tip"),
        Binding("ctrl+k", "new_deal", "profile.deal_key", tooltip="profile.deal_tip"),
        Binding("w,W", "why", "profile.why_key", show=False, tooltip="profile.why_tip"),
        Binding("tab,left,right", "tab", "profile.tab_key", show=False, tooltip="profile.tab_tip"),
        Binding("delete", "archive", "profile.archive_key", show=False, tooltip="profile.archive_tip"),
        Binding(f"{twins('left_square_bracket')},ctrl+up", "sibling(-1)", "profile.previous_key", show=False),
        Binding(f"{twins('right_square_bracket')},ctrl+down", "sibling(1)", "profile.next_key", show=False),
    ]

    def __init__(self, counter: Counter, customer_id: str, siblings: Sequence[str] = ()) -> None:
        super().__init__(counter)
        self._customer_id = customer_id
        self._siblings = tuple(siblings)
        self._profile: Profile | None = None
        self._stages: dict[str, tuple[StageChoice, ...]] = {}
        self._history = History(counter, self.ask)

    def compose_body(self) -> ComposeResult:
        """Who it is above, timeline or deals below, everything else at the right."""
        yield Static("", id="head", markup=False)
        yield RuleLine()
        with Horizontal():
            yield self._history
            yield Static("", classes="side-pane", id="pane", markup=False)

    async def redraw(self) -> None:
        """Read the customer again; the cursor stays on its entry."""
        try:
            one = await self.ask(profile_of, self._customer_id)
        except Refused:
            if self._profile is None:
                raise
            if not self.is_active:  # a form above it is still written in; it goes when that is left
                self._stale = True
                return
            self.post_message(Done(t("profile.gone", name=self._profile.name)))  # nothing of it stays
            return
        for pipeline_id in {deal.pipeline_id for deal in one.deals} - set(self._stages):
            self._stages[pipeline_id] = await self.ask(stages_of, pipeline_id)
        self._profile = one
        self.show_person()
        await self._history.show(one)
        self._show_title()

    @property
    def customer_id(self) -> str | None:
        """The customer."""
        return self._customer_id

    @property
    def deal_id(self) -> str | None:
        """The deal under the cursor, else the newest open one."""
        deal = self._history.deal
        return deal.id if deal else None

    def chosen_deals(self) -> Sequence[MovingDeal]:
        """Return the deal under the cursor, else the newest open one."""
        deal = self._history.deal
        if deal is None or self._profile is None:
            return ()
        return [MovingDeal(deal.id, self._profile.name, deal.stage)]

    def stage_steps(self) -> Sequence[StageStep]:
        """Return the stages of that deal's pipeline."""
        deal = self._history.deal
        steps = self._stages.get(deal.pipeline_id, ()) if deal else ()
        return [StageStep(one.code, one.name, one.kind) for one in steps]

    def escape_steps(self) -> Sequence[Callable[[], bool]]:
        """Esc shows all channels again, then leaves."""
        return (self._clear_filter,)

    def show_person(self) -> None:
        """Draw head and right pane, masked or in clear."""
        if self._profile is None:
            return
        desk = self.counter.desk
        portrait = Portrait(self._profile, desk.now(), desk.viewer.zone, self.clear)
        self.query_one("#head", Static).update(_text(portrait.head()))
        self.query_one("#pane", Static).update(_text(portrait.pane()))

    @on(VirtualList.Opened)
    def _opened(self, message: VirtualList.Opened) -> None:
        """Open a follow-up to amend it, a deal to edit it."""
        if message.paged is self._history.deals:
            self.post_message(Go("deal_form", customer_id=self._customer_id, deal_id=message.row_id))
            return
        entry = self._history.entry(message.row_id)
        if entry is None or entry.kind != "follow_up" or entry.retracted:
            self.say(t("profile.not_amended"), "warn")
        else:
            self.post_message(Go("follow_up", customer_id=self._customer_id, amends=_said(entry)))

    def action_tab(self) -> None:
        """Show the deals instead of the timeline, or the other way round."""
        self._history.turn()
        self._show_title()

    def action_edit(self) -> None:
        """Change what is known of the customer."""
        self.post_message(Go("customer_form", customer_id=self._customer_id))

    def action_new_deal(self) -> None:
        """Open a deal for the customer."""
        self.post_message(Go("deal_form", customer_id=self._customer_id))

    def action_sibling(self, by: int) -> None:
        """Show the next (1) or the previous (-1) customer of the list this one was opened from."""
        ids = self._siblings
        place = ids.index(self._customer_id) + by if self._customer_id in ids else -1
        if not 0 <= place < len(ids):
            self.say(t("profile.no_sibling"), "warn")
            return
        self.hide()
        self._customer_id = ids[place]
        self.say("")
        self._draw()

    @work(group="filter", exit_on_error=False)
    async def action_filter(self) -> None:
        """Show the follow-ups through one channel, or everything."""
        rows = [PickRow("", t("profile.all"))]
        rows += [PickRow(one, t(f"follow_up.channel.{one}")) for one in CHANNELS]
        picked = await self.app.push_screen_wait(Picker(t("profile.pick_channel"), rows))
        if picked is not None:
            self._history.channel = picked
            await self.redraw()

    @work(group="why", exclusive=True, exit_on_error=False)
    async def action_why(self) -> None:
        """Say why the customer is due."""
        desk = self.counter.desk
        words = why_words(await self.ask(why_due, self._customer_id), desk.now(), desk.viewer.zone)
        self.say(" ".join(words))

    @work(group="archive", exclusive=True, exit_on_error=False)
    async def action_archive(self) -> None:
        """Put the customer away with its deals, or bring an archived one back."""
        from crm_tui.commands.customers import ArchiveCustomer, RestoreCustomer

        one = self._profile
        if one is None:
            return
        if one.archived:
            if all(verdict.applied for verdict in await self.act(RestoreCustomer(customer_id=one.id))):
                self.say(t("profile.restored", name=one.name), "good")
            return
        sure = Confirm(t("profile.archive_sure", name=one.name, count=len(one.deals)))
        if await self.app.push_screen_wait(sure) is None:
            return
        verdicts = await self.act(ArchiveCustomer(customer_id=one.id))
        if verdicts and verdicts[0].applied:
            self.post_message(Done(t("profile.archive_done", name=one.name)))

    def _clear_filter(self) -> bool:
        if not self._history.channel:
            return False
        self._history.channel = ""
        self._draw()
        return True

    def _show_title(self) -> None:
        if self._profile is None:
            return
        ids = self._siblings
        place = f"{ids.index(self._customer_id) + 1}/{len(ids)}" if self._customer_id in ids else ""
        title = t("profile.title", name=self._profile.name)
        self.title = "  ".join(part for part in (title, self._history.words(), place) if part)
        self.set_hint(t(f"profile.hint_{self._history.tab}"))


def _said(entry: Entry) -> Said:
    """Return a follow-up of the timeline as its form wants it."""
    assert entry.next_at is not None, "a follow-up has a next contact"
    return Said(
        follow_up_id=entry.id,
        occurred_at=entry.at,
        channel=entry.channel,
        result=entry.result,
        need_change=entry.need_change,
        objections=entry.objections,
        objection_note=entry.objection_note,
        next_step=entry.next_step,
        next_at=entry.next_at,
    )


def _text(lines: Sequence[str]) -> Text:
    return Text("\n").join(safe_text(line) for line in lines)
