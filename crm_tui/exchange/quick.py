"""What a line of quick entry does: one plan for the screen and for the command line.

``plan_quick(view, entry)`` looks up whom and what the line names and returns a plan whose ``steps`` a
desk carries out as one. What is whole is in the steps; a follow-up with gaps is left to its form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Row, select

from crm_tui.commands import Command, by_kind, open_command
from crm_tui.commands.customers import DEFAULT_LEVEL, CreateCustomer, EditCustomer
from crm_tui.commands.deals import CreateDeal, EditDeal, MoveDeal
from crm_tui.commands.follow_ups import LogFollowUp, PostponeContact
from crm_tui.commands.steps import Made, Step
from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import RESULTS
from crm_tui.domain.identity import mask_phone
from crm_tui.domain.lifecycle import Pipeline
from crm_tui.domain.quick_entry import Problem, QuickEntry
from crm_tui.domain.text import fold
from crm_tui.queries.finding import PhoneHit, who_has_phone
from crm_tui.queries.pickers import Choice, PersonChoice, StageChoice, people, product_lines, stages
from crm_tui.queries.profile import customer_row
from crm_tui.store.pipelines import all_pipelines
from crm_tui.store.tables import deal
from crm_tui.store.view import View

OBJECTION_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("无", "没有", "none"), "none"),
    **dict.fromkeys(("价格", "太贵", "price"), "price"),
    **dict.fromkeys(("款式", "style"), "style"),
    **dict.fromkeys(("交期", "delivery"), "delivery"),
    **dict.fromkeys(("质量", "quality"), "quality"),
    **dict.fromkeys(("竞品", "competitor"), "competitor"),
    **dict.fromkeys(("家人意见", "家人", "family"), "family"),
    **dict.fromkeys(("其他", "other"), "other"),
}
"""How an objection begins, in lower case, and its code; anything else is ``other`` with the words as note."""

FOLLOW_UP_PARTS: Final = ("channel", "need", "next_step", "next_at")
"""What a line must say of a follow-up before it can be logged without its form."""

_ANY_MADE: Final = {"customer_id": "made", "deal_id": "made"}
"""Stands for what the steps before make, to see whether a step's own values are sound."""

_Named = TypeVar("_Named", Choice, StageChoice)


@dataclass(frozen=True)
class QuickPlan:
    """What a line does.

    ``known`` is who has the number; of a customer out of sight only the owner is told. ``missing`` names
    what a form must still ask: phone or name of a new customer, else parts of the follow-up. ``deeds``
    are create, edit, deal, amount, move, log and plan, in the order of ``steps``, which are empty while
    there are ``problems`` or the customer itself has a gap. ``deal_id`` is the known customer's newest
    open deal.
    """

    entry: QuickEntry
    known: PhoneHit | None
    owner_name: str
    line_id: str
    line_name: str
    stage_name: str
    problems: tuple[Problem, ...]
    missing: tuple[str, ...]
    deeds: tuple[str, ...]
    steps: tuple[Step, ...]
    deal_id: str | None

    @property
    def customer_id(self) -> str:
        """The known customer, empty for a new one."""
        return self.known.customer_id if self.known else ""

    @property
    def speaks(self) -> bool:
        """Tell whether the line says anything of a follow-up."""
        return _speaks(self.entry)


def plan_quick(view: View, entry: QuickEntry) -> QuickPlan:
    """Return what a line does for this viewer; nothing is refused, ``problems`` say what is wrong."""
    return _Planning(view, entry).plan()


def objection_of(words: str) -> tuple[str, str]:
    """Return the code of an objection and the words that are its note: ``~价格 比对面贵`` is price."""
    start = words.casefold()
    for word in sorted(OBJECTION_WORDS, key=len, reverse=True):
        if start == word:
            return OBJECTION_WORDS[word], ""
        if OBJECTION_WORDS[word] != "none" and start.startswith(word):
            return OBJECTION_WORDS[word], words
    return "other", words


def follow_up_answers(entry: QuickEntry) -> dict[str, Any]:
    """Return what a line answers of a follow-up, by the fields of LogFollowUp; gaps are left out."""
    answers: dict[str, Any] = {
        "channel": entry.channel,
        "need_change": entry.need,
        "next_step": entry.next_step,
        "next_at": entry.next_at,
    }
    if entry.objection:
        code, note = objection_of(entry.objection)
        answers |= {"objections": (code,), "objection_note": note}
    return {name: value for name, value in answers.items() if value}


