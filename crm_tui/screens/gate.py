"""The checklist between a deal and its next stage: fill what is missing, F10 does it all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import parse_day
from crm_tui.domain.money import parse_money
from crm_tui.domain.overdue import LEVELS
from crm_tui.i18n import t
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form import Form
from crm_tui.widgets.navigation import Done
from crm_tui.widgets.refusal import refused
from crm_tui.widgets.text import safe_text
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.commands import Command
    from crm_tui.domain.lifecycle import GateItem
    from crm_tui.queries.pickers import Choice as LineChoice
    from crm_tui.queries.profile import GateAnswer

_DONE = "done"
_FOLLOW_UP = "need"


class GateScreen(WorkScreen):
    """What one deal still needs to leave its stage; ``need`` asks for a follow-up (F3)."""

    SHOWS: ClassVar[frozenset[str]] = frozenset({"follow_up", "deal", "stage_evidence"})
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, counter: Counter, deal_id: str) -> None:
        super().__init__(counter)
        self._deal_id = deal_id
        self._gate: GateAnswer | None = None
        self._form: Form | None = None
        self._saving = False

    @property
    def customer_id(self) -> str | None:
        """The customer of the deal."""
        return self._gate.customer_id if self._gate else None

    @property
    def deal_id(self) -> str | None:
        """The deal at the gate."""
        return self._deal_id

    def compose_body(self) -> ComposeResult:
        """The stage's goal above, what is missing below."""
        yield Static("", id="goal", markup=False)
        yield Vertical(id="missing")

    async def redraw(self) -> None:
        """Read the checklist; what was typed so far stays."""
        from crm_tui.queries.pickers import product_lines
        from crm_tui.queries.profile import gate

        self._gate = await self.ask(gate, self._deal_id)
        lines = await self.ask(product_lines)
        there = self._gate.following
        self.title = t(
            "gate.title",
            name=self._gate.customer_name,
            here=self._gate.deal.stage_name,
            there=there.name if there else "",
        )
        self.query_one("#goal", Static).update(_told(self._gate))
        typed = self._form.values() if self._form else {}
        fields = [item for item in self._open_items if item.code != _FOLLOW_UP]
        self._form = Form([_spec(item, lines) for item in fields], typed, id="form")
        box = self.query_one("#missing", Vertical)
        await box.remove_children()
        await box.mount(self._form)
        if not self._open_items:
            self.set_hint(t("gate.ready"))
        elif any(item.code == _FOLLOW_UP for item in self._open_items):
            self.set_hint(t("gate.log_first"))
        else:
            self.set_hint(t("gate.hint"))

    @property
    def _open_items(self) -> list[GateItem]:
        return [item for item in self._gate.items if not item.done] if self._gate else []

    def action_save(self) -> None:
        """Save what was filled in, tick what was done, and move the deal, as one step."""
        if self._form is None or self._saving:
            return
        if any(item.code == _FOLLOW_UP for item in self._open_items):
            self.say(t("gate.log_first"), "warn")
        elif self._form.focus_gap():
            self.say(self._form.gap_words(), "error")
        elif self._form.check():
            self._saving = True
            self._save()

    @work(group="save", exit_on_error=False)
    async def _save(self) -> None:
        gate = self._gate
        assert gate is not None
        assert gate.following is not None, "a gate stands between two stages"
        try:
            verdicts = await self.act(*self._commands(gate))
        finally:
            self._saving = False
        if verdicts and verdicts[-1].applied:
            self.post_message(Done(t("moving.moved", who=gate.customer_name, stage=gate.following.name)))

    def _commands(self, gate: GateAnswer) -> list[Command]:
        from crm_tui.commands.customers import EditCustomer
        from crm_tui.commands.deals import EditDeal, MoveDeal, TickAction

        assert self._form is not None
        typed = self._form.values()
        commands: list[Command] = []
        customer = _customer_values(typed)
        if customer and gate.customer_id:
            seen = {name: "" for name in customer if name != "level"}
            commands.append(EditCustomer(customer_id=gate.customer_id, **customer, expected=seen))
        deal = _deal_values(typed)
        if deal:
            commands.append(EditDeal(deal_id=gate.deal.id, **deal, expected=dict.fromkeys(deal)))
        for item in self._open_items:
            if item.kind == "action":
                words = str(typed[item.code]) if item.evidence else ""
                commands.append(TickAction(deal_id=gate.deal.id, action=item.code, words=words))
        assert gate.following is not None
        commands.append(
            MoveDeal(deal_id=gate.deal.id, to_stage=gate.following.code, expected_stage=gate.deal.stage)
        )
        return commands


def _spec(item: GateItem, lines: tuple[LineChoice, ...]) -> FieldSpec:
    """Return the field that fills one gap of the checklist."""
    if item.kind == "action":
        if item.evidence:
            return FieldSpec(
                item.code, item.name, mandatory=True, hint=lambda _: f"{item.name}: {t('gate.evidence')}"
            )
        return FieldSpec(
            item.code,
            item.name,
            "choice",
            mandatory=True,
            choices=[Choice(_DONE, f"{item.name}: {t('gate.done')}")],
        )
    label = f"work.field.{item.code}"
    if item.code == "product_line":
        choices = [Choice(line.id, line.name) for line in lines]
        return FieldSpec(item.code, label, "choice", mandatory=True, choices=choices)
    if item.code == "level":
        return FieldSpec(
            item.code, label, "choice", mandatory=True, choices=[Choice(one, one) for one in LEVELS]
        )
    checks = {"amount": _wrong_amount, "expected_close_on": _wrong_day}
    return FieldSpec(item.code, label, mandatory=True, check=checks.get(item.code))


def _customer_values(typed: dict[str, Value]) -> dict[str, object]:
    values: dict[str, object] = {name: typed[name] for name in ("address", "level") if name in typed}
    if "phone" in typed:
        values["phones"] = (typed["phone"],)
    return values


def _deal_values(typed: dict[str, Value]) -> dict[str, object]:
    values: dict[str, object] = {}
    if "amount" in typed:
        values["amount"] = parse_money(str(typed["amount"]))
    if "product_line" in typed:
        values["line_id"] = typed["product_line"]
    if "expected_close_on" in typed:
        values["expected_close_on"] = parse_day(str(typed["expected_close_on"]))
    return values


def _wrong_amount(typed: str) -> str:
    try:
        parse_money(typed)
    except Refused as no:
        return refused(no)
    return ""


def _wrong_day(typed: str) -> str:
    try:
        parse_day(typed)
    except Refused as no:
        return refused(no)
    return ""


def _told(gate: GateAnswer) -> Text:
    """Return what is known of the stage: its goal, how to leave it, what is done."""
    lines = [
        t("gate.goal", goal=gate.goal) if gate.goal else "",
        t("gate.exit", criteria=gate.exit_criteria) if gate.exit_criteria else "",
        "",
        *(
            f" [{'x' if item.done else ' '}] {item.name or t(f'work.field.{item.code}')}"
            for item in gate.items
            if item.done or item.code == _FOLLOW_UP
        ),
    ]
    return Text("\n").join(safe_text(line) for line in lines)
