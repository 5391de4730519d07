"""The form of a deal: a new one for a customer, or what is known of one that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType

from crm_tui.domain.calendar import business_date
from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import parse_day, parse_moment
from crm_tui.domain.money import parse_money
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form_screen import FormScreen, command, named, reads, sound
from crm_tui.widgets.picker import PickRow

if TYPE_CHECKING:
    from crm_tui.commands import Verdict
    from crm_tui.commands.steps import Step
    from crm_tui.queries.profile import DealLine


class DealFormScreen(FormScreen):
    """Open a deal for a customer, or with ``deal_id`` change one; only what was changed is saved."""

    FORM = "deal_form"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, counter: Counter, customer_id: str, deal_id: str | None = None) -> None:
        super().__init__(counter)
        self._customer_id = customer_id
        self._deal_id = deal_id
        self._who = ""
        self._seen: Mapping[str, object] = {}
        self._products: Sequence[PickRow] = ()
        self._sources: Sequence[PickRow] = ()

    @property
    def customer_id(self) -> str | None:
        """The customer of the deal."""
        return self._customer_id

    @property
    def deal_id(self) -> str | None:
        """The deal, None for a new one."""
        return self._deal_id

    @property
    def subject(self) -> str:
        """The deal, or the customer it will belong to."""
        return self._deal_id or self._customer_id

    async def begin(self) -> Sequence[FieldSpec]:
        """Read the deal and the value lists."""
        from crm_tui.queries.follow_ups import follow_up_start
        from crm_tui.queries.pickers import pipelines, product_lines, products, sources
        from crm_tui.queries.profile import gate

        lines = [Choice(one.id, one.name) for one in await self.ask(product_lines)]
        self._products = [PickRow(one.id, one.name, one.code) for one in await self.ask(products)]
        self._sources = [PickRow(one.name, one.name) for one in await self.ask(sources)]
        self._who = (await self.ask(follow_up_start, self._customer_id)).name
        key = "deal_form.title_new"
        paths: Sequence[Choice] = ()
        if self._deal_id is None:
            paths = [Choice(one.id, one.name) for one in await self.ask(pipelines)]
            self.initial = {"pipeline": paths[0].value} if paths else {}
        else:
            key = "deal_form.title_edit"
            deal = (await self.ask(gate, self._deal_id)).deal
            self.initial = _answers(deal)
            self._seen = _stood(deal)
        self.title = t(key, name=self._who)
        self.set_hint(t("deal_form.hint"))
        return self._specs(lines, paths)

    def _specs(self, lines: Sequence[Choice], paths: Sequence[Choice]) -> Sequence[FieldSpec]:
        """Return the fields; a new deal chooses its pipeline where there is more than one."""
        line = FieldSpec("line", "deal_form.line", "choice", choices=lines)
        path = FieldSpec("pipeline", "deal_form.pipeline", "choice", mandatory=True, choices=paths)
        return [
            FieldSpec("title", "deal_form.name", hint=lambda typed: "" if typed else self._who),
            *([path] if len(paths) > 1 else []),
            *([line] if lines else []),
            FieldSpec("product", "deal_form.product", check=sound(self._product), width=30),
            FieldSpec(
                "amount",
                "deal_form.amount",
                hint=reads(lambda typed: figures.amount(parse_money(typed))),
                check=sound(parse_money),
                width=18,
            ),
            FieldSpec(
                "expected_close_on",
                "deal_form.close",
                hint=reads(self._day_words),
                check=sound(self._day),
                width=18,
            ),
            FieldSpec("source", "deal_form.source", width=30),
        ]

    def candidates(self, key: str) -> Sequence[PickRow]:
        """Return the products or the sources in use."""
        return {"product": self._products, "source": self._sources}.get(key, ())

    def steps(self) -> Sequence[Step]:
        """Open the deal, or change what was changed of it."""
        values = self._values(self.changed())
        if self._deal_id is None:
            return [command("create_deal", customer_id=self._customer_id, **values)]
        expected = {key: self._seen[key] for key in values}
        return [command("edit_deal", deal_id=self._deal_id, **values, expected=expected)] if values else []

    def saved_words(self, verdicts: Sequence[Verdict]) -> str:
        """Name the customer."""
        return t("deal_form.saved", name=self._who)

    def _values(self, changed: Mapping[str, Value]) -> dict[str, Any]:
        """Return the command's fields; an emptied one is None where the command can empty it."""
        values: dict[str, Any] = {key: str(changed[key]) for key in ("title", "source") if key in changed}
        if "pipeline" in changed:
            values["pipeline_id"] = self.text("pipeline")
        if "amount" in changed:
            values["amount"] = parse_money(self.text("amount")) if self.text("amount") else None
        if "expected_close_on" in changed:
            typed = self.text("expected_close_on")
            values["expected_close_on"] = self._day(typed) if typed else None
        if {"product", "line"} & set(changed):
            typed = self.text("product")
            values["product_id"] = self._product(typed) if typed else None
            values["line_id"] = self.text("line") or None
        return values

    def _product(self, typed: str) -> str:
        found = named(typed, self._products)
        if found is None and typed != self.initial.get("product"):
            raise Refused("product_unknown")
        return found.value if found else str(self._seen["product_id"])  # one that is no longer sold

    def _day(self, typed: str) -> date:
        """Return the day meant: the short forms of a next contact, else any date with a year."""
        desk = self.counter.desk
        try:
            return business_date(parse_moment(typed, desk.now(), desk.viewer.zone), desk.viewer.zone)
        except Refused:
            return parse_day(typed)

    def _day_words(self, typed: str) -> str:
        desk = self.counter.desk
        return figures.day(self._day(typed), desk.now(), desk.viewer.zone)


def _answers(deal: DealLine) -> dict[str, Value]:
    """Return what the fields hold of a deal that stands."""
    return {
        "title": deal.title,
        "line": deal.line_id or "",
        "product": deal.product_name,
        "amount": "" if deal.amount is None else figures.amount(deal.amount),
        "expected_close_on": deal.expected_close_on.isoformat() if deal.expected_close_on else "",
        "source": deal.source,
    }


def _stood(deal: DealLine) -> Mapping[str, object]:
    """Return what the command's fields held when the form was read."""
    return {
        "title": deal.title,
        "line_id": deal.line_id,
        "product_id": deal.product_id,
        "amount": deal.amount,
        "expected_close_on": deal.expected_close_on.isoformat() if deal.expected_close_on else None,
        "source": deal.source,
    }
