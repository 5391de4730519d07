"""The order of events in a story, before they have times."""

from __future__ import annotations

import random
from dataclasses import dataclass

from crm_tui.demo.days import SHOP_DAY, Days
from crm_tui.demo.fate import OPEN, Fate

PATH = (*OPEN, "won")
_LONGEST = 60
"""Days at most between the last conversation and now: its plan may lie 90 days ahead."""


@dataclass(slots=True)
class Beat:
    """One event: deal, talk, tick, price, term, move or hand; ``deal`` numbers the customer's deals from 0.

    ``must`` marks a conversation that a gate asks for; ``to`` is the stage of a move, the action of a tick.
    """

    kind: str
    to: str = ""
    deal: int = 0
    must: bool = False
    skips: bool = False


_BEFORE_LEAVING = {
    "lead": (),
    "contact": (("talk", ""), ("tick", "reception")),
    "need": (("tick", "measure"),),
    "proposal": (("price", ""), ("tick", "quote")),
    "negotiation": (("term", ""),),
}


def beats_of(rng: random.Random, fate: Fate) -> list[Beat]:
    """Return the events that lead to a fate, with exactly its number of conversations where that can be."""
    beats = _first_deal(fate) if fate.target else []
    spare = fate.talks - sum(one.kind == "talk" for one in beats)
    close = _close(beats)
    for place in range(spare):
        if close is not None and place == 0:
            beats.append(Beat("talk"))
        else:
            low = 1 if beats else 0
            high = len(beats) if close is None else close
            beats.insert(rng.randint(low, max(low, high)), Beat("talk"))
            close = close + 1 if close is not None else None
    for number in range(1, fate.more_deals + 1):
        beats += [Beat("deal", deal=number), *_later(rng, number)]
    if fate.heir is not None:
        _hand_over(beats)
    return beats


def places_of(rng: random.Random, fate: Fate, beats: list[Beat], days: Days) -> tuple[int, list[int]]:
    """Return the place in time at which the customer comes in, and that of each beat, in order."""
    start, last = _window(rng, fate, days)
    places: list[int] = []
    before = start
    for beat_no, anchor in [*_anchors(rng, fate, beats, start, last), (len(beats) - 1, -1)]:
        part = beats[len(places) : beat_no + 1]
        if not part:
            continue
        place = anchor if anchor >= 0 else min(before + rng.randint(600, 3 * SHOP_DAY), days.end - 1)
        weights = [0.3 + 3 * rng.random() ** 2 if one.kind == "talk" else 0.05 for one in part]
        scale, run = (place - before) / sum(weights), 0.0
        for weight in weights:
            run += weight * scale
            places.append(before + int(run))
        places[-1] = place
        before = place
    return start, places


def _anchors(
    rng: random.Random, fate: Fate, beats: list[Beat], start: int, last: int
) -> list[tuple[int, int]]:
    """Return the beats whose place is settled: the closing, the hand-over and the last conversation."""
    found: list[tuple[int, int]] = []
    talks = [no for no, one in enumerate(beats) if one.kind == "talk"]
    hand = next((no for no, one in enumerate(beats) if one.kind == "hand"), None)
    close = _close(beats)
    if hand is not None:
        away = fate.owner.leaves
        found.append((hand, away or start + (last - start) // 2))
    if talks:
        found.append((talks[-1], last))
    if close is not None and hand is None and (not talks or close < talks[-1]):
        found.insert(0, (close, start + min(rng.randint(8, 70) * SHOP_DAY, (last - start) * 3 // 4)))
    return found


def _window(rng: random.Random, fate: Fate, days: Days) -> tuple[int, int]:
    """Return the place at which the customer comes in, and the place of the last conversation."""
    newest = days.end - 2 * SHOP_DAY
    if fate.heir is not None and fate.owner.leaves:
        start = days.draw(rng, fate.owner.leaves - 40 * SHOP_DAY, fate.owner.leaves - SHOP_DAY)
        low = fate.owner.leaves
    else:
        oldest, youngest = _AGES.get(fate.target, (120, 2))
        start = days.draw(rng, days.end - oldest * SHOP_DAY, newest - youngest * SHOP_DAY)
        low = start
    span = days.end - low
    ago = rng.expovariate(1 / (5 * SHOP_DAY)) if fate.due != "overdue" else rng.randint(2, 25) * SHOP_DAY
    back = int(min(ago, span * 0.8, _LONGEST * SHOP_DAY))
    return start, days.end - max(back, 1800)


_AGES: dict[str, tuple[int, int]] = {
    "lead": (30, 0),
    "contact": (45, 2),
    "need": (60, 4),
    "proposal": (80, 8),
    "negotiation": (100, 14),
    "won": (10_000, 14),
    "lost": (10_000, 6),
}
"""Days since a customer came in by the stage it stands in: at most, at least."""


def _first_deal(fate: Fate) -> list[Beat]:
    goal = fate.lost_from if fate.target == "lost" else fate.target
    beats = [Beat("deal")]
    if fate.turn == "skip":
        beats += [Beat("move", "need", skips=True), *_way("need", goal)]
    elif fate.turn == "ping_pong":
        back = [Beat("move", "contact"), Beat("talk", must=True), Beat("move", "need")]
        beats += [*_way("lead", "need"), *back, *_way("need", goal)]
    elif fate.turn == "reopen":
        beats += [Beat("move", "contact"), Beat("move", "lost"), Beat("move", "contact")]
        beats += _way("contact", goal)
    else:
        beats += _way("lead", goal)
    return [*beats, Beat("move", "lost")] if fate.target == "lost" else beats


def _way(here: str, goal: str) -> list[Beat]:
    """Return what it takes to go from one stage forward to another."""
    beats: list[Beat] = []
    for stage, following in zip(
        PATH[PATH.index(here) : PATH.index(goal)], PATH[PATH.index(here) + 1 :], strict=False
    ):
        beats += [Beat(kind, to, must=kind == "talk") for kind, to in _BEFORE_LEAVING[stage]]
        beats.append(Beat("move", following))
    return beats


def _close(beats: list[Beat]) -> int | None:
    """Return the last beat where the first deal is closed for good."""
    moves = [no for no, one in enumerate(beats) if one.kind == "move" and one.deal == 0]
    return moves[-1] if moves and beats[moves[-1]].to in {"won", "lost"} else None


def _later(rng: random.Random, number: int) -> list[Beat]:
    """Return how far a further deal comes."""
    to = rng.choice(("", "contact", "lost"))
    return [Beat("move", to, deal=number)] if to else []


def _hand_over(beats: list[Beat]) -> None:
    """Put the hand-over before the last conversation, which is the heir's first."""
    talks = [no for no, one in enumerate(beats) if one.kind == "talk"]
    beats.insert(talks[-1], Beat("hand"))
