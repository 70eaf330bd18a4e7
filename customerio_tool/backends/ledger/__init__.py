"""The ledger of sends, and its stores: memory, a SQLite file, Redis."""
