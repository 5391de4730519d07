"""The tables, a family a file, as SQLModel classes and as Core tables under their own names."""

from crm_tui.store.tables.base import core
from crm_tui.store.tables.customers import (
    Contact,
    ContactPlan,
    ContactPoint,
    Customer,
    FollowUp,
    Lead,
    OwnershipEvent,
)
from crm_tui.store.tables.deals import Deal, Pipeline, Stage, StageEvidence, StageVisit
from crm_tui.store.tables.local import (
    Credential,
    Draft,
    EditLease,
    Meta,
    Outbox,
    SearchEntry,
    SyncCursor,
    SyncUndo,
)
from crm_tui.store.tables.organisation import (
    ImportBatch,
    ImportRow,
    OrgUnit,
    Person,
    Product,
    ProductLine,
    Setting,
)
from crm_tui.store.tables.tallies import CustomerTally, DealTally, TagTally

org_unit = core(OrgUnit)
person = core(Person)
product_line = core(ProductLine)
product = core(Product)
setting = core(Setting)
import_batch = core(ImportBatch)
import_row = core(ImportRow)
customer = core(Customer)
contact_point = core(ContactPoint)
contact = core(Contact)
ownership_event = core(OwnershipEvent)
lead = core(Lead)
follow_up = core(FollowUp)
contact_plan = core(ContactPlan)
pipeline = core(Pipeline)
stage = core(Stage)
deal = core(Deal)
stage_visit = core(StageVisit)
stage_evidence = core(StageEvidence)
outbox = core(Outbox)
sync_cursor = core(SyncCursor)
sync_undo = core(SyncUndo)
meta = core(Meta)
credential = core(Credential)
draft = core(Draft)
edit_lease = core(EditLease)
search_entry = core(SearchEntry)
deal_tally = core(DealTally)
customer_tally = core(CustomerTally)
tag_tally = core(TagTally)
