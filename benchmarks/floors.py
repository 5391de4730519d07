"""The bare Textual app that start, keys and memory are held against: ``python -m benchmarks.floors``."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Label, ListItem, ListView

READY = "row nineteen"


class Bare(App[None]):
    """A list of 20 rows and nothing else."""

    def compose(self) -> ComposeResult:
        yield ListView(*(ListItem(Label(f"row {n}")) for n in range(19)), ListItem(Label(READY)))


if __name__ == "__main__":
    Bare().run()
