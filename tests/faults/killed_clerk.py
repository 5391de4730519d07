"""A clerk who logs follow-ups until killed, again and again; run by test_kill.py as a program.

Starting Python takes far longer than a save, so one process imports the program and forks a clerk for
each round, before any database is open. A clerk writes each acknowledged id into a pipe; the parent
waits for a drawn number of them, then for a moment that falls somewhere into the next save, and kills it.
All acknowledged ids are printed, one a line.

Arguments: database file, person id, PIN, customer id, the clock's instant, seed, rounds.
"""

from __future__ import annotations

import os
import random  # noqa: TID251 - the moments of the kills are drawn from a seed
import select
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.desk import Desk

MOST_ACKNOWLEDGED = 4
LONGEST_SECONDS = 0.03


def work(path: Path, arguments: list[str], now: datetime, pipe: int) -> None:
    person_id, pin, customer_id = arguments
    desk = Desk.open(path, clock=lambda: now)
    desk.log_in(person_id, pin)
    os.write(pipe, b"ready\n")
    said = LogFollowUp(
        customer_id=customer_id,
        channel="phone",
        result="reached",
        need_change="none",
        objections=("none",),
        next_step="send the drawing",
        next_at=now + timedelta(days=2),
    )
    while True:
        (verdict,) = desk.carry_out(said)
        os.write(pipe, f"{verdict.details['follow_up_id']}\n".encode())


def round_of(path: Path, arguments: list[str], now: datetime, wanted: int, seconds: float) -> list[str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        work(path, arguments, now, writing)
    os.close(writing)
    said = b""
    while said.count(b"\n") <= wanted:  # the first line says that the clerk is at work
        chunk = os.read(reading, 65_536)
        assert chunk, "the clerk ended by itself"
        said += chunk
    select.select([], [], [], seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while chunk := os.read(reading, 65_536):
        said += chunk
    os.close(reading)
    lines = said.decode().split("\n")
    assert lines[0] == "ready", lines[0]
    return lines[1:-1]


def main() -> None:
    path, *arguments, instant, seed, rounds = sys.argv[1:]
    drawn = random.Random(int(seed))
    for _ in range(int(rounds)):
        moment = (drawn.randint(0, MOST_ACKNOWLEDGED), drawn.uniform(0, LONGEST_SECONDS))
        for one in round_of(Path(path), arguments, datetime.fromisoformat(instant), *moment):
            print(one)  # noqa: T201 - this is the answer


main()
