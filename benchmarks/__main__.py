"""``python -m benchmarks [--smoke] [PART ...]``: measure, print the table, write results.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import finding, importing, models, saving, screens, syncing
from benchmarks.data import FULL, SMOKE, Data, Sizes, now, prepare
from benchmarks.measuring import Result

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run what was asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="smaller data, about a minute")
    parser.add_argument("parts", nargs="*", help="start board keys find save import models memory hub")
    given = parser.parse_args()
    sizes, console, began = SMOKE if given.smoke else FULL, Console(width=120), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crm-tui-bench-") as folder:
        data = prepare(Path(folder), sizes)
        console.print(f"data made in {time.monotonic() - began:.0f} s")
        results = []
        for name, part in _parts(data, sizes, smoke=given.smoke).items():
            if not given.parts or name in given.parts:
                for result in part():
                    console.print(f"  {result.work}: {result.said}", highlight=False)
                    results.append(result)
    console.print(_table(results))
    console.print(f"{time.monotonic() - began:.0f} s, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    RESULTS.write_text(json.dumps(_document(results, smoke=given.smoke), indent=2) + "\n", "utf-8")


def _parts(data: Data, sizes: Sizes, *, smoke: bool) -> dict[str, Callable[[], Iterator[Result]]]:
    """Return the measurements by name, each with its number of rounds."""
    few, many = sizes.imported
    return {
        "start": lambda: screens.start(data, 3 if smoke else 9),
        "board": lambda: screens.usable_board(data, 3 if smoke else 5),
        "keys": lambda: screens.keys(data, 60 if smoke else 150),
        "memory": lambda: screens.memory(data),
        "find": lambda: finding.finding(data, 3 if smoke else 9),
        "save": lambda: saving.saving(data, 200 if smoke else 1_000),
        "import": lambda: importing.importing(data, few, many),
        "models": lambda: models.models(data, 5 if smoke else 9),
        "hub": lambda: syncing.hub_and_terminals(data, smoke=smoke),
    }


def _table(results: list[Result]) -> Table:
    table = Table(box=box.ASCII, safe_box=True)
    for head in ("work", "floor", "ours", "of the floor", "value", "goal", "result"):
        table.add_column(head, justify="left" if head in {"work", "floor", "result"} else "right")
    for one in results:
        floor = "-" if one.floor is None else f"{one.floor:.2f} {one.unit}"
        verdict = "-" if one.goal is None else "ok" if one.met else "gap"
        table.add_row(
            one.work, one.floor_name, f"{one.ours:.2f} {one.unit}", floor, one.said, one.said_goal, verdict
        )
    return table


def _document(results: list[Result], *, smoke: bool) -> dict[str, object]:
    rows = [
        {
            "work": one.work,
            "floor_name": one.floor_name,
            "unit": one.unit,
            "ours": round(one.ours, 3),
            "floor": None if one.floor is None else round(one.floor, 3),
            "value": round(one.value, 3),
            "goal": one.goal,
            "met": one.met,
        }
        for one in results
    ]
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    return {"at": now().isoformat(timespec="seconds"), "smoke": smoke, "machine": machine, "results": rows}


if __name__ == "__main__":
    main()
