"""Runs one call of a subtool, from its arguments to its result envelope."""
