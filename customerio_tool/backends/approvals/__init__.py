"""The calls that wait for a person: in memory, in an SQLite file or in Redis."""
