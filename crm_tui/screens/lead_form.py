"""A lead becomes a customer with a deal; a number somebody has becomes a deal of that customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import BindingType

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import normalize_phone
from crm_tui.domain.money import parse_money
from crm_tui.domain.overdue import LEVELS
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form_screen import FormScreen, command, named, reads, sound
from crm_tui.widgets.picker import PickRow
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.commands import Verdict
    from crm_tui.commands.steps import Step
    from crm_tui.queries.finding import PhoneHit
    from crm_tui.queries.leads import LeadLine


class LeadFormScreen(FormScreen):
    """Convert the lead ``lead_id``; its number stays masked and is changed only where it is typed anew."""

    FORM = "lead_form"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, counter: Counter, lead_id: str) -> None:
        super().__init__(counter)
        self._lead_id = lead_id
        self._lead: LeadLine | None = None
        self._owners: Sequence[PickRow] = ()
        self._same: PhoneHit | None = None
        self._looked = False

    @property
    def subject(self) -> str:
        """The lead."""
        return self._lead_id

    async def begin(self) -> Sequence[FieldSpec]:
        """Read the lead and the value lists."""
        from crm_tui.queries.leads import lead_line
        from crm_tui.queries.pickers import people, pipelines, product_lines

        one = self._lead = await self.ask(lead_line, self._lead_id)
        viewer = self.counter.desk.viewer
        if viewer.may(Right.REASSIGN):
            found = await self.ask(people)
            self._owners = [PickRow(p.id, p.name, p.initials, p.unit_name) for p in found]
        paths = [Choice(p.id, p.name) for p in await self.ask(pipelines)]
        self.initial = {
            "name": one.name,
            "phone": figures.phone(one.phone),
            "level": "C",
            "owner": one.owner_name or (viewer.name if viewer.branch_id else ""),
            "pipeline": paths[0].value if paths else "",
        }
        self.title = t("lead_form.title", name=one.name)
        extra = " ".join(value for _, value in one.extra)
        self.set_hint(extra or t("customer_form.hint"))
        lines = [Choice(p.id, p.name) for p in await self.ask(product_lines)]
        return self._specs(lines, paths)

    def candidates(self, key: str) -> Sequence[PickRow]:
        """Return who may own the customer."""
        return self._owners if key == "owner" else ()

    def objection(self) -> bool:
        """Look whether somebody has the number already before a second record is made."""
        if self._looked:
            return False
        self._look()
        return True

    def looked_at(self, key: str) -> None:
        """Look again when another number is typed."""
        if key == "phone":
            self._looked, self._same = False, None

    def steps(self) -> Sequence[Step]:
        """Convert the lead."""
        changed = self.changed()
        values: dict[str, Any] = {
            "level": self.text("level") or "C",
            "name": self.text("name"),
            "line_id": self.text("line") or None,
            "amount": parse_money(self.text("amount")) if self.text("amount") else None,
        }
        if "pipeline" in changed:
            values["pipeline_id"] = self.text("pipeline")
        if "phone" in changed:
            values["phone"] = self.text("phone")
        owner = named(self.text("owner"), self._owners) if self._owners and self.text("owner") else None
        if owner is not None:
            values["owner_id"] = owner.value
        if self._same is not None:
            values["customer_id"] = self._same.customer_id
        return [command("convert_lead", lead_id=self._lead_id, **values)]

    def saved_words(self, verdicts: Sequence[Verdict]) -> str:
        """Name the customer."""
        name = self._same.name if self._same else self.text("name")
        return t("lead_form.saved", name=name)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        """Convert at once where nobody has the number, else to the customer who has it, if that is wanted."""
        from crm_tui.queries.finding import who_has_phone

        try:
            number = self._number()
            hit = await self.ask(who_has_phone, number) if number else None
        except Refused as no:
            self.say(refusal(no.code, no.details), "error")
            return
        if hit is not None and not hit.visible:
            self.say(t("customer_form.known_elsewhere", owner=hit.owner_name or figures.NONE), "error")
            return
        if hit is not None:
            words = t("lead_form.same", name=hit.name, owner=hit.owner_name or figures.NONE)
            if await self.app.push_screen_wait(Confirm(words)) is None:
                return
        self._looked, self._same = True, hit
        self.action_save()

    def _number(self) -> str:
        """Return the number in E.164: the lead's own while its masked form stands there."""
        typed = self.text("phone")
        if self._lead is not None and typed == self.initial["phone"]:
            return self._lead.phone
        return normalize_phone(typed).e164 if typed else ""

    def _phone_check(self, typed: str) -> str:
        return "" if typed == self.initial["phone"] else sound(normalize_phone)(typed)

    def _owner_check(self, typed: str) -> str:
        return "" if named(typed, self._owners) else refusal("quick_owner_unknown", {"text": typed})

    def _specs(self, lines: Sequence[Choice], paths: Sequence[Choice]) -> Sequence[FieldSpec]:
        def field(key: str, **more: Any) -> FieldSpec:
            return FieldSpec(key, f"lead_form.{key}", **more)

        owner = field("owner", width=30, check=self._owner_check)
        money = reads(lambda typed: figures.amount(parse_money(typed)))
        return [
            field("name", mandatory=True),
            field("phone", width=18, check=self._phone_check),
            field("level", kind="choice", choices=[Choice(one, one) for one in LEVELS]),
            *([owner] if self._owners else []),
            *([field("pipeline", kind="choice", mandatory=True, choices=paths)] if len(paths) > 1 else []),
            *([field("line", kind="choice", choices=lines)] if lines else []),
            field("amount", width=18, check=sound(parse_money), hint=money),
        ]
