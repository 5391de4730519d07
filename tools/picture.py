"""Draw the pictures of the documents: the real program on demonstration data, without a terminal.

``python tools/picture.py`` writes docs/pictures/board.svg, panel.svg and follow_up.svg; ``--language en``
draws them in English, ``--into FOLDER`` somewhere else. The same data and clock give the same files.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from crm_tui import i18n
from crm_tui.app import CrmApp
from crm_tui.demo import open_demo
from crm_tui.desk import Desk
from crm_tui.settings import Home, Settings
from crm_tui.store.engine import open_engine

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
NOW = datetime(2026, 1, 22, 2, 42, tzinfo=UTC)
"""Thursday, 10:42 in Shanghai, late enough in the month for the panel to have something to say."""
COLUMNS, LINES = 120, 34

_DROPPED = re.compile(r"@font-face\s*\{[^}]*\}\s*|<!--.*?-->\s*|\s*font-variant-east-asian: full-width;")
"""A font fetched from a host, the remark of who drew it, and a rule that would widen Latin letters."""
_LINE_END_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)
_FONTS = "Fira Code, Sarasa Mono SC, Noto Sans Mono CJK SC, Microsoft YaHei Mono, monospace"


class InLine(Executor):
    """Works at once in the caller's thread, so that a picture does not depend on chance."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do the work and return it as done."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass(frozen=True)
class Shot:
    """A picture: its file's name, the keys that lead there from the board, whose screen it is."""

    name: str
    keys: tuple[str, ...]
    by_manager: bool = False


SHOTS = (
    Shot("board", ("right", "down")),
    Shot("panel", ("ctrl+g", "5"), by_manager=True),
    Shot("follow_up", ("right", "f3")),
)


def draw(into: Path, language: str) -> list[Path]:
    """Write every picture into a folder; return the files."""
    i18n.use(language)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        facts = open_demo(home, "small", lambda: NOW)
        return [asyncio.run(_shoot(shot, home, facts, into)) for shot in SHOTS]


async def _shoot(shot: Shot, home: Home, facts: Any, into: Path) -> Path:
    worker = InLine()
    home.write(Settings(last_number=facts.manager_number if shot.by_manager else facts.number))
    desk = Desk(open_engine(home.database), clock=lambda: NOW, writer=worker, reader=worker)
    app = CrmApp(home, opener=lambda: desk, starter=worker, demo=True)
    try:
        async with app.run_test(size=(COLUMNS, LINES)) as pilot:
            await _settle(pilot)
            await pilot.press(*facts.pin, "enter")
            await _settle(pilot)
            for key in shot.keys:
                await pilot.press(key)
                await _settle(pilot)
            svg = app.export_screenshot(title="crm-tui")
    finally:
        desk.close()
    target = into / f"{shot.name}.svg"
    target.write_text(_without_hosts(svg), "utf-8")
    return target


async def _settle(pilot: Pilot[Any]) -> None:
    """Let everything that was begun come to its end."""
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()


def _without_hosts(svg: str) -> str:
    """Take out what points to a host; name fonts that know Chinese instead."""
    svg = _DROPPED.sub("", svg)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {_FONTS}")
    return _LINE_END_BLANKS.sub("", svg)


def main() -> None:
    """Read the options and draw."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--language", choices=i18n.LANGUAGES, default="zh_CN")
    options.add_argument("--into", type=Path, default=PICTURES)
    chosen = options.parse_args()
    chosen.into.mkdir(parents=True, exist_ok=True)
    for path in draw(chosen.into, chosen.language):
        print(f"{path.name}: {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
