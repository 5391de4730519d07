"""Every screen as plain text, in two sizes and two languages, on a demonstration that never changes.

``UPDATE_GOLDENS=1`` writes the goldens anew; look at the difference before it is kept.
"""

import os
import shutil
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from crm_tui import i18n
from crm_tui.app import CrmApp
from crm_tui.demo import open_demo
from crm_tui.desk import Desk
from crm_tui.settings import Home
from crm_tui.store.engine import open_engine

GOLDENS = Path(__file__).parent / "goldens"
NOW = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)
SCREENS = {
    "login": None,
    "board": (),
    "customers": ("f2",),
    "todo": ("f8",),
    "panel": ("ctrl+g", "5"),
    "leads": ("ctrl+g", "x"),
    "settings": ("ctrl+g", "s"),
    "import": ("ctrl+g", "n"),
    "profile": ("enter",),
    "follow_up": ("f3",),
    "customer_form": ("f7",),
    "quick": ("f9",),
    "help": ("f1",),
    "palette": ("ctrl+p",),
}


@pytest.fixture(scope="session")
def shops(tmp_path_factory):
    """A demonstration per language, made once per worker; nobody works on it."""
    made = {}
    for language in ("zh_CN", "en"):
        folder = tmp_path_factory.mktemp(language)
        i18n.use(language)
        open_demo(Home(folder), "small", lambda: NOW)
        made[language] = folder
    i18n.use("en")
    return made


@pytest.fixture
def home(shops, language, tmp_path):
    """A copy of the demonstration in the language of the test."""
    return Home(Path(shutil.copytree(shops[language], tmp_path / "shop")))


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_is_what_its_golden_says(*, home, in_line, ids, lines, name, size, language):
    i18n.use(language)
    engine = open_engine(home.database)
    desk = Desk(engine, clock=lambda: NOW, ids=ids, writer=in_line, reader=in_line)
    app = CrmApp(home, opener=lambda: desk, starter=in_line)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        if SCREENS[name] is not None:
            await pilot.press(*"1023", "enter", *"1234", "enter")
            await pilot.pause()
            await pilot.press(*SCREENS[name])
        await pilot.pause()
        await pilot.pause()
        shown = [line.rstrip() for line in lines(app)]
    engine.dispose()
    assert all(cell_len(line) <= size[0] for line in shown)
    wide = {one for line in shown for one in line if unicodedata.east_asian_width(one) == "A"}
    assert not wide, "only ASCII is drawn: these are two cells on some consoles"
    golden = GOLDENS / f"{name}_{size[0]}x{size[1]}_{language}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text("\n".join(shown) + "\n", "utf-8")
    assert "\n".join(shown) + "\n" == golden.read_text("utf-8")
