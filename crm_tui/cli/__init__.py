"""The command line: the composition root, which alone builds engine, desk and app.

``crm-tui`` alone opens the screen and imports nothing it does not need for that.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from types import TracebackType


def main() -> None:
    """Run the program; the entry point of the ``crm-tui`` script."""
    from crm_tui import i18n
    from crm_tui.settings import find_home

    i18n.use(i18n.detect(find_home().read().language))
    logging.getLogger("crm_tui").addHandler(logging.NullHandler())  # a log is for who serves a hub
    if len(sys.argv) == 1:
        gc.disable()  # importing makes little garbage, and looking for it a tenth of the start
        from crm_tui.cli.screen import run_screen

        gc.freeze()  # what is imported stays: a later collection need not go through it
        gc.enable()
        run_screen(find_home())
        return
    if hasattr(signal, "SIGPIPE"):  # a reader that has seen enough ends us without a word
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    from typer.main import get_command

    from crm_tui.cli.program import build_program

    for stream in (sys.stdout, sys.stderr):  # a locale that cannot write Chinese gets its number
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _say_unforeseen
    try:
        get_command(build_program())()  # calling typer itself would put its own hook in place of ours
    except OSError as error:  # a full disk behind ">", a terminal that has gone
        why = i18n.t("cli.unwritable", path=error.filename or "-", why=error.strerror or "")
        sys.stderr.write(f"{why}\n")
        sys.exit(2)


def _say_unforeseen(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """Say in one line that nobody foresaw this; where it happened is noted for support, without any value."""
    from crm_tui import i18n
    from crm_tui.settings import find_home
    from crm_tui.trouble import LOG, note_trouble

    given = [after for word, after in pairwise(sys.argv) if word == "--home"]
    home = find_home(Path(given[0]) if given else None)
    try:
        code = note_trouble(home, error)
    except OSError:  # no home to write to
        code = type(error).__name__
    sys.stderr.write(i18n.t("work.fatal", code=code, path=home.path / LOG) + "\n")
