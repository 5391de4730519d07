"""Storage and nothing else: tables, transactions, migrations and the scope of what a person sees."""
