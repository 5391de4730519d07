"""Names, numbers and addresses of people and firms that do not exist."""

from __future__ import annotations

import random

from crm_tui.demo.words import (
    ESTATES,
    FIRM_NAMES,
    FIRM_TRADES,
    GIVEN,
    RARE_NAMES,
    RARE_SURNAMES,
    STREETS,
    SURNAMES,
)

_PREFIXES = (
    "134",
    "135",
    "136",
    "137",
    "138",
    "139",
    "150",
    "151",
    "152",
    "158",
    "159",
    "182",
    "186",
    "187",
    "188",
)
_NUMBERS = 10**7
_STRIDE = 7_368_787  # without a common divisor with _NUMBERS: each number comes once
_TYPO = 5
_RARE_EVERY = 40


def person_name(rng: random.Random) -> str:
    """Return a name of two or three hanzi, four with some double surnames."""
    surname = rng.choice(RARE_SURNAMES) if rng.random() < 0.04 else rng.choice(SURNAMES)
    return surname + "".join(rng.choice(GIVEN) for _ in range(1 if rng.random() < 0.22 else 2))


def customer_name(rng: random.Random, place: int) -> str:
    """Return a person's name; now and then one that programs trip over."""
    if place % _RARE_EVERY == 7:
        return RARE_NAMES[place // _RARE_EVERY % len(RARE_NAMES)]
    return person_name(rng)


def firm_name(rng: random.Random, city: str) -> str:
    """Return a firm's full name."""
    return f"{city}{rng.choice(FIRM_NAMES)}{rng.choice(FIRM_TRADES)}有限公司"


def phone(rng: random.Random, place: int) -> str:
    """Return a mobile number that no other ``place`` below ten million has."""
    return f"{rng.choice(_PREFIXES)}{(place * _STRIDE + 1_234_567) % _NUMBERS:07d}{rng.randrange(_TYPO)}"


def mistyped(number: str) -> str:
    """Return the number with its last digit off, still nobody else's."""
    return number[:-1] + str(int(number[-1]) + _TYPO)


def misspelt(rng: random.Random, name: str) -> str:
    """Return the name as somebody else would take it down: 张三 as 张三丰."""
    if len(name) < 3:
        return name + rng.choice("丰华平")
    return name[:-1] + rng.choice("丰华平")


def address(rng: random.Random, city: str) -> str:
    """Return street, estate, building and flat."""
    flat = f"{rng.randint(1, 24)}{rng.randint(1, 4):02d}"
    where = f"{rng.choice(STREETS)}{rng.randint(1, 199)}号{rng.choice(ESTATES)}"
    return f"{city}市{where}{rng.randint(1, 28)}栋{rng.randint(1, 4)}单元{flat}"
