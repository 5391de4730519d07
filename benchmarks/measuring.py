"""What a measurement is made of: two samples taken in turn, their ratio, and the goal it is held against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MS = 1_000.0


@dataclass(frozen=True)
class Result:
    """One line of the table: ``ours`` and ``floor`` in ``unit``, their ``value`` against the ``goal``.

    ``value`` is the ratio ours / floor, or ``ours`` itself where the goal is an absolute one (no floor).
    ``goal`` None: nothing is wished for, the figure is there to be watched.
    """

    work: str
    floor_name: str
    ours: float
    floor: float | None
    goal: float | None
    unit: str = "ms"

    @property
    def value(self) -> float:
        return self.ours if self.floor is None else self.ours / self.floor

    @property
    def met(self) -> bool:
        return self.goal is None or self.value <= self.goal

    @property
    def said(self) -> str:
        return f"{self.value:.1f} {self.unit}" if self.floor is None else f"{self.value:.2f}x"

    @property
    def said_goal(self) -> str:
        if self.goal is None:
            return "-"
        return f"<= {self.goal:g} {self.unit}" if self.floor is None else f"<= {self.goal:g}x"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that ``percent`` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds one call takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * MS


def in_turn(times: int, *works: Callable[[], float]) -> list[list[float]]:
    """Return the samples of several measurements taken in turn, so that a busy moment hits them alike.

    The order changes from round to round: nobody is always the first after the pause.
    """
    samples: list[list[float]] = [[] for _ in works]
    for turn in range(times):
        for place in range(len(works)):
            at = (place + turn) % len(works)
            samples[at].append(works[at]())
    return samples
