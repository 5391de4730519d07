"""Bringing a spreadsheet in: choose it, match its columns, look at the first rows, import, take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.exchange.fields import FIELDS, KINDS
from crm_tui.exchange.importing import (
    ImportResult,
    Preview,
    UndoResult,
    open_for,
    plan_import,
    run_import,
    undo_import,
)
from crm_tui.exchange.mapping import Mapping, guess_mapping, load_mapping, save_mapping
from crm_tui.i18n import knows, t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form import Form
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refusal, refused
from crm_tui.widgets.rows import Column, ListSource, Row
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.desk import Desk

NOWHERE = ""
SHOWN_PROBLEMS = 5


class ImportScreen(WorkScreen):
    """One screen for the whole way; F6 looks, F10 imports, F7 takes the last import back."""

    AUTO_FOCUS = "Form TextField"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "look", "importing.look_key", tooltip="importing.look"),
        Binding("f7", "take_back", "importing.back_key", tooltip="importing.back"),
        Binding("f10,ctrl+s", "save", "importing.run_key", tooltip="importing.run"),
    ]

    class Progressed(Message):
        """So many rows are done."""

        def __init__(self, done: int) -> None:
            super().__init__()
            self.done = done

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        specs = [
            FieldSpec(
                "kind",
                "importing.kind",
                "choice",
                mandatory=True,
                choices=[Choice(kind, t(f"importing.kind.{kind}")) for kind in KINDS],
            ),
            FieldSpec("path", "importing.file", mandatory=True),
        ]
        self._form = Form(specs, {"kind": "customers"}, id="what")
        self._columns = VirtualList(
            _column_columns(), ListSource(), empty=t("importing.no_file"), id="columns"
        )
        self._mapping: Mapping | None = None
        self._header: tuple[str, ...] = ()
        self._looked_at = Path()
        self._batch_id = ""
        self._imported = Path()
        self._under_way = False
        self._stop_asked = False

    def compose_body(self) -> ComposeResult:
        """What and from where, the columns of the file, and what would become or became of it."""
        yield self._form
        yield self._columns
        yield Static("", id="outcome", markup=False)

    async def redraw(self) -> None:
        """Say what to do; nothing here is read from the database."""
        self.title = t("importing.title")
        self.set_hint(t("importing.hint"))

    @property
    def _path(self) -> Path:
        return Path(str(self._form.values()["path"])).expanduser()

    @property
    def _kind(self) -> str:
        return str(self._form.values()["kind"])

    @property
    def _saved_mapping(self) -> Path:
        return self.counter.home.path / "mappings" / f"{self._kind}-{self._path.stem}.toml"

    @on(Form.Ended)
    def action_look(self) -> None:
        """Read the header, match the columns and show what the first rows would become."""
        if self._form.focus_gap():
            self.say(self._form.gap_words(), "error")
        else:
            self._look()

    @on(VirtualList.Opened)
    @work(group="match", exclusive=True, exit_on_error=False)
    async def _match(self, message: VirtualList.Opened) -> None:
        """Choose the field that a column of the file goes to."""
        mapping = self._mapping
        if mapping is None:
            return
        column = message.row_id
        taken = {field for name, fields in mapping.columns.items() if name != column for field in fields}
        rows = [PickRow(NOWHERE, t("importing.nowhere"))]
        rows += [
            PickRow(one.key, _field_name(one.key), search=one.key)
            for one in FIELDS[mapping.kind]
            if one.key not in taken
        ]
        picked = await self.app.push_screen_wait(Picker(t("importing.goes_to", column=column), rows))
        if picked is None:
            return
        columns = {name: fields for name, fields in mapping.columns.items() if name != column}
        if picked:
            columns[column] = (picked,)
        self._mapping = replace(mapping, columns=columns)
        await self._show_columns()
        self._look()

    def action_save(self) -> None:
        """Import the file with the columns as they are matched."""
        if self._mapping is None or (self._mapping.kind, self._looked_at) != (self._kind, self._path):
            self.action_look()
        elif self._imported == self._path:
            self.say(t("importing.already"), "warn")
        elif not self._under_way:
            self._under_way, self._stop_asked = True, False
            self._import(self._mapping)

    @work(group="import", exclusive=True, exit_on_error=False)
    async def action_take_back(self) -> None:
        """Take the import just made back as a whole."""
        if not self._batch_id:
            self.say(t("importing.nothing_to_take_back"), "warn")
            return
        desk, batch_id = self.counter.desk, self._batch_id
        try:
            result = await desk.write(lambda: undo_import(desk, batch_id))
        except Refused as no:
            self.say(refused(no), "error")
            return
        self._batch_id, self._imported = "", Path()
        self.say(_taken_back(result), "good")

    def action_back(self) -> None:
        """Stop a running import behind the portion under way, else leave."""
        if self._under_way:
            self._stop_asked = True
            self.say(t("importing.stopping"), "warn")
        else:
            super().action_back()

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        desk, path, kind = self.counter.desk, self._path, self._kind
        try:
            mapping = await self._matched(path, kind)
            preview = await desk.write(partial(_plan, desk, kind, path, mapping))
        except Refused as no:
            self._tell([], refused(no))
            return
        self._tell(_preview_lines(preview), t("importing.ready"), good=True)

    async def _matched(self, path: Path, kind: str) -> Mapping:
        """Return the mapping of this file: the one shown, else one read from its header."""
        if self._mapping is not None and (self._mapping.kind, self._looked_at) == (kind, path):
            return self._mapping
        found, self._header = await self.counter.desk.write(lambda: self._read_header(path, kind))
        self._mapping = found
        await self._show_columns()
        return found

    def _read_header(self, path: Path, kind: str) -> tuple[Mapping, tuple[str, ...]]:
        """Open the file; take the mapping saved for such a file, else guess one."""
        known = Mapping(kind, {})
        if self._saved_mapping.exists():
            known = load_mapping(self._saved_mapping)
        table = open_for(path, known)
        self._looked_at = path
        if known.columns and set(known.columns) <= set(table.header):
            return known, table.header
        return guess_mapping(kind, table.header).mapping, table.header

    @work(group="import", exclusive=True, exit_on_error=False)
    async def _import(self, mapping: Mapping) -> None:
        desk, path, kind = self.counter.desk, self._path, self._kind
        try:
            result = await desk.write(
                lambda: run_import(
                    desk,
                    kind,
                    path,
                    mapping,
                    progress=lambda done, _total: self._progressed(done),
                    cancelled=lambda: self._stop_asked,
                    describe=refusal,
                )
            )
            await desk.write(partial(_keep_mapping, self._saved_mapping, mapping))
        except Refused as no:
            self._tell([], refused(no))
            return
        finally:
            self._under_way = False
        self._batch_id, self._imported = result.batch_id, path
        lines = [refusal(problem.code, problem.details) for problem in result.warnings[:SHOWN_PROBLEMS]]
        self._tell([*_result_lines(result), *lines], t("importing.done", count=result.created), good=True)

    def _progressed(self, done: int) -> None:
        """Bring the progress from the writer's thread to the screen's."""
        self.post_message(self.Progressed(done))

    @on(Progressed)
    def _show_progress(self, message: Progressed) -> None:
        self.say(t("importing.progress", count=message.done))

    async def _show_columns(self) -> None:
        mapping = self._mapping
        assert mapping is not None
        rows = [
            Row(name, (name, ", ".join(_field_name(one) for one in mapping.columns.get(name, ())) or "-"))
            for name in self._header
        ]
        await self._columns.show(ListSource(rows))

    def _tell(self, lines: Sequence[str], said: str, *, good: bool = False) -> None:
        self.query_one("#outcome", Static).update(Text("\n").join(safe_text(line) for line in lines))
        self.say(said, "good" if good else "error")


def _keep_mapping(path: Path, mapping: Mapping) -> None:
    """Keep the mapping for the next file of this name."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    save_mapping(path, mapping)


