"""Two programs and a hub, as real processes: what one does the other shows; the hub goes and comes back."""

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm_tui.cli.program import build_program

pytestmark = pytest.mark.e2e

CLOCK = ("--clock", "2026-01-08T02:42:00+00:00")


def run(home, *words):
    """Run a verb of the set-up, in this process; return what it printed."""
    done = CliRunner().invoke(build_program(), ["--home", str(home), *CLOCK, *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Hub:
    """A hub of the shop's data that is started and stopped like a server."""

    def __init__(self, home: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = f"sqlite:///{folder / 'hub.db'}"
        self._home = home
        self._process = None
        run(home, "hub", "init", "--db", self.database, "--url", self.url)

    def start(self):
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "crm_tui", "--home", str(self._home), *CLOCK),
                *("hub", "serve", "--db", self.database, "--port", str(self.port)),
            ],
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 45
        while not answers(self.port):
            assert time.monotonic() < end, "the hub could not be started"
            assert self._process.poll() is None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def code(self, unit):
        """Return a code with which a terminal may join."""
        said = run(self._home, "hub", "invite", unit, "--db", self.database)
        return said.split("--code ")[1].split()[0]


@pytest.fixture
def hub(home, tmp_path):
    """A hub made of the demonstration, whose terminal is its first member; it is running."""
    made = Hub(home, tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def second(hub, tmp_path):
    """The home of a second terminal that has joined."""
    folder = tmp_path / "second"
    run(folder, "join", hub.url, "--code", hub.code("三里屯店"))
    return folder


def quick(terminal, line):
    """Take a customer in by one line."""
    terminal.press("f9")
    terminal.until("快录")
    terminal.press(line)
    terminal.settle()
    terminal.press("f10")


def test_a_change_here_stands_on_the_other_screen_by_itself(second, start, facts):
    one = start()
    one.log_in(facts.number)
    two = start(at=second)
    two.until("PIN")
    two.log_in("1020")
    one.until("同步")
    two.until("同步")
    two.press("f2")
    two.until("客户")
    two.press("zhaoyizhan")
    quick(one, "13700002222 赵一站")
    two.until("赵一站")


def test_what_is_saved_without_the_hub_waits_and_goes_by_itself_when_it_is_back(hub, start, facts):
    shop = start()
    shop.log_in(facts.number)
    shop.until("同步")
    hub.stop()
    quick(shop, "13700003333 钱二站")
    shop.until("离线1条")
    hub.start()
    shop.until(lambda me: "离线" not in me.lines[0] and "同步" in me.lines[0])


def look_up(terminal, customer):
    """Find a customer by name; the list has the keys."""
    terminal.press("f2")
    terminal.until("客户列表")
    terminal.press(customer)
    terminal.until("命中 1", f"> {customer}")
    terminal.press("tab")


def give_away(terminal, initials, name):
    """Give the customer under the cursor to the person with these initials."""
    terminal.press("ctrl+r")
    terminal.until("改派给谁")
    terminal.press(initials, "enter", "1", "f10")
    terminal.until(f"已改派 1 个 -> {name}")


def test_of_two_who_give_one_customer_away_one_is_told_who_was_faster(second, hub, start, facts):
    one = start()
    one.log_in(facts.manager_number)
    quick(one, "13700004444 孙三站")
    two = start(at=second)
    two.until("PIN")
    two.log_in(facts.manager_number)
    look_up(one, "孙三站")
    look_up(two, "孙三站")
    hub.stop()
    for terminal in (one, two):
        terminal.until("离线")
    give_away(one, "lm", "李梅")
    give_away(two, "cq", "蔡秋")
    hub.start()
    for terminal in (one, two):
        terminal.until(lambda me: "离线" not in me.lines[0])
        terminal.press("ctrl+g", "0")
        terminal.until("待发  0 条")
    late, winner = (one, "蔡秋") if "被拒1" in one.lines[0] else (two, "李梅")
    (early,) = {one, two} - {late}
    assert "被拒" not in early.lines[0]
    late.until("被拒1", f"王芳 刚把该客户分配给 {winner}")
    late.press("enter")
    late.until("录入的内容", "孙三站")
    late.until("原因: 逾期")
    late.press("escape")
    late.gone("录入的内容")
    late.press("x")
    late.until("确认 F10")
    late.press("f10")
    late.until("被拒 0 条", lambda me: "被拒1" not in me.lines[0])


def edit(terminal, customer):
    """Open the form of a customer."""
    look_up(terminal, customer)
    terminal.press("enter")
    terminal.gone("客户列表")
    terminal.until(customer)
    terminal.press("f7")
    terminal.until(f"修改 {customer}")


def test_of_two_who_edit_a_customer_the_second_reads_who_and_how_long_until_it_is_free(second, start, facts):
    one = start()
    one.log_in(facts.number)
    quick(one, "13700005555 周四站")
    two = start(at=second)
    two.until("PIN")
    two.log_in("1020")
    edit(one, "周四站")
    one.settle()
    edit(two, "周四站")
    two.until("李梅 正在编辑, 5 分钟后空闲")
    two.press("x", "f10")
    two.settle()
    assert "修改 周四站" in two.text
    assert "x" not in two.lines[two.line_of("姓名")]
    one.press("周四新站", "f10")
    one.gone("修改 周四站")
    two.until("修改 周四新站", "已空闲, 可以编辑")
    two.press("周四好站", "f10")
    two.gone("修改 周四新站")
    one.until("周四好站")


def test_a_second_program_on_one_home_reads_who_edits_until_that_one_is_done(start, facts):
    one, two = start(), start()
    one.log_in(facts.number)
    quick(one, "13700006666 吴五站")
    two.log_in(facts.manager_number)
    edit(one, "吴五站")
    one.settle()
    edit(two, "吴五站")
    two.until("李梅 正在编辑, 5 分钟后空闲")
    one.press("escape")
    one.gone("修改 吴五站")
    two.until("已空闲, 可以编辑")
