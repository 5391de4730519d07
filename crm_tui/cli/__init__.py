"""The command line: the composition root, which alone builds engine, desk and app.

``crm-tui`` alone opens the screen and imports nothing it does not need for that.
"""

from __future__ import annotations

import gc
import signal
import sys


def main() -> None:
    """Run the program; the entry point of the ``crm-tui`` script."""
    from crm_tui import i18n
    from crm_tui.settings import find_home

    i18n.use(i18n.detect(find_home().read().language))
    if len(sys.argv) == 1:
        gc.disable()  # importing makes little garbage, and looking for it a tenth of the start
        from crm_tui.cli.screen import run_screen

        gc.freeze()  # what is imported stays: a later collection need not go through it
        gc.enable()
        run_screen(find_home())
        return
    if hasattr(signal, "SIGPIPE"):  # a reader that has seen enough ends us without a word
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    from crm_tui.cli.program import build_program

    try:
        build_program()()
    except OSError as error:  # a full disk behind ">", a terminal that has gone
        why = i18n.t("cli.unwritable", path=error.filename or "-", why=error.strerror or "")
        sys.stderr.write(f"{why}\n")
        sys.exit(2)
