"""Alembic's way in: the connection is handed over by ``crm_tui.hub.postgres``."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