class _Planning:
    """One look at the rows for one line."""

    def __init__(self, view: View, entry: QuickEntry) -> None:
        self.view = view
        self.entry = entry
        self.problems = list(entry.problems)
        self.known = who_has_phone(view, entry.phone) if entry.phone else None
        self.row: Row[Any] | None = None
        self.deal: Row[Any] | None = None
        if self.known is not None and self.known.visible:
            self.row = customer_row(view, self.known.customer_id)
            self.deal = _newest_open_deal(view, self.row.id)
        self.pipeline: Pipeline | None = None
        self.deeds: list[str] = []
        self.steps: list[Step] = []

    def plan(self) -> QuickPlan:
        """Look up owner, stage and product line, then put the steps together."""
        owner = self.owner()
        stage, first = self.stage()
        line = _named(product_lines(self.view), *self.entry.tags)
        self.out_of_sight()
        missing = self.missing()
        if not self.problems and not {"phone", "name"} & set(missing):
            self.customer(owner)
            self.sale(line)
            self.contact(whole=not missing)
            self.move(stage, first)
        return QuickPlan(
            entry=self.entry,
            known=self.known,
            owner_name=owner.name if owner else "",
            line_id=line.id if line else "",
            line_name=line.name if line else "",
            stage_name=self.stage_name(stage),
            problems=tuple(self.problems),
            missing=missing,
            deeds=() if self.problems else tuple(self.deeds),
            steps=() if self.problems else tuple(self.steps),
            deal_id=self.deal.id if self.deal is not None else None,
        )

    def owner(self) -> PersonChoice | None:
        """Return whom ``@`` names by name, number or pinyin initials; a known customer keeps its owner."""
        wanted = self.entry.owner
        if not wanted:
            return None
        everybody = people(self.view)
        found = [one for one in everybody if wanted in {one.name, one.number}]
        found = found or [one for one in everybody if wanted.casefold() in one.initials.split()]
        if len(found) != 1:
            self.problem("quick_owner_several" if found else "quick_owner_unknown", f"@{wanted}", text=wanted)
            return None
        if self.row is not None and self.row.owner_id != found[0].id:
            self.problem("quick_owner_kept", f"@{wanted}", owner=self.row.owner_name or "-")
            return None
        return found[0]

    def stage(self) -> tuple[StageChoice | None, StageChoice]:
        """Return the stage that ``%`` names, if any, and the one a new deal starts in."""
        wanted = self.entry.stage
        if self.deal is None and wanted:
            self.pipeline, wanted = _pipeline_of(wanted, all_pipelines(self.view.tx))
        pipeline_id = self.deal.pipeline_id if self.deal is not None else None
        path = stages(self.view, self.pipeline.id if self.pipeline else pipeline_id)
        named = _named(path, wanted) or _by_code(path, wanted) if wanted else None
        if wanted and named is None:
            self.problem("quick_stage_unknown", f"%{self.entry.stage}", text=self.entry.stage)
        return named, path[0]

    def stage_name(self, stage: StageChoice | None) -> str:
        """Return the stage in the words of the preview, with its pipeline where the line chose one."""
        parts = [self.pipeline.name if self.pipeline else "", stage.name if stage else ""]
        return "/".join(part for part in parts if part)

    def out_of_sight(self) -> None:
        """Refuse a number whose customer somebody else looks after."""
        if self.known is not None and not self.known.visible:
            assert self.entry.phone is not None
            phone = mask_phone(self.entry.phone)
            self.problem(
                "phone_taken", phone, phone=phone, customer="***", owner=self.known.owner_name or "-"
            )

    def missing(self) -> tuple[str, ...]:
        """Return what has to be asked: of a new customer, else of the follow-up the line speaks of."""
        entry = self.entry
        new = [] if self.known else [part for part in ("phone", "name") if not getattr(entry, part)]
        if new:
            return tuple(new)
        changes = self.row is None or self.edits() or self.wants_deal or entry.next_at
        if not _speaks(entry) and changes:
            return ()
        return tuple(part for part in FOLLOW_UP_PARTS if not getattr(entry, part))

    @property
    def wants_deal(self) -> bool:
        """Tell whether the line speaks of a deal."""
        return self.entry.amount_fen is not None or bool(self.entry.stage)

    def edits(self) -> dict[str, Any]:
        """Return what a line changes of a known customer."""
        assert self.row is not None
        tags = [tag for tag in self.entry.tags if tag not in (self.row.tags or ())]
        edits: dict[str, Any] = {"tags": (*(self.row.tags or ()), *tags)} if tags else {}
        if self.entry.level and self.entry.level != self.row.level:
            edits["level"] = self.entry.level
        return edits

    def customer(self, owner: PersonChoice | None) -> None:
        """Take a new customer in, or change what the line says of a known one."""
        entry = self.entry
        if self.row is None:
            values = {
                "name": entry.name,
                "phones": (entry.phone,),
                "level": entry.level or DEFAULT_LEVEL,
                "tags": entry.tags,
                "owner_id": owner.id if owner else None,
            }
            self.step("create", CreateCustomer, lambda _: values)
        elif edits := self.edits():
            self.step("edit", EditCustomer, lambda made: self.whose(made) | edits)

    def sale(self, line: Choice | None) -> None:
        """Open a deal where the line speaks of one and there is none, else write its amount."""
        amount = self.entry.amount_fen
        if self.deal is not None:
            deal_id = self.deal.id
            if amount is not None and amount != self.deal.amount:
                self.step("amount", EditDeal, lambda _: {"deal_id": deal_id, "amount": amount})
        elif self.wants_deal or (line is not None and self.row is None):
            values = {"amount": amount, "line_id": line.id if line else None}
            values |= {"pipeline_id": self.pipeline.id} if self.pipeline else {}
            self.step("deal", CreateDeal, lambda made: self.whose(made) | values)

    def contact(self, *, whole: bool) -> None:
        """Log the follow-up that is whole, or plan the next contact of a line that says nothing else."""
        entry = self.entry
        if _speaks(entry):
            if whole:
                answers = {"result": RESULTS[0], "objections": ("none",), **follow_up_answers(entry)}
                self.step(
                    "log",
                    LogFollowUp,
                    lambda made: self.whose(made) | answers | {"deal_id": self.which_deal(made)},
                )
        elif entry.next_at is not None:
            self.step("plan", PostponeContact, lambda made: self.whose(made) | {"next_at": entry.next_at})

    def move(self, stage: StageChoice | None, first: StageChoice) -> None:
        """Move the deal to the stage named; the gates decide when it is carried out."""
        here = self.deal.stage if self.deal is not None else first.code
        if stage is not None and stage.code != here:
            there = {"to_stage": stage.code, "expected_stage": here}
            self.step("move", MoveDeal, lambda made: {"deal_id": self.which_deal(made)} | there)

    def whose(self, made: Made) -> dict[str, Any]:
        """Return the customer of the line, known before or made by a step before."""
        return {"customer_id": self.row.id if self.row is not None else made.get("customer_id")}

    def which_deal(self, made: Made) -> str | None:
        """Return the deal of the line, known before or made by a step before."""
        return self.deal.id if self.deal is not None else made.get("deal_id")

    def step(self, deed: str, kind: type[Command], values: Callable[[Made], dict[str, Any]]) -> None:
        """Add a step and what it is called; what no command takes is a problem now and not later.

        The step is left out where what it needs was refused before.
        """
        try:
            open_command(by_kind(), kind.kind, values(_ANY_MADE))
        except Refused as no:
            self.problem(no.code, "", **no.details)

        def build(made: Made) -> Command | None:
            args = values(made)
            if any(args.get(name, "") is None for name in kind.model_fields if _is_needed(kind, name)):
                return None
            return open_command(by_kind(), kind.kind, args)

        self.deeds.append(deed)
        self.steps.append(build)

    def problem(self, code: str, token: str, **details: object) -> None:
        """List what cannot be done."""
        self.problems.append(Problem(code, token, details))


