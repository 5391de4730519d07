"""The documents tell the truth: links lead somewhere, verbs, options and keys exist, pages are not old."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer.main
from textual.binding import Binding

from crm_tui import i18n
from crm_tui.cli.program import build_program
from crm_tui.screens import SCREENS
from crm_tui.widgets.workplace import WorkScreen

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
MOST_BYTES = 120_000

LINK = re.compile(r"\]\(([^)\s]+)\)")
HOST = re.compile(r"https?://(?!www\.w3\.org/2000/svg)")
ASKED = re.compile(r"(?:\]\(|(?:src|href)=[\"']?)https?://")
"""What a page would load or lead to; the address of a reader's own hub, in an example, is neither."""
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

NAMES = {
    "esc": "escape",
    "del": "delete",
    "?": "question_mark",
    ">": "greater_than_sign",
    "<": "less_than_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "/": "slash",
    "、": "ideographic_comma",
}


def page_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands_named(text: str) -> Iterator[str]:
    """Every ``crm-tui ...`` of the code blocks and of the code between backticks."""
    blocks = [line for block in FENCE.findall(text) for line in block.splitlines()[1:-1]]
    for piece in (*blocks, *CODE.findall(FENCE.sub("", text))):
        for part in piece.split(" | ")[:1]:
            found = re.search(r"(?:^|\s|\\)crm-tui(?= |$)(.*)", part)
            if found:
                yield found.group(1).strip()


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_of_a_page_leads_to_a_file_that_is_there(page):
    targets = [target.partition("#")[0] for target in LINK.findall(page.read_text("utf-8"))]
    gone = [target for target in targets if target and not (page.parent / target).exists()]
    assert gone == []


@pytest.mark.parametrize("page", [*PAGES, *PICTURES], ids=page_name)
def test_a_page_or_picture_asks_no_host_for_anything(page):
    found = HOST if page.suffix == ".svg" else ASKED
    assert found.findall(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_verb_and_option_that_a_page_names_exists(page):
    program = typer.main.get_command(build_program())
    before = {name for one in program.params for name in one.opts}
    wrong = []
    for line in commands_named(page.read_text("utf-8")):
        words = iter(line.replace("\\|", " ").split())
        verb = ""
        for word in words:
            if word in before:
                next(words, "")
            else:
                verb = word
                break
        if not verb or verb.startswith("#"):
            continue
        known = program.commands.get(verb)
        group = getattr(known, "commands", None)
        if group is not None:  # a verb of verbs: what counts is the next word
            known = group.get(next(words, ""))
        options = set() if known is None else {name for one in known.params for name in one.opts} | {"--help"}
        strange = [one for one in OPTION.findall(line) if one not in options | before]
        if known is None or strange:
            wrong.append((line, strange))
    assert wrong == []


def test_every_verb_of_the_program_stands_in_the_page_of_the_command_line():
    program = typer.main.get_command(build_program())
    text = (ROOT / "docs" / "guide" / "command-line.md").read_text("utf-8")
    named = {shlex.split(line.replace("'", ""))[0] for line in commands_named(text) if line}
    assert set(program.commands) - named == set()


def test_every_make_target_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        codes = [*CODE.findall(FENCE.sub("", text)), *FENCE.findall(text)]
        named = {one for code in codes for one in re.findall(r"(?:^|\s)make ([a-z-]+)", code)}
        assert named <= targets, page.name


def key_rows() -> list[tuple[list[str], str]]:
    """Keys, as Textual names them, and what they do, of each row of the README's key table."""
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.split("\n## Keys\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ", 1) for line in table.splitlines() if line.startswith("| `")]
    return [([textual_name(key) for key in CODE.findall(keys)], does) for keys, does in rows]


def textual_name(key: str) -> str:
    *before, last = key.lower().split("+") if len(key) > 1 else [key]
    return "+".join([*before, NAMES.get(last, last)])


def bound(screen: type) -> set[str]:
    """Every key that a screen and its base classes bind."""
    return set(screen._merged_bindings.key_to_bindings)


def widget_keys() -> set[str]:
    """The keys of our lists and boards."""
    from crm_tui.widgets.board import VirtualBoard
    from crm_tui.widgets.lines import VirtualList

    return {
        key
        for widget in (VirtualBoard, VirtualList)
        for owner in widget.__mro__
        if owner.__module__.startswith("crm_tui.")
        for binding in Binding.make_bindings(owner.__dict__.get("BINDINGS", ()))
        for key in binding.key.split(",")
    }


def screens() -> list[type]:
    return [one for one in (place.load() for place in SCREENS) if isinstance(one, type)]


def test_every_key_of_the_readme_is_bound_somewhere():
    keys = set().union(*(bound(screen) for screen in screens()), widget_keys())
    rows = key_rows()
    assert len(rows) > 15
    assert {key for named, _ in rows for key in named} - keys == set()


def test_the_keys_that_the_readme_calls_common_work_on_every_screen_of_somebody_logged_in():
    rows = [named for named, _ in key_rows()]
    common = {key for named in rows[: rows.index(["ctrl+c", "ctrl+q"]) + 1] for key in named} - {"f4"}
    wanting = {
        screen.__name__: common - bound(screen)
        for screen in screens()
        if issubclass(screen, WorkScreen) and common - bound(screen)
    }
    assert wanting == {}


def test_the_readme_names_every_digit_and_letter_of_the_jump_by_its_place():
    (does,) = [does for named, does in key_rows() if named[:1] == ["ctrl+g"]]
    said = dict(re.findall(r"`(\w)` ([a-z ]+)", does))
    known = {(place.digit or place.letter): i18n.t(f"place.{place.name}") for place in SCREENS}
    known.pop("", None)
    assert {key: name.strip() for key, name in said.items()} == {k: v.lower() for k, v in known.items()}


def test_the_page_of_the_metrics_is_what_make_docs_writes():
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    assert page == tool("build_metrics_doc").document(), "run make docs"


def test_the_pictures_are_there_and_small():
    assert [one.stem for one in PICTURES] == ["board", "follow_up", "panel"]
    assert all(one.stat().st_size < MOST_BYTES for one in PICTURES)
    named = {
        link for page in PAGES for link in LINK.findall(page.read_text("utf-8")) if link.endswith(".svg")
    }
    assert {Path(link).stem for link in named} == {one.stem for one in PICTURES}
