"""The form of a customer: taken in with a first deal, or what is known of one changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import BindingType

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import mask_resident_id, normalize_resident_id, normalize_uscc
from crm_tui.domain.moment import parse_day
from crm_tui.domain.money import parse_money
from crm_tui.domain.overdue import LEVELS
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.counter import Counter
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form_screen import command, named, reads, sound
from crm_tui.widgets.leased import LeasedForm
from crm_tui.widgets.navigation import Done, Go
from crm_tui.widgets.numbers import Numbers
from crm_tui.widgets.picker import PickRow
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.commands import Command, Verdict
    from crm_tui.commands.steps import Made, Step
    from crm_tui.queries.finding import PhoneHit
    from crm_tui.queries.profile import Profile

NEW = "new"
_KINDS = ("person", "firm")
_TEXTS = ("name", "wechat", "email", "level", "source", "address", "uscc", "note")
_FIRST_DEAL = ("pipeline", "line", "amount")


class CustomerFormScreen(LeasedForm):
    """Take a customer in, or with ``customer_id`` change one; a number somebody has is said at once.

    ``phone``, ``name`` and ``more`` (by field) are what is already known of a new one.
    """

    FORM = "customer_form"
    SEVERAL = frozenset({"tags"})
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        counter: Counter,
        customer_id: str | None = None,
        phone: str = "",
        name: str = "",
        more: Mapping[str, Value] | None = None,
    ) -> None:
        super().__init__(counter)
        self._customer_id = customer_id
        self._given: Mapping[str, Value] = {**(more or {}), "phones": phone, "name": name}
        self._numbers = Numbers()
        self._hit: PhoneHit | None = None
        self._lists: dict[str, Sequence[PickRow]] = {}

    @property
    def customer_id(self) -> str | None:
        """The customer that is edited."""
        return self._customer_id

    @property
    def subject(self) -> str:
        """The customer, or what is known of a new one: a draft is of one number or name."""
        given = self._given["phones"] or self._given["name"]
        return self._customer_id or (f"{NEW}:{given}" if given else NEW)

    async def begin(self) -> Sequence[FieldSpec]:
        """Read the customer and the value lists."""
        from crm_tui.queries.pickers import people, pipelines, product_lines, sources, tags
        from crm_tui.queries.profile import profile

        self._lists = {
            "source": [PickRow(one.name, one.name) for one in await self.ask(sources)],
            "tags": [PickRow(one.name, one.name) for one in await self.ask(tags)],
        }
        self.set_hint(t("customer_form.hint"))
        if self._customer_id:
            one = await self.ask(profile, self._customer_id)
            self._numbers = Numbers([(p.value, p.normal) for p in one.points if p.kind == "phone"])
            self.initial = _answers(one, self._numbers)
            self.title = t("customer_form.title_edit", name=one.name)
            return self._specs((), ())
        viewer = self.counter.desk.viewer
        self.title = t("customer_form.title_new")
        self.initial = {"customer_kind": _KINDS[0], "level": "C"}
        if viewer.may(Right.REASSIGN):
            found = await self.ask(people)
            self._lists["owner"] = [PickRow(p.id, p.name, p.initials, p.unit_name) for p in found]
            self.initial = {**self.initial, "owner": viewer.name if viewer.branch_id else ""}
        lines = [Choice(one.id, one.name) for one in await self.ask(product_lines)]
        return self._specs(lines, [Choice(one.id, one.name) for one in await self.ask(pipelines)])

    def prefilled(self) -> Mapping[str, Value]:
        """Return what is already known of a new customer."""
        return {key: value for key, value in self._given.items() if value}

    def candidates(self, key: str) -> Sequence[PickRow]:
        """Return the sources and tags in use, and who may own the customer."""
        return self._lists.get(key, ())

    def looked_at(self, key: str) -> None:
        """Look for whoever has the numbers while they are typed."""
        if key == "phones":
            self._look_up(self.text("phones"))

    def objection(self) -> bool:
        """Offer the customer who has the number instead of a second record."""
        if self._hit is None:
            return False
        if self._hit.visible:
            self._offer(self._hit)
        else:
            self.say(self._known_words(self._hit), "error")
        return True

    def steps(self) -> Sequence[Step]:
        """Take the customer in, with a first deal where there is anything to say of one, or change it."""
        changed = self.changed()
        if self._customer_id is not None:
            values = self._values(changed)
            values["expected"] = {key: str(self.initial[key]) for key in changed}
            return [command("edit_customer", customer_id=self._customer_id, **values)] if changed else []
        values = self._values({key: value for key, value in self.answers().items() if value})
        owner = named(self.text("owner"), self.candidates("owner")) if self.text("owner") else None
        if owner is not None:
            values["owner_id"] = owner.value
        elif self.text("owner"):
            raise Refused("quick_owner_unknown", text=self.text("owner"))
        create = command("create_customer", **values)
        if not any(self.text(key) for key in _FIRST_DEAL):
            return [create]
        deal = {
            "amount": parse_money(self.text("amount")) if self.text("amount") else None,
            "line_id": self.text("line") or None,
            "pipeline_id": self.text("pipeline") or None,
        }

        def first_deal(made: Made) -> Command | None:
            customer_id = made.get("customer_id")
            return command("create_deal", customer_id=customer_id, **deal) if customer_id else None

        return [create, first_deal]

    def saved_words(self, verdicts: Sequence[Verdict]) -> str:
        """Name the customer, and say it where the deal was not opened."""
        name = self.text("name")
        no = [verdict for verdict in verdicts if not verdict.applied]
        if no:
            return t("customer_form.saved_but", name=name, why=refusal(no[0].code, no[0].details))
        return t("customer_form.saved", name=name)

    @work(group="known", exclusive=True, exit_on_error=False)
    async def _look_up(self, typed: str) -> None:
        """Say under the field who has one of the numbers."""
        from crm_tui.queries.finding import who_has_phone

        hit = None
        try:
            for number in self._numbers.e164(typed) if typed else ():
                found = await self.ask(who_has_phone, number)
                if found is not None and (not found.visible or found.customer_id != self._customer_id):
                    hit = hit or found
        except Refused:
            hit = None  # not a number yet; the field says so when it is left
        if self.form is None or typed != self.text("phones"):
            return
        if hit is not None or self._hit is not None:
            self.form.row("phones").wrong(self._known_words(hit) if hit else "")
        self._hit = hit

    @work(group="offer", exclusive=True, exit_on_error=False)
    async def _offer(self, hit: PhoneHit) -> None:
        """Open the customer who has the number, if the person wants that."""
        words = t("customer_form.open_known", name=hit.name, owner=hit.owner_name or figures.NONE)
        if await self.app.push_screen_wait(Confirm(words)) is None:
            return
        await self.forget_draft()
        self.post_message(Done(t("customer_form.opened", name=hit.name)))
        self.post_message(Go("profile", customer_id=hit.customer_id))

    def _known_words(self, hit: PhoneHit) -> str:
        owner = hit.owner_name or figures.NONE
        if hit.visible:
            return t("customer_form.known", name=hit.name, owner=owner)
        return t("customer_form.known_elsewhere", owner=owner)

    def _phones_check(self, typed: str) -> str:
        return sound(self._numbers.raw)(typed) or (self._known_words(self._hit) if self._hit else "")

    def _id_check(self, typed: str) -> str:
        unchanged = typed == self.initial.get("resident_id")
        return "" if unchanged else sound(normalize_resident_id)(typed)

    def _owner_check(self, typed: str) -> str:
        found = named(typed, self.candidates("owner"))
        return "" if found else refusal("quick_owner_unknown", {"text": typed})

    def _specs(self, lines: Sequence[Choice], paths: Sequence[Choice]) -> Sequence[FieldSpec]:
        def field(key: str, **more: Any) -> FieldSpec:
            return FieldSpec(key, f"customer_form.{key}", **more)

        kinds = [Choice(kind, t(f"customer_form.kind.{kind}")) for kind in _KINDS]
        specs = [
            field("name", mandatory=True),
            field("phones", hint=reads(self._numbers.words), check=self._phones_check),
            field("customer_kind", kind="choice", choices=kinds),
            field("level", kind="choice", choices=[Choice(one, one) for one in LEVELS]),
            field("source", width=30, hint=_list_hint),
            field("tags", hint=_list_hint),
            field("wechat", width=30),
            field("email"),
            field("address"),
            field("birthday", width=18, check=sound(parse_day), hint=reads(_iso)),
            field("resident_id", check=self._id_check),
            field("uscc", check=sound(normalize_uscc)),
            field("note", kind="multiline"),
        ]
        if self._customer_id:
            return specs
        if "owner" in self._lists:
            specs.append(field("owner", width=30, check=self._owner_check, hint=_list_hint))
        if len(paths) > 1:
            specs.append(field("pipeline", kind="choice", choices=paths))
        if lines:
            specs.append(field("line", kind="choice", choices=lines))
        money = reads(lambda typed: figures.amount(parse_money(typed)))
        return [*specs, field("amount", width=18, check=sound(parse_money), hint=money)]

    def _values(self, answers: Mapping[str, Value]) -> dict[str, Any]:
        """Return the command's fields of these answers; an emptied date is None."""
        values: dict[str, Any] = {key: str(answers[key]) for key in _TEXTS if key in answers}
        if answers.get("customer_kind"):
            values["customer_kind"] = str(answers["customer_kind"])
        if "phones" in answers:
            values["phones"] = self._numbers.raw(self.text("phones"))
        if "tags" in answers:
            values["tags"] = tuple(one.lstrip("#＃") for one in self.text("tags").split())
        if "birthday" in answers:
            typed = self.text("birthday")
            values["birthday"] = parse_day(typed) if typed else None
        if "resident_id" in answers:
            values["resident_id"] = self.text("resident_id")
        return values


def _answers(one: Profile, numbers: Numbers) -> dict[str, Value]:
    """Return what the fields hold of a customer: what is masked elsewhere is masked here."""
    points = {point.kind: point.value for point in one.points}
    return {
        "name": one.name,
        "phones": numbers.masked,
        "customer_kind": one.kind,
        "level": one.level,
        "source": one.source,
        "tags": " ".join(one.tags),
        "wechat": points.get("wechat", ""),
        "email": points.get("email", ""),
        "address": one.address,
        "birthday": one.birthday.isoformat() if one.birthday else "",
        "resident_id": mask_resident_id(one.resident_id),
        "uscc": one.uscc,
        "note": one.note,
    }


def _list_hint(typed: str) -> str:
    return "" if typed else t("customer_form.list_hint")


def _iso(typed: str) -> str:
    return parse_day(typed).isoformat()
