"""Eight terminals and a hub as real processes, while things go wrong; then what is true is read and printed.

python tests/faults/trial --seconds 600 --database sqlite
"""

from __future__ import annotations

import argparse
import random  # noqa: TID251 - everything that happens is drawn from a seed
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from checker import Finding, check
from database import Database
from drama import Trouble, begin, tend, troubles_of
from stage import Stage

LISTED = 5


def main() -> int:
    """Run a trial; return 0 where everything was as it must be."""
    asked = _asked()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="crm-tui-trial-"))
    database = Database(asked.database, folder)
    stage = Stage(folder, database, asked.seed, asked.pace)
    try:
        happened = _play(stage, asked)
        homes = [one.home for one in stage.terminals.values()]
        findings = [*check(homes, database.url), _spoken(folder)]
    except (TimeoutError, RuntimeError) as error:
        _say(f"{error}; what was said is in {folder}")
        raise
    finally:
        stage.close()
        database.close()
    _say(f"{time.monotonic() - began:8.0f}  seconds")
    return _told(stage, happened, findings)


def _asked() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--database", default="sqlite", choices=("sqlite", "file", "postgresql"))
    words.add_argument("--seconds", type=float, default=0, help="how long; 0: every trouble once")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--pace", type=float, default=0.15, help="seconds between two commands of a terminal")
    words.add_argument("--commands", type=int, default=300, help="the least number of acknowledged commands")
    words.add_argument("--only", nargs="*", default=[], help="the names of the troubles; none: all there are")
    return words.parse_args()


def _play(stage: Stage, asked: argparse.Namespace) -> Counter[str]:
    """Let everybody work while troubles come and go; then let everything be well, and settle."""
    drawn = random.Random(asked.seed)
    happened: Counter[str] = Counter()
    stage.set_up()
    for name in sorted(stage.terminals):
        begin(stage, name, drawn)
    end = time.monotonic() + asked.seconds
    while not happened or time.monotonic() < end:
        for trouble in _shuffled(troubles_of(stage, asked.only), drawn):
            trouble(stage, drawn)
            tend(stage, drawn)
            happened[trouble.__name__] += 1
            time.sleep(drawn.uniform(0, 1))
    while stage.acknowledged() < asked.commands:
        time.sleep(0.1)
    stage.proxy.weather = 0.0
    (stage.folder / "stop").touch()
    for name in sorted(stage.terminals):
        stage.wait_for(name)
    for name in sorted(stage.terminals):
        stage.order(name, "settle")
    for name in sorted(stage.terminals):
        stage.wait_for(name)
    stage.kill_hub()
    return happened


def _spoken(folder: Path) -> Finding:
    """No program broke: what cannot be done now is an answer, not a traceback."""
    lines = [line for log in folder.glob("*.log") for line in log.read_text("utf-8", "replace").split("\n")]
    early = sum("could not be carried out again" in line for line in lines)
    broken = [
        lines[at + 1 : at + 80] for at, line in enumerate(lines) if line.startswith("Traceback (most recent")
    ]
    ends = Counter(next((one for one in rest if one and one[0] != " "), "?") for rest in broken)
    told = f"lines in logs, no program broke ({early} commands came again before their answer)"
    return Finding(told, len(lines), tuple(f"{n} times {end}" for end, n in ends.items()))


def _shuffled(troubles: tuple[Trouble, ...], drawn: random.Random) -> list[Trouble]:
    return drawn.sample(troubles, len(troubles))


def _told(stage: Stage, happened: Counter[str], findings: list[Finding]) -> int:
    """Print the table; the files stay where something was wrong."""
    for deed, times in sorted((happened + stage.proxy.counts).items()):
        _say(f"{times:8}  {deed.replace('_', ' ')}")
    for one in findings:
        _say(f"{one.many:8}  {'WRONG ' if one.wrong else 'ok    '}  {one.what}")
        for wrong in one.wrong[:LISTED]:
            _say(f"{'':18}{wrong}")
    bad = any(one.wrong for one in findings)
    if bad:
        _say(f"the files are in {stage.folder}")
    else:
        shutil.rmtree(stage.folder)
    return int(bad)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
