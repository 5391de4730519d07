"""Settings: the sections at the left by their digits, the rows of one at the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from crm_tui.domain.errors import Refused
from crm_tui.i18n import t
from crm_tui.screens.sections import SECTIONS, Section
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.frame import EscapeStep
from crm_tui.widgets.keys import twins
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.rows import Column, ListSource, Row
from crm_tui.widgets.workplace import WorkScreen


class SettingsScreen(WorkScreen):
    """What the organisation and this terminal have decided; what is not allowed says so."""

    SHOWS: ClassVar[frozenset[str]] = frozenset(
        {"person", "org_unit", "stage", "pipeline", "setting", "product", "product_line"}
    )
    AUTO_FOCUS = "#sections"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "more", "settings.more_key", tooltip="settings.more_tip"),
        Binding("f7", "new", "keys.new", tooltip="settings.new_tip"),
        Binding("delete", "remove", "settings.remove_key", show=False, tooltip="settings.remove_tip"),
        Binding("left", "to_sections", show=False),
        Binding("right", "to_rows", show=False),
        *(
            Binding(twins(str(place)), f"section({place})", show=False)
            for place in range(1, len(SECTIONS) + 1)
        ),
    ]

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self._sections: list[Section] = [section(self) for section in SECTIONS]
        self._section = self._sections[0]
        listed = [
            Row(one.name, (str(place), t(f"settings.section.{one.name}")))
            for place, one in enumerate(self._sections, start=1)
        ]
        self._list = VirtualList(
            (Column("digit", "", width=1), Column("name", "", flex=1)), ListSource(listed), id="sections"
        )
        self._rows = VirtualList((), ListSource(), id="rows")

    def compose_body(self) -> ComposeResult:
        """The sections, and the rows of the one under the cursor."""
        with Horizontal():
            with Vertical(id="side"):
                yield self._list
            yield self._rows

    async def redraw(self) -> None:
        """Read the rows of the section again."""
        self.title = t("settings.title", section=t(f"settings.section.{self._section.name}"))
        locked = self._locked
        rows = [] if locked else await self._section.rows()
        self._rows.empty = locked or t("widget.list_empty")
        self._rows.show_columns(self._section.drawn_columns())
        await self._rows.show(ListSource(rows), to=self._rows.cursor_id)
        self.set_hint(locked or self._section.hint(self._rows.cursor_id))

    def escape_steps(self) -> Sequence[EscapeStep]:
        """From the rows back to the sections, then out."""
        return (self.action_to_sections,)

    @on(VirtualList.CursorMoved, "#sections")
    def _chosen(self, message: VirtualList.CursorMoved) -> None:
        found = next((one for one in self._sections if one.name == message.row_id), self._section)
        if found is not self._section:
            self._section = found
            self.say("")
            self._show()

    @on(VirtualList.CursorMoved, "#rows")
    def _moved(self, message: VirtualList.CursorMoved) -> None:
        self.set_hint(self._locked or self._section.hint(message.row_id))

    @on(VirtualList.Opened, "#sections")
    def action_to_rows(self) -> None:
        """Go from the sections to the rows."""
        self._rows.focus()

    @on(VirtualList.Opened, "#rows")
    def _open(self, message: VirtualList.Opened) -> None:
        self._do("open", message.row_id)

    def action_to_sections(self) -> bool:
        """Go back to the sections; tells whether the rows had the focus."""
        had = self._rows.has_focus
        self._list.focus()
        return had

    async def action_section(self, place: int) -> None:
        """Choose a section by its digit and go to its rows."""
        self.say("")
        self._section = self._sections[place - 1]
        await self._list.reload(self._section.name)
        await self.redraw()
        self._rows.focus()

    def action_new(self) -> None:
        """Add something to this section."""
        self._do("new", self._rows.cursor_id)

    def action_more(self) -> None:
        """Do the section's second deed on the row."""
        self._do("more", self._rows.cursor_id)

    def action_remove(self) -> None:
        """Take the row out."""
        self._do("remove", self._rows.cursor_id)

    @work(group="do", exit_on_error=False)
    async def _do(self, deed: str, row_id: str) -> None:
        if self._locked:
            self.say(self._locked, "warn")
            return
        try:
            await getattr(self._section, deed)(row_id)
        except Refused as no:
            self.say(refused(no), "error")

    @work(group="show", exclusive=True, exit_on_error=False)
    async def _show(self) -> None:
        try:
            await self.redraw()
        except Refused as no:
            self.say(refused(no), "error")

    @property
    def _locked(self) -> str:
        """Why this section is closed to the person, or an empty string."""
        right = self._section.right
        if right is None or self.counter.desk.viewer.may(right):
            return ""
        return t("settings.locked", right=t(f"work.right.{right}"))
