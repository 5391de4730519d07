"""What happened with a customer, in words: the lines of a timeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from crm_tui.domain.follow_up import NO_CHANGE
from crm_tui.i18n import knows, t
from crm_tui.widgets import figures

if TYPE_CHECKING:
    from crm_tui.queries.timeline import Entry


def entry_lines(entry: Entry, now: datetime, zone: str) -> list[str]:
    """Return an entry as one line with its moment, and for a follow-up a second one with what comes next."""
    head = f"{figures.moment(entry.at, now, zone)} {_what(entry)}"
    if entry.retracted:
        head = f"{head} [{t('entries.retracted')}]"
    if entry.kind != "follow_up":
        return [head]
    objections = t("work.list_joint").join(t(f"follow_up.objection.{one}") for one in entry.objections)
    detail = f"{objections} {entry.objection_note}".strip()
    when = figures.day(entry.next_at, now, zone) if entry.next_at else ""
    return [head, f"  {t('entries.next', objections=detail, step=entry.next_step, day=when)}"]


def _what(entry: Entry) -> str:
    words: dict[str, Callable[[Entry], str]] = {
        "follow_up": _follow_up,
        "stage": _stage,
        "ownership": _ownership,
        "postponement": _postponement,
    }
    return words[entry.kind](entry) if entry.kind in words else t("entries.created")


def _follow_up(entry: Entry) -> str:
    need = t("follow_up.no_change") if entry.need_change == NO_CHANGE else entry.need_change
    channel, result = t(f"follow_up.channel.{entry.channel}"), t(f"follow_up.result.{entry.result}")
    return f"{channel} {result} {entry.person_name}{_amended(entry)}  {need}"


def _amended(entry: Entry) -> str:
    """Return which version this is and, where it was not its author, who wrote it."""
    if entry.versions == 1:
        return ""
    key = "entries.amended_by" if entry.amended_by else "entries.amended"
    return f" {t(key, version=entry.versions, who=entry.amended_by)}"


def _stage(entry: Entry) -> str:
    key = f"lost.{entry.reason}"
    reason = t(key) if entry.reason and knows(key) else entry.reason
    words = t(f"entries.{entry.move}", here=entry.from_name, there=entry.to_name, who=entry.person_name)
    return f"{words} {reason}".rstrip()


def _ownership(entry: Entry) -> str:
    key = "entries.taken_in" if entry.move == "create" else "entries.assigned"
    words = t(key, here=entry.from_name, there=entry.to_name, who=entry.person_name)
    reason = f"reason.{entry.reason}"
    return f"{words} {t(reason) if entry.reason and knows(reason) else entry.reason}".rstrip()


def _postponement(entry: Entry) -> str:
    return f"{t('entries.postponed', who=entry.person_name, step=entry.next_step)} {entry.reason}".rstrip()
