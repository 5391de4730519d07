"""A window with the hub and the terminals that it has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from crm_tui.i18n import knows, t
from crm_tui.widgets import figures
from crm_tui.widgets.field_row import Words
from crm_tui.widgets.frame import CrmModal
from crm_tui.widgets.keys import twins
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.rows import Column, ListSource, Row
from crm_tui.widgets.standing import met_words
from crm_tui.widgets.text import safe_text

if TYPE_CHECKING:
    from crm_tui.sync.messages import DevicesAnswer, KnownDevice

_AT_WORK: Final = "active"
_WRONG_CLOCK: Final = 5
"""Minutes from which a clock is worth a word, as on the terminal itself."""


class HubWindow(CrmModal[None]):
    """Shows what is known of the hub and a line for each of its terminals; Enter, Esc and F12 close it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding(twins("enter"), "cancel", show=False, priority=True)]
    DEFAULT_CSS = """
    HubWindow > .window { width: 100; }
    HubWindow .title { text-style: bold; }
    HubWindow Static { height: auto; width: 100%; }
    HubWindow VirtualList { height: 14; max-height: 50vh; margin: 1 0 0 0; }
    HubWindow .keys { color: $text-muted; }
    """

    def __init__(self, said: Sequence[str], answer: DevicesAnswer, now: datetime, zone: str) -> None:
        super().__init__()
        version = t("sync.devices.hub", version=answer.version or figures.NONE, count=len(answer.devices))
        self._said = [version, *said]
        rows = ListSource(_row(one, now, zone) for one in answer.devices)
        self._rows = VirtualList(_columns(), rows, selects=False)

    def compose(self) -> ComposeResult:
        """Build the window: the hub, its terminals, the keys."""
        with Vertical(classes="window"):
            yield Words(t("sync.devices.title"), classes="title")
            yield Static(Text("\n").join(safe_text(one) for one in self._said), markup=False)
            yield self._rows
            yield Words(t("sync.devices.keys"), classes="keys")


def _columns() -> Sequence[Column]:
    return (
        Column("name", t("sync.devices.name"), width=16, flex=2),
        Column("unit", t("sync.devices.unit"), width=8, flex=1),
        Column("seen", t("sync.devices.seen"), width=10),
        Column("clock", t("sync.devices.clock"), width=11, drop=1),
        Column("status", t("sync.devices.status"), width=10),
        Column("version", t("sync.devices.version"), width=8, drop=2),
    )


def _row(one: KnownDevice, now: datetime, zone: str) -> Row:
    seen = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one.last_seen)
    known = knows(f"cli.device_status.{one.status}")
    tail = one.device_id[-8:]
    cells = (
        f"{one.name} ({tail})" if one.name else tail,
        one.unit or figures.NONE,
        met_words(seen if one.last_seen else None, now, zone),
        _clock_words(one),
        t(f"cli.device_status.{one.status}") if known else one.status,
        one.version or figures.NONE,
    )
    return Row(one.device_id, cells, "" if one.status == _AT_WORK else "warn")


def _clock_words(one: KnownDevice) -> str:
    """Say how far a clock was off when the terminal sent something last; one that never did is not known.

    The terminal from which the hub was made brought its commands with it; it has no version until it sends.
    """
    if not (one.commands and one.version):
        return figures.NONE
    minutes = abs(one.skew) // 60
    if minutes < _WRONG_CLOCK:
        return t("sync.devices.right")
    return t("sync.devices.fast" if one.skew > 0 else "sync.devices.slow", minutes=minutes)
