"""Whose customer it is, how far it came and when it is due: decided before its story is told."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from crm_tui.demo.size import Size
from crm_tui.demo.staff import Clerk, Staff

OPEN = ("lead", "contact", "need", "proposal", "negotiation")


@dataclass(frozen=True, slots=True)
class Fate:
    """What a story must come to.

    ``target`` is the stage of the first deal, empty without one; ``due`` is fresh (came in today), never
    (never contacted, long ago), overdue, today or ahead; ``turn`` is skip, ping_pong, reopen or nothing;
    ``heir`` takes the customer over, when the owner leaves or the manager decides.
    """

    owner: Clerk
    target: str = ""
    due: str = "ahead"
    talks: int = 0
    lost_from: str = ""
    turn: str = ""
    more_deals: int = 0
    heir: Clerk | None = None


_STAGED: tuple[tuple[str, str, int, int, str], ...] = (
    # stage, due, talks, how many, turn
    ("lead", "fresh", 0, 2, ""),
    ("lead", "never", 0, 1, ""),
    ("lead", "today", 1, 1, ""),
    ("lead", "ahead", 1, 8, ""),
    ("contact", "overdue", 2, 1, ""),
    ("contact", "today", 2, 2, ""),
    ("contact", "ahead", 2, 7, ""),
    ("need", "overdue", 3, 1, ""),
    ("need", "today", 3, 2, ""),
    ("need", "ahead", 3, 4, ""),
    ("need", "ahead", 4, 1, "ping_pong"),
    ("proposal", "today", 4, 1, ""),
    ("proposal", "ahead", 4, 3, ""),
    ("proposal", "ahead", 3, 1, "skip"),
    ("negotiation", "today", 5, 1, ""),
    ("negotiation", "ahead", 5, 1, ""),
    ("negotiation", "ahead", 6, 1, "reopen"),
    ("won", "ahead", 6, 6, ""),
    ("", "ahead", 1, 2, ""),
)


def fates(size: Size, staff: Staff, rng: random.Random) -> Iterator[Fate]:
    """Give every customer of a size its fate, with exactly as many deals and follow-ups as it asks for."""
    staged = list(_staged(staff)) if size.staged else []
    yield from staged
    crowd = size.customers - len(staged)
    deals = size.deals - sum(bool(one.target) + one.more_deals for one in staged)
    talks = size.follow_ups - sum(one.talks for one in staged)
    others = staff.clerks[1:] if size.staged else staff.clerks
    share = 0.0
    weight = 0.0
    for place in range(crowd):
        weight = 2 * rng.betavariate(0.9, 1.4) if place % 2 == 0 else 2 - weight
        if place == crowd - 1 and place % 2 == 0:
            weight = 1.0
        mine = _part(talks, crowd, share, share + weight)
        share += weight
        yield _drawn(rng, staff, rng.choice(others), _part(deals, crowd, place, place + 1), mine)


def _part(whole: int, parts: int, start: float, end: float) -> int:
    """Return how many of ``whole`` things fall between two of ``parts`` places; nothing is lost between."""
    return int(whole * end / parts + 1e-6) - int(whole * start / parts + 1e-6)


def _staged(staff: Staff) -> Iterator[Fate]:
    """Cast the first clerk's customers by hand: 38 open deals, 3 overdue, 7 due today."""
    clerk = staff.clerks[0]
    for target, due, talks, count, turn in _STAGED:
        for _ in range(count):
            yield Fate(clerk, target, due, talks, turn=turn)
    for lost_from, talks in (("lead", 1), ("contact", 2), ("contact", 3), ("need", 3), ("proposal", 4)):
        yield Fate(clerk, "lost", "ahead", talks, lost_from=lost_from)


def _drawn(rng: random.Random, staff: Staff, owner: Clerk, deals: int, talks: int) -> Fate:
    target, lost_from = _target(rng, deals, talks)
    heir: Clerk | None = None
    leaver = _leaver(rng, staff)
    if leaver is not None:
        owner, heir = leaver, rng.choice(staff.heirs[leaver.branch.id])
    elif rng.random() < 0.02:
        heir = rng.choice(staff.heirs[owner.branch.id])
    if heir is not None and (heir is owner or talks == 0):
        owner, heir = heir, None
    return Fate(
        owner=owner,
        target=target,
        due=_due(rng, target, talks, moved=heir is not None),
        talks=talks,
        lost_from=lost_from,
        turn=_turn(rng, lost_from or target, talks),
        more_deals=max(deals - 1, 0),
        heir=heir,
    )


def _leaver(rng: random.Random, staff: Staff) -> Clerk | None:
    if not staff.leavers or rng.random() >= 0.06:
        return None
    one = rng.choice(staff.leavers)
    return one if staff.heirs[one.branch.id] else None


def _target(rng: random.Random, deals: int, talks: int) -> tuple[str, str]:
    """Return the stage of the first deal, and the stage it was lost from."""
    if deals == 0:
        return "", ""
    if talks == 0:
        drawn = rng.choices(("lead", "contact", "lost"), (65, 20, 15))[0]
        return drawn, "lead" if drawn == "lost" else ""
    drawn = rng.choices((*OPEN, "won", "lost"), (16, 17, 14, 10, 8, 19, 16))[0]
    lost_from = rng.choices(OPEN, (20, 32, 22, 16, 10))[0] if drawn == "lost" else ""
    return drawn, lost_from


def _due(rng: random.Random, target: str, talks: int, *, moved: bool) -> str:
    if talks == 0:
        return "fresh" if rng.random() < 0.1 and target != "lost" and not moved else "never"
    weights = (4, 1, 95) if target in {"won", "lost"} else (15, 5, 80)
    return rng.choices(("overdue", "today", "ahead"), weights)[0]


def _turn(rng: random.Random, goal: str, talks: int) -> str:
    if goal in {"", "lead", "contact"} or talks < 2 or rng.random() > 0.12:
        return ""
    return rng.choice(("skip", "ping_pong", "reopen"))
