"""The rules of the trade in plain Python: no database, no screen, no clock."""
