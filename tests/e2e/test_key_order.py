"""Bursts of keys in a real terminal: Pilot cannot show what a pty does."""

import contextlib
import os
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest

pytestmark = pytest.mark.e2e

APP = """
import sys
from textual.app import App
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from crm_tui.widgets.keys import KeyOrder
from crm_tui.widgets.fields import TextField

class Go(Message): ...

class Base:
    CSS = "Input, Input:focus {border: none; height: 1; padding: 0} Static {height: 1}"
    def compose(self):
        for name in ("one", "two", "three"):
            yield TextField(id=name)
        yield Static("ready", id="out", markup=False)
    def on_mount(self):
        self.query_one("#one").focus()
    def on_input_changed(self, event):
        self.show()
    def on_input_submitted(self, event):
        self.show(f"submitted {event.value}")
        self.screen.focus_next()
    def show(self, more=""):
        values = "|".join(field.value for field in self.screen.query(Input))
        self.screen.query_one("#out", Static).update(f"{type(self.screen).__name__}<{values}> {more}")
    def action_modal(self):
        self.push_screen(Modal())
    def action_go(self):
        self.screen.post_message(Go())
    async def on_go(self):
        await self.push_screen(Modal())

class Modal(ModalScreen):
    BINDINGS = [("f3", "dismiss", "Close")]
    compose = Base.compose
    def on_mount(self):
        self.query_one("#one").focus()
        self.query_one("#out", Static).update("modal ready")

class Plain(Base, App):
    BINDINGS = [("f2", "modal", "Modal"), ("f4", "go", "Go")]

class Ordered(Base, KeyOrder, App):
    BINDINGS = [("f2", "modal", "Modal"), ("f4", "go", "Go")]

{"plain": Plain, "ordered": Ordered}[sys.argv[1]]().run()
"""


class Terminal:
    def __init__(self, script: Path, kind: str) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "TEXTUAL_ANIMATIONS": "none",
            "PYTHONUTF8": "1",
        }
        self.child = pexpect.spawn(
            sys.executable, [str(script), kind], dimensions=(24, 80), env=environment, timeout=20
        )
        self.child.delaybeforesend = None

    def until(self, *words: str, seconds: float = 15) -> str:
        """Read until the screen shows all words; the last screen is returned either way."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(pexpect.TIMEOUT):
                self.stream.feed(self.child.read_nonblocking(65536, timeout=0.1))
            shown = "\n".join(self.screen.display)
            if all(word in shown for word in words):
                return shown
        return "\n".join(self.screen.display)

    def send(self, keys: str) -> None:
        self.child.send(keys)


@pytest.fixture
def start(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(APP, encoding="utf-8")
    opened = []

    def opener(kind: str) -> Terminal:
        terminal = Terminal(script, kind)
        opened.append(terminal)
        assert "ready" in terminal.until("ready")
        return terminal

    yield opener
    for terminal in opened:
        terminal.child.close(force=True)


def test_a_plain_app_reorders_a_burst_so_the_cure_is_still_needed(start):
    terminal = start("plain")
    terminal.send("one\ttwo\tthree")
    assert "<one|two|three>" not in terminal.until("<one|two|three>", seconds=2)
    assert "Screen<" in "\n".join(terminal.screen.display)


@pytest.mark.parametrize("modal", [False, True], ids=["screen", "modal"])
@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ("one\ttwo\tthree", "<one|two|three>"),
        ("abc\x7fd", "<abd||>"),
        ("13800138000\r", "<13800138000||> submitted 13800138000"),
        ("a\rb\rc", "<a|b|c>"),
        ("张三\t李四\t王五", "<张三|李四|王五>"),
        ("\x1b[200~a\tb\tc\x1b[201~", "<a|b|c>"),
        ("\x1b[200~a\r\nb\nc\x1b[201~", "<a|b|c>"),
        ("\x1b[200~x\x01\x9by\x1b[201~z", "<xyz||>"),
    ],
)
def test_a_burst_takes_effect_in_the_order_it_was_typed(start, keys, values, modal):
    terminal = start("ordered")
    if modal:
        terminal.send("\x1bOQ")
        assert "modal ready" in terminal.until("modal ready")
    terminal.send(keys)
    wanted = f"{'Modal' if modal else 'Screen'}{values}"
    assert wanted in terminal.until(wanted)


@pytest.mark.parametrize("key", ["\x1bOQ", "\x1bOS"], ids=["at once", "by a message"])
def test_keys_right_behind_the_one_that_opens_a_modal_go_into_the_modal(start, key):
    terminal = start("ordered")
    terminal.send(f"{key}ab\tcd")
    assert "Modal<ab|cd|>" in terminal.until("Modal<ab|cd|>")


def test_keys_right_behind_the_one_that_closes_a_modal_go_into_the_screen_below(start):
    terminal = start("ordered")
    terminal.send("\x1bOQab\x1bORcd\tef")
    assert "Screen<cd|ef|>" in terminal.until("Screen<cd|ef|>")


def test_the_cursor_stands_right_behind_chinese_text_where_the_input_method_opens(start):
    terminal = start("ordered")
    terminal.until("never", seconds=0.5)
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 0)
    terminal.send("张三丰")
    terminal.until("<张三丰||>")
    terminal.until("never", seconds=0.5)
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (6, 0)
