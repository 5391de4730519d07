"""Every way to change data, a family a file; a test holds COMMANDS against the subclasses there are."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from crm_tui.commands.base import Command, Envelope, Verdict, carry_out, open_command
from crm_tui.commands.customers import (
    AddContact,
    ArchiveCustomer,
    CreateCustomer,
    EditCustomer,
    RestoreCustomer,
    RevealIdentity,
    SetContactArchived,
)
from crm_tui.commands.deals import (
    CreateDeal,
    EditDeal,
    MoveDeal,
    SetDealArchived,
    SetEvidenceWithdrawn,
    TakeBackMove,
    TickAction,
)
from crm_tui.commands.follow_ups import (
    AmendFollowUp,
    LogFollowUp,
    PostponeContact,
    ReinstateFollowUp,
    RetractFollowUp,
    WithdrawPlan,
)
from crm_tui.commands.imports import BeginImport, FinishImport, ImportLinks, ImportRows, UndoImport
from crm_tui.commands.leads import AssignLead, ConvertLead, RevealLead, SetLeadStatus
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import (
    CreatePerson,
    CreateUnit,
    EditPerson,
    FoundOrganisation,
    RenameUnit,
    SetPersonStatus,
)
from crm_tui.commands.pipelines import PublishPipeline, RenamePipeline, SetPipelineArchived
from crm_tui.commands.rules import (
    CreateProduct,
    CreateProductLine,
    EditProduct,
    RenameProductLine,
    SetOverdueRules,
)
from crm_tui.domain.errors import Refused
from crm_tui.store.scope import Viewer
from crm_tui.store.transaction import Transaction

COMMANDS: tuple[type[Command], ...] = (
    FoundOrganisation,
    CreateUnit,
    RenameUnit,
    CreatePerson,
    EditPerson,
    SetPersonStatus,
    CreateProductLine,
    RenameProductLine,
    CreateProduct,
    EditProduct,
    PublishPipeline,
    RenamePipeline,
    SetPipelineArchived,
    SetOverdueRules,
    CreateCustomer,
    EditCustomer,
    ArchiveCustomer,
    RestoreCustomer,
    AddContact,
    SetContactArchived,
    RevealIdentity,
    ReassignCustomer,
    LogFollowUp,
    AmendFollowUp,
    RetractFollowUp,
    ReinstateFollowUp,
    PostponeContact,
    WithdrawPlan,
    CreateDeal,
    EditDeal,
    SetDealArchived,
    TickAction,
    SetEvidenceWithdrawn,
    MoveDeal,
    TakeBackMove,
    ConvertLead,
    SetLeadStatus,
    AssignLead,
    RevealLead,
    BeginImport,
    ImportRows,
    ImportLinks,
    FinishImport,
    UndoImport,
)


@cache
def by_kind() -> MappingProxyType[str, type[Command]]:
    """Return every command class by its kind."""
    return MappingProxyType({command.kind: command for command in COMMANDS})


def execute(
    envelope: Envelope, tx: Transaction, actor: Viewer | None = None, *, lenient: bool = False
) -> Verdict:
    """Carry out a sealed command on the rows, wherever they are; a refusal is an answer, not an error.

    ``actor`` is given by who knows already what the actor may; see ``Context`` for ``lenient``.
    """
    try:
        command = open_command(by_kind(), envelope.kind, envelope.args, envelope.version)
    except Refused as no:
        return Verdict(code=no.code, details=no.details)
    return carry_out(command, envelope, tx, actor, lenient=lenient)


__all__ = ["COMMANDS", "Command", "Envelope", "Verdict", "by_kind", "execute", "open_command"]
