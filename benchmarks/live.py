"""How long news take from one counter to another: from a key at one program to the paint at the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.hub import Hub
from benchmarks.joined import PIN, Joined
from benchmarks.measuring import Result, percentile
from benchmarks.screens import open_list
from benchmarks.terminal import Terminal
from crm_tui import i18n
from crm_tui.queries.door import door

_QUICK_KEY = "\x1b[20~"
_NAME = "闪电客"


def live(hub: Hub, url: str, folder: Path, times: int) -> Iterator[Result]:
    """A clerk takes a customer in by the one-line entry; a colleague looks at the list of such names."""
    i18n.use("zh_CN")
    waits = []
    with _counter(hub, url, folder / "one", 4) as one, _counter(hub, url, folder / "other", 5) as other:
        open_list(other)
        other.send(_NAME)
        one.send(_QUICK_KEY)
        one.until(i18n.t("quick.signs"))
        for number in range(times):
            one.settle(0.5)
            name = f"{_NAME}{number:02d}"
            one.send(f"1391234{number:04d} {name}")
            one.until(name)
            other.settle(0.5)
            sent = one.send("\r")
            waits.append(other.until(name) - sent)
            one.until(i18n.t("quick.saved", name=name))
    yield Result(
        "from a key at one counter to another's screen, p95", "-", percentile(waits, 95), None, 2, "s"
    )


@contextmanager
def _counter(hub: Hub, url: str, home: Path, place: int) -> Iterator[Terminal]:
    """Start the program on a home that has joined, and log the clerk in whose work the hub knows first."""
    joined = Joined(home, url, hub.devices[place])
    with closing(joined):
        joined.link.run()
        joined.log_in(hub.work[0][1])
        number = next(
            one.number for one in joined.desk.answer_anyone(door).people if one.person_id == hub.work[0][1]
        )
    terminal = Terminal.program(home)
    try:
        terminal.until(i18n.t("login.pin"))
        terminal.settle(0.3)
        terminal.send(f"{number}\r")
        terminal.settle(0.3)
        terminal.send(PIN)
        terminal.settle(1.0)
        terminal.send("\r")
        terminal.until(i18n.t("board.title", pipeline="", whose="", count="", amount="").split()[0])
        yield terminal
    finally:
        terminal.close()
