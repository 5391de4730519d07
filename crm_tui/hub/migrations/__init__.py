"""How a hub's tables on PostgreSQL came to be what they are: steps that Alembic runs, and where it stands."""
