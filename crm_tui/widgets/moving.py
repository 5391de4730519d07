"""Moving deals: one key forwards and back, any stage by a list, reasons where they are due."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from crm_tui.domain.errors import Refused
from crm_tui.domain.lifecycle import LOST_REASONS, StageKind
from crm_tui.i18n import t
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.keys import twins
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.parked import Parked
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.refusal import refusal, refused
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.commands import Verdict


@dataclass(frozen=True)
class StageStep:
    """A stage as a move sees it."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True)
class MovingDeal:
    """A deal to be moved: where it stands, and what it is called in messages."""

    deal_id: str
    name: str
    stage: str


@dataclass(frozen=True)
class Move:
    """A deal and the stage it shall go to."""

    deal: MovingDeal
    to: str


class MovesDeals(WorkScreen):
    """A screen on which deals are moved; a subclass says which are chosen and which stages there are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "choose_stage", "keys.stage", tooltip="moving.stage_tip"),
        Binding(f"shift+right,{twins('greater_than_sign')}", "shift(1)", "moving.forward", show=False),
        Binding(f"shift+left,{twins('less_than_sign')}", "shift(-1)", "moving.backward", show=False),
    ]

    @abstractmethod
    def chosen_deals(self) -> Sequence[MovingDeal]:
        """Return the deals that a move is about."""

    @abstractmethod
    def stage_steps(self) -> Sequence[StageStep]:
        """Return all stages of the pipeline in order, the lost one last."""

    def moved(self) -> None:
        """Be told that the moves were carried out."""

    def action_shift(self, by: int) -> None:
        """Move what is chosen one stage on (1) or back (-1)."""
        deals = self.chosen_deals()
        if not deals:
            self.say(t("moving.nothing"), "warn")
            return
        path = [step.code for step in self.stage_steps() if step.kind != StageKind.LOST]
        moves = [Move(deal, _neighbour(path, deal.stage, by)) for deal in deals]
        if not all(move.to for move in moves):
            self.say(t("moving.no_further" if by > 0 else "moving.no_earlier"), "warn")
            return
        self._ask_or_act(moves)

    def action_choose_stage(self) -> None:
        """Pick any stage for what is chosen; a skip, a loss and a re-opening ask for their reason."""
        deals = self.chosen_deals()
        if not deals:
            self.say(t("moving.nothing"), "warn")
            return
        rows = [PickRow(step.code, step.name) for step in self.stage_steps() if step.code != deals[0].stage]

        def take(code: str | None) -> None:
            if code is not None:
                self._take_stage(deals, code)

        self.app.push_screen(Picker(t("moving.pick_stage"), rows), take)

    def _take_stage(self, deals: Sequence[MovingDeal], code: str) -> None:
        moves = [Move(deal, code) for deal in deals]
        if self._stage_step(code).kind != StageKind.LOST:
            self._ask_or_act(moves)
            return
        reasons = [Choice(reason, t(f"lost.{reason}")) for reason in LOST_REASONS]
        preview = t("moving.lose", count=len(moves))
        self.app.push_screen(
            Confirm(preview, reasons=reasons),
            _given(lambda reason: self._carry_moves(moves, lost_reason=reason)),
        )

    def _ask_or_act(self, moves: Sequence[Move]) -> None:
        """Carry the moves out, after asking for a reason where one of them needs it."""
        if not any(self._needs_reason(move) for move in moves):
            self._carry_moves(moves)
            return
        preview = t("moving.reason_for", count=len(moves), stage=self._stage_step(moves[0].to).name)
        self.app.push_screen(
            Confirm(preview, ask_reason=True, parked=Parked(self.counter, "move")),
            _given(lambda reason: self._carry_moves(moves, reason=reason)),
        )

    @work(group="move", exit_on_error=False)
    async def _carry_moves(self, moves: Sequence[Move], reason: str = "", lost_reason: str = "") -> None:
        """Carry the moves out as one step; a single deal before a closed gate opens its checklist."""
        from crm_tui.commands.deals import MoveDeal

        commands = [
            MoveDeal(
                deal_id=move.deal.deal_id,
                to_stage=move.to,
                expected_stage=move.deal.stage,
                reason=reason,
                lost_reason=lost_reason,
            )
            for move in moves
        ]
        try:
            verdicts = await self.counter.desk.act(*commands)
        except Refused as no:
            self.say(refused(no), "error")
            return
        self.moved()
        if len(verdicts) == 1 and verdicts[0].code == "gate_unmet":
            self.post_message(Go("gate", deal_id=moves[0].deal.deal_id))
            return
        self._say_moved(verdicts, moves)

    def _say_moved(self, verdicts: Sequence[Verdict], moves: Sequence[Move]) -> None:
        applied = [verdict for verdict in verdicts if verdict.applied]
        no = [verdict for verdict in verdicts if not verdict.applied]
        if applied:
            who = moves[0].deal.name if len(applied) == 1 else t("moving.deals", count=len(applied))
            self.say(t("moving.moved", who=who, stage=applied[0].details["stage"]), "good")
        if no:
            more = t("work.more_refused", count=len(no)) if len(no) > 1 else ""
            self.say(f"{refusal(no[0].code, no[0].details)} {more}".rstrip(), "error")

    def _needs_reason(self, move: Move) -> bool:
        """Tell whether a move leaves a closed stage or jumps over one."""
        codes = [step.code for step in self.stage_steps()]
        if self._stage_step(move.deal.stage).kind != StageKind.OPEN:
            return True
        return codes.index(move.to) - codes.index(move.deal.stage) > 1

    def _stage_step(self, code: str) -> StageStep:
        return next(step for step in self.stage_steps() if step.code == code)


def _neighbour(path: Sequence[str], here: str, by: int) -> str:
    """Return the stage beside ``here``, nothing at the ends; a lost deal goes to the last open one."""
    place = path.index(here) + by if here in path else len(path) - 2
    return path[place] if 0 <= place < len(path) else ""


def _given(act: Callable[[str], object]) -> Callable[[str | None], None]:
    """Return what a dialog calls: ``act`` with the reason, nothing when it was cancelled."""

    def take(reason: str | None) -> None:
        if reason is not None:
            act(reason)

    return take
