"""The life of a deal: stages, gates and the moves between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from crm_tui.domain.errors import Refused


class StageKind(StrEnum):
    """What a stage means for the deal that stands in it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class MoveKind(StrEnum):
    """How a deal came into a stage."""

    START = "start"
    ADVANCE = "advance"
    SKIP = "skip"
    BACK = "back"
    WON = "won"
    LOST = "lost"
    REOPEN = "reopen"


LOST_REASONS = (
    "price",
    "competitor",
    "no_budget",
    "postponed",
    "unreachable",
    "not_suitable",
    "delivery",
    "other",
)

FIELDS = ("phone", "address", "amount", "product_line", "expected_close_on", "level", "need")
"""What a gate may ask of the customer or the deal; ``need`` is an effective follow-up in this stage."""


@dataclass(frozen=True)
class RequiredAction:
    """Something that must have been done in a stage; ``evidence`` says that words must prove it."""

    code: str
    name: str
    evidence: bool = False


@dataclass(frozen=True)
class Stage:
    """One step of a pipeline version; ``rotting_days`` 0 means it never rots, probability is in percent."""

    code: str
    name: str
    kind: StageKind
    position: int
    probability: int
    rotting_days: int
    goal: str = ""
    exit_criteria: str = ""
    required_fields: tuple[str, ...] = ()
    required_actions: tuple[RequiredAction, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """The stages of one version in order: open ones, then won, then lost.

    An archived pipeline takes no new deals; what was won and lost in it stays.
    """

    id: str
    name: str
    version: int
    stages: tuple[Stage, ...]
    archived: bool = False

    def stage(self, code: str) -> Stage:
        """Return the stage with this code.

        Raises:
            Refused: stage_unknown.
        """
        for stage in self.stages:
            if stage.code == code:
                return stage
        raise Refused("stage_unknown", stage=code)

    @property
    def path(self) -> tuple[Stage, ...]:
        """The way of a deal that is won: open stages and the won stage."""
        return tuple(stage for stage in self.stages if stage.kind is not StageKind.LOST)

    def of_kind(self, kind: StageKind) -> Stage:
        """Return the first stage of this kind."""
        return next(stage for stage in self.stages if stage.kind is kind)

    def next_of(self, code: str) -> Stage | None:
        """Return the stage after this one on the path, None after the last."""
        codes = [stage.code for stage in self.path]
        following = codes.index(code) + 1 if code in codes else len(codes)
        return self.path[following] if following < len(codes) else None

    def previous_of(self, code: str) -> Stage | None:
        """Return the stage before this one on the path, None before the first."""
        codes = [stage.code for stage in self.path]
        before = codes.index(code) - 1 if code in codes else -1
        return self.path[before] if before >= 0 else None


@dataclass(frozen=True)
class GateItem:
    """One line of a checklist; ``code`` names a field or an action, ``name`` is an action's own words."""

    kind: str  # field | action
    code: str
    name: str
    done: bool
    evidence: bool = False


@dataclass(frozen=True)
class DealFacts:
    """What a gate looks at: which fields are filled, which actions of this stage and cycle are proven."""

    stage: str
    filled: frozenset[str]
    done: frozenset[str] = field(default_factory=frozenset)
    lost_from: str = ""
    """The stage a lost deal stood in."""


def checklist(stage: Stage, facts: DealFacts) -> tuple[GateItem, ...]:
    """Return what a deal needs to leave ``stage`` forwards, ticked where it is there."""
    fields = tuple(
        GateItem(kind="field", code=code, name="", done=code in facts.filled)
        for code in stage.required_fields
    )
    actions = tuple(
        GateItem(kind="action", code=a.code, name=a.name, done=a.code in facts.done, evidence=a.evidence)
        for a in stage.required_actions
    )
    return fields + actions


def missing(items: Sequence[GateItem]) -> tuple[GateItem, ...]:
    """Return the lines of a checklist that are still open."""
    return tuple(item for item in items if not item.done)


def check_move(
    pipeline: Pipeline, facts: DealFacts, to: str, *, reason: str, lost_reason: str, may_skip: bool
) -> MoveKind:
    """Decide whether a deal may move to the stage ``to`` and what kind of move it is.

    One step forwards needs the stage's checklist; over stages in between it needs the right and a
    reason, which then stand for the checklist; backwards is free; losing needs a lost reason; a
    closed deal comes back only as a new cycle with a reason, a lost one no further than it had come
    unless its actor may skip.

    Raises:
        Refused: stage_same, gate_unmet (missing), skip_not_allowed, reason_needed, lost_reason_needed.
    """
    here, there = pipeline.stage(facts.stage), pipeline.stage(to)
    if here.code == there.code:
        raise Refused("stage_same", stage=there.name)
    if here.kind is not StageKind.OPEN:
        return _reopen(pipeline, there, facts, reason=reason, may_skip=may_skip)
    if there.kind is StageKind.LOST:
        if lost_reason not in LOST_REASONS:
            raise Refused("lost_reason_needed")
        return MoveKind.LOST
    if there.position < here.position:
        return MoveKind.BACK
    return _forward(pipeline, here, there, facts, reason=reason, may_skip=may_skip)


def _reopen(pipeline: Pipeline, there: Stage, facts: DealFacts, *, reason: str, may_skip: bool) -> MoveKind:
    if there.kind is not StageKind.OPEN:
        raise Refused("deal_closed")
    reached = [stage.position for stage in pipeline.stages if stage.code == facts.lost_from]
    if reached and there.position > reached[0] and not may_skip:
        raise Refused("skip_not_allowed", stage=there.name)
    if not reason:
        raise Refused("reason_needed")
    return MoveKind.REOPEN


def _forward(
    pipeline: Pipeline, here: Stage, there: Stage, facts: DealFacts, *, reason: str, may_skip: bool
) -> MoveKind:
    following = pipeline.next_of(here.code)
    if following is not None and following.code == there.code:
        open_items = missing(checklist(here, facts))
        if open_items:
            raise Refused("gate_unmet", stage=here.name, missing=[item.code for item in open_items])
        return MoveKind.WON if there.kind is StageKind.WON else MoveKind.ADVANCE
    if not may_skip:
        raise Refused("skip_not_allowed", stage=there.name)
    if not reason:
        raise Refused("reason_needed")
    return MoveKind.WON if there.kind is StageKind.WON else MoveKind.SKIP


def default_stages(words: Mapping[str, str]) -> tuple[Stage, ...]:
    """Return the stages a new organisation starts with; ``words`` gives the names in its language.

    Keys of ``words``: ``stage.<code>``, ``goal.<code>``, ``exit.<code>``, ``action.<code>``.
    """

    def action(code: str, *, evidence: bool = False) -> RequiredAction:
        return RequiredAction(code=code, name=words[f"action.{code}"], evidence=evidence)

    plan: tuple[tuple[str, StageKind, int, int, tuple[str, ...], tuple[RequiredAction, ...]], ...] = (
        ("lead", StageKind.OPEN, 5, 3, ("phone",), ()),
        ("contact", StageKind.OPEN, 15, 7, ("need",), (action("reception"),)),
        ("need", StageKind.OPEN, 35, 7, ("product_line", "address"), (action("measure", evidence=True),)),
        ("proposal", StageKind.OPEN, 55, 10, ("amount",), (action("quote", evidence=True),)),
        ("negotiation", StageKind.OPEN, 75, 14, ("amount", "expected_close_on"), ()),
        ("won", StageKind.WON, 100, 0, (), ()),
        ("lost", StageKind.LOST, 0, 0, (), ()),
    )
    return tuple(
        Stage(
            code=code,
            name=words[f"stage.{code}"],
            kind=kind,
            position=position,
            probability=probability,
            rotting_days=rotting,
            goal=words.get(f"goal.{code}", ""),
            exit_criteria=words.get(f"exit.{code}", ""),
            required_fields=fields,
            required_actions=actions,
        )
        for position, (code, kind, probability, rotting, fields, actions) in enumerate(plan, start=1)
    )
