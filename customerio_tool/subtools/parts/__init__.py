"""Argument types and helpers that some subtools share."""
