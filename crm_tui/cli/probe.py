"""Asking the terminal how wide it draws a character: CPR, ESC[6n, answered by ESC[<line>;<column>R."""

from __future__ import annotations

import os
import re
import select
import sys

LINE = "─"
SAMPLES = (("中", 2), (LINE, 1), ("“", 1), ("●", 1), ("¥", 1))
"""Characters whose width decides how frames are drawn, and the cells each should take."""

_WAIT_SECONDS = 0.5
_ANSWER = re.compile(rb"\x1b\[\d+;(\d+)R")


def measure_widths() -> list[tuple[str, int, int]]:
    """Return character, cells measured and cells wanted; empty where nobody sits at a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.name != "posix":
        return []
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        found = [(char, _width(descriptor, char), wanted) for char, wanted in SAMPLES]
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    return [one for one in found if one[1] > 0]


def _width(descriptor: int, char: str) -> int:
    """Write a character at the beginning of the line, ask for the cursor, and wipe it; 0: no answer."""
    sys.stdout.write(f"\r{char}\x1b[6n")
    sys.stdout.flush()
    answer = b""
    while select.select([descriptor], [], [], _WAIT_SECONDS)[0]:
        answer += os.read(descriptor, 32)
        column = _ANSWER.search(answer)
        if column:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            return int(column.group(1)) - 1
    return 0
