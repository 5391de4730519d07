"""Figures one can walk over: lines of text in which some places can be asked what stands behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from crm_tui.widgets.keys import twins
from crm_tui.widgets.rows import RowTone
from crm_tui.widgets.text import fit


@dataclass(frozen=True, slots=True)
class Figure:
    """A piece of a line of ``cells`` cells; with a ``key`` the cursor can stand on it."""

    text: str
    cells: int
    key: str = ""
    tone: RowTone = ""


class FigureGrid(ScrollView, can_focus=True):
    """Lines of figures with one cursor; Enter and ``?`` are answered by the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(0, -1)", show=False),
        Binding("down", "move(0, 1)", show=False),
        Binding("left", "move(-1, 0)", show=False),
        Binding("right", "move(1, 0)", show=False),
        Binding(twins("enter"), "open", "keys.open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "figures--cursor",
        "figures--muted",
        "figures--warn",
        "figures--alarm",
        "figures--good",
    }
    DEFAULT_CSS = """
    FigureGrid { height: 1fr; width: 1fr; scrollbar-size: 0 0; }
    FigureGrid .figures--cursor { background: $panel; }
    FigureGrid:focus .figures--cursor { background: $block-cursor-background; }
    FigureGrid:focus .figures--cursor { color: $block-cursor-foreground; }
    FigureGrid .figures--muted { color: $text-muted; }
    FigureGrid .figures--warn { color: $text-warning; }
    FigureGrid .figures--alarm { color: $text-error; }
    FigureGrid .figures--good { color: $text-success; }
    """
    ALLOW_SELECT = False

    class Moved(Message):
        """The cursor stands on another figure."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Opened(Message):
        """Somebody wants the rows behind a figure."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._lines: Sequence[Sequence[Figure]] = ()
        self.key = ""

    def show(self, lines: Sequence[Sequence[Figure]]) -> None:
        """Show these lines; the cursor stays on its figure where that is still there."""
        self._lines = lines
        self.virtual_size = self.virtual_size.__class__(self.size.width, len(lines))
        keys = [figure.key for line in lines for figure in line if figure.key]
        if self.key not in keys:
            self._stand_on(keys[0] if keys else "")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the window."""
        width, base = self.size.width, self.rich_style
        row = self.scroll_offset.y + y
        if row >= len(self._lines):
            return Strip.blank(width, base)
        segments = []
        for figure in self._lines[row]:
            style = base
            if figure.tone:
                style += self.get_component_rich_style(f"figures--{figure.tone}", partial=True)
            here = bool(figure.key) and figure.key == self.key
            if here:
                style += self.get_component_rich_style("figures--cursor")
            segments.append(Segment(fit(f"{'>' if here else ' '}{figure.text}", figure.cells), style))
        return Strip(segments).adjust_cell_length(width, base)

    def action_move(self, columns: int, rows: int) -> None:
        """Go to the next figure beside or below; up and down keep to the nearest place."""
        places = [
            (number, sum(one.cells for one in line[:place]), figure.key)
            for number, line in enumerate(self._lines)
            for place, figure in enumerate(line)
            if figure.key
        ]
        here = next((place for place in places if place[2] == self.key), None)
        if here is None:
            return
        if columns:
            order = [place[2] for place in places]
            self._stand_on(order[max(0, min(order.index(self.key) + columns, len(order) - 1))])
            return
        beyond = [place for place in places if (place[0] - here[0]) * rows > 0]
        if beyond:
            row = min(beyond, key=lambda place: abs(place[0] - here[0]))[0]
            there = [place for place in beyond if place[0] == row]
            self._stand_on(min(there, key=lambda place: abs(place[1] - here[1]))[2])

    def action_open(self) -> None:
        """Ask for the rows behind the figure under the cursor."""
        if self.key:
            self.post_message(self.Opened(self.key))

    def _stand_on(self, key: str) -> None:
        self.key = key
        row = next(
            (number for number, line in enumerate(self._lines) if any(one.key == key for one in line)), 0
        )
        self.scroll_to_region(Region(0, row, 1, 1), animate=False)
        self.refresh()
        self.post_message(self.Moved(key))
