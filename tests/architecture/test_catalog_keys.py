"""Every sentence of the catalogs can be reached: its key stands in the code, or a family of keys makes it.

A family is a string with gaps, ``f"todo.tab.{tab}"``. It reaches a key only where what fills each gap is
a word of the program: a string somewhere in the code (or one of several between commas, as in a binding),
a number, the name of a field or an action, the kind of a command, or again the work of such a family.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from crm_tui import i18n
from crm_tui.commands import COMMANDS

PACKAGE = Path(i18n.__file__).parents[1]


@cache
def _nodes() -> tuple[ast.AST, ...]:
    return tuple(
        node
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )


def _keys() -> set[str]:
    found: set[str] = set()
    for path in sorted((PACKAGE / "i18n" / "en").glob("*.po")):
        with path.open("rb") as stream:
            found |= {str(one.id) for one in read_po(stream) if one.id}
    return found


def _words() -> frozenset[str]:
    """Return every word the program has, those that families make left out."""
    words = {one.kind for one in COMMANDS}
    for node in _nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words |= {node.value, *node.value.split(",")}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            words.add(node.target.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("action_"):
            words.add(node.name.removeprefix("action_"))
    return frozenset(words)


def _families() -> frozenset[re.Pattern[str]]:
    """Return a pattern for every string with gaps whose other parts are those of a key."""
    texts = (node.values for node in _nodes() if isinstance(node, ast.JoinedStr))
    return frozenset(
        re.compile(
            "".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else "(.+)" for one in parts)
        )
        for parts in texts
        if re.fullmatch(
            r"[a-z_.]{3,}", "".join(str(one.value) for one in parts if isinstance(one, ast.Constant))
        )
    )


@cache
def _is_made(text: str, families: frozenset[re.Pattern[str]], words: frozenset[str]) -> bool:
    """Tell whether the program can say ``text``: as it stands, or through families."""
    if text in words or text.isdigit():
        return True
    made = (family.fullmatch(text) for family in families)
    return any(all(_is_made(gap, families, words) for gap in one.groups()) for one in made if one is not None)


def test_every_sentence_can_be_reached():
    words, families = _words(), _families()
    assert sorted(key for key in _keys() if not _is_made(key, families, words)) == []


def test_a_key_that_nothing_makes_would_be_found():
    words, families = _words(), _families()
    assert _is_made("todo.tab.overdue", families, words)
    assert _is_made("refused.filter_unknown_region", families, words)
    assert not _is_made("todo.tab.xyzzy", families, words)
    assert not _is_made("xyzzy.tab.overdue", families, words)
