"""Bulk: one subtool over many rows, each applied once, on one machine or many."""
