"""What the ids and codes in a command are called: people, units, products, pipelines, stages, actions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, select

from crm_tui.domain.lifecycle import Pipeline
from crm_tui.store.pipelines import all_pipelines
from crm_tui.store.tables import deal, org_unit, person, pipeline, product, product_line
from crm_tui.store.transaction import Transaction

NAMED: Final[Mapping[str, Table]] = {
    **dict.fromkeys(("to_owner_id", "owner_id", "manager_id", "person_id"), person),
    **dict.fromkeys(("unit_id", "branch_id"), org_unit),
    "product_id": product,
    "line_id": product_line,
    "pipeline_id": pipeline,
}
"""The fields that hold the id of a row everybody of the organisation knows by its name."""

Args = Mapping[str, Any]


def _stages(path: Pipeline) -> dict[str, str]:
    return {one.code: one.name for one in path.stages}


def _actions(path: Pipeline) -> dict[str, str]:
    return {one.code: one.name for stage in path.stages for one in stage.required_actions}


CODED: Final[Mapping[str, Callable[[Pipeline], dict[str, str]]]] = {"to_stage": _stages, "action": _actions}
"""The fields that hold a code of the deal's pipeline."""


def words_of(tx: Transaction, commands: Sequence[Args]) -> tuple[Mapping[str, str], ...]:
    """Return by field what the ids and codes in the arguments of each command are called, where known."""
    names = _names(tx, commands)
    coded = [one for one in commands if any(one.get(field) for field in CODED)]
    paths = all_pipelines(tx) if coded else ()
    theirs = _pipelines_of(tx, [str(one.get("deal_id")) for one in coded])
    found: list[Mapping[str, str]] = []
    for args in commands:
        words = {field: names.get((table.name, str(args.get(field))), "") for field, table in NAMED.items()}
        here = theirs.get(str(args.get("deal_id")), "")
        ordered = sorted(paths, key=lambda one: one.id != here)  # a deal that is gone: any pipeline's name
        for field, codes in CODED.items():
            called = (codes(path).get(str(args.get(field)), "") for path in ordered)
            words[field] = next(filter(None, called), "")
        found.append({field: word for field, word in words.items() if word})
    return tuple(found)


def _names(tx: Transaction, commands: Sequence[Args]) -> dict[tuple[str, str], str]:
    """Return the names of all rows that are meant by table and id, with one question for each table."""
    wanted: defaultdict[Table, set[str]] = defaultdict(set)
    for args in commands:
        for field, table in NAMED.items():
            if args.get(field):
                wanted[table].add(str(args[field]))
    return {
        (table.name, row.id): row.name
        for table, ids in wanted.items()
        for row in tx.rows(select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
    }


def _pipelines_of(tx: Transaction, deal_ids: Sequence[str]) -> dict[str, str]:
    if not deal_ids:
        return {}
    rows = tx.rows(select(deal.c.id, deal.c.pipeline_id).where(deal.c.id.in_(deal_ids)))
    return {row.id: row.pipeline_id for row in rows}
