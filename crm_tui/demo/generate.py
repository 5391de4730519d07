"""Making a database of people who do not exist: the same size, seed and instant give the same rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

from crm_tui.demo.days import Days
from crm_tui.demo.fate import fates
from crm_tui.demo.rows import Book
from crm_tui.demo.size import SIZES, Size
from crm_tui.demo.staff import CLERK_NUMBER, MANAGER_NUMBER, Founder, Scribe, Staff, let_go
from crm_tui.demo.story import Step, Teller
from crm_tui.desk import wall_clock
from crm_tui.settings import Home
from crm_tui.store.engine import for_writing, open_engine
from crm_tui.store.pipelines import first_pipeline
from crm_tui.store.tables import credential, customer, deal, follow_up, person
from crm_tui.store.transaction import Transaction

PIN = "1234"
SEED = 7
_AT_ONCE = 1_000
_PER_COMMIT = 20_000
_CACHE_KB = 64_000
"""Page cache while writing: ids and sort names land all over their indexes."""
_SALT = b"demonstration"


@dataclass(frozen=True)
class DemoFacts:
    """What was made: whom to log in as, the PIN that all share, and how much there is."""

    person_id: str
    number: str
    manager_number: str
    pin: str
    people: int
    customers: int
    deals: int
    follow_ups: int


def open_demo(
    home: Home, size: str | Size = "small", clock: Callable[[], datetime] = wall_clock, seed: int = SEED
) -> DemoFacts:
    """Make a demonstration in a home that has no organisation yet.

    Raises:
        KeyError: the size is not one of SIZES.
        Refused: organisation_exists; nothing was changed.
    """
    engine = open_engine(home.database)
    try:
        return generate(engine, SIZES[size] if isinstance(size, str) else size, clock(), seed)
    finally:
        engine.dispose()


def generate(engine: Engine, size: Size, now: datetime, seed: int = SEED) -> DemoFacts:
    """Fill an empty database with a demonstration that ends at ``now`` (aware UTC).

    Raises:
        Refused: organisation_exists; nothing was changed.
    """
    rng, scribe, days = random.Random(seed), Scribe(), Days(now.astimezone(UTC), size.days)
    with _writing(engine) as tx:
        staff = Founder(tx, scribe, rng, size, days).found()
        _give_pins(tx, staff)
        book = _book(tx, staff, days)
    stories = tell(size, staff, rng, scribe, days)
    more = True
    while more:
        with _writing(engine) as tx:
            more = _write_some(tx, book, stories)
    with _writing(engine) as tx:
        let_go(tx, scribe, staff, days)
        return _facts(tx, staff)


def tell(size: Size, staff: Staff, rng: random.Random, scribe: Scribe, days: Days) -> Iterator[list[Step]]:
    """Return the stories of all customers of a size, one after the other."""
    teller = Teller(rng, scribe, staff, days)
    # A source of its own, so that how a story is told cannot change what the next one is about.
    for fate in fates(size, staff, random.Random(rng.random())):
        yield teller.tell(fate)


def _write_some(tx: Transaction, book: Book, stories: Iterator[list[Step]]) -> bool:
    """Write the next stories; tell whether there may be more."""
    written = 0
    for story in stories:
        book.add(story)
        if book.customers == _AT_ONCE:
            written += _AT_ONCE
            book.write(tx)
            if written == _PER_COMMIT:
                return True
    book.write(tx)
    return False


def _book(tx: Transaction, staff: Staff, days: Days) -> Book:
    lines = {one.id: one.line_id for one in staff.articles}
    branches = {row.id: row.branch_id for row in tx.rows(select(person.c.id, person.c.branch_id))}
    return Book(first_pipeline(tx), lines, branches, days)


def _give_pins(tx: Transaction, staff: Staff) -> None:
    """Let everybody log in with the same PIN; made cheaply, because it is no secret."""
    from argon2 import PasswordHasher

    verifier = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN, salt=_SALT)
    tx.insert_all(
        credential, [{"person_id": one, "verifier": verifier, "failures": 0} for one in staff.people]
    )


def _facts(tx: Transaction, staff: Staff) -> DemoFacts:
    customers, deals, follow_ups = (
        int(tx.scalar(select(func.count()).select_from(table))) for table in (customer, deal, follow_up)
    )
    return DemoFacts(
        person_id=staff.clerk_id,
        number=CLERK_NUMBER,
        manager_number=MANAGER_NUMBER,
        pin=PIN,
        people=len(staff.people),
        customers=customers,
        deals=deals,
        follow_ups=follow_ups,
    )


@contextmanager
def _writing(engine: Engine) -> Iterator[Transaction]:
    with for_writing(engine).connect() as connection, connection.begin():
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")
        yield Transaction(connection)
