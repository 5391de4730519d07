"""kill -9 in the middle of saving: what was acknowledged is there, what is there is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from crm_tui.store.engine import check_integrity, open_engine
from crm_tui.store.tables import contact_plan, customer, follow_up, outbox

ROUNDS = 50


@pytest.mark.parametrize("seed", range(2))
def test_no_acknowledged_follow_up_is_lost_by_kill_9(seed, office, database, tmp_path):
    customer_id = office.customer()
    database.dispose()
    path = tmp_path / "home" / "crm.db"
    told = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("killed_clerk.py")),
            str(path),
            office.people["6001"],
            office.pin,
            customer_id,
            office.clock.now.isoformat(),
            str(seed),
            str(ROUNDS),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    acknowledged = told.stdout.split()
    assert len(acknowledged) > ROUNDS
    assert check_integrity(path) == []
    engine = open_engine(path)
    with engine.connect() as connection:
        kept = set(connection.execute(select(follow_up.c.id)).scalars())
        planned = set(connection.execute(select(contact_plan.c.follow_up_id)).scalars())
        noted = connection.execute(select(outbox.c.cmd_id).where(outbox.c.kind == "log_follow_up")).all()
        row = connection.execute(select(customer)).one()
    engine.dispose()
    assert set(acknowledged) - kept == set()
    assert kept == planned
    assert len(noted) == len(kept)
    assert row.last_follow_up_at is not None
