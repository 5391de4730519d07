"""How much the demonstration holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What to make: branches and people, customers with their deals and follow-ups, over ``days`` days.

    ``staged`` casts the first customers by hand, so that the first clerk's screens look alive.
    """

    branches: int
    regions: int
    clerks: int
    leavers: int
    customers: int
    deals: int
    follow_ups: int
    days: int
    staged: bool = False


SMALL = Size(3, 2, 6, 1, 200, 190, 500, 180, staged=True)
CHAIN = Size(40, 7, 250, 40, 20_000, 21_000, 60_000, 365)
SIZES = {"small": SMALL, "chain": CHAIN}


def measured(customers: int, deals: int, follow_ups: int) -> Size:
    """Return a size for measuring: a chain whose number of clerks follows that of its customers."""
    clerks = min(max(customers // 400, 6), 2_500)
    branches = max(clerks // 10, 2)
    return Size(branches, min(branches, 7), clerks, clerks // 8, customers, deals, follow_ups, 365)
