"""What is done with chosen leads: judged, given to somebody, their number shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.binding import Binding, BindingType

from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.picker import Picker, PickRow
from crm_tui.widgets.workplace import WorkScreen

if TYPE_CHECKING:
    from crm_tui.commands import Command
    from crm_tui.queries.leads import LeadLine

_JUDGED: Final = ("new", "following", "invalid")


class WorksOnLeads(WorkScreen):
    """A list of leads on which many can be chosen; a subclass says which ones are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "judge", "leads.judge_key", tooltip="leads.judge_tip"),
        Binding("ctrl+r", "assign", "keys.reassign", show=False, tooltip="leads.assign_tip"),
        Binding("v,V", "reveal", "leads.reveal_key", show=False, tooltip="leads.reveal_tip"),
    ]

    @property
    @abstractmethod
    def lead(self) -> LeadLine | None:
        """The lead under the cursor."""

    @abstractmethod
    async def chosen_leads(self) -> Sequence[LeadLine]:
        """Return the selected leads, else the one under the cursor."""

    @abstractmethod
    def leads_done(self) -> None:
        """Be told that a step was carried out: nothing is selected any more."""

    @work(group="judge", exclusive=True, exit_on_error=False)
    async def action_judge(self) -> None:
        """Say how the chosen leads stand."""
        from crm_tui.commands.leads import SetLeadStatus

        chosen = await self.chosen_leads()
        if not chosen:
            self.say(t("leads.nothing"), "warn")
            return
        rows = [PickRow(one, t(f"leads.status.{one}")) for one in _JUDGED]
        picked = await self.app.push_screen_wait(Picker(t("leads.pick_status", count=len(chosen)), rows))
        if picked is not None:
            await self._carry(
                [
                    SetLeadStatus(lead_id=one.id, status=picked, expected=one.status)
                    for one in chosen
                    if one.status != picked
                ]
            )

    @work(group="assign", exclusive=True, exit_on_error=False)
    async def action_assign(self) -> None:
        """Give the chosen leads to somebody."""
        from crm_tui.commands.leads import AssignLead
        from crm_tui.queries.pickers import people

        chosen = await self.chosen_leads()
        if not chosen:
            self.say(t("leads.nothing"), "warn")
            return
        rows = [PickRow(one.id, one.name, one.initials, one.unit_name) for one in await self.ask(people)]
        to = await self.app.push_screen_wait(Picker(t("leads.pick_owner", count=len(chosen)), rows))
        if to is not None:
            await self._carry(
                [
                    AssignLead(lead_id=one.id, to_owner_id=to, expected_owner_id=one.owner_id)
                    for one in chosen
                    if one.owner_id != to
                ]
            )

    @work(group="reveal", exclusive=True, exit_on_error=False)
    async def action_reveal(self) -> None:
        """Say the number in clear; the look is recorded."""
        from crm_tui.commands.leads import RevealLead

        line = self.lead
        if line is None or not line.phone:
            self.say(t("leads.no_phone"), "warn")
            return
        verdicts = await self.act(RevealLead(lead_id=line.id))
        if verdicts and verdicts[0].applied:
            clear = figures.phone(verdicts[0].details["phone"], clear=True)
            self.say(t("leads.clear", name=line.name, phone=clear))

    async def _carry(self, commands: Sequence[Command]) -> None:
        """Carry the commands out as one step and say how many were applied."""
        if not commands:
            self.say(t("batch.nothing"))
            return
        verdicts = await self.act(*commands)
        applied = sum(verdict.applied for verdict in verdicts)
        if applied:
            self.leads_done()
        if applied == len(verdicts):
            self.say(t("leads.changed", count=applied), "good")
