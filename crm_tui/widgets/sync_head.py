"""How a terminal stands with its hub, in lines: above its commands; what goes on without it, below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from crm_tui.i18n import t
from crm_tui.widgets.refusal import refusal
from crm_tui.widgets.standing import clock_words, met_words
from crm_tui.widgets.text import safe_text

if TYPE_CHECKING:
    from crm_tui.desk import Desk
    from crm_tui.desk.link import LinkState


@dataclass(frozen=True)
class Facts:
    """What this terminal itself knows; ``state`` is None where it works alone.

    ``reached`` is the revision up to which it has read each of its spaces, ``drafts`` counts forms not saved.
    """

    state: LinkState | None
    drafts: int
    refused: int = 0
    device: str = ""
    reached: Mapping[str, int] = field(default_factory=dict)

    @property
    def stands_at(self) -> tuple[object, ...]:
        """What makes an earlier answer of the hub an old one when it changes."""
        if self.state is None:
            return ()
        return (self.state.online, self.state.standing.last_met, dict(self.reached))


@dataclass(frozen=True)
class Told:
    """What the hub answered last: the seconds it took, None for no answer; how far each space is there."""

    latency: float | None
    upto: Mapping[str, int] | None


class SyncHead(Static):
    """The way to the hub, where both stand, and what waits; ``told`` is None until the hub was asked."""

    def __init__(self) -> None:
        super().__init__("", id="head", markup=False)
        self.told: Told | None = None

    async def ask(self, desk: Desk) -> None:
        """Ask the hub how far away it is, and how far on, off the screen's thread."""
        if desk.link is not None:
            latency = await desk.link.ping()
            self.told = Told(latency, None if latency is None else await desk.outlook.position())

    def forget(self, facts: Facts) -> None:
        """Forget what a hub has told that is away now; other answers stay until the next one."""
        if facts.state is not None and facts.state.online is False:
            self.told = None

    def show(self, facts: Facts, now: datetime, zone: str) -> None:
        """Show how this terminal stands."""
        self.update(_lines(_head(facts, self.told, now, zone)))

    def hub_lines(self, facts: Facts) -> list[str]:
        """Return how far away the hub is, and how far on."""
        latency = self.told.latency if self.told else None
        away = [_latency_words(latency)] if latency is not None else []
        return ["  ".join([*away, position_words(facts.reached, self.told)])]


class SyncFoot(Static):
    """What can be done without the hub and what needs it; without the hub also for how long."""

    DEFAULT_CSS = "SyncFoot.-alone { display: none; }"

    def __init__(self) -> None:
        super().__init__("", id="foot", classes="optional", markup=False)

    def show(self, facts: Facts, now: datetime) -> None:
        """Show it, where there is a hub."""
        self.set_class(facts.state is None, "-alone")
        if facts.state is not None:
            since = _away_words(facts.state, now)
            self.update(_lines([f"{since}{t('sync.without_hub')}", t("sync.needs_hub")]))


def position_words(reached: Mapping[str, int], told: Told | None) -> str:
    """Return how far this terminal has read, how far the hub is, and what lies between."""
    here = t("sync.position.here", rev=f"{sum(reached.values()):,}")
    if told is None:
        return f"{here}  {t('sync.position.asking')}"
    if told.latency is None:
        return f"{here}  {t('sync.position.away')}"
    if told.upto is None:
        return f"{here}  {t('sync.position.untold')}"
    hub = t("sync.position.hub", rev=f"{sum(told.upto.values()):,}")
    return f"{here}  {hub}  {_apart_words(reached, told.upto)}"


def _apart_words(reached: Mapping[str, int], upto: Mapping[str, int]) -> str:
    """Say what lies between; the spaces differ where this terminal was moved or has read nothing yet."""
    if set(reached) != set(upto):
        return t("sync.apart.moved")
    apart = sum(upto.values()) - sum(reached.values())
    return t("sync.apart.back" if apart < 0 else "sync.apart.by", count=f"{abs(apart):,}")


def _head(facts: Facts, told: Told | None, now: datetime, zone: str) -> list[str]:
    """Return how the terminal stands with its hub, in lines."""
    kept = t("sync.drafts", count=facts.drafts)
    if facts.state is None:
        return [t("sync.no_hub"), kept]
    state, found = facts.state, facts.state.standing
    shared = found.url.startswith("file:")
    online = {None: "unknown", True: "yes", False: "no"}[state.online]
    way = [t(f"sync.online.{online}"), found.url, t("sync.mode.share" if shared else "sync.mode.http")]
    if told is not None and told.latency is not None:
        way.append(_latency_words(told.latency))
    met = t("sync.device", device=facts.device, at=met_words(found.last_met, now, zone))
    queue = t("sync.queue", waiting=found.waiting, refused=facts.refused)
    lines = [
        f"{t('sync.head.connection')}  {'  '.join(way)}",
        f"{t('sync.head.device')}  {met}  {clock_words(found.minutes_off)}",
        f"{t('sync.head.queue')}  {queue}   {kept}",
        f"{t('sync.head.position')}  {position_words(facts.reached, told)}",
    ]
    if state.trouble:
        lines.append(t("sync.trouble", why=refusal(state.trouble, state.details)))
    if shared:
        lines.append(t("sync.advisory"))
    return lines


def _latency_words(seconds: float) -> str:
    return t("sync.latency", ms=max(round(seconds * 1000), 1))


def _away_words(state: LinkState, now: datetime) -> str:
    """Say how long ago the hub was met, where it is away; empty while it is there."""
    met = state.standing.last_met
    if state.online is not False or met is None:
        return ""
    minutes = max((now - met) // timedelta(minutes=1), 0)
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return t(f"sync.away.{unit}", count=minutes // size) + " "
    return t("sync.away.minutes", count=minutes) + " "


def _lines(words: Iterable[str]) -> Text:
    return Text("\n").join(safe_text(one) for one in words)
