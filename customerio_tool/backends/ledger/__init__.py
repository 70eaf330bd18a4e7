"""The ledger of sends, and where it can be kept."""
