"""Customers from a CSV file: the whole import beside ``csv`` and ``executemany``.

Each import runs in a process of its own, so that its peak of resident memory can be read:
``python -m benchmarks.importing WAY HOME FILE`` prints milliseconds and megabytes.
"""

from __future__ import annotations

import csv
import random  # noqa: TID251 - the same file in every run
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.data import Data, open_desk
from benchmarks.measuring import Result, median, timed
from crm_tui.exchange.importing import run_import
from crm_tui.exchange.mapping import guess_mapping
from crm_tui.settings import Home

HEADER = ("姓名", "手机", "等级", "来源", "地址")
_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂文华宁欣怡晨"
_CHUNK = 1_000


def importing(data: Data, few: int, many: int) -> Iterator[Result]:
    """Time of the larger file against the floor, and the memory of the larger against the smaller."""
    _write(data.folder / "few.csv", few)
    _write(data.folder / "many.csv", many)
    small = _run(data, "whole", data.folder / "few.csv")
    floor = [_run(data, "bare", data.folder / "many.csv")[0]]
    whole = _run(data, "whole", data.folder / "many.csv")
    floor.append(_run(data, "bare", data.folder / "many.csv")[0])
    yield Result(f"import of {many:,} customers", "csv + executemany, no checks", whole[0], median(floor), 6)
    yield Result(f"its peak memory, {many:,} rows", f"{few:,} rows", whole[1], small[1], 1.2, "MB")


def _run(data: Data, way: str, file: Path) -> tuple[float, float]:
    home = data.folder / f"import-{way}-{file.stem}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copyfile(data.base.database, Home(home).database)
    command = [sys.executable, "-m", "benchmarks.importing", way, str(home), str(file)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    shutil.rmtree(home)
    return float(said[0]), float(said[1])


def _write(path: Path, rows: int) -> None:
    rng = random.Random(5)
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(HEADER)
        for number in range(rows):
            name = rng.choice(_FAMILY) + "".join(rng.choices(_GIVEN, k=rng.choice((1, 2, 2))))
            phone = f"18{rng.randrange(10)}{number * 91 % 10**8:08d}"
            table.writerow(
                (name, phone, rng.choice("ABCD"), "门店到访", f"{rng.choice(_GIVEN)}宁路{number}号")
            )


def _whole(home: Home, file: Path) -> None:
    desk = open_desk(home, "1001")
    result = run_import(desk, "customers", file, guess_mapping("customers", HEADER).mapping)
    assert result.stopped is None, result
    assert result.created > 0.9 * result.read, result
    desk.close()


def _bare(home: Home, file: Path) -> None:
    """Return the floor: the same customers and numbers in, with the same indexes, and nothing looked at."""
    with (
        closing(sqlite3.connect(home.database, isolation_level=None)) as plain,
        file.open(encoding="utf-8") as source,
    ):
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = FULL")
        ((branch, owner),) = plain.execute("SELECT branch_id, id FROM person WHERE number = '1020'")
        rows = csv.reader(source)
        next(rows)
        plain.execute("BEGIN IMMEDIATE")
        people, numbers = [], []
        for number, (name, phone, level, origin, address) in enumerate(rows):
            row_id = f"{number:032x}"
            people.append((row_id, branch, owner, name, name, level, origin, address, phone))
            numbers.append((row_id, row_id, phone, f"+86{phone}"))
            if len(people) == _CHUNK:
                _put(plain, people, numbers)
        _put(plain, people, numbers)
        plain.execute("COMMIT")


def _put(plain: sqlite3.Connection, people: list[tuple[str, ...]], numbers: list[tuple[str, ...]]) -> None:
    plain.executemany(
        "INSERT INTO customer (id, branch_id, owner_id, kind, name, sort_name, level, source, tags, address,"
        " note, extra, created_at, created_on, phone, next_step, due_reason)"
        " VALUES (?,?,?,'person',?,?,?,?,'[]',?,'','{}',0,'2026-01-08',?,'','')",
        people,
    )
    plain.executemany("INSERT INTO contact_point VALUES (?,?,'phone',?,?,'',0)", numbers)
    people.clear()
    numbers.clear()


if __name__ == "__main__":
    way, home, file = sys.argv[1:]
    work = {"whole": _whole, "bare": _bare}[way]
    took = timed(lambda: work(Home(Path(home)), Path(file)))
    status = Path("/proc/self/status").read_text().splitlines()
    print(took, next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)
