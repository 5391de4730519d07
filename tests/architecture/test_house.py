"""The house rules that no linter knows: sizes, catalogs, refusals, unfinished marks, start-up imports."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from rich.cells import cell_len

from crm_tui import i18n
from crm_tui.commands import COMMANDS

PACKAGE = Path(i18n.__file__).parents[1]
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FUNCTION, LONGEST_FILE, MOST_METHODS = 40, 400, 20
HAN = re.compile("[\u3400-\u9fff]")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def _catalog(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((PACKAGE / "i18n" / language).glob("*.po")):
        with path.open("rb") as stream:
            found |= {str(one.id): str(one.string) for one in read_po(stream) if one.id}
    return found


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def _named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_no_file_is_longer_than_a_room():
    assert {
        _named(path): lines
        for path in FILES
        if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE
    } == {}


def test_no_function_is_too_long():
    functions = (
        (path, node)
        for path in FILES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert {
        f"{_named(path)}:{node.name}": length
        for path, node in functions
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    } == {}


def test_no_class_has_too_many_methods():
    classes = (
        (path, node) for path in FILES for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef)
    )
    counted = {
        f"{_named(path)}:{node.name}": sum(
            isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in node.body
        )
        for path, node in classes
    }
    assert {name: count for name, count in counted.items() if count > MOST_METHODS} == {}


def test_no_file_is_called_after_nothing():
    assert [path for path in FILES if path.stem in {"utils", "helpers", "manager", "managers"}] == []


def test_nothing_is_marked_as_unfinished():
    mark = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b:?\s")
    tests = Path(__file__).parents[1].rglob("*.py")
    assert [str(path) for path in [*FILES, *tests] if mark.search(path.read_text("utf-8"))] == []


def test_both_catalogs_have_the_same_keys_and_no_empty_sentence():
    chinese, english = (_catalog(language) for language in i18n.LANGUAGES)
    assert set(chinese) == set(english)
    assert [key for key, sentence in (chinese | english).items() if not sentence] == []


def test_both_catalogs_fill_in_the_same_fields():
    chinese, english = (_catalog(language) for language in i18n.LANGUAGES)
    assert [key for key in chinese if _fields(chinese[key]) != _fields(english.get(key, ""))] == []


def test_the_english_catalog_speaks_english():
    spoken = {key: text for key, text in _catalog("en").items() if HAN.search(text)}
    assert set(spoken) <= {
        key for key in spoken if key.startswith(("language.", "quick.", "template.", "help."))
    }


def test_every_command_has_a_name_in_both_languages():
    for language in i18n.LANGUAGES:
        assert {f"command.{one.kind}" for one in COMMANDS} - set(_catalog(language)) == set()


def _refusals() -> Iterator[tuple[str, set[str] | None]]:
    """Yield every refusal code in the source with the fields it is given; None: they are not written out."""
    for path in FILES:
        for node in ast.walk(_tree(path)):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused" and node.args):
                continue
            whole = all(word.arg for word in node.keywords)
            given = {str(word.arg) for word in node.keywords} if whole else None
            codes = [node.args[0]]
            if isinstance(node.args[0], ast.IfExp):
                codes = [node.args[0].body, node.args[0].orelse]
            for code in codes:
                if isinstance(code, ast.Constant):
                    yield str(code.value), given


def test_every_refusal_has_a_sentence_whose_fields_are_given():
    sentences = _catalog("en")
    wrong = set()
    for code, given in _refusals():
        sentence = sentences.get(f"refused.{code}")
        if sentence is None or (given is not None and not _fields(sentence) <= given):
            wrong.add(code)
    assert wrong == set()


SAYING = {"Static", "Label", "Button", "Text", "notify", "say", "Content", "Binding"}


def _said(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every literal that is shown as it stands: Chinese anywhere, or words given to what shows text."""
    tree = _tree(path)
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented
        )
        if is_text and len(HAN.findall(node.value)) > 1:
            yield node.lineno, node.value
        name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", ""))
        if isinstance(node, ast.Call) and name in SAYING - {"Binding"} and node.args:
            first = node.args[0]
            text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            if re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}|^[A-Z][a-z]{2,}$", text):
                yield node.lineno, text


def test_no_sentence_escapes_the_catalogs():
    faces = [PACKAGE / "app.py", *(PACKAGE / "screens").rglob("*.py"), *(PACKAGE / "widgets").rglob("*.py")]
    assert {f"{_named(path)}:{line}": text for path in faces for line, text in _said(path)} == {}


def _screen_of(style: Path) -> str:
    """Return the name of the one screen in the file beside a style sheet."""
    classes = [
        node.name for node in ast.walk(_tree(style.with_suffix(".py"))) if isinstance(node, ast.ClassDef)
    ]
    screens = [name for name in classes if name.endswith("Screen")]
    return screens[0] if len(screens) == 1 else ""


def _top_selectors(text: str) -> Iterator[str]:
    """Yield each selector of each rule that stands in no other rule."""
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    depth, top = 0, ""
    for char in plain:
        if char == "{":
            if depth == 0:
                yield from (one.strip() for one in top.split(","))
            depth, top = depth + 1, ""
        elif char == "}":
            depth, top = depth - 1, ""
        elif depth == 0:
            top = "" if char == ";" else top + char


def test_every_rule_of_a_screen_stands_under_its_class():
    loose = {
        f"{_named(path)}: {one}"
        for path in sorted((PACKAGE / "screens").rglob("*.tcss"))
        for one in _top_selectors(path.read_text("utf-8"))
        if not _screen_of(path) or not re.match(rf"{_screen_of(path)}\b", one)
    }
    assert loose == set()


def test_a_rule_for_all_screens_would_be_found():
    text = "/* x */ A .b { color: red; C { color: blue; } }\nTextField, A.-wide > D { color: red; }"
    assert list(_top_selectors(text)) == ["A .b", "TextField", "A.-wide > D"]


MOST_CELLS = {"zh_CN": 4, "en": 6}
"""Cells of a label in the key bar: twelve of them stand side by side at 80 columns."""


def _bar_labels() -> set[str]:
    """Return the catalog keys of the bindings that the key bar shows."""
    labels = set()
    for path in FILES:
        for node in ast.walk(_tree(path)):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "Binding":
                continue
            given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            label = node.args[2] if len(node.args) > 2 else None
            if given.get("show", True) and isinstance(label, ast.Constant):
                labels.add(str(label.value))
    return labels


def test_every_label_of_the_key_bar_is_short():
    labels = _bar_labels()
    assert {"keys.help", "keys.back", "keys.palette"} <= labels
    assert {
        f"{language} {key}: {_catalog(language)[key]}"
        for language, most in MOST_CELLS.items()
        for key in labels
        if cell_len(_catalog(language)[key]) > most
    } == set()


@pytest.mark.parametrize("module", ["crm_tui.app", "crm_tui.domain.lifecycle"])
def test_what_opens_the_first_screen_loads_no_database_library(module):
    asked = f"import sys, {module}; print([one for one in ('sqlmodel', 'sqlalchemy') if one in sys.modules])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
