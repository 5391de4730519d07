"""What a follow-up must say before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crm_tui.domain.errors import Refused

CHANNELS = ("phone", "wecom", "wechat", "visit", "onsite", "email", "sms")
RESULTS = ("reached", "missed", "declined")
OBJECTIONS = ("none", "price", "style", "delivery", "quality", "competitor", "family", "other")
MEETING_CHANNELS = frozenset({"visit", "onsite"})
NO_CHANGE = "none"
"""The explicit answer that the need has not changed; typed as 0."""

DRAFT_FORM, AMENDS = "follow_up", "amends:"
"""The form under which an unfinished follow-up is kept, and what stands before the id of one it amends."""

FARTHEST = timedelta(days=90)
EFFECTIVE_CHARACTERS = 4
"""A follow-up shorter than this says nothing the next person could use."""


def is_effective(*, channel: str, result: str, need_change: str, next_step: str) -> bool:
    """Tell whether a follow-up ends an alarm: the customer was reached or met, and it says something.

    Source: glossary, 有效跟进: connected or met, at least EFFECTIVE_CHARACTERS characters.
    """
    talked = result == "reached" or channel in MEETING_CHANNELS
    said = "" if need_change == NO_CHANGE else need_change
    return talked and len(said) + len(next_step) >= EFFECTIVE_CHARACTERS


def check_follow_up(
    *,
    channel: str,
    result: str,
    need_change: str,
    objections: Sequence[str],
    next_step: str,
    next_at: datetime,
    at: datetime,
) -> None:
    """Check that every mandatory answer is there and sound; ``at`` is when it is logged, aware UTC.

    Raises:
        Refused: follow_up_incomplete (field), objection_contradicts, next_contact_past, next_contact_too_far.
    """
    answers = {
        "channel": channel in CHANNELS,
        "result": result in RESULTS,
        "need_change": bool(need_change),
        "objections": bool(objections) and set(objections) <= set(OBJECTIONS),
        "next_step": bool(next_step),
    }
    for name, given in answers.items():
        if not given:
            raise Refused("follow_up_incomplete", field=name)
    if "none" in objections and len(objections) > 1:
        raise Refused("objection_contradicts")
    if next_at < at:
        raise Refused("next_contact_past")
    if next_at > at + FARTHEST:
        raise Refused("next_contact_too_far", days=FARTHEST.days)