def _is_needed(kind: type[Command], name: str) -> bool:
    return kind.model_fields[name].is_required()


def _speaks(entry: QuickEntry) -> bool:
    return bool(entry.channel or entry.need or entry.objection or entry.next_step)


def _named(choices: Sequence[_Named], *names: str) -> _Named | None:
    """Return the first choice that has one of the names."""
    wanted = {fold(name) for name in names}
    return next((one for one in choices if fold(one.name) in wanted), None)


def _pipeline_of(wanted: str, every: Sequence[Pipeline]) -> tuple[Pipeline | None, str]:
    """Return the pipeline that ``%`` means, None for the first one, and what is left to name a stage.

    ``%stage`` is looked for in the first pipeline and then in the others, ``%pipeline`` means its first
    stage, ``%pipeline/stage`` says both.
    """
    living = [one for one in every if not one.archived]
    name, _, code = wanted.partition("/")
    for one in living:
        if fold(name) == fold(one.name.replace(" ", "")):
            return one, code
    for one in living:
        if any(fold(wanted) in {fold(stage.name), stage.code} for stage in one.stages):
            return (None if one is living[0] else one), wanted
    return None, wanted


def _by_code(path: Sequence[StageChoice], code: str) -> StageChoice | None:
    return next((one for one in path if one.code == code.casefold()), None)


def _newest_open_deal(view: View, customer_id: str) -> Row[Any] | None:
    return view.tx.first(
        select(deal)
        .where(
            deal.c.customer_id == customer_id,
            deal.c.state == "open",
            deal.c.archived_at.is_(None),
            view.scope.where(deal),
        )
        .order_by(deal.c.created_at.desc(), deal.c.id.desc())
        .limit(1)
    )
