"""The workspace in SQLite: schema, snapshots and state."""