def _plan(desk: Desk, kind: str, path: Path, mapping: Mapping) -> Preview:
    """Return what the first rows of a file would become."""
    return plan_import(desk, kind, open_for(path, mapping), mapping)


def _column_columns() -> Sequence[Column]:
    return (
        Column("column", t("importing.column"), width=10, flex=1),
        Column("field", t("importing.field"), width=10, flex=1),
    )


def _field_name(key: str) -> str:
    name = f"importing.field.{key}"
    return t(name) if knows(name) else key


def _preview_lines(preview: Preview) -> list[str]:
    """Return what the first rows would become, and why the refused ones would be."""
    counts = t("importing.preview", **{fate: preview.counts.get(fate, 0) for fate in _FATES})
    unused = [t("importing.unused", columns=", ".join(preview.unused))] if preview.unused else []
    messages = [refusal(code, {}) for code in preview.messages]
    problems = [
        t("importing.line", line=one.line, why=refusal(one.code, one.details))
        for one in (*preview.problems, *preview.warnings)[:SHOWN_PROBLEMS]
    ]
    return [counts, *unused, *messages, *problems]


_FATES = ("created", "updated", "unchanged", "refused")


def _result_lines(result: ImportResult) -> list[str]:
    """Return the account of an import: every row read is in one of the four counts."""
    lines = [
        t(
            "importing.account",
            read=result.read,
            created=result.created,
            updated=result.updated,
            unchanged=result.unchanged,
            refused=result.refused,
        )
    ]
    if result.error_file is not None:
        lines.append(t("importing.errors", path=str(result.error_file)))
    if result.cancelled:
        lines.append(t("importing.cancelled"))
    if result.stopped is not None:
        lines.append(refusal(result.stopped.code, result.stopped.details))
    return lines


def _taken_back(result: UndoResult) -> str:
    return t("importing.taken_back", removed=result.removed, restored=result.restored, kept=result.kept_count)
