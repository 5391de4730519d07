"""Names that would act on a terminal or on Textual stand on every screen as mere text, cut to its lines.

They are written past the commands, which would have cleaned them: older data and other programs do not.
"""

import re

import pytest
from rich.cells import cell_len

from crm_tui import i18n
from crm_tui.store.tables import customer, deal, follow_up, org_unit, person, pipeline, stage
from crm_tui.widgets.key_bar import bar_items
from crm_tui.widgets.navigation import Go

NAMES = [
    "[/]",
    "[@click=app.quit()]x[/]",
    "{name} {} %s",
    "\x1b]0;owned\x07\x1b[31m\x9b2J名",
    "\u202egnp.exe\u2066",
    "z\u200bw\u200dn\ufeffj\u2060",
    "\U00020000\U00020000",
    "😀👩\u200d❤️\u200d👩",
    "ﷺ" * 20,
    "长" * 10_000,
    "a\nb\tc\r\u2028d\x00",
]
ALL = "".join(NAMES[:-2]) + NAMES[-1] + NAMES[-2]
ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@pytest.fixture
def hostile(office):
    """The office with such names for everything; gives the customer that bears all of them at once."""
    made = [office.customer(f"客户{n}", phones=(f"138001380{n:02}",)) for n in range(len(NAMES) + 1)]
    for one in made:
        office.deal(one)
    for one in (made[0], made[-1]):
        office.give(office.spoken(one))
    office.clock.move(days=3)
    with office.desk._books.write() as tx:
        for one, name in zip(made, [ALL, *NAMES], strict=True):
            tx.update(customer, one, name=name, next_step=name, source=name)
            tx.update_where(deal, deal.c.customer_id == one, title=name)
        tx.update_where(follow_up, follow_up.c.id != "", need_change=ALL, next_step=ALL, objection_note=ALL)
        for table in (person, org_unit, stage, pipeline):
            tx.update_where(table, table.c.name != "", name=ALL)
    return made[0]


def look(app, width):
    """Assert that nothing on the screen acts or leaves its line."""
    assert app.is_running
    assert app._exit is False
    for strip in app.screen._compositor.render_strips():
        assert cell_len(strip.text) <= width
        assert not ACTS.search(strip.text), repr(strip.text)
        assert not any(piece.style and "@click" in piece.style.meta for piece in strip)


WALKS = {
    "board": ("board", "down", "end", "right", "space", "escape"),
    "board's people": ("board", "f4", "down", "escape"),
    "board's stages": ("board", "f6", "9", "escape"),
    "a move": ("board", "shift+right", "escape"),
    "customers": ("customers", "tab", "down", "end", "space", "escape"),
    "people to give to": ("customers", "tab", "ctrl+r", "1", "escape", "escape"),
    "a tag": ("customers", "tab", "ctrl+t", "x", "enter", "escape"),
    "todo": ("todo", "down", "right", "right", "f4", "1"),
    "postponed": ("todo", "ctrl+n", "3", "enter"),
    "leads": ("leads", "down", "escape"),
    "panel": ("panel", "down", "f6", "escape", "f4", "escape"),
    "behind": ("panel", "enter", "down", "enter"),
    "settings": ("settings", "2", "down", "3", "down", "4", "down"),
    "import": ("import", "down"),
    "quick": ("quick", *"13800138000", "space", "@", "x"),
    "profile": ("profile", "down", "w", "tab", "down", "enter", "escape"),
    "follow_up": ("follow_up", "f7", "f6", "escape"),
    "customer_form": ("customer_form", "down", "f4", "escape"),
    "deal_form": ("deal_form", "down", "down", "f4", "escape"),
    "help": ("profile", "f1", "f1", "down"),
    "jump": ("profile", "ctrl+g", "escape"),
    "palette": ("profile", "ctrl+p", "down", "x"),
    "lock": ("board", "ctrl+l"),
}
ABOUT = {"profile", "follow_up", "customer_form", "deal_form"}


WITH_PANE = ["board", "todo", "panel", "profile", "follow_up", "settings"]
"""Walks that meet more names where the window is wide."""


@pytest.mark.parametrize(
    ("walk", "size"), [*((walk, (80, 24)) for walk in WALKS), *((walk, (120, 40)) for walk in WITH_PANE)]
)
async def test_no_name_acts_on_any_screen(office, hostile, at_work, walk, size):
    place, *keys = WALKS[walk]
    values = {"customer_id": hostile} if place in ABOUT else {}
    async with at_work(office, Go(place, **values), size=size) as pilot:
        look(pilot.app, size[0])
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            look(pilot.app, size[0])


PLACES = ["board", "customers", "todo", "leads", "panel", "settings", "import", "quick"]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
async def test_the_key_bar_of_80_cells_has_every_f_key_and_the_palette(office, at_work, language):
    about = {"customer_id": office.customer("王小满")}
    i18n.use(language)
    async with at_work(office, Go("board")) as pilot:
        seen = set()
        for place in (*PLACES, *sorted(ABOUT)):
            pilot.app.screen.post_message(Go(place, **(about if place in ABOUT else {})))
            await pilot.pause()
            await pilot.pause()
            bindings = list(pilot.app.screen.active_bindings.values())
            asked = {one.key for one in bar_items(bindings, 1000) if re.match(r"f\d+$|ctrl\+p$", one.key)}
            shown = {one.key for one in bar_items(bindings, 80)}
            assert {"f1", "f12", "ctrl+p"} <= asked, place
            assert asked - shown == set(), place
            seen.add(type(pilot.app.screen))
        assert len(seen) == len(PLACES) + len(ABOUT)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_column_starts_at_the_same_cell_whatever_the_name_before_it(office, at_work, lines, size):
    async with at_work(office, Go("customers"), size=size) as pilot:
        rows = [line for line in lines(pilot.app) if "138****" in line]
        assert len(rows) == len(NAMES) + 1
        assert len({cell_len(line.split("138****")[0]) for line in rows}) == 1
