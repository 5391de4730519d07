"""How a terminal stands with its hub, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from crm_tui.i18n import t
from crm_tui.widgets import figures

if TYPE_CHECKING:
    from crm_tui.desk.link import LinkState


def standing_words(state: LinkState, refused: int, now: datetime, zone: str) -> str:
    """Return what the header says: how many were ``refused``, and in sync since when or how many wait."""
    how = _how(state, now, zone)
    return f"{t('sync.badge.refused', count=refused)} {how}" if refused else how


def _how(state: LinkState, now: datetime, zone: str) -> str:
    found = state.standing
    if found.frozen:
        return t("sync.badge.frozen")
    if state.online is False:
        return t("sync.badge.offline" if found.waiting else "sync.badge.away", count=found.waiting)
    if state.trouble:
        return t("sync.badge.trouble", count=found.waiting)
    if found.waiting:
        return t("sync.badge.waiting", count=found.waiting)
    return t("sync.badge.in_sync", at=met_words(found.last_met, now, zone))


def met_words(at: datetime | None, now: datetime, zone: str) -> str:
    """Return when the hub was met last: the time today, else the day."""
    if at is None:
        return figures.NONE
    today = figures.day(at, now, zone) == figures.day(now, now, zone)
    return figures.clock_time(at, zone) if today else figures.day(at, now, zone)


def clock_words(minutes_off: int) -> str:
    """Say how far this clock is from the hub's, where that is worth saying."""
    if not minutes_off:
        return t("sync.clock.right")
    return t("sync.clock.fast" if minutes_off > 0 else "sync.clock.slow", minutes=abs(minutes_off))
