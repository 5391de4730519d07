"""Public data sets come in whole, by the mappings that the documentation ships as examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from crm_tui.exchange.importing import ImportResult, run_import, undo_import
from crm_tui.exchange.mapping import load_mapping
from crm_tui.store.tables import customer, deal, lead, org_unit, person, product, product_line, stage_visit

pytestmark = pytest.mark.outside

MAPPINGS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"
MAVEN = {
    "people": ("sales_teams", "maven_sales_teams"),
    "products": ("products", "maven_products"),
    "customers": ("accounts", "maven_accounts"),
    "deals": ("sales_pipeline", "maven_sales_pipeline"),
}


def bring_in(office: Any, kind: str, path: Path, mapping: str, errors: Path, **more: Any) -> ImportResult:
    desk = office.as_person("1001")
    found = load_mapping(MAPPINGS / f"{mapping}.toml")
    result = run_import(desk, kind, path, found, errors_in=errors, **more)
    assert result.stopped is None
    assert result.created + result.updated + result.unchanged + result.refused == result.read
    return result


@pytest.fixture
def maven(office: Any, outside_data: Path, tmp_path: Path) -> dict[str, ImportResult]:
    return {
        kind: bring_in(office, kind, outside_data / "maven" / f"{name}.csv", mapping, tmp_path)
        for kind, (name, mapping) in MAVEN.items()
    }


@pytest.fixture
def count(database: Engine) -> Callable[..., int]:
    def counted(table: Any, *where: Any) -> int:
        with database.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(table).where(*where)) or 0)

    return counted


def test_the_maven_pipeline_comes_in_whole_and_once_and_can_be_taken_back(
    *,
    maven: dict[str, ImportResult],
    count: Callable[..., int],
    database: Engine,
    office: Any,
    outside_data: Path,
    tmp_path: Path,
) -> None:
    """One test, for the import takes long: each part looks at what the one before has left."""
    is_whole(maven, count, database)
    a_deal_without_any_date_was_created_today(count, office)
    the_stage_log_agrees_with_its_dates(count)
    for kind, (name, mapping) in MAVEN.items():
        again = bring_in(office, kind, outside_data / "maven" / f"{name}.csv", mapping, tmp_path)
        assert (again.unchanged, again.created, again.updated) == (again.read, 0, 0), kind
    can_be_taken_back_from_the_last_file_to_the_first(maven, office, count)


def is_whole(maven: dict[str, ImportResult], count: Callable[..., int], database: Engine) -> None:
    assert {kind: (one.read, one.created, one.refused) for kind, one in maven.items()} == {
        "people": (35, 35, 0),
        "products": (7, 7, 0),
        "customers": (85, 85, 0),
        "deals": (8800, 8800, 0),
    }
    assert [one.warned for one in maven.values()] == [0, 0, 0, 0]
    managers = person.c.id.in_(select(person.c.manager_id))
    assert count(person, managers, person.c.role == "branch_manager") == 6
    assert count(person, person.c.manager_id.is_not(None)) == 35
    assert count(org_unit, org_unit.c.kind == "region", org_unit.c.name.in_(["Central", "East", "West"])) == 3
    assert count(product_line) == 3
    assert count(product) == 7
    assert count(customer, customer.c.parent_id.is_not(None)) == 15
    assert count(deal, deal.c.customer_id.is_(None)) == 1425
    with database.connect() as connection:
        stages = connection.execute(select(deal.c.stage, func.count()).group_by(deal.c.stage)).all()
        won = connection.execute(
            select(func.sum(deal.c.amount), func.count()).where(deal.c.state == "won")
        ).one()
    assert {row[0]: row[1] for row in stages} == {"lead": 500, "contact": 1589, "won": 4238, "lost": 2473}
    assert tuple(won) == (10_005_534_00, 4238)


def a_deal_without_any_date_was_created_today(count: Callable[..., int], office: Any) -> None:
    dateless = (deal.c.stage == "lead", deal.c.engaged_on.is_(None))
    assert count(deal, *dateless, deal.c.created_on == office.desk.viewer.day(office.clock.now)) == 500


def the_stage_log_agrees_with_its_dates(count: Callable[..., int]) -> None:
    assert count(stage_visit) == 500 + 1589 + 2 * (4238 + 2473)
    assert count(stage_visit, stage_visit.c.left_at < stage_visit.c.entered_at) == 0
    assert count(stage_visit, stage_visit.c.left_at.is_(None)) == 8800


def can_be_taken_back_from_the_last_file_to_the_first(
    maven: dict[str, ImportResult], office: Any, count: Callable[..., int]
) -> None:
    before = count(person) - 41
    for kind in reversed(MAVEN):
        undone = undo_import(office.desk, maven[kind].batch_id)
        assert undone.kept_count == 0, kind
    tables = (deal, stage_visit, customer, product, product_line)
    assert [count(table) for table in tables] == [0] * len(tables)
    assert count(person) == before
    assert count(org_unit, org_unit.c.name.in_(["Central", "West"])) == 0


def test_olist_leads_become_deals_and_the_one_won_too_early_is_reported(
    office: Any, outside_data: Path, tmp_path: Path, count: Callable[..., int]
) -> None:
    folder = outside_data / "olist"
    leads = bring_in(office, "leads", folder / "mql.iso.csv", "olist_leads", tmp_path)
    deals = bring_in(office, "deals", folder / "closed_deals.iso.csv", "olist_closed_deals", tmp_path)
    assert (leads.created, leads.refused) == (8000, 0)
    assert (deals.created, deals.refused) == (842, 0)
    assert [one.code for one in deals.warnings] == ["import_closed_before_contact"]
    assert count(lead, lead.c.source == "") == 60
    assert count(lead, lead.c.source == "unknown") == 1099
    assert count(lead, lead.c.status == "converted") == 842
    assert count(deal, deal.c.state == "won", deal.c.closed_on.is_not(None)) == 842
    undo_import(office.desk, deals.batch_id)
    assert count(lead, lead.c.status == "converted") == 0
    assert count(deal) == 0
