"""Our screens and widgets take no private name of Textual's: such a slip breaks them without a word."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

import pytest
from textual.message_pump import MessagePump

import crm_tui.screens
import crm_tui.widgets
from crm_tui import app


def _modules() -> list[ModuleType]:
    found = [app]
    for package in (crm_tui.screens, crm_tui.widgets):
        found += [
            import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)
        ]
    return found


def _classes() -> list[type]:
    return [
        one
        for module in _modules()
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__ == module.__name__ and issubclass(one, MessagePump)
    ]


@cache
def _assigned(cls: type) -> set[str]:
    """Private names that a class body defines or assigns on self."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(cls)))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            names.add(node.attr)
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def _textual_names(cls: type) -> set[str]:
    """Private names that Textual's own base classes define or assign on self."""
    names: set[str] = set()
    for base in cls.__mro__[1:]:
        if base.__module__.startswith("textual."):
            names |= {name for name in vars(base) if name.startswith("_")} | _assigned(base)
    return names


# Overridden on purpose: handlers Textual finds by this very name, what an Input draws, and the traceback
# with everybody's data that an app would print at an unforeseen end.
MEANT = {"_on_paste", "_on_key", "_value", "_fatal_error"}


@pytest.mark.parametrize("cls", _classes(), ids=lambda cls: cls.__name__)
def test_a_class_of_ours_takes_no_private_name_of_textual(cls: type) -> None:
    assert _assigned(cls) & _textual_names(cls) - MEANT == set()
