"""How amounts, days and numbers look on a screen, in the person's language."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from crm_tui import i18n
from crm_tui.domain.calendar import business_date
from crm_tui.domain.identity import display_phone, mask_phone
from crm_tui.domain.moment import describe_day
from crm_tui.domain.money import format_money, short_money
from crm_tui.i18n import t
from crm_tui.widgets.rows import RowTone

NONE = "-"
_WHOLE_DAYS = 10


def amount(fen: int | None) -> str:
    """Return an amount in full, ``¥12,000.00``; ``-`` where there is none."""
    return NONE if fen is None else format_money(fen)


def amount_short(fen: int | None) -> str:
    """Return an amount for lists, ``1.2万`` or ``12.0k``; ``-`` where there is none."""
    if fen is None:
        return NONE
    return short_money(fen, "wan" if i18n.language() == "zh_CN" else "kilo")


def phone(e164: str, *, clear: bool = False) -> str:
    """Return a number for lists: masked unless it may be shown in clear."""
    if not e164:
        return NONE
    return display_phone(e164) or e164 if clear else mask_phone(e164)


def day(instant: datetime | date | None, now: datetime, zone: str, *, due: bool = False) -> str:
    """Return a day the way a list calls it: today, +3 days, overdue 2 days, ``01-08 Thu``."""
    if instant is None:
        return NONE
    on = business_date(instant, zone) if isinstance(instant, datetime) else instant
    label = describe_day(on, business_date(now, zone), due=due)
    return t(
        f"figures.{label.key}",
        n=label.n,
        year=on.year,
        month=f"{on.month:02d}",
        day=f"{on.day:02d}",
        weekday=t(f"figures.weekday_{on.isoweekday()}"),
    )


def ago(instant: datetime | None, now: datetime, zone: str) -> str:
    """Return how long ago something was, in days: never, today, 6 days ago."""
    if instant is None:
        return t("figures.never")
    days = (business_date(now, zone) - business_date(instant, zone)).days
    return t("figures.today") if days <= 0 else t("figures.ago", n=days)


def moment(instant: datetime, now: datetime, zone: str) -> str:
    """Return a day and the time on the wall: ``01-02 Fri 15:20``."""
    wall = instant.astimezone(ZoneInfo(zone))
    here = now.astimezone(ZoneInfo(zone))
    key = "figures.month_day" if wall.year == here.year else "figures.year_month_day"
    named = t(
        key,
        year=wall.year,
        month=f"{wall.month:02d}",
        day=f"{wall.day:02d}",
        weekday=t(f"figures.weekday_{wall.isoweekday()}"),
    )
    return f"{named} {wall:%H:%M}"


def clock_time(instant: datetime, zone: str) -> str:
    """Return the time on the wall: ``10:42``."""
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def due_mark(due_at: datetime | None, now: datetime, zone: str) -> tuple[str, RowTone]:
    """Return the mark of a card and its tone: ``!2d`` alarm, today warn, ``+3d`` none.

    A due instant that has passed today is already overdue: ``!`` alone.
    """
    if due_at is None:
        return "", ""
    late = (business_date(now, zone) - business_date(due_at, zone)).days
    if due_at <= now:
        return (t("figures.mark_late", n=late) if late else "!"), "alarm"
    if late == 0:
        return t("figures.today"), "warn"
    return t("figures.mark_ahead", n=-late), ""


def days(value: float | None) -> str:
    """Return a number of days, below ten with one decimal; n/a where it is undefined."""
    if value is None:
        return t("figures.undefined")
    return t("figures.days", n=f"{value:.1f}" if value < _WHOLE_DAYS else f"{value:.0f}")


def percent(share: float | None) -> str:
    """Return a share (0 to 1) as a percentage with one decimal, n/a where it is undefined."""
    return t("figures.undefined") if share is None else f"{share * 100:.1f}%"


def typed_moment(instant: datetime, zone: str) -> str:
    """Return a moment the way a clerk could type it: ``2026-01-11 10:00``."""
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
